#!/usr/bin/env python3
"""Measure how well the matcher ranks: judged requirements, known items, and second halves of texts.

DIR holds real/achievements.jsonl, real/problems.jsonl, judged/qrels.tsv, known_item/title.jsonl,
known_item/keywords.jsonl, half/docs.jsonl and half/queries.jsonl.

judged    query = title。text of a requirement, documents = title。text of all achievements; nDCG@10 with gain
          2^grade - 1 over the requirements with any grade above 0; unjudged documents count as 0
title, keywords    the query's one record among the texts of all achievements; MRR@10
half      the first half of a text looks for its second half; nDCG@10
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run from a checkout without installing

from matching import TEXT_ONLY, Document, Index, Match, Query, Snapshot
from matching.metrics import bootstrap_interval, ndcg, rank_of, reciprocal_rank

DEPTH = 10
GRADES = {"0", "1", "2", "3"}
LOOK = 200  # so far down the list the rank of a known item is looked for; only equals can matter below 10

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """A task's figures, what each query got, and for each query the documents that nobody has judged yet."""

    figures: Figures
    per_query: dict[str, float]
    unjudged: dict[str, list[str]] = field(default_factory=dict)


class Unusable(Exception):  # noqa: N818  # read aloud: "Unusable: …"
    """A file is missing or is not what it should be."""


def lines_of(path: Path) -> list[tuple[int, str]]:
    """The lines that are not blank, numbered from 1."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise Unusable(f"{path}: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise Unusable(f"{path}: not UTF-8 ({problem.reason} at byte {problem.start})") from problem
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise Unusable(f"{path}: empty")
    return lines


def records(path: Path, *needed: str) -> list[dict[str, Any]]:
    """The records of a JSONL file, each with the fields that are needed, as text."""
    found = []
    for number, line in lines_of(path):
        try:
            record = json.loads(line)
        except json.JSONDecodeError as problem:
            raise Unusable(f"{path}, line {number}: {problem.msg}") from problem
        if not isinstance(record, dict) or not all(isinstance(record.get(name), str) for name in needed):
            raise Unusable(f"{path}, line {number}: needs {', '.join(needed)} as text")
        found.append(record)
    return found


def grades(path: Path) -> dict[str, dict[str, int]]:
    """requirement → achievement → grade, in the order of the file, whose first line is a header."""
    found: dict[str, dict[str, int]] = {}
    for number, line in lines_of(path)[1:]:
        match line.split("\t"):
            case [problem_id, achievement_id, grade] if grade.strip() in GRADES:
                found.setdefault(problem_id, {})[achievement_id] = int(grade)
            case _:
                raise Unusable(f"{path}, line {number}: needs problem, achievement and grade 0–3, tab-separated")
    return found


def snapshot(documents: Iterable[tuple[str, str, str]]) -> Snapshot:
    """An index of (key, title, text), made the way the marketplace makes it."""
    index = Index()
    index.put_many((key, Document(title, text)) for key, title, text in documents)
    return index.refresh()


def ranked(corpus: Snapshot, title: str, body: str, k: int) -> tuple[Match, ...]:
    return corpus.rank(Query(title, body), k=k, now=0.0, weights=TEXT_ONLY).items


def with_interval(metric: str, values: list[float]) -> Figures:
    low, high = bootstrap_interval(values)
    return {metric: fmean(values), f"{metric}_low": low, f"{metric}_high": high}


def judged(data: Path, achievements: list[dict[str, Any]]) -> Result:
    requirements = {each["id"]: each for each in records(data / "real/problems.jsonl", "id", "text")}
    graded = {key: found for key, found in grades(data / "judged/qrels.tsv").items() if max(found.values()) > 0}
    if missing := graded.keys() - requirements.keys():
        raise Unusable(f"{data}/judged/qrels.tsv: {min(missing)} is not in real/problems.jsonl")
    corpus = snapshot((each["id"], each.get("title") or "", each["text"]) for each in achievements)
    values, shares = [], []
    unjudged: dict[str, list[str]] = {}
    for key, found in graded.items():
        requirement = requirements[key]
        keys = [match.key for match in ranked(corpus, requirement.get("title") or "", requirement["text"], DEPTH)]
        values.append(ndcg(keys, found, DEPTH))
        shares.append(sum(name in found for name in keys) / max(len(keys), 1))
        if names := [name for name in keys if name not in found]:
            unjudged[key] = names
    if not values:
        raise Unusable(f"{data}/judged/qrels.tsv: no grade above 0")
    return Result(
        {**with_interval("ndcg@10", values), "judged@10": fmean(shares), "n": len(values)},
        dict(zip(graded, values, strict=True)),
        unjudged,
    )


def known(corpus: Snapshot, queries: list[dict[str, Any]], metric: str) -> Result:
    """Each query has one relevant record; its rank is 1 + the number of documents that score strictly higher."""
    values = []
    for query in queries:
        rank = rank_of(query["relevant"], ranked(corpus, "", query["query"], LOOK))
        if metric == "mrr@10":
            values.append(reciprocal_rank(rank, DEPTH))
        else:
            values.append(ndcg([""] * (rank - 1) + ["found"] if rank else [], {"found": 1}, DEPTH))
    names = (f"{place}:{query['relevant']}" for place, query in enumerate(queries))
    return Result({**with_interval(metric, values), "n": len(values)}, dict(zip(names, values, strict=True)))


def evaluate(data: Path) -> dict[str, Result]:
    """All four tasks. Raises Unusable when a file is missing or wrong."""
    achievements = records(data / "real/achievements.jsonl", "id", "text")
    names = {task: data / "known_item" / f"{task}.jsonl" for task in ("title", "keywords")}
    queries = {task: records(path, "query", "relevant") for task, path in names.items()}
    half_queries = records(data / "half/queries.jsonl", "query", "relevant")
    half_documents = records(data / "half/docs.jsonl", "id", "text")
    results = {"judged": judged(data, achievements)}
    texts = snapshot((each["id"], "", each["text"]) for each in achievements)
    for task, asked in queries.items():
        results[task] = known(texts, asked, "mrr@10")
    halves = snapshot((each["id"], "", each["text"]) for each in half_documents)
    results["half"] = known(halves, half_queries, "ndcg@10")
    return results


def show(results: dict[str, Result], console: Console) -> None:
    table = Table("task", "metric", "value", "95 % interval", "n", title="Ranking quality")
    for task, result in results.items():
        figures = result.figures
        for metric in (name for name in figures if name.endswith("@10")):
            low, high = figures.get(f"{metric}_low"), figures.get(f"{metric}_high")
            interval = "" if low is None else f"{low:.3f} – {high:.3f}"
            table.add_row(task, metric, f"{figures[metric]:.4f}", interval, str(figures["n"]))
    console.print(table)


def written(path: Path, content: object) -> None:
    try:
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as problem:
        raise Unusable(f"{path}: {problem.strerror}") from problem


def main(arguments: list[str] | None = None) -> int:
    description, _, layout = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=description, epilog=layout, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with the test sets, as below")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write {task: {metric: value, n: …}} here")
    parser.add_argument(
        "--details", type=Path, metavar="OUT", help="write what each query got, and the unjudged documents found, here"
    )
    options = parser.parse_args(arguments)
    begun = time.perf_counter()
    try:
        results = evaluate(options.data)
        show(results, Console())
        print(f"{time.perf_counter() - begun:.1f} s")
        if options.json:
            written(options.json, {task: result.figures for task, result in results.items()})
        if options.details:
            written(
                options.details,
                {task: {"per_query": each.per_query, "unjudged": each.unjudged} for task, each in results.items()},
            )
    except Unusable as problem:
        print(f"evaluate_matching: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
