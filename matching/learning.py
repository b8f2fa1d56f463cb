"""What people's verdicts teach: the weights of the signals, and which terms mislead.

The weights. Of two records that one question found, and that people graded differently, the better one should score
higher. A comparison is a logistic trial in the logarithm of the score's quotient (Bradley and Terry 1952; for rankings
Joachims 2002): with s = ln text + ln(1 + Σ weight · value), the better one wins with probability 1 / (1 + exp(−β (s − s'))).
The weights at hand are the prior: each strays from them by about ``STRAY``, unless evidence pulls it. They stay at
least 0, and 0.25 together, so text keeps its 0.8 of every score. A question of which n records were graded counts as
n − 1 trials (as many as it takes to put n in order), and an organisation for at most ``OF_ONE`` questions.

Whether that helps is measured where nothing was learnt: in five parts, each ranked with weights learnt from the other four
(by question, and without the pairs that both sides graded), nDCG@10 over the graded records against the weights at hand.
The interval (99 %) is a bootstrap over organisations, since verdicts of one house are alike. Better means that all of
it lies above 0.

The terms. For a term and a kind of problem (``tuning``) each organisation counts once, with the share of the pairings
whose reasons showed the term to it in which it called the term misleading. The mean of these shares is shrunk towards
that of all terms, as if ``IMAGINED`` more organisations had been asked. See ``misleading``.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.base import BaseEstimator
from sklearn.model_selection import GroupKFold

from matching.blend import LARGEST_SUM, Weights
from matching.metrics import ndcg
from matching.tuning import ALL, LEAST_FACTOR

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

SIGNALS: Final = tuple(each.name for each in fields(Weights))

ORGANISATIONS: Final = 8
QUESTIONS: Final = 30
COMPARISONS: Final = 100
"""With less evidence nothing is learnt."""
OF_ONE: Final = 10.0
STRAY: Final = 0.05
FOLDS: Final = 5
DEPTH: Final = 10
ROUNDS: Final = 10_000
SURE: Final = 0.99

NAMED_BY: Final = 3
FROM: Final = 0.5
IMAGINED: Final = 2.0
BESIDE: Final = 2


class Verdict(NamedTuple):
    """What somebody said of one pairing, and what the matcher had said. ``asking``: the record that asked; ``other``:
    the one it found. ``values``: of the signals, in the order of ``SIGNALS``, 0 where unknown."""

    asking: str
    other: str
    organisation: str
    grade: int
    text: float
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much there is to learn from. A question has at least two grades, else it compares nothing."""

    verdicts: int
    organisations: int
    questions: int
    comparisons: int

    def lacking(self) -> list[tuple[str, int, int]]:
        """(what, how many there are, how many it takes) for each of which there are too few."""
        needed = {"organisations": ORGANISATIONS, "questions": QUESTIONS, "comparisons": COMPARISONS}
        return [(what, getattr(self, what), least) for what, least in needed.items() if getattr(self, what) < least]


class TooLittle(ValueError):  # noqa: N818 -- it says what there is, and nothing went wrong
    """There is not enough evidence to learn from."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        super().__init__(", ".join(f"{there} of {least} {what}" for what, there, least in evidence.lacking()))


@dataclass(frozen=True, slots=True)
class Learnt:
    """``ndcg`` and ``accuracy`` (of comparisons) as (weights at hand, learnt), where nothing was learnt; ``gain``: the
    mean difference in nDCG@10, ``low`` and ``high`` its 99 % interval."""

    weights: Weights
    evidence: Evidence
    ndcg: tuple[float, float]
    accuracy: tuple[float, float]
    gain: float
    low: float
    high: float

    @property
    def better(self) -> bool:
        return self.low > 0


class _Rows:
    """The verdicts that say something, as columns."""

    def __init__(self, verdicts: Iterable[Verdict]) -> None:
        kept = sorted((one for one in verdicts if one.text > 0), key=lambda one: (one.asking, one.other))
        self.asking = np.array([one.asking for one in kept], dtype=object)
        self.pair = np.array([tuple(sorted((one.asking, one.other))) for one in kept] + [None], dtype=object)[:-1]
        self.others = [one.other for one in kept]
        self.organisation = np.array([one.organisation for one in kept], dtype=object)
        self.grades = np.array([one.grade for one in kept], dtype=np.int64)
        self.logs = np.log(np.array([one.text for one in kept], dtype=np.float64))
        values = np.array([one.values for one in kept], dtype=np.float64).reshape(len(kept), len(SIGNALS))
        self.values = np.clip(np.nan_to_num(values), 0.0, 1.0)

    def __len__(self) -> int:
        return len(self.asking)

    def questions(self, places: Places) -> dict[Any, Places]:
        """Of some rows, by question, those that can be compared with each other."""
        found: dict[Any, list[int]] = defaultdict(list)
        for place in places.tolist():
            found[self.asking[place]].append(place)
        return {
            asking: np.array(rows, np.intp)
            for asking, rows in found.items()
            if len(set(self.grades[rows].tolist())) > 1
        }

    def compared(self, rows: Places) -> tuple[Places, Places]:
        """Each pair of differently graded rows, the better one first."""
        above = self.grades[rows][:, None] > self.grades[rows][None, :]
        better, worse = np.nonzero(above)
        return rows[better], rows[worse]

    def shares(self, questions: dict[Any, Places]) -> dict[Any, float]:
        """How much each question counts: 1, less where its organisation asked many."""
        of: dict[Any, int] = defaultdict(int)
        for rows in questions.values():
            of[self.organisation[rows[0]]] += 1
        return {asking: min(1.0, OF_ONE / of[self.organisation[rows[0]]]) for asking, rows in questions.items()}

    def scores(self, weights: Floats, rows: Places) -> Floats:
        scores: Floats = self.logs[rows] + np.log1p(self.values[rows] @ weights)
        return scores


class BlendLearner(BaseEstimator):  # type: ignore[misc]
    """Signal weights from comparisons, in scikit-learn's contract: ``weights_`` and ``slope_`` (β) after ``fit``."""

    def __init__(self, prior: Weights, stray: float = STRAY) -> None:
        self.prior = prior
        self.stray = stray

    def fit(self, rows: _Rows, places: Places) -> Self:
        questions = rows.questions(places)
        shares = rows.shares(questions)
        better, worse, counts = [], [], []
        for asking, its in questions.items():
            above, below = rows.compared(its)
            better.append(above)
            worse.append(below)
            counts.append(np.full(len(above), shares[asking] * (len(its) - 1) / len(above)))
        prior = np.array(astuple(self.prior))
        self.weights_, self.slope_ = prior, 1.0
        if better:
            self._solve(rows, np.concatenate(better), np.concatenate(worse), np.concatenate(counts), prior)
        return self

    def _solve(self, rows: _Rows, better: Places, worse: Places, counts: Floats, prior: Floats) -> None:
        text = rows.logs[better] - rows.logs[worse]
        above, below = rows.values[better], rows.values[worse]

        def loss(at: Floats) -> tuple[float, Floats]:
            weights, slope = at[:-1], np.exp(at[-1])
            up, down = 1.0 + above @ weights, 1.0 + below @ weights
            apart = text + np.log(up) - np.log(down)
            wrong = 1.0 / (1.0 + np.exp(np.clip(slope * apart, -500, 500)))
            off = (weights - prior) / self.stray
            pull = -(counts * wrong)
            slopes = (above / up[:, None] - below / down[:, None]).T @ (pull * slope)
            # The slope's own prior is wide: a factor of e either way costs half a comparison.
            total = counts @ np.logaddexp(0.0, -slope * apart) + 0.5 * (off @ off) + 0.5 * at[-1] ** 2
            return float(total), np.append(slopes + off / self.stray, (pull * apart).sum() * slope + at[-1])

        found = minimize(
            loss,
            np.append(prior, 0.0),
            jac=True,
            method="SLSQP",
            bounds=[(0.0, LARGEST_SUM)] * len(prior) + [(-5.0, 5.0)],
            constraints={"type": "ineq", "fun": lambda at: LARGEST_SUM - at[:-1].sum()},
            options={"maxiter": 200},
        )
        if np.isfinite(found.x).all():
            self.weights_, self.slope_ = _allowed(found.x[:-1]), float(np.exp(found.x[-1]))


def _allowed(weights: Floats) -> Floats:
    """Weights as they are kept: to three places, not below 0, and 0.25 together whatever rounding did."""
    clean = np.clip(weights, 0.0, LARGEST_SUM)
    if clean.sum() > LARGEST_SUM:
        clean *= LARGEST_SUM / clean.sum()
    rounded: Floats = np.round(clean, 3)
    if rounded.sum() > LARGEST_SUM + 1e-12:
        rounded = np.floor(clean * 1000) / 1000
    return rounded


def evidence(verdicts: Iterable[Verdict]) -> Evidence:
    """How much there is."""
    return _evidence(_Rows(verdicts))


def _evidence(rows: _Rows) -> Evidence:
    questions = rows.questions(np.arange(len(rows)))
    return Evidence(
        verdicts=len(rows),
        organisations=len({rows.organisation[its[0]] for its in questions.values()}),
        questions=len(questions),
        comparisons=sum(len(rows.compared(its)[0]) for its in questions.values()),
    )


def learn(verdicts: Iterable[Verdict], at_hand: Weights) -> Learnt:
    """Weights from verdicts, and whether they are better than those at hand. The same verdicts give the same, in any
    order. ``TooLittle`` with too few of them."""
    rows = _Rows(verdicts)
    there = _evidence(rows)
    if there.lacking():
        raise TooLittle(there)
    before = np.array(astuple(at_hand))
    every = np.arange(len(rows))
    figures: list[tuple[str, float, tuple[float, float], tuple[float, float]]] = []
    shares = rows.shares(rows.questions(every))
    for train, test in GroupKFold(FOLDS).split(every, groups=rows.asking):
        seen = set(rows.pair[test].tolist())
        train = np.array([place for place in train.tolist() if rows.pair[place] not in seen], np.intp)  # noqa: PLW2901
        after = BlendLearner(at_hand).fit(rows, train).weights_
        for asking, its in rows.questions(test).items():
            both = [_judged(rows, its, weights) for weights in (before, after)]
            (one, right), (other, right_too) = both
            figures.append((rows.organisation[its[0]], shares[asking], (one, other), (right, right_too)))
    count = np.array([share for _, share, _, _ in figures])
    gains = np.array([after - before for _, _, (before, after), _ in figures])
    low, high = _interval([whose for whose, _, _, _ in figures], count, gains)

    def mean(place: int, which: int) -> float:
        return float(count @ np.array([figure[place][which] for figure in figures]) / count.sum())  # type: ignore[index]

    return Learnt(
        weights=Weights(*BlendLearner(at_hand).fit(rows, every).weights_.tolist()),
        evidence=there,
        ndcg=(mean(2, 0), mean(2, 1)),
        accuracy=(mean(3, 0), mean(3, 1)),
        gain=float(count @ gains / count.sum()),
        low=low,
        high=high,
    )


def _judged(rows: _Rows, its: Places, weights: Floats) -> tuple[float, float]:
    """nDCG@10 and the share of comparisons that come out right, of one question's graded records."""
    scores = np.round(rows.scores(weights, its), 12)
    keys = [rows.others[place] for place in its.tolist()]
    order = sorted(range(len(its)), key=lambda place: (-scores[place], keys[place]))
    grades = dict(zip(keys, rows.grades[its].tolist(), strict=True))
    above = rows.grades[its][:, None] > rows.grades[its][None, :]
    apart = scores[:, None] - scores[None, :]
    right = float(((apart > 0) + 0.5 * (apart == 0))[above].mean())
    return ndcg([keys[place] for place in order], grades, DEPTH), right


def _interval(whose: Sequence[str], count: Floats, gains: Floats, *, share: float = SURE) -> tuple[float, float]:
    """Percentile bootstrap over organisations of the weighted mean, the same for the same figures."""
    names = sorted(set(whose))
    place = np.array([names.index(one) for one in whose])
    total, weight = np.bincount(place, count * gains), np.bincount(place, count)
    drawn = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), ROUNDS)
    low, high = np.quantile((drawn @ total) / (drawn @ weight), [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


class Shown(NamedTuple):
    """The terms that the reasons of one pairing showed to an organisation, and which of them it called misleading.
    ``kinds``: of the problem of the two."""

    organisation: str
    kinds: frozenset[str]
    shown: frozenset[str]
    named: frozenset[str]


class Misleading(NamedTuple):
    """A term that misleads in questions of a kind. ``named_by`` of the ``asked`` organisations called it so, ``share``
    is how often, shrunk; it weighs ``factor`` of its weight. ``spared``: kinds that ``ALL`` does not stand for."""

    term: str
    kind: str
    factor: float
    share: float
    named_by: int
    asked: int
    spared: frozenset[str]


def misleading(verdicts: Iterable[Shown]) -> list[Misleading]:
    """The terms that at least three organisations called misleading in problems of one kind, and whose shrunken share
    reaches 0.5, each with the factor 1 − share, at least 0.25.

    For problems of any kind a term is lowered only where it was named in at least two of them; a kind in which at least
    three organisations saw it without reaching the share is spared. A problem without an industry is of no kind, and
    counts for all. Two texts seldom share a phrase to the very character (化学需氧量, 水化学需氧量): what shows a term with
    at most two characters more shows the term, and what names it so names the term.
    """
    every = list(verdicts)
    candidates = frozenset[str]().union(*(one.named for one in every))
    seen: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    of: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in every:
        of[one.organisation][0] += len(one.named)
        of[one.organisation][1] += len(one.shown | one.named)
        named = _about(one.named, candidates)
        for term in named | _about(one.shown, candidates):
            for kind in {*one.kinds, ALL}:
                counts = seen[term, kind][one.organisation]
                counts[0] += term in named
                counts[1] += 1
    if not seen:
        return []
    usual = sum(named / shown for named, shown in of.values() if shown) / len(of)
    told = {cell: [named / shown for named, shown in of.values()] for cell, of in seen.items()}
    share = {cell: (sum(its) + IMAGINED * usual) / (len(its) + IMAGINED) for cell, its in told.items()}
    named_by = {cell: sum(one > 0 for one in its) for cell, its in told.items()}
    kinds_seen: dict[str, list[str]] = defaultdict(list)
    for term, kind in sorted(told):
        kinds_seen[term].append(kind)
    found = []
    for cell in sorted(told):
        term, kind = cell
        enough = named_by[cell] >= NAMED_BY and share[cell] >= FROM
        spared: frozenset[str] = frozenset()
        if kind == ALL:
            own = [one for one in kinds_seen[term] if one != ALL]
            enough &= sum(named_by[term, one] > 0 for one in own) > 1
            spared = frozenset(one for one in own if len(told[term, one]) >= NAMED_BY and share[term, one] < FROM)
        if enough:
            factor = round(max(LEAST_FACTOR, 1.0 - share[cell]), 3)
            found.append(Misleading(term, kind, factor, share[cell], named_by[cell], len(told[cell]), spared))
    return found


def _about(labels: Iterable[str], candidates: frozenset[str]) -> set[str]:
    """The candidates that some labels are, or are with at most ``BESIDE`` characters more."""
    return {
        label[start : start + length]
        for label in labels
        for length in range(max(1, len(label) - BESIDE), len(label) + 1)
        for start in range(len(label) - length + 1)
        if label[start : start + length] in candidates
    }
