"""Two-sided proposals: who is asked for has few places, and who asks keeps a few proposals of their own.

A ranking gives everybody the best, so a team that ten problems like best is proposed to all of them and cannot talk to
most. Here each team is proposed so often at most as it has places; each who asks gets ``most`` proposals at most, and as
many as possible of all first ``floor`` proposals are filled before anything else is looked at; among all ways to do that the
sum of the scores is the highest there is, to the seventh decimal. It is a transportation problem: every corner of its polytope is whole (Hoffman
and Kruskal 1956), so the linear program that HiGHS solves is exact, no rounding. That holds too where a candidate has
places of its own within those of its team: on either side any two of the sets that are limited are apart or one within
the other, and the rows of two such families are totally unimodular (Edmonds 1970).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, vstack

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

HIGHEST: Final = 10_000
"""Places, proposals or floor."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """``rank``: its place in the plain ranking of who asks, from 1. ``kept``: among the first ``floor`` of them."""

    key: str
    score: float
    rank: int
    kept: bool


@dataclass(frozen=True, slots=True)
class Passed:
    """A candidate that is not proposed although it ranks above one that is, or although there was room for more: all
    ``places`` of its team are taken, by askers whom it fits with scores from ``lowest`` to ``highest``. ``own``: the
    places are those of the candidate itself, within its team."""

    key: str
    score: float
    rank: int
    places: int
    lowest: float
    highest: float
    own: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """What one who asks gets, best first, and what is passed over."""

    proposals: tuple[Proposal, ...]
    passed: tuple[Passed, ...]


@dataclass(frozen=True, slots=True)
class Sharing:
    """``shares`` in the order of who asked. ``plain``: the sum of scores if everybody simply got the first ``most``;
    ``total``: what it is. ``short``: who has fewer than ``floor`` proposals, by place, although as few as possible do."""

    shares: tuple[Share, ...]
    plain: float
    total: float
    short: tuple[int, ...]


def shared(
    ranked: Sequence[Sequence[tuple[str, float]]],
    *,
    most: int,
    floor: int = 0,
    places: int,
    places_of: Mapping[str, int] | None = None,
    teams: Mapping[str, str] | None = None,
    own: Mapping[str, int] | None = None,
) -> Sharing:
    """Share out the places of teams.

    ``ranked``: for each who asks, the candidates with their scores, none below 0, best first. ``places``: of a team
    that ``places_of`` does not name. ``teams``: the team behind a candidate; a candidate is its own where it is not
    named. ``own``: places that a candidate has itself, beside those of its team.
    ValueError when a number is out of range.
    """
    for name, value, least in (("most", most, 1), ("floor", floor, 0), ("places", places, 0)):
        if not least <= value <= HIGHEST:
            raise ValueError(f"{name} must be from {least} to {HIGHEST}")
    if floor > most:
        raise ValueError("floor must not be above most")
    team_of = teams or {}
    names: dict[str, int] = {}
    selves: dict[str, int] = {}
    asking, answering, answering_self, scores = [], [], [], []
    for place, candidates in enumerate(ranked):
        for key, score in candidates:
            asking.append(place)
            answering.append(names.setdefault(team_of.get(key, key), len(names)))
            answering_self.append(selves.setdefault(key, len(selves)))
            scores.append(score)
    room = np.array([max((places_of or {}).get(name, places), 0) for name in names], np.int64)
    limits = [_Limit(np.array(answering, np.int64), room, own=False)]
    if own:
        # One place for each who asks is as good as no limit.
        its = np.array([max(own.get(key, len(ranked)), 0) for key in selves], np.int64)
        limits.append(_Limit(np.array(answering_self, np.int64), its, own=True))
    edges = _Edges(np.array(asking, np.int64), np.array(scores), len(ranked), tuple(limits))
    chosen = _chosen(edges, most, floor)
    _settle(edges, chosen, most)
    return _told(ranked, edges, chosen, most, floor)


@dataclass(frozen=True, slots=True)
class _Limit:
    """Who answers for each candidate, and the room that each of those has."""

    answering: Whole
    room: Whole
    own: bool

    def taken(self, chosen: NDArray[np.bool_]) -> Whole:
        return np.bincount(self.answering[chosen], minlength=len(self.room)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Edges:
    """Candidates: who asks, how well they fit, and what limits who answers: the team, and perhaps each by itself."""

    asking: Whole
    scores: Floats
    askers: int
    limits: tuple[_Limit, ...]

    @property
    def room(self) -> Whole:
        return np.concatenate([limit.room for limit in self.limits])


def _sums(of: Whole, rows: int) -> csr_array:
    return csr_array(coo_array((np.ones(len(of)), (of, np.arange(len(of)))), shape=(rows, len(of))))


def _chosen(edges: _Edges, most: int, floor: int) -> NDArray[np.bool_]:
    n = len(edges.scores)
    if not n:
        return np.zeros(0, np.bool_)
    by_asker = _sums(edges.asking, edges.askers)
    by_team = csr_array(vstack([_sums(limit.answering, len(limit.room)) for limit in edges.limits]))
    filled = 0.0
    if floor:  # as many of the first proposals as can be had at all
        found = linprog(
            -np.ones(n),
            A_ub=vstack([by_asker, by_team]),
            b_ub=np.concatenate([np.full(edges.askers, floor), edges.room]),
            bounds=(0, 1),
            method="highs-ds",
        )
        filled = float(np.rint(-_solved(found)))
    if not filled:
        found = linprog(
            -edges.scores,
            A_ub=vstack([by_asker, by_team]),
            b_ub=np.concatenate([np.full(edges.askers, most), edges.room]),
            bounds=(0, 1),
            method="highs-ds",
        )
        _solved(found)
        chosen: NDArray[np.bool_] = found.x > 0.5
        return chosen
    # Beside the candidates, how many of the first proposals of each who asks are filled: no more than it has, and together
    # as many as can be.
    eye = csr_array(coo_array((np.ones(edges.askers), (np.arange(edges.askers),) * 2)))
    nothing = csr_array((len(edges.room), edges.askers))
    no_edges = csr_array((1, n))
    rows = vstack(
        [
            _beside(by_asker, csr_array((edges.askers, edges.askers))),
            _beside(by_team, nothing),
            _beside(-by_asker, eye),
            _beside(no_edges, csr_array(-np.ones((1, edges.askers)))),
        ]
    )
    found = linprog(
        np.concatenate([-edges.scores, np.zeros(edges.askers)]),
        A_ub=rows,
        b_ub=np.concatenate([np.full(edges.askers, most), edges.room, np.zeros(edges.askers), [-filled]]),
        bounds=np.concatenate([np.tile([0.0, 1.0], (n, 1)), np.tile([0.0, float(floor)], (edges.askers, 1))]),
        method="highs-ds",
    )
    _solved(found)
    kept: NDArray[np.bool_] = found.x[:n] > 0.5
    return kept


def _settle(edges: _Edges, chosen: NDArray[np.bool_], most: int) -> None:
    """Of candidates that the solver holds for equal, the one that ranks first; nothing that is free stays unasked for."""
    free = [(limit.answering, limit.room - limit.taken(chosen)) for limit in edges.limits]

    def take(edge: int, many: int) -> None:
        for answering, left in free:
            left[answering[edge]] -= many

    starts = np.searchsorted(edges.asking, np.arange(edges.askers + 1))
    moved = True
    while moved:  # every move leads to a better rank, so it ends
        moved = False
        for begin, end in pairwise(starts.tolist()):
            its = [int(each) for each in np.flatnonzero(chosen[begin:end]) + begin]
            for edge in range(begin, end):
                if chosen[edge] or any(left[answering[edge]] <= 0 for answering, left in free):
                    continue
                if len(its) == most:
                    if its[-1] < edge:
                        break
                    last = its.pop()
                    chosen[last] = False
                    take(last, -1)
                chosen[edge] = moved = True
                take(edge, 1)
                its = sorted([*its, edge])


def _beside(left: csr_array, right: csr_array) -> csr_array:
    return csr_array(vstack([left.T, right.T]).T)


class Unsolved(RuntimeError):  # noqa: N818 -- read aloud
    """The solver gave up; what it said is the message."""


def _solved(found: object) -> float:
    if not getattr(found, "success", False):
        raise Unsolved(str(getattr(found, "message", "")))
    return float(getattr(found, "fun", 0.0))


@dataclass(frozen=True, slots=True)
class _Spent:
    """What became of the places of one limit."""

    limit: _Limit
    taken: Whole
    lowest: Floats
    highest: Floats

    @classmethod
    def of(cls, limit: _Limit, scores: Floats, chosen: NDArray[np.bool_]) -> "_Spent":
        lowest, highest = np.full(len(limit.room), np.inf), np.full(len(limit.room), -np.inf)
        np.minimum.at(lowest, limit.answering[chosen], scores[chosen])
        np.maximum.at(highest, limit.answering[chosen], scores[chosen])
        return cls(limit, limit.taken(chosen), lowest, highest)

    def full(self, edge: int) -> bool:
        who = self.limit.answering[edge]
        return bool(self.taken[who] >= self.limit.room[who])

    def told(self, edge: int) -> tuple[int, float, float, bool]:
        """How many places there are, the lowest and highest score that one went to, and whether they are its own."""
        who = self.limit.answering[edge]
        low, high = (float(each[who]) if self.taken[who] else 0.0 for each in (self.lowest, self.highest))
        return int(self.limit.room[who]), low, high, self.limit.own


def _told(
    ranked: Sequence[Sequence[tuple[str, float]]], edges: _Edges, chosen: NDArray[np.bool_], most: int, floor: int
) -> Sharing:
    limits = [_Spent.of(limit, edges.scores, chosen) for limit in reversed(edges.limits)]  # its own first
    shares, short = [], []
    at = 0
    for place, candidates in enumerate(ranked):
        its = chosen[at : at + len(candidates)].tolist()
        proposals = [
            (rank, key, score) for rank, ((key, score), yes) in enumerate(zip(candidates, its, strict=True), 1) if yes
        ]
        last = proposals[-1][0] if len(proposals) == most else len(candidates)
        passed = []
        for rank, ((key, score), yes) in enumerate(zip(candidates, its, strict=True), 1):
            if not yes and rank < last + (len(proposals) < most):
                full = next((one for one in limits if one.full(at + rank - 1)), limits[-1])
                passed.append(Passed(key, score, rank, *full.told(at + rank - 1)))
        shares.append(
            Share(
                tuple(Proposal(key, score, rank, n < floor) for n, (rank, key, score) in enumerate(proposals)),
                tuple(passed),
            )
        )
        if len(proposals) < floor:
            short.append(place)
        at += len(candidates)
    return Sharing(
        shares=tuple(shares),
        plain=sum(score for candidates in ranked for _, score in candidates[:most]),
        total=float(edges.scores[chosen].sum()),
        short=tuple(short),
    )
