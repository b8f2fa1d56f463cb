#!/usr/bin/env python3
"""Measure how well the matcher ranks: judged requirements, known items, and second halves of texts.

DIR holds real/achievements.jsonl, real/problems.jsonl, judged/qrels.tsv, known_item/title.jsonl,
known_item/keywords.jsonl, half/docs.jsonl and half/queries.jsonl.

judged    query = title。text of a requirement, documents = title。text of all achievements; nDCG@10 with gain
          2^grade - 1 over the requirements with any grade above 0; unjudged documents count as 0
title, keywords    the query's one record among the texts of all achievements; MRR@10
half      the first half of a text looks for its second half; nDCG@10

No query says what kind it is: whether it is read as a request or as a report is left to its text, as the matcher does
where nobody says it; how often it reads either so is shown beside.

--ablations leaves out one part of the score at a time; --compare FILE sets this run beside the --details of an earlier,
accepted one, query by query. Differences are paired: their intervals are those of the mean of what each query gains.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run from a checkout without installing

from matching import TEXT_ONLY, Document, Index, Match, Query, Snapshot
from matching.known_synonyms import STARTING
from matching.lexicon import NO_LEXICON, Lexicon
from matching.metrics import bootstrap_interval, ndcg, rank_of, reciprocal_rank
from matching.synonyms import NO_SYNONYMS, Synonyms
from matching.weighting import SETTINGS, Settings

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


class Corpora:
    """The indexes that the tasks ask, made the way the marketplace makes them; each text is cut once for all settings."""

    def __init__(self, lexicon: Lexicon = NO_LEXICON) -> None:
        self._lexicon = lexicon
        self._made: dict[tuple[str, bool], Snapshot] = {}

    def of(self, name: str, documents: Iterable[tuple[str, str, str]], settings: Settings) -> Snapshot:
        """An index of (key, title, text) under these settings. ``name`` stands for the documents."""
        known = self._made.get((name, settings.characters))
        if known is None:
            index = Index(settings, self._lexicon)
            index.put_many((key, Document(title, text)) for key, title, text in documents)
            known = self._made[name, settings.characters] = index.refresh()
        if known.postings.collection.settings == settings:
            return known
        return Snapshot(known.entries, known.vocabulary, len(known.postings.df), settings, self._lexicon)


Ask = Callable[[str, str], Query]
"""A title and a body made a question."""


def ranked(corpus: Snapshot, question: Query, k: int) -> tuple[Match, ...]:
    return corpus.rank(question, k=k, now=0.0, weights=TEXT_ONLY).items


def with_interval(metric: str, values: list[float]) -> Figures:
    low, high = bootstrap_interval(values)
    return {metric: fmean(values), f"{metric}_low": low, f"{metric}_high": high}


def judged(data: Path, corpus: Snapshot, ask: Ask) -> Result:
    requirements = {each["id"]: each for each in records(data / "real/problems.jsonl", "id", "text")}
    graded = {key: found for key, found in grades(data / "judged/qrels.tsv").items() if max(found.values()) > 0}
    if missing := graded.keys() - requirements.keys():
        raise Unusable(f"{data}/judged/qrels.tsv: {min(missing)} is not in real/problems.jsonl")
    values, shares, reports = [], [], 0
    unjudged: dict[str, list[str]] = {}
    for key, found in graded.items():
        requirement = requirements[key]
        question = ask(requirement.get("title") or "", requirement["text"])
        reports += question.reading.style == "report"
        keys = [match.key for match in ranked(corpus, question, DEPTH)]
        values.append(ndcg(keys, found, DEPTH))
        shares.append(sum(name in found for name in keys) / max(len(keys), 1))
        if names := [name for name in keys if name not in found]:
            unjudged[key] = names
    if not values:
        raise Unusable(f"{data}/judged/qrels.tsv: no grade above 0")
    return Result(
        {**with_interval("ndcg@10", values), "judged@10": fmean(shares), "reports": reports, "n": len(values)},
        dict(zip(graded, values, strict=True)),
        unjudged,
    )


def known(corpus: Snapshot, queries: list[dict[str, Any]], metric: str, ask: Ask) -> Result:
    """Each query has one relevant record; its rank is 1 + the number of documents that score strictly higher."""
    values, reports = [], 0
    for query in queries:
        question = ask("", query["query"])
        reports += question.reading.style == "report"
        rank = rank_of(query["relevant"], ranked(corpus, question, LOOK))
        if metric == "mrr@10":
            values.append(reciprocal_rank(rank, DEPTH))
        else:
            values.append(ndcg([""] * (rank - 1) + ["found"] if rank else [], {"found": 1}, DEPTH))
    names = (f"{place}:{query['relevant']}" for place, query in enumerate(queries))
    figures = {**with_interval(metric, values), "reports": reports, "n": len(values)}
    return Result(figures, dict(zip(names, values, strict=True)))


TASKS = {"judged": "ndcg@10", "title": "mrr@10", "keywords": "mrr@10", "half": "ndcg@10"}


def evaluate(
    data: Path,
    settings: Settings = SETTINGS,
    corpora: Corpora | None = None,
    synonyms: Synonyms = NO_SYNONYMS,
) -> dict[str, Result]:
    """All four tasks. Raises Unusable when a file is missing or wrong."""
    corpora = corpora or Corpora()
    ask = partial(Query, synonyms=synonyms)
    achievements = records(data / "real/achievements.jsonl", "id", "text")
    names = {task: data / "known_item" / f"{task}.jsonl" for task in ("title", "keywords")}
    queries = {task: records(path, "query", "relevant") for task, path in names.items()}
    half_queries = records(data / "half/queries.jsonl", "query", "relevant")
    half_documents = records(data / "half/docs.jsonl", "id", "text")
    whole = ((each["id"], each.get("title") or "", each["text"]) for each in achievements)
    results = {"judged": judged(data, corpora.of("whole", whole, settings), ask)}
    texts = corpora.of("texts", ((each["id"], "", each["text"]) for each in achievements), settings)
    for task, asked in queries.items():
        results[task] = known(texts, asked, TASKS[task], ask)
    halves = corpora.of("halves", ((each["id"], "", each["text"]) for each in half_documents), settings)
    results["half"] = known(halves, half_queries, TASKS["half"], ask)
    return results


PARTS: Mapping[str, Callable[[Settings], Settings]] = {
    "focus": lambda known: replace(known, focus=0.0),
    "the pivot": lambda known: replace(known, pivot=0.0),
    "brevity (all questions as short ones)": lambda known: replace(known, half=1e9),
    "emphasis of Latin names": lambda known: replace(known, names=1.0, letters=1.0),
    "words beside the point": lambda known: replace(known, asides=False),
    "single characters": lambda known: replace(known, characters=False),
    "reports (all questions as requests)": lambda known: replace(known, reports=False),
    "telling the nearest apart, in reports": lambda known: replace(known, apart=0.0),
    "all of these": lambda known: replace(
        known, focus=0.0, pivot=0.0, names=1.0, letters=1.0, asides=False, characters=False, reports=False
    ),
}
"""What the score is made of, and the settings without it."""

WIDENED = "nothing, but the starting synonyms added"


@dataclass(frozen=True, slots=True)
class Difference:
    """What each query gained, summed up; ``changed``: before and after of those that are not the same, most lost first."""

    mean: float
    low: float
    high: float
    better: int
    worse: int
    same: int
    changed: tuple[tuple[str, float, float], ...]


def difference(before: Mapping[str, float], after: Mapping[str, float]) -> Difference:
    """Over the queries that both have, of which there is at least one."""
    pairs = [(name, before[name], value) for name, value in after.items() if name in before]
    gains = [value - was for _, was, value in pairs]
    changed = sorted(
        (pair for pair in pairs if abs(pair[2] - pair[1]) > 1e-12), key=lambda pair: (pair[2] - pair[1], pair[0])
    )
    low, high = bootstrap_interval(gains)
    return Difference(
        mean=fmean(gains),
        low=low,
        high=high,
        better=sum(value > was for _, was, value in changed),
        worse=sum(value < was for _, was, value in changed),
        same=len(pairs) - len(changed),
        changed=tuple(changed),
    )


def ablations(data: Path, whole: dict[str, Result], corpora: Corpora) -> dict[str, dict[str, Difference]]:
    """For each part, what every task gains by leaving it out; last, what it gains by the starting synonyms."""
    runs = {part: evaluate(data, without(SETTINGS), corpora) for part, without in PARTS.items()}
    runs[WIDENED] = evaluate(data, corpora=corpora, synonyms=Synonyms.of(STARTING))
    return {
        part: {task: difference(whole[task].per_query, results[task].per_query) for task in TASKS}
        for part, results in runs.items()
    }


def accepted(path: Path) -> dict[str, dict[str, float]]:
    """What each query got in an earlier run, by task: the file that --details wrote."""
    try:
        found = json.loads("\n".join(line for _, line in lines_of(path)))
        read = {task: {str(name): float(got) for name, got in found[task]["per_query"].items()} for task in TASKS}
    except (json.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as problem:
        raise Unusable(f"{path}: not what --details writes") from problem
    return read


def compared(
    earlier: Mapping[str, Mapping[str, float]], results: dict[str, Result], path: Path
) -> dict[str, Difference]:
    """Unusable where a task has no query in common with the earlier run: other data."""
    for task in TASKS:
        if not earlier[task].keys() & results[task].per_query.keys():
            raise Unusable(f"{path}: no query of {task} is in this data")
    return {task: difference(earlier[task], results[task].per_query) for task in TASKS}


SHOWN = 10

EVERY = 10  # of so many abstracts one is enough to tell


def readings(data: Path) -> dict[str, tuple[int, int]]:
    """Of each side's own texts, how many are read as reports, and of how many: requirements should not be, abstracts should."""
    found = {}
    for name, each in (("problems", 1), ("achievements", EVERY)):
        texts = records(data / f"real/{name}.jsonl", "id", "text")[::each]
        styles = [Query(one.get("title") or "", one["text"]).reading.style for one in texts]
        found[name] = styles.count("report"), len(styles)
    return found


def signed(gain: Difference) -> str:
    return f"{gain.mean:+.4f} ({gain.low:+.3f} – {gain.high:+.3f})"


def show_ablations(found: dict[str, dict[str, Difference]], console: Console) -> None:
    table = Table(
        "left out", *TASKS, title="What leaving a part out changes, with 95 % intervals of the paired difference"
    )
    for part, by_task in found.items():
        table.add_row(part, *(signed(by_task[task]) for task in TASKS))
    console.print(table)


def show_compared(found: dict[str, Difference], console: Console) -> None:
    table = Table("task", "change, 95 % interval", "better", "worse", "same", title="Against the accepted run")
    for task, gain in found.items():
        table.add_row(task, signed(gain), str(gain.better), str(gain.worse), str(gain.same))
    console.print(table)
    for task, gain in found.items():
        lost, won = [one for one in gain.changed if one[2] < one[1]], [one for one in gain.changed if one[2] > one[1]]
        for word, some in (("lost", lost[:SHOWN]), ("won", won[::-1][:SHOWN])):
            for name, before, after in some:
                console.print(f"{task} {word} {name}: {before:.3f} → {after:.3f}", highlight=False)


def show(results: dict[str, Result], console: Console) -> None:
    table = Table("task", "metric", "value", "95 % interval", "read as reports", "n", title="Ranking quality")
    for task, result in results.items():
        figures = result.figures
        for metric in (name for name in figures if name.endswith("@10")):
            low, high = figures.get(f"{metric}_low"), figures.get(f"{metric}_high")
            interval = "" if low is None else f"{low:.3f} – {high:.3f}"
            counted = (str(figures[name]) for name in ("reports", "n"))
            table.add_row(task, metric, f"{figures[metric]:.4f}", interval, *counted)
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
    parser.add_argument("--ablations", action="store_true", help="also measure the score without each of its parts")
    parser.add_argument("--terms", type=Path, metavar="FILE", help="terms that count whole, one a line")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="the --details of an accepted run, to differ from")
    options = parser.parse_args(arguments)
    begun = time.perf_counter()
    console = Console()
    try:
        earlier = accepted(options.compare) if options.compare else None
        terms = [line for _, line in lines_of(options.terms)] if options.terms else []
        corpora = Corpora(Lexicon.of(terms, 1) if terms else NO_LEXICON)
        results = evaluate(options.data, corpora=corpora)
        show(results, console)
        for name, (reports, of) in readings(options.data).items():
            console.print(f"{name} read as reports: {reports} of {of}", highlight=False)
        if earlier is not None:
            show_compared(compared(earlier, results, options.compare), console)
        if options.ablations:
            show_ablations(ablations(options.data, results, corpora), console)
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
