"""The figures as a page and a plot."""

from collections.abc import Mapping, Sequence
from math import isnan, log10
from typing import Any, Final

from scripts.bench_matching.engines import ENGINES

HEAD: Final = """# Benchmarks of the matching

Made by `make bench-matching`; every figure below was measured on one machine, peers included. Compare ratios, not absolute
values.

All engines get the same tokens and the same queries, run one after the other, each in a process of its own on one thread, and
answer with the ten best. Ours ranks by the score of docs/matching-quality.md, scikit-learn, scipy and sparse_dot_topn by the
cosine of log-tf TF-IDF, each exactly over all records; bm25s and tantivy rank by BM25. So the answers differ, and the work is the
same: the postings of the same terms. That ours are those of the brute force is what tests/matching/segments show. Tokens are all words of a text that hold a letter, function words such as 的 included,
so that no engine gains by leaving some out. Times are means over all queries after each was asked once.
In a batch all queries are handed over at once: ours are laid down as records first, which is counted in, since it is records
that ask together (the rematch below, whose records are there already).

"""

ODD_MS: Final = 200
"""A long text is answered in so many milliseconds, whatever it is."""

LOOK: Final = 0.25
"""Seconds that pass at most before a server looks for changes."""

SMALL: Final = 10_000

COLOURS: Final = ("#c0392b", "#e59866", "#7f8c8d", "#8e44ad", "#2980b9", "#27ae60", "#16a085", "#d68910")


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _ms(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def page(figures: Mapping[str, Any]) -> str:
    """docs/benchmarks-matching.md."""
    parts = [HEAD, f"Measured {figures['date']}. Corpus: {figures['source']}.\n\n"]
    parts.append(_table(["what", "is"], [[name, value] for name, value in figures["machine"].items()]))
    parts.append("\n![CPU time of a query by the number of records](benchmarks-matching.svg)\n")
    parts.extend(map(_run, figures["runs"]))
    if figures.get("odd"):
        parts.append(_odd(figures["odd"]))
    parts.append(_small_goals(figures["runs"]))
    parts.append(_goals(figures["runs"]))
    return "".join(parts)


def _odd(its: Mapping[str, Any] | str) -> str:
    """Long and odd texts, and whether each is answered in the time that was promised."""
    head = "\n## Long and odd texts\n\n"
    if isinstance(its, str):
        return f"{head}{its}\n"
    rows = [
        [name, f"{one['terms']:,}", _ms(one["read"]), _ms(one["rank"]), f"**{_ms(one['all'])}**", "yes" if one["all"] <= ODD_MS else "**no**"]
        for name, one in its["texts"].items()
    ]  # fmt: skip
    titles = ["text", "terms", "read", "rank", "all, twenty explained", f"≤ {ODD_MS} ms"]
    return (
        f"{head}A question of {its['characters']:,} characters to {its['records']:,} records, with words, pairs and single"
        " characters as the marketplace asks it. CPU milliseconds, the best of three.\n\n"
    ) + _table(titles, rows)


def _run(run: Mapping[str, Any]) -> str:
    made = run["prepared"]
    out = [
        f"\n## {run['documents']:,} records\n\n",
        (
            f"{made['postings'] / 1e6:.1f} million postings. Load average of the machine {run['load']:.1f} before and"
            f" {run['load_after']:.1f} after. Milliseconds a query.\n\n"
        ),
    ]
    rows = []
    missing = []
    for name, its in run["engines"].items():
        if isinstance(its, str):
            missing.append(f"{ENGINES[name].title}: {its}")
            continue
        row = [ENGINES[name].title]
        for kind in ("short", "long"):
            some = its[kind]
            row.append(f"**{_ms(some['cpu'])}**")
            row.append("–" if ENGINES[name].batch else f"{_ms(some['cpu_p50'])} / {_ms(some['cpu_p99'])}")
            row.append("–" if ENGINES[name].batch else f"{_ms(some['wall_p50'])} / {_ms(some['wall_p99'])}")
        rows.append(row)
    lengths = ["7 terms: CPU", "CPU p50 / p99", "wall p50 / p99", "94 terms: CPU", "CPU p50 / p99", "wall p50 / p99"]
    out.append(_table(["engine", *lengths], rows))
    rows = []
    for name, its in run["engines"].items():
        if isinstance(its, str) or (ENGINES[name].batch and name != "sparse_dot_topn"):
            continue
        build = its.get("build")
        rows.append(
            [
                ENGINES[name].title,
                f"{build['wall']:.1f} ({build['cpu']:.1f})" if build else _made(made),
                f"{its['memory_mb']:.0f} ({its['memory_mb'] - its['before_mb']:.0f})",
                f"{its['disk_mb']:.0f}",
                f"{its['open']['wall'] * 1e3:.0f}",
                f"{its['first']['wall'] * 1e3:.0f}",
            ]
        )
    out.append("\n")
    out.append(_table(["engine", "build s, wall (CPU)", "memory MB (without the interpreter)", "disk MB", "cold open ms", "first answer ms"], rows))  # fmt: skip
    out.append(
        "\nMemory is what a process holds beyond the page cache, which all share. The peers' building starts from counted"
        " tokens, ours from the texts, which have to be cut first. Before opening, the files are dropped from the page"
        " cache; bm25s compiles at its first answer.\n"
    )
    out.extend(f"\n{line}." for line in missing)
    out.append(_opening(run.get("opening", {})))
    if "updating" in run:
        out.append(_updating(run["updating"]))
    if "living" in run:
        out.append(_living(run["living"]))
    if "rematching" in run:
        out.append(_rematching(run["rematching"]))
    return "".join(out)


def _made(its: Mapping[str, float]) -> str:
    cpu = "" if isnan(its["cpu"]) else f" ({its['cpu']:.1f})"
    return f"{its['wall']:.1f}{cpu}, from texts, two processes, at a load of {its['load']:.1f}"


def _opening(found: Mapping[str, Mapping[str, Any] | str]) -> str:
    """What a new process waits for."""
    out = []
    for which, told in (("cold", "nothing of the index and of the compiled kernels"), ("warm", "both")):
        its = found.get(which)
        if isinstance(its, str):
            out.append(f"{which}: {its}")
        elif its:
            out.append(
                f"with {told} in the page cache it opens the index after {its['open']['wall'] * 1e3:.0f} ms and has its first"
                f" answer, of 7 terms, after {its['to_first'] * 1e3:.0f} ms ({its['open']['cpu'] * 1e3 + its['first']['cpu'] * 1e3:.0f}"
                f" ms CPU); 94 terms then take {its['long']['wall'] * 1e3:.0f} ms, and the next {its['next']['wall'] * 1e3:.1f} ms"
            )
    if not out:
        return ""
    its = next(its for its in found.values() if its) if found else {}
    before = (
        f" Before that, Python and its libraries take {its['imports']:.1f} s to be there."
        if isinstance(its, Mapping)
        else ""
    )
    return (
        f"\nA new process: {'; '.join(out)}. The kernels' machine code is read from the disk, where the first process of an"
        f" installation has put it, and counted in.{before}\n"
    )


def _updating(its: Mapping[str, Any] | str) -> str:
    if isinstance(its, str):
        return f"\nUpdates: {its}\n"
    return (
        f"\nUpdates: 1,000 new records, from their texts, are found after {its['add_1000']['wall'] * 1e3:.0f} ms; one edited"
        f" record counts after {its['edit']['wall']:.0f} ms, a withdrawn one after {its['withdraw']['wall']:.0f} ms (means of"
        f" 20). A long query takes {_ms(its['long_after']['cpu'])} ms CPU then. scikit-learn, scipy, sparse_dot_topn and bm25s"
        " have to be built anew.\n"
    )


def _living(its: Mapping[str, Any] | str) -> str:
    if isinstance(its, str):
        return f"\nChanges while queries run: {its}\n"
    return (
        f"\nChanges while queries run, in two processes that each ask long queries without a pause ({its['answered']:,} meanwhile,"
        f" {_ms(its['long'])} ms wall each): an edited record counts in both after {_ms(its['edit']['mean'])} ms, at worst"
        f" {_ms(its['edit']['most'])}; a withdrawn one after {_ms(its['withdraw']['mean'])}, at worst"
        f" {_ms(its['withdraw']['most'])}. A server looks for changes four times a second.\n"
    )


def _rematching(its: Mapping[str, Any] | str) -> str:
    if isinstance(its, str):
        return f"\nRematch: {its}\n"
    ours, theirs = its["ours"], its.get("theirs")
    text = (
        f"\nRematch, top 50 each way, two threads, {its['problems']:,} problems and {its['achievements']:,} achievements:"
        f" {ours['problems_asked'] / ours['problems']:,.0f} problems a second ask all achievements and"
        f" {ours['achievements_asked'] / ours['achievements']:,.0f} achievements a second ask all problems"
    )
    if theirs is None:
        return text + "; sparse_dot_topn is not installed.\n"
    return text + (
        f"; sparse_dot_topn {ours['problems_asked'] / theirs['problems']:,.0f} and"
        f" {ours['achievements_asked'] / theirs['achievements']:,.0f}: {theirs['problems'] / ours['problems']:.1f} and"
        f" {theirs['achievements'] / ours['achievements']:.1f} times our time, {_whole(its):.1f} times for the whole rematch."
        " It ranks by the cosine.\n"
    )


def _whole(its: Mapping[str, Any]) -> float:
    """Their time for everybody both ways as a multiple of ours."""
    whole = []
    for who in (its["theirs"], its["ours"]):
        asked = its["ours"]
        whole.append(
            who["problems"] * its["problems"] / asked["problems_asked"]
            + who["achievements"] * its["achievements"] / asked["achievements_asked"]
        )
    return float(whole[0] / whole[1])


def _small_goals(runs: Sequence[Mapping[str, Any]]) -> str:
    """What was to be reached where fixed costs are most of a query."""
    run = next((run for run in runs if run["documents"] == SMALL), None)
    if run is None:
        return ""
    engines, found = run["engines"], []
    for kind in ("short", "long"):
        ours, theirs = engines.get("duijie"), engines.get("bm25s")
        if isinstance(ours, dict) and isinstance(theirs, dict):
            title = f"{kind} queries against {ENGINES['bm25s'].title}, one at a time"
            found.append((title, 1.3, theirs[kind]["cpu"] / ours[kind]["cpu"]))
    if isinstance(its := run.get("rematching"), dict) and "theirs" in its:
        ratio = its["theirs"]["problems"] / its["ours"]["problems"]
        found.append(("problems that ask all achievements, against sparse_dot_topn", 2, ratio))
    rows = [
        [what, f"≥ {wanted}×", f"{ratio:.3g}×", "yes" if ratio >= wanted else "**no**"] for what, wanted, ratio in found
    ]
    return (
        f"\n## Goals at {SMALL:,} records\n\n" + _table(["what", "goal", "measured", "reached"], rows) if rows else ""
    )


def _goals(runs: Sequence[Mapping[str, Any]]) -> str:
    """What was to be reached at a million records, and what is."""
    of = {run["documents"]: run for run in runs}
    if 1_000_000 not in of:
        return ""
    run = of[1_000_000]
    engines = run["engines"]
    ours = engines["duijie"]
    rows = []

    def goal(what: str, wanted: str, found: float, good: bool, unit: str = "×") -> None:
        rows.append([what, wanted, f"{found:.3g}{unit}", "yes" if good else "**no**"])

    bm25s = [its for name in ("bm25s", "bm25s-batch") if isinstance(its := engines.get(name), dict)]
    for kind, wanted in (
        ("long", {"bm25s": 2, "tantivy": 6, "scikit-learn": 150}),
        ("short", {"bm25s": 1.5, "tantivy": 2}),
    ):
        for name, times in wanted.items():
            their = bm25s if name == "bm25s" else [its for its in [engines.get(name)] if isinstance(its, dict)]
            if their:
                ratio = min(its[kind]["cpu"] for its in their) / ours[kind]["cpu"]
                goal(f"{kind} queries against {ENGINES[name].title}", f"≥ {times}×", ratio, ratio >= times)
    goal("memory of a process", "≤ 300 MB", ours["memory_mb"], ours["memory_mb"] <= 300, " MB")
    goal("index on disk", "≤ 600 MB", ours["disk_mb"], ours["disk_mb"] <= 600, " MB")
    goal("build from texts, two processes", "≤ 120 s", run["prepared"]["wall"], run["prepared"]["wall"] <= 120, " s")
    for which in ("cold", "warm"):
        its = run.get("opening", {}).get(which)
        if isinstance(its, dict):
            told = f"a process opens it and has its first answer, {which}"
            goal(told, "< 0.5 s", its["to_first"], its["to_first"] < 0.5, " s")
    if isinstance(run.get("updating"), dict):
        added = run["updating"]["add_1000"]["wall"]
        goal("1,000 records added and visible", "≤ 1 s", added, added <= 1, " s")
    if isinstance(living := run.get("living"), dict):
        most = max(living[name]["most"] for name in ("edit", "withdraw")) / 1e3 + LOOK
        goal("a change counts in two processes while queries run, at worst", "≤ 1 s", most, most <= 1, " s")
    if 100_000 in of:
        for kind in ("short", "long"):
            growth = ours[kind]["cpu"] / of[100_000]["engines"]["duijie"][kind]["cpu"]
            goal(f"growth from 100,000, {kind}", "≤ 8×", growth, growth <= 8)
    if isinstance(run.get("rematching"), dict) and "theirs" in run["rematching"]:
        ratio = _whole(run["rematching"])
        goal("full rematch against sparse_dot_topn", "≥ 2×", ratio, ratio >= 2)
    busy = max(run["load"], run["load_after"])
    note = f"\nWhat is not in the table was not measured. The load average reached {busy:.1f}: above the number of cores, wall"
    note += " times are those of a machine that is busy with other work, and CPU times suffer from shared caches.\n"
    return "\n## Goals at a million records\n\n" + _table(["what", "goal", "measured", "reached"], rows) + note


WIDTH, HEIGHT, LEFT, TOP = 380, 300, 60, 40


def plot(figures: Mapping[str, Any]) -> str:
    """Mean CPU milliseconds a query over the number of records, both logarithmic, for both lengths."""
    panels = [_panel(figures["runs"], kind, at) for kind, at in (("short", LEFT), ("long", LEFT + WIDTH + 70))]
    names = [name for name in ENGINES if any(isinstance(run["engines"].get(name), dict) for run in figures["runs"])]
    key = "".join(
        f'<circle cx="{LEFT + WIDTH * 2 + 100}" cy="{TOP + 20 * n}" r="5" fill="{_colour(name)}"/>'
        f'<text x="{LEFT + WIDTH * 2 + 112}" y="{TOP + 20 * n + 4}">{ENGINES[name].title}</text>'
        for n, name in enumerate(names)
    )
    size = f'viewBox="0 0 {LEFT + WIDTH * 2 + 300} {TOP + HEIGHT + 50}"'
    style = '<style>text{font:13px sans-serif;fill:#333}line{stroke:#ccc}</style><rect width="100%" height="100%" fill="#fff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{style}{"".join(panels)}{key}</svg>\n'


def _colour(name: str) -> str:
    return COLOURS[list(ENGINES).index(name) % len(COLOURS)]


def _panel(runs: Sequence[Mapping[str, Any]], kind: str, left: float) -> str:
    def x(documents: float) -> float:
        return left + WIDTH * (log10(documents) - 4) / 2

    def y(ms: float) -> float:
        return TOP + HEIGHT * (3.5 - log10(max(ms, 0.02))) / 5.2

    out = [f'<text x="{left}" y="{TOP - 18}">{"7 terms" if kind == "short" else "94 terms"}, CPU ms a query</text>']
    for ms in (0.1, 1, 10, 100, 1000):
        out.append(f'<line x1="{left}" x2="{left + WIDTH}" y1="{y(ms):.1f}" y2="{y(ms):.1f}"/>')
        out.append(f'<text x="{left - 8}" y="{y(ms) + 4:.1f}" text-anchor="end">{ms:g}</text>')
    for documents, told in ((1e4, "10k"), (1e5, "100k"), (1e6, "1M")):
        out.append(f'<text x="{x(documents):.1f}" y="{TOP + HEIGHT + 20}" text-anchor="middle">{told}</text>')
    for name in ENGINES:
        points = [
            (x(run["documents"]), y(its[kind]["cpu"]))
            for run in runs
            if isinstance(its := run["engines"].get(name), dict) and run["documents"] >= 10_000
        ]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        thick = 3 if name == "duijie" else 1.5
        out.append(f'<polyline points="{path}" fill="none" stroke="{_colour(name)}" stroke-width="{thick}"/>')
        out.extend(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{_colour(name)}"/>' for a, b in points)
    return "".join(out)
