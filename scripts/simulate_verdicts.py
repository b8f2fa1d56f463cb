"""What learning makes of simulated verdicts: how often planted evidence is found and noise taken for evidence, and, on judged
requirements, what lowering terms does to problems whose verdicts it was not learnt from (docs/learning.md).

python -m scripts.simulate_verdicts [--trials 100] [--data DIR]    DIR as in evaluate_matching.py
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from matching import Document, Facets, Index, Query, Snapshot
from matching.blend import DEFAULT_WEIGHTS
from matching.learning import SIGNALS, Shown, Verdict, learn, misleading
from matching.metrics import bootstrap_interval, ndcg
from matching.tuning import Lowered, LoweredTerm, Tuning
from scripts.evaluate_matching import grades as judged
from scripts.evaluate_matching import records

SIZES: Final = ((8, 6, 5), (12, 5, 6), (30, 5, 6))
FOLDS: Final = 5
LOOKED_AT: Final = 20
NAMED: Final = 2
NOW: Final = 1.0


def simulated(seed: int, deciding: str | None, houses: int, asking: int, found: int) -> list[Verdict]:
    """Verdicts in which one signal decides, with a third as much of the text and some noise; or grades at random."""
    dice = np.random.default_rng(seed)
    drawn = []
    for house in range(houses):
        for question in range(asking):
            for other in range(found):
                apart = dice.normal()
                values = tuple(dice.choice([0, 0.25, 0.5, 0.75, 1], len(SIGNALS)).tolist())
                liking = dice.normal()
                if deciding is not None:
                    liking = 2.5 * values[SIGNALS.index(deciding)] + 0.3 * apart + 0.5 * liking
                text = float(np.exp(0.25 * apart - 1.8))
                drawn.append(
                    (f"p{house}-{question}", f"a{house}-{question}-{other}", f"o{house}", liking, text, values)
                )
    steps = np.quantile([one[3] for one in drawn], [0.5, 0.75, 0.9])
    return [
        Verdict(asks, other, house, int(np.searchsorted(steps, liking)), text, values)
        for asks, other, house, liking, text, values in drawn
    ]


def weights(trials: int) -> None:
    for size in SIZES:
        planted = sum(
            learn(simulated(2000 + n, SIGNALS[n % len(SIGNALS)], *size), DEFAULT_WEIGHTS).better for n in range(trials)
        )
        noise = sum(learn(simulated(1000 + n, None, *size), DEFAULT_WEIGHTS).better for n in range(trials))
        print(
            f"{' × '.join(map(str, size))}: planted found {planted} of {trials}, noise taken for it {noise} of {trials}"
        )


def terms(data: Path) -> None:
    """Whoever sees a worthless record among the first twenty calls its two strongest terms misleading. Each requirement is
    a house of its own, all of one kind; the terms come from four fifths of them, and are measured on the last."""
    index = Index()
    achievements = records(data / "real/achievements.jsonl", "id", "text")
    index.put_many((row["id"], Document(row.get("title") or "", row["text"])) for row in achievements)
    snapshot = index.refresh()
    qrels = {asks: its for asks, its in judged(data / "judged/qrels.tsv").items() if any(its.values())}
    about = Facets(industries=("3841",))
    queries = {
        row["id"]: Query(row["title"], row["text"], about)
        for row in records(data / "real/problems.jsonl", "id", "title", "text")
        if row["id"] in qrels
    }
    names = sorted(queries)
    np.random.default_rng(0).shuffle(names)
    said = {asks: list(_said(snapshot, asks, queries[asks], qrels[asks])) for asks in names}
    before, after, lowered = [], [], Counter[str]()
    for fold in range(FOLDS):
        held_out = names[fold::FOLDS]
        found = misleading([one for asks in names if asks not in held_out for one in said[asks]])
        found = [one for one in found if one.kind]
        lowered.update(one.term for one in found)
        tuning = Tuning(1, DEFAULT_WEIGHTS, Lowered.of(LoweredTerm(one.term, one.kind, one.factor) for one in found))
        for asks in held_out:
            for view, figures in ((snapshot, before), (snapshot.tuned(tuning), after)):
                keys = [match.key for match in view.rank(queries[asks], k=10, now=NOW).items]
                figures.append(ndcg(keys, qrels[asks], 10))
    gains = [new - old for old, new in zip(before, after, strict=True)]
    low, high = bootstrap_interval(gains)
    print(
        f"terms: judged nDCG@10 {np.mean(before):.4f} → {np.mean(after):.4f} held out, {np.mean(gains):+.4f} "
        f"({low:+.4f} … {high:+.4f}); {sum(gain != 0 for gain in gains)} of {len(gains)} requirements changed"
    )
    print("lowered:", ", ".join(f"{term} ({n})" for term, n in lowered.most_common()))


def _said(snapshot: Snapshot, asks: str, query: Query, grades: dict[str, int]) -> Iterator[Shown]:
    for match in snapshot.rank(query, k=LOOKED_AT, now=NOW).items:
        if match.key in grades:
            why = snapshot.explain(query, match.key, now=NOW)
            labels = [one.label for one in why.terms if one.can_mislead]
            named = labels[:NAMED] if grades[match.key] == 0 else []
            yield Shown(asks, frozenset({"38"}), frozenset(labels), frozenset(named))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--data", type=Path)
    asked = parser.parse_args()
    weights(asked.trials)
    if asked.data is not None:
        terms(asked.data)


if __name__ == "__main__":
    main()
