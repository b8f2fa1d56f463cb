#!/usr/bin/env python3
"""How well instruments, experts, events and funding calls are ranked for requirements, and where "nothing fits" is said.

Asked are the sample problems, the same without the industries and disciplines that they tell, and, where DIR is given, real
requirements (real/problems.jsonl), of the sample records of each kind. The grades are those of scripts/judgements/kinds.tsv: question, record, grade; what is not listed is a 0. A record
fits from grade 2 on.

The measure of "nothing fits" is the best text score times the known share of the question, over ln(1 + n). The rule by which
the number in use was chosen: the highest multiple of 0.0001 that says it wrongly of at most 3 in 100. It is applied to one
random half of the questions and told on the other, both ways (--splits times).
"""

import math
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run from a checkout without installing

from marketplace.demo import rows
from marketplace.docking import event_rankings
from marketplace.docking.event_rankings import Upcoming
from marketplace.funding import rankings
from marketplace.funding.rankings import OpenCalls
from marketplace.listings import bodies
from marketplace.listings.models import Achievement, Problem
from marketplace.pairings import reading
from marketplace.pairings.reading import EXPERT, INSTRUMENT
from marketplace.pairings.sources import SOURCES
from matching import TEXT_ONLY, Document, Index, Query, Snapshot
from matching.fields import NEAREST, field_of
from matching.known_measuring import MEASURING
from matching.measuring import NO_MEASURING
from matching.metrics import bootstrap_interval, ndcg
from matching.records import NO_FACETS
from matching.tuning import STARTING, Tuning
from schemas.achievements import AchievementBody
from schemas.labs import Audience
from schemas.problems import ProblemBody
from scripts.matching_sets import Unusable, grades, records

ROOT: Final = Path(__file__).resolve().parent.parent
FITS: Final = 2
FIRST: Final = 5
WRONGLY: Final = 0.03
STEP: Final = 0.0001

Floats = NDArray[np.float64]


class Row(SimpleNamespace):
    """A sample record as the database would have it; what the sample does not say is not known."""

    def __getattr__(self, _name: str) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Kind:
    """What is ranked, how it is tuned, and how a problem asks for it."""

    name: str
    documents: Mapping[str, Document]
    tuning: Tuning
    asking: Callable[[Query], Query] = lambda query: query

    def snapshot(self) -> Snapshot:
        index = Index()
        index.put_many(self.documents.items())
        return index.refresh().tuned(self.tuning)


def without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def listing(row: Mapping[str, Any], made: Callable[..., Any], body: Any) -> Any:
    """A sample achievement or problem as a record."""
    told = without(row, "organisation", "external_id", "confidential")
    return made(**bodies.columns(body.model_validate(told)))


def kinds() -> list[Kind]:
    achievements = {one["external_id"]: listing(one, Achievement, AchievementBody) for one in rows("achievements")}
    offered = Kind("achievement", {key: reading.document(one) for key, one in achievements.items()}, STARTING)
    near = offered.snapshot()

    def fielded(query: Query) -> Query:
        """As ``pairings.fields`` has it."""
        if query.facets.industries or query.facets.disciplines:
            return query
        ranking = near.rank(replace(query, facets=NO_FACETS), k=NEAREST, now=0.0, weights=TEXT_ONLY)
        found = [(one.text, offered.documents[one.key].facets) for one in ranking.items if ranking.fits]
        field = field_of((text, its.industries, its.disciplines) for text, its in found)
        return replace(query, facets=replace(query.facets, **field._asdict()))

    instruments = {one["external_id"]: Row(audience=Audience.EVERYBODY, **one) for one in rows("instruments")}
    experts = {
        one["external_id"]: Row(
            **without(one, "achievements"),
            kind=EXPERT,
            achievements=[
                "\n".join([its.title, "，".join(its.keywords)])
                for key in one["achievements"]
                for its in [achievements[key]]
            ],
        )
        for one in rows("experts")
    }
    events = {one["external_id"]: Row(**one["event"]) for one in rows("events")}
    calls = {
        one["external_id"]: Row(**without(one["call"], "kind"), kind=SimpleNamespace(value=one["call"]["kind"]))
        for one in rows("funding")
    }

    def read(found: Mapping[str, Any], document: Callable[[Any], Document]) -> dict[str, Document]:
        return {key: document(one) for key, one in found.items()}

    return [
        offered,
        Kind(
            INSTRUMENT,
            read(instruments, reading.document),
            SOURCES[INSTRUMENT].tuning,
            lambda query: replace(query, measuring=MEASURING),
        ),
        Kind(EXPERT, read(experts, reading.document), SOURCES[EXPERT].tuning),
        Kind("event", read(events, event_rankings.document), Upcoming.tuning, fielded),
        Kind("funding", read(calls, rankings.document), OpenCalls.tuning, fielded),
    ]


def plain(kind: Kind) -> Kind:
    """As if the kind were ranked like achievements."""
    return replace(kind, tuning=STARTING, asking=lambda query: replace(query, measuring=NO_MEASURING))


def questions(data: Path | None, judged: Iterable[str]) -> dict[str, dict[str, Query]]:
    """The sample problems, and the real requirements that were judged."""
    sample = {one["external_id"]: reading.query(listing(one, Problem, ProblemBody)) for one in rows("problems")}
    found = {
        "sample": sample,
        "sample, no field told": {key: replace(one, facets=NO_FACETS) for key, one in sample.items()},
    }
    if data is not None:
        wanted = set(judged)
        found["real"] = {
            one["id"]: Query(one.get("title") or "", one["text"], style="request")
            for one in records(data / "real/problems.jsonl", "id", "text")
            if one["id"] in wanted
        }
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """What the questions of one set reach among one kind."""

    gains: list[float]
    first: list[bool]
    fitting: Floats
    other: Floats


def asked(kind: Kind, asking: Mapping[str, Query], graded: Mapping[str, Mapping[str, int]]) -> Asked:
    snapshot, size = kind.snapshot(), math.log1p(len(kind.documents))
    gains, first, fitting, other = [], [], [], []
    for key, query in asking.items():
        its = {one: grade for one, grade in graded.get(key, {}).items() if one in kind.documents}
        ranking = snapshot.rank(kind.asking(query), k=len(kind.documents), now=0.0)
        text = snapshot.rank(kind.asking(query), k=1, now=0.0, weights=TEXT_ONLY)
        reached = text.best_text * text.known / size
        if max(its.values(), default=0) < FITS:
            other.append(reached)
            continue
        order = [match.key for match in ranking.items]
        fitting.append(reached)
        gains.append(ndcg(order, its, FIRST))
        first.append(bool(order) and its.get(order[0], 0) >= FITS)
    return Asked(gains, first, np.array(fitting), np.array(other))


def chosen(fitting: Floats) -> float:
    """The rule."""
    steps = np.arange(0, math.ceil(fitting.max() / STEP) + 1) * STEP
    return float(max(step for step in steps if (fitting < step).mean() <= WRONGLY))


def cross_fitted(found: Iterable[Asked], splits: int) -> str:
    """What halves choose, and how often the other half is then told wrongly and rightly."""
    every = list(found)
    fitting, other = (np.concatenate([getattr(one, side) for one in every]) for side in ("fitting", "other"))
    choices, wrongly, rightly = [], [], []
    for seed in range(splits):
        half = np.random.default_rng(seed).permutation(len(fitting)) < len(fitting) // 2
        for mask in (half, ~half):
            choices.append(chosen(fitting[mask]))
            wrongly.append(float((fitting[~mask] < choices[-1]).mean()))
            rightly.append(float((other < choices[-1]).mean()))
    return (
        f"all choose {chosen(fitting):.4f}, halves {min(choices):.4f} to {max(choices):.4f}; told on the other half:"
        f" wrongly {np.mean(wrongly):.1%}, rightly {np.mean(rightly):.1%}"
    )


def main(arguments: list[str] | None = None) -> int:
    description, _, rest = (__doc__ or "").partition("\n\n")
    parser = ArgumentParser(description=description, epilog=rest, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder with real/problems.jsonl")
    parser.add_argument("--splits", type=int, default=50, metavar="N", help="times that the questions are divided (50)")
    options = parser.parse_args(arguments)
    console = Console()
    try:
        graded = grades(ROOT / "scripts/judgements/kinds.tsv")
        asking = questions(options.data, graded)
    except Unusable as problem:
        print(f"measure_kinds: {problem}", file=sys.stderr)
        return 2
    columns = (
        "kind",
        "asked by",
        "something fits",
        "nDCG@5",
        "like achievements",
        "first fits",
        "said wrongly",
        "rightly",
    )
    table = Table(*columns, title="Requirements among the sample records")
    told = []
    for kind in kinds():
        reached = []
        for name, its in asking.items():
            found, before = asked(kind, its, graded), asked(plain(kind), its, graded)
            if name != "sample, no field told":
                reached.append(found)
            low, high = bootstrap_interval(found.gains)
            least = kind.tuning.least["request"]
            table.add_row(
                kind.name,
                name,
                f"{len(found.fitting)} of {len(its)}",
                f"{np.mean(found.gains):.3f} ({low:.3f} – {high:.3f})",
                f"{np.mean(before.gains):.3f}",
                f"{np.mean(found.first):.0%}",
                f"{(found.fitting < least).mean():.0%}",
                f"{(found.other < least).mean():.0%}",
            )
        told.append(f"{kind.name}: in use {kind.tuning.least['request']:g}; {cross_fitted(reached, options.splits)}")
    console.print(table)
    for line in told:
        console.print(line, highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
