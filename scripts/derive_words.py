#!/usr/bin/env python3
"""Are the lists of words that were written by hand worth more than lists that a rule makes?

DIR is laid out as for scripts/evaluate_matching.py; --second FILE adds judged requirements.

Words beside the point (matching/asides.py), by rule: words that at least a share of the requirements have, and a number of times as often as abstracts have them; with the
pairs inside them. It counts in requirements that nobody has graded, so that no grade and no question has a part in it. Share and
ratio are chosen on one random half of the judged requirements and told on the other, both ways (--splits times); for the
second set they are chosen on the first.

Words of requesters and of reports (matching/style.py), by the same rule from the same requirements and every other abstract: how
many of the requirements and of the first halves of the other abstracts are then read as reports.
"""

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run from a checkout without installing

from matching import Query
from matching.asides import ASIDE_TERMS
from matching.metrics import bootstrap_interval
from matching.style import REPORTED, REQUESTED, SHORTEST
from matching.text import CHARACTER, PAIR, has_clauses
from matching.weighting import SETTINGS
from scripts.evaluate_matching import TASKS, Corpora
from scripts.matching_sets import Unusable, grades, parser_of, records
from scripts.matching_tables import Corpus, Floats, Sought, Task, graded_questions

SHARES = (0.02, 0.05, 0.1)
RATIOS = (1.5, 2.0, 3.0, 5.0, 10.0)

Questions = list[tuple[str, Query, Sought]]


def with_pairs(words: Iterable[str]) -> frozenset[str]:
    """Words and the pairs of characters inside them, as ``matching.asides`` has them."""
    found = set(words)
    return frozenset(found | {PAIR + one + other for word in found for one, other in pairwise(word)})


def words_in(texts: Iterable[Query]) -> Counter[str]:
    """In how many texts each word is."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update(term for term in text.reading.counts if not term.startswith((PAIR, CHARACTER)))
    return found


def by_rule(
    requested: Mapping[str, int],
    requirements: int,
    reported: Mapping[str, int],
    abstracts: int,
    share: float,
    ratio: float,
) -> set[str]:
    return {
        word
        for word, many in requested.items()
        if many >= share * requirements and many / requirements >= ratio * (reported.get(word, 0) + 1) / abstracts
    }


def with_list(task: Task, questions: Questions, vocabulary: Collection[str], asides: Collection[str]) -> Task:
    """A task as if these terms were the ones beside the point."""
    asked = {name: query for name, query, _ in questions}
    parts = []
    for part in task.parts:
        terms = [term for name in part.names for term in asked[name].reading.counts if term in vocabulary]
        parts.append(replace(part, aside=np.array([term in asides for term in terms], np.bool_)))
    return replace(task, parts=tuple(parts), kept={})


def reports(texts: Iterable[Query], requested: Collection[str], reported: Collection[str]) -> float:
    """The share that ``matching.style`` would read as reports with these words."""
    read = [
        len(terms) >= SHORTEST
        and has_clauses(text.text)
        and ((many := sum(word in terms for word in requested)) <= 1 or sum(word in terms for word in reported) > many)
        for text in texts
        for terms in (text.reading.counts,)
    ]
    return sum(read) / len(read)


def show_styles(
    problems: list[dict[str, Any]], ungraded: list[dict[str, Any]], achievements: list[dict[str, Any]], console: Console
) -> None:
    learnt, others = achievements[::2], achievements[1::2]
    requirements = [Query(one.get("title") or "", one["text"]) for one in problems]
    halves = [Query("", one["text"][: len(one["text"]) // 2]) for one in others]
    requested, reported = (words_in(Query("", one["text"]) for one in found) for found in (ungraded, learnt))
    table = Table(
        "share",
        "ratio",
        "words",
        f"of {len(requirements)} requirements",
        f"of {len(halves)} first halves",
        title="Read as reports",
    )
    lists = {("by", "hand"): (REQUESTED, REPORTED)} | {
        (f"{share:g}", f"{ratio:g}"): (
            by_rule(requested, len(ungraded), reported, len(learnt), share, ratio),
            by_rule(reported, len(learnt), requested, len(ungraded), share, ratio),
        )
        for share, ratio in product(SHARES, RATIOS)
    }
    for name, (ours, theirs) in lists.items():
        shares = (f"{reports(texts, ours, theirs):.1%}" for texts in (requirements, halves))
        table.add_row(*name, f"{len(ours)} + {len(theirs)}", *shares)
    console.print(table)


def told(values: Floats, hand: Floats) -> tuple[str, str]:
    low, high = bootstrap_interval((values - hand).tolist())
    return f"{values.mean():.4f}", f"{(values - hand).mean():+.4f} ({low:+.3f} – {high:+.3f})"


def main(arguments: list[str] | None = None) -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--second", type=Path, metavar="FILE", help="more grades, tab-separated")
    parser.add_argument("--splits", type=int, default=50, metavar="N", help="times that the judged are divided (50)")
    parser.add_argument("--pool", type=int, default=450, metavar="N", help="candidates from each ranking (450)")
    options = parser.parse_args(arguments)
    try:
        show(options.data, options.second, options.splits, options.pool, Console())
    except Unusable as problem:
        print(f"derive_words: {problem}", file=sys.stderr)
        return 2
    return 0


def show(data: Path, second: Path | None, splits: int, pool: int, console: Console) -> None:
    files = {"judged": data / "judged/qrels.tsv"} | ({"second": second} if second else {})
    asked = {name: graded_questions(data, file) for name, file in files.items()}
    seen = {key for file in files.values() for key in grades(file)}
    every = records(data / "real/problems.jsonl", "id", "text")
    problems = [one for one in every if one["id"] not in seen]
    if not problems:
        raise Unusable(f"{data}/real/problems.jsonl: every requirement has a grade")
    achievements = records(data / "real/achievements.jsonl", "id", "text")
    requested, reported = (
        words_in(Query(one.get("title") or "", one["text"]) for one in found) for found in (problems, achievements)
    )
    whole = ((one["id"], one.get("title") or "", one["text"]) for one in achievements)
    corpus = Corpus.of(Corpora().of("whole", whole, SETTINGS))
    tasks = {name: Task.of(its, corpus, pool, TASKS["judged"], graded=True) for name, its in asked.items()}

    def values(name: str, terms: Collection[str]) -> Floats:
        return with_list(tasks[name], asked[name], corpus.snapshot.vocabulary, terms).values(SETTINGS)

    lists = {
        (share, ratio): by_rule(requested, len(problems), reported, len(achievements), share, ratio)
        for share, ratio in product(SHARES, RATIOS)
    }
    got = {name: np.array([values(name, with_pairs(words)) for words in lists.values()]) for name in tasks}
    hand = {name: values(name, ASIDE_TERMS) for name in tasks}
    columns = [f"{name}{more}" for name in tasks for more in ("", ", against the list by hand")]
    table = Table("share", "ratio", "words", *columns, title=f"Words of {len(problems)} requirements without grades")
    table.add_row("", "", "none", *(cell for name in tasks for cell in told(values(name, ()), hand[name])))
    table.add_row("by", "hand", "", *(cell for name in tasks for cell in told(hand[name], hand[name])))
    for number, ((share, ratio), words) in enumerate(lists.items()):
        cells = (cell for name in tasks for cell in told(got[name][number], hand[name]))
        table.add_row(f"{share:g}", f"{ratio:g}", str(len(words)), *cells)
    first, n = got["judged"], len(hand["judged"])
    crossed = np.zeros(n)
    for seed in range(splits):
        half = np.isin(np.arange(n), np.random.default_rng(seed).permutation(n)[: n // 2])
        for mask in (half, ~half):
            crossed[~mask] += first[first[:, mask].mean(axis=1).argmax()][~mask] / splits
    chosen = int(first.mean(axis=1).argmax())
    cells = {"judged": told(crossed, hand["judged"])}
    if second:
        cells["second"] = told(got["second"][chosen], hand["second"])
    table.add_row("chosen", "elsewhere", "", *(cell for name in tasks for cell in cells[name]))
    console.print(table)
    console.print(f"chosen for the second: {list(lists)[chosen]}", highlight=False)
    show_styles(every, problems, achievements, console)


if __name__ == "__main__":
    sys.exit(main())
