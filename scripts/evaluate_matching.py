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
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run from a checkout without installing

from matching import TEXT_ONLY, Document, Index, Match, Query, Snapshot
from matching.metrics import bootstrap_interval, ndcg, rank_of, recall, reciprocal_rank

DEPTH = 10
LOOK = 200  # so far down the list the rank of a known item is looked for; only equals can matter below 10

Result = dict[str, Any]
Tick = Callable[[], None]


class Unusable(Exception):  # noqa: N818  # read aloud: "Unusable: …"
    """A file is missing or is not what it should be."""


def records(path: Path, *needed: str) -> list[dict[str, Any]]:
    """The lines of a JSONL file, each with the fields that are needed, as text."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as problem:
        raise Unusable(f"{path}: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise Unusable(f"{path}: not UTF-8 ({problem.reason} at byte {problem.start})") from problem
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as problem:
            raise Unusable(f"{path}, line {number}: {problem.msg}") from problem
        if not isinstance(record, dict) or not all(isinstance(record.get(name), str) for name in needed):
            raise Unusable(f"{path}, line {number}: needs {', '.join(needed)} as text")
        found.append(record)
    return found


def grades(path: Path) -> dict[str, dict[str, int]]:
    """requirement → achievement → grade, in the order of the file."""
    try:
        rows = path.read_text(encoding="utf-8").splitlines()[1:]
    except OSError as problem:
        raise Unusable(f"{path}: {problem.strerror}") from problem
    found: dict[str, dict[str, int]] = {}
    for number, row in enumerate(rows, 2):
        try:
            problem_id, achievement_id, grade = row.split("\t")
            found.setdefault(problem_id, {})[achievement_id] = int(grade)
        except ValueError as problem:
            raise Unusable(f"{path}, line {number}: needs problem, achievement and grade, tab-separated") from problem
    return found


def snapshot(documents: Iterable[tuple[str, str, str]]) -> Snapshot:
    """An index of (key, title, text), made the way the marketplace makes it."""
    index = Index()
    index.put_many((key, Document(title, text)) for key, title, text in documents)
    return index.refresh()


def ranked(corpus: Snapshot, title: str, body: str, k: int) -> tuple[Match, ...]:
    return corpus.rank(Query(title, body), k=k, now=0.0, weights=TEXT_ONLY).items


def judged(data: Path, achievements: list[dict[str, Any]], tick: Tick) -> Result:
    requirements = {each["id"]: each for each in records(data / "real/problems.jsonl", "id", "text")}
    graded = {key: found for key, found in grades(data / "judged/qrels.tsv").items() if max(found.values()) > 0}
    if missing := graded.keys() - requirements.keys():
        raise Unusable(f"{data}/judged/qrels.tsv: {min(missing)} is not in real/problems.jsonl")
    corpus = snapshot((each["id"], each.get("title") or "", each["text"]) for each in achievements)
    values, recalls, shares = [], [], []
    unjudged: dict[str, list[str]] = {}
    for key, found in graded.items():
        requirement = requirements[key]
        keys = [match.key for match in ranked(corpus, requirement.get("title") or "", requirement["text"], DEPTH)]
        values.append(ndcg(keys, found, DEPTH))
        recalls.append(recall(keys, {name for name, grade in found.items() if grade >= 2}, DEPTH))
        shares.append(sum(name in found for name in keys) / max(len(keys), 1))
        unjudged[key] = [name for name in keys if name not in found]
        tick()
    return {
        "ndcg@10": fmean(values),
        "ndcg@10_95": bootstrap_interval(values),
        "recall@10": fmean(value for value in recalls if value is not None),
        "judged@10": fmean(shares),
        "n": len(values),
        "per_query": dict(zip(graded, values, strict=True)),
        "unjudged": {key: names for key, names in unjudged.items() if names},
    }


def known(corpus: Snapshot, queries: list[dict[str, Any]], metric: str, tick: Tick) -> Result:
    """Each query has one relevant record; its rank is 1 + the number of documents that score strictly higher."""
    values = []
    for query in queries:
        rank = rank_of(query["relevant"], ranked(corpus, "", query["query"], LOOK))
        if metric == "mrr@10":
            values.append(reciprocal_rank(rank, DEPTH))
        else:
            values.append(ndcg([""] * (rank - 1) + ["found"] if rank else [], {"found": 1}, DEPTH))
        tick()
    return {metric: fmean(values), f"{metric}_95": bootstrap_interval(values), "n": len(values)}


def evaluate(data: Path, tick: Tick = lambda: None) -> dict[str, Result]:
    """All four tasks. Raises Unusable when a file is missing or wrong."""
    achievements = records(data / "real/achievements.jsonl", "id", "text")
    names = {task: data / "known_item" / f"{task}.jsonl" for task in ("title", "keywords")}
    queries = {task: records(path, "query", "relevant") for task, path in names.items()}
    half_queries = records(data / "half/queries.jsonl", "query", "relevant")
    half_documents = records(data / "half/docs.jsonl", "id", "text")
    results = {"judged": judged(data, achievements, tick)}
    texts = snapshot((each["id"], "", each["text"]) for each in achievements)
    for task, asked in queries.items():
        results[task] = known(texts, asked, "mrr@10", tick)
    halves = snapshot((each["id"], "", each["text"]) for each in half_documents)
    results["half"] = known(halves, half_queries, "ndcg@10", tick)
    return results


def show(results: dict[str, Result], console: Console) -> None:
    table = Table("task", "metric", "value", "95 % interval", "n", title="Ranking quality")
    for task, result in results.items():
        for metric, value in result.items():
            if isinstance(value, float):
                low, high = result.get(f"{metric}_95", (None, None))
                interval = "" if low is None else f"{low:.3f} – {high:.3f}"
                table.add_row(task, metric, f"{value:.4f}", interval, str(result["n"]))
    console.print(table)


def main(arguments: list[str] | None = None) -> int:
    description, _, layout = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=description, epilog=layout, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with the test sets, as below")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write {task: {metric: value, n: …}} here")
    options = parser.parse_args(arguments)
    begun = time.perf_counter()
    try:
        results = evaluate(options.data)
    except Unusable as problem:
        print(f"evaluate_matching: {problem}", file=sys.stderr)
        return 2
    show(results, Console())
    print(f"{time.perf_counter() - begun:.1f} s")
    if options.json:
        options.json.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
