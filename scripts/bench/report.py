"""The figures as a page."""

from statistics import median
from typing import Any

HEAD = """# Benchmarks

Made by `make bench`; every figure below comes from one run on one machine, peers included. Compare shapes and ratios with
your own machine, not absolute values.

"""


def _table(names: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def page(figures: dict[str, Any]) -> str:
    """docs/benchmarks.md."""
    parts = [HEAD, f"Measured {figures['date']}.\n\n## Machine and versions\n\n"]
    parts.append(_table(["what", "is"], [[name, value] for name, value in figures["machine"].items()]))
    parts.append(_imports(figures["import"]))
    parts.append(_rankings(figures))
    parts.append(_list_page(figures["page"]))
    parts.append(_quality(figures["quality"]))
    return "".join(parts)


def _imports(rows: list[dict[str, Any]]) -> str:
    return (
        "\n## Import\n\nJSONL through the importer into the embedded PostgreSQL: read, validated, written with derived"
        " columns, published, in one transaction. A record that lacks the text that publishing asks for is kept as a draft.\n\n"
        + _table(
            ["file", "rows", "seconds", "rows/s", "of them drafts", "refused"],
            [
                [
                    row["what"],
                    f"{row['rows']:,}",
                    f"{row['seconds']:.2f}",
                    f"{row['rows'] / row['seconds']:,.0f}",
                    str(row["drafts"]),
                    str(row["failed"]),
                ]
                for row in rows
            ],
        )
    )


def _rankings(figures: dict[str, Any]) -> str:
    rows = figures["ranking"]
    return (
        "\n## Ranking\n\n`GET /api/v1/problems/{id}/pairings?limit=20` with reasons, every problem once, against all"
        " imported achievements, one server process.\n\n"
        + _table(
            ["clients", "problems", "p50 ms", "p99 ms", "max ms", "rankings/s"],
            [
                [
                    str(row["connections"]),
                    str(row["n"]),
                    f"{row['p50_ms']:.1f}",
                    f"{row['p99_ms']:.1f}",
                    f"{row['max_ms']:.1f}",
                    f"{row['per_second']:.0f}",
                ]
                for row in rows
            ],
        )
        + f"\nMemory of the server process: {figures['memory_loaded_mb']:.0f} MB with everything loaded,"
        f" {figures['memory_peak_mb']:.0f} MB at its highest.\n"
    )


def _list_page(rounds: list[dict[str, float]]) -> str:
    ratios = [row["ours_rps"] / row["bare_rps"] for row in rounds]
    table = _table(
        ["round", "Duijie req/s", "bare req/s", "ratio", "Duijie CPU ms", "bare CPU ms"],
        [
            [
                str(number),
                f"{row['ours_rps']:,.0f}",
                f"{row['bare_rps']:,.0f}",
                f"{ratio:.2f}",
                f"{row['ours_cpu_ms']:.2f}",
                f"{row['bare_cpu_ms']:.2f}",
            ]
            for number, (row, ratio) in enumerate(zip(rounds, ratios, strict=True), 1)
        ],
    )
    return (
        "\n## A page of 20 achievements\n\nBeside a bare Starlette + asyncpg + orjson handler of the same rows (no paging, no"
        " sign-in, no errors, no log: `scripts/bench/bare.py`), 32 connections, in turns; CPU is the server process's own.\n\n"
        + table
        + f"\nMedian ratio of requests per second: **{median(ratios):.2f}**\n"
    )


def _quality(found: dict[str, dict[str, Any]]) -> str:
    rows = [
        [task, name, f"{value:.4f}" if isinstance(value, float) else str(value)]
        for task, metrics in found.items()
        if isinstance(metrics, dict)
        for name, value in metrics.items()
        if isinstance(value, int | float)
    ]
    return (
        "\n## Quality of the matching\n\nFrom `scripts/evaluate_matching.py` on the same records; the 95 % interval is a"
        " bootstrap over queries.\n\n" + _table(["task", "metric", "value"], rows)
    )
