#!/usr/bin/env python3
"""How often "nothing fits" is said, where something does and where nothing does, by kind of question.

DIR is laid out as for scripts/evaluate_matching.py; --second FILE adds judged requirements.

something fits   requirements with a grade of 2 or 3, against all records; titles, keywords and first halves of records whose
                 discipline is known, against all other records: their field is there, if not always their kin, so what is
                 said wrongly is counted too high
nothing fits     the same titles, keywords and halves of technical records against the records of the humanities and of
                 law, economics and the arts alone, and the other way round; all requirements against the latter
in between       requirements whose best grade is 0 or 1, and requirements without the records of grade 2 and 3: others of the
                 field are there

The measure is the best text score times the known share of the question, over ln(1 + n); "nothing fits" is said below
``matching.tuning.FITS_FROM``. The rule by which that was chosen: the highest multiple of 0.0005 that says it wrongly of at
most 3 in 100. It is applied to one random half of the questions, told on the other, both ways (--splits times).
"""

import math
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run from a checkout without installing

from matching import TEXT_ONLY, Document, Index, Query, Snapshot
from matching.style import Style
from matching.tuning import FITS_FROM
from scripts.matching_sets import Unusable, grades, parser_of, records

_FAR = """
哲学 历史学 政治学 法学 新闻传播学 公共管理 理论经济学 应用经济学 工商管理 农林经济管理 体育学 艺术学
图书馆、情报与档案管理 民族学 教育学 军事学 社会学 中国语言文学 心理学
"""
FAR = frozenset(_FAR.split())
"""Disciplines that no requirement of a factory is about."""
WRONGLY = 0.03
STEP = 0.0005
DEEPEST = 200
"""More records than that are of grade 2 or 3 for no requirement."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the questions of one kind, read in one style, reach: the measure of each."""

    kind: str
    style: Style
    fits: bool | None  # None: in between
    reached: Floats


def corpus(found: Iterable[Mapping[str, Any]]) -> Snapshot:
    index = Index()
    index.put_many((one["id"], Document(one.get("title") or "", one["text"])) for one in found)
    return index.refresh()


def reached(query: Query, snapshot: Snapshot, gone: Collection[str] = ()) -> float:
    """The measure, as if the records that are ``gone`` were not there."""
    ranking = snapshot.rank(query, k=DEEPEST if gone else 1, now=0.0, weights=TEXT_ONLY)
    best = next((match.text for match in ranking.items if match.key not in gone), 0.0)
    return best * ranking.known / math.log1p(len(snapshot))


def measured(kind: str, fits: bool | None, questions: Iterable[tuple[Query, Snapshot, Collection[str]]]) -> list[Asked]:
    by_style: dict[Style, list[float]] = {"request": [], "report": []}
    for query, snapshot, gone in questions:
        by_style[query.reading.style].append(reached(query, snapshot, gone))
    return [Asked(kind, style, fits, np.array(got)) for style, got in by_style.items() if got]


def texts_of(record: Mapping[str, Any]) -> dict[str, str]:
    """A record's own words as questions, by kind."""
    text = record["text"]
    return {
        "titles": record.get("title") or "",
        "keywords": " ".join(record.get("keywords") or ()),
        "first halves": text[: len(text) // 2],
    }


def all_measured(data: Path, second: Path | None, most: int) -> list[Asked]:
    achievements = records(data / "real/achievements.jsonl", "id", "text")
    problems = records(data / "real/problems.jsonl", "id", "text")
    known = [one for one in achievements if one.get("discipline")]
    sides = {
        "technical": [one for one in known if one["discipline"] not in FAR],
        "humanities": [one for one in known if one["discipline"] in FAR],
    }
    if not all(sides.values()):
        raise Unusable(f"{data}/real/achievements.jsonl: needs records of both kinds of disciplines")
    whole, of = corpus(achievements), {name: corpus(found) for name, found in sides.items()}
    asking = {one["id"]: Query(one.get("title") or "", one["text"]) for one in problems}
    found: list[Asked] = []
    for name, path in (("judged", data / "judged/qrels.tsv"), ("second", second)):
        if path is None:
            continue
        graded = grades(path)
        if missing := graded.keys() - asking.keys():
            raise Unusable(f"{path}: {min(missing)} is not in real/problems.jsonl")
        good = {key: {one for one, grade in its.items() if grade >= 2} for key, its in graded.items()}
        yes, no = [key for key in good if good[key]], [key for key in good if not good[key]]
        found += measured(f"{name} requirements", True, ((asking[key], whole, ()) for key in yes))
        found += measured(f"{name}, nothing above 1", None, ((asking[key], whole, ()) for key in no))
        found += measured(f"{name}, the good left out", None, ((asking[key], whole, good[key]) for key in yes))
    found += measured("requirements", False, ((query, of["humanities"], ()) for query in asking.values()))
    for side, other in (("technical", "humanities"), ("humanities", "technical")):
        titled = [one for one in sides[side] if one.get("title")][:most]
        for kind in ("titles", "keywords", "first halves"):
            questions = [(Query("", said), one["id"]) for one in titled if (said := texts_of(one)[kind])]
            name = f"{kind}, {side}"
            found += measured(name, True, ((query, whole, (key,)) for query, key in questions))
            found += measured(name, False, ((query, of[other], ()) for query, _ in questions))
    return found


def chosen(fitting: Floats) -> float:
    """The rule."""
    steps = np.arange(0, math.ceil(fitting.max() / STEP) + 1) * STEP
    return float(max(step for step in steps if (fitting < step).mean() <= WRONGLY))


def cross_fitted(found: Sequence[Asked], style: Style, splits: int) -> tuple[list[float], float, float]:
    """What halves choose, and how often the other half is then told rightly and wrongly that nothing fits."""
    fitting, other = (
        np.concatenate([one.reached for one in found if one.style == style and one.fits is yes])
        for yes in (True, False)
    )
    choices, wrongly, rightly = [], [], []
    for seed in range(splits):
        half = np.isin(
            np.arange(len(fitting)), np.random.default_rng(seed).permutation(len(fitting))[: len(fitting) // 2]
        )
        for mask in (half, ~half):
            choices.append(chosen(fitting[mask]))
            wrongly.append(float((fitting[~mask] < choices[-1]).mean()))
            rightly.append(float((other < choices[-1]).mean()))
    return choices, float(np.mean(wrongly)), float(np.mean(rightly))


def show(found: Sequence[Asked], splits: int, console: Console) -> None:
    table = Table(
        "question", "read as", "n", "fits", "said", "5 %, half, 95 %", title='How often "nothing fits" is said'
    )
    for one in found:
        truth = {True: "something", False: "nothing", None: "in between"}[one.fits]
        said = (one.reached < FITS_FROM[one.style]).mean()
        spread = ", ".join(f"{value:.4f}" for value in np.quantile(one.reached, [0.05, 0.5, 0.95]))
        table.add_row(one.kind, one.style, str(len(one.reached)), truth, f"{said:.1%}", spread)
    console.print(table)
    for style, threshold in FITS_FROM.items():
        choices, wrongly, rightly = cross_fitted(found, style, splits)
        console.print(
            f"{style}: in use {threshold:g}; halves choose {min(choices):g} to {max(choices):g}; told on the other half:"
            f" wrongly {wrongly:.1%}, rightly {rightly:.1%}",
            highlight=False,
        )


def main(arguments: list[str] | None = None) -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--second", type=Path, metavar="FILE", help="more grades, tab-separated")
    parser.add_argument("--most", type=int, default=1000, metavar="N", help="records that ask, of either side (1000)")
    parser.add_argument("--splits", type=int, default=20, metavar="N", help="times that the questions are divided (20)")
    options = parser.parse_args(arguments)
    try:
        found = all_measured(options.data, options.second, options.most)
    except Unusable as problem:
        print(f"measure_nothing_fits: {problem}", file=sys.stderr)
        return 2
    show(found, options.splits, Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
