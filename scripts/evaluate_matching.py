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

--second FILE adds more judged requirements as a task of their own (scripts/judgements/second.tsv). --ablations leaves out
one part of the score at a time; --peers asks the plain cosine and BM25 the same. --compare sets this run beside the
--details of an earlier, accepted one, query by query, and names what nobody has judged and was not found before.
Differences are paired: their intervals are those of the mean of what each query gains.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
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
from scripts.matching_peers import PEERS
from scripts.matching_runs import (
    Difference,
    Figures,
    Result,
    accepted,
    compared,
    details_of,
    difference,
    show_compared,
    signed,
    written,
)
from scripts.matching_sets import Unusable, grades, lines_of, parser_of, records

DEPTH = 10
LOOK = 200  # so far down the list the rank of a known item is looked for; only equals can matter below 10
ACCEPTED = Path(__file__).parent / "judgements" / "accepted.json"


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

Rank = Callable[[Query, int], tuple[Match, ...]]
"""The first k for a question."""


def by_the_score(corpus: Snapshot) -> Rank:
    return lambda question, k: corpus.rank(question, k=k, now=0.0, weights=TEXT_ONLY).items


def with_interval(metric: str, values: list[float]) -> Figures:
    low, high = bootstrap_interval(values)
    return {metric: fmean(values), f"{metric}_low": low, f"{metric}_high": high}


def judged(data: Path, file: Path, rank: Rank, ask: Ask) -> Result:
    requirements = {each["id"]: each for each in records(data / "real/problems.jsonl", "id", "text")}
    graded = {key: found for key, found in grades(file).items() if max(found.values()) > 0}
    if missing := graded.keys() - requirements.keys():
        raise Unusable(f"{file}: {min(missing)} is not in real/problems.jsonl")
    values, shares, reports = [], [], 0
    unjudged: dict[str, list[str]] = {}
    for key, found in graded.items():
        requirement = requirements[key]
        question = ask(requirement.get("title") or "", requirement["text"])
        reports += question.reading.style == "report"
        keys = [match.key for match in rank(question, DEPTH)]
        values.append(ndcg(keys, found, DEPTH))
        shares.append(sum(name in found for name in keys) / max(len(keys), 1))
        if names := [name for name in keys if name not in found]:
            unjudged[key] = names
    if not values:
        raise Unusable(f"{file}: no grade above 0")
    return Result(
        {**with_interval("ndcg@10", values), "judged@10": fmean(shares), "reports": reports, "n": len(values)},
        dict(zip(graded, values, strict=True)),
        unjudged,
    )


def known(rank: Rank, queries: list[dict[str, Any]], metric: str, ask: Ask) -> Result:
    """Each query has one relevant record; its rank is 1 + the number of documents that score strictly higher."""
    values, reports = [], 0
    for query in queries:
        question = ask("", query["query"])
        reports += question.reading.style == "report"
        place = rank_of(query["relevant"], rank(question, LOOK))
        if metric == "mrr@10":
            values.append(reciprocal_rank(place, DEPTH))
        else:
            values.append(ndcg([""] * (place - 1) + ["found"] if place else [], {"found": 1}, DEPTH))
    names = (f"{number}:{query['relevant']}" for number, query in enumerate(queries))
    figures = {**with_interval(metric, values), "reports": reports, "n": len(values)}
    return Result(figures, dict(zip(names, values, strict=True)))


TASKS = {"judged": "ndcg@10", "title": "mrr@10", "keywords": "mrr@10", "half": "ndcg@10"}


def evaluate(
    data: Path,
    settings: Settings = SETTINGS,
    corpora: Corpora | None = None,
    synonyms: Synonyms = NO_SYNONYMS,
    *,
    second: Path | None = None,
    by: Callable[[Snapshot], Rank] = by_the_score,
) -> dict[str, Result]:
    """All four tasks, and those of a second file of grades as "second". Raises Unusable when a file is missing or wrong."""
    corpora = corpora or Corpora()
    ask = partial(Query, synonyms=synonyms)
    achievements = records(data / "real/achievements.jsonl", "id", "text")
    names = {task: data / "known_item" / f"{task}.jsonl" for task in ("title", "keywords")}
    queries = {task: records(path, "query", "relevant") for task, path in names.items()}
    half_queries = records(data / "half/queries.jsonl", "query", "relevant")
    half_documents = records(data / "half/docs.jsonl", "id", "text")
    whole = ((each["id"], each.get("title") or "", each["text"]) for each in achievements)
    rank = by(corpora.of("whole", whole, settings))
    results = {"judged": judged(data, data / "judged/qrels.tsv", rank, ask)}
    if second:
        results["second"] = judged(data, second, rank, ask)
    rank = by(corpora.of("texts", ((each["id"], "", each["text"]) for each in achievements), settings))
    for task, asked in queries.items():
        results[task] = known(rank, asked, TASKS[task], ask)
    rank = by(corpora.of("halves", ((each["id"], "", each["text"]) for each in half_documents), settings))
    results["half"] = known(rank, half_queries, TASKS["half"], ask)
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


Differences = dict[str, dict[str, Difference]]
"""By what was changed and by task."""


def against(whole: Mapping[str, Result], results: Mapping[str, Result]) -> dict[str, Difference]:
    return {task: difference(each.per_query, results[task].per_query) for task, each in whole.items()}


def ablations(data: Path, whole: Mapping[str, Result], corpora: Corpora, second: Path | None = None) -> Differences:
    """For each part, what every task gains by leaving it out; last, what it gains by the starting synonyms."""
    found = {
        part: against(whole, evaluate(data, without(SETTINGS), corpora, second=second))
        for part, without in PARTS.items()
    }
    synonyms = Synonyms.of(STARTING)
    return found | {WIDENED: against(whole, evaluate(data, corpora=corpora, synonyms=synonyms, second=second))}


def peers(data: Path, corpora: Corpora, second: Path | None = None) -> dict[str, dict[str, Result]]:
    return {name: evaluate(data, corpora=corpora, second=second, by=peer) for name, peer in PEERS.items()}


EVERY = 10  # of so many abstracts one is enough to tell


def readings(data: Path) -> dict[str, tuple[int, int]]:
    """Of each side's own texts, how many are read as reports, and of how many: requirements should not be, abstracts should."""
    found = {}
    for name, each in (("problems", 1), ("achievements", EVERY)):
        texts = records(data / f"real/{name}.jsonl", "id", "text")[::each]
        styles = [Query(one.get("title") or "", one["text"]).reading.style for one in texts]
        found[name] = styles.count("report"), len(styles)
    return found


def show_ablations(found: Differences, console: Console) -> None:
    tasks = next(iter(found.values()))
    table = Table(
        "left out", *tasks, title="What leaving a part out changes, with 95 % intervals of the paired difference"
    )
    for part, by_task in found.items():
        table.add_row(part, *map(signed, by_task.values()))
    console.print(table)


def show_peers(whole: Mapping[str, Result], found: Mapping[str, Mapping[str, Result]], console: Console) -> None:
    table = Table("peer", *whole, title="Other scores, and what this one is better by, with 95 % intervals, paired")
    for name, results in found.items():
        gains = against(results, whole)
        cells = (f"{fmean(each.per_query.values()):.4f}: {signed(gains[task])}" for task, each in results.items())
        table.add_row(name, *cells)
    console.print(table)


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


def main(arguments: list[str] | None = None) -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--json", type=Path, metavar="OUT", help="write {task: {metric: value, n: …}} here")
    parser.add_argument(
        "--details", type=Path, metavar="OUT", help="write what each query got, and the unjudged documents found, here"
    )
    parser.add_argument("--second", type=Path, metavar="FILE", help="more grades, tab-separated, told apart")
    parser.add_argument("--ablations", action="store_true", help="also measure the score without each of its parts")
    parser.add_argument("--terms", type=Path, metavar="FILE", help="terms that count whole, one a line")
    parser.add_argument("--peers", action="store_true", help="also measure the plain cosine and BM25")
    parser.add_argument(
        "--compare",
        type=Path,
        nargs="?",
        const=ACCEPTED,
        metavar="FILE",
        help="the --details of an accepted run, to differ from; without FILE the last one that is kept beside this script",
    )
    options = parser.parse_args(arguments)
    begun = time.perf_counter()
    console = Console()
    try:
        earlier = accepted(options.compare, TASKS) if options.compare else None
        terms = [line for _, line in lines_of(options.terms)] if options.terms else []
        corpora = Corpora(Lexicon.of(terms, 1) if terms else NO_LEXICON)
        results = evaluate(options.data, corpora=corpora, second=options.second)
        show(results, console)
        for name, (reports, of) in readings(options.data).items():
            console.print(f"{name} read as reports: {reports} of {of}", highlight=False)
        if earlier is not None:
            show_compared(compared(earlier, results, options.compare), console)
        if options.ablations:
            show_ablations(ablations(options.data, results, corpora, options.second), console)
        if options.peers:
            show_peers(results, peers(options.data, corpora, options.second), console)
        print(f"{time.perf_counter() - begun:.1f} s")
        if options.json:
            figures = {task: result.figures for task, result in results.items()}
            written(options.json, json.dumps(figures, ensure_ascii=False, indent=1) + "\n")
        if options.details:
            written(options.details, details_of(results))
    except Unusable as problem:
        print(f"evaluate_matching: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
