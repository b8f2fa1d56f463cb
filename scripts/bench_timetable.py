"""Measure matching.timetable and write docs/benchmarks-timetable.md: `make bench-timetable`.

The crowds are made here, from a seed. Beside the planner run two others on the same crowd: people who book for themselves,
first come, first served, and a greedy scheduler that grants the most valuable wish first.
"""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random

from matching.timetable import (
    Agenda,
    Answer,
    Level,
    Objective,
    Participant,
    Person,
    Plan,
    Slot,
    Stage,
    Table,
    Wish,
)
from matching.timetable.board import Board
from matching.timetable.model import Model, Seating, compiled
from matching.timetable.smoothing import idle_slots
from matching.timetable.solving import solve

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks-timetable.md"


@dataclass(frozen=True)
class Crowd:
    """So many on each side, so many slots in sessions of five, so many tables; who is away, and how the wishes fall."""

    name: str
    each: int
    tables: int
    seconds: float
    slots: int = 20
    wishes: int = 5
    floor: int = 3
    away: float = 0.5
    """Share of people who miss a stretch of slots."""
    mixed: bool = False
    """With people who share a list, hosts at their tables, visits, maxima and two languages."""

    def agenda(self, seed: int) -> Agenda:
        rng = Random(seed)  # noqa: S311 - the same crowd each time
        slots = tuple(Slot(f"s{n}", f"session {n // 5}") for n in range(self.slots))
        tables = tuple(Table(f"t{n}", f"room {n // 10}") for n in range(self.tables))
        participants = tuple(self._participant(f"{side}{n}", rng) for side in "ab" for n in range(self.each))
        answers: dict[tuple[str, str], list[Answer]] = {}
        for side in "ab":
            popular = list(range(self.each))
            rng.shuffle(popular)
            # Wishes fall as they do: the n-th most popular is asked for as 1/√n.
            weights = [1 / (n + 1) ** 0.5 for n in range(self.each)]
            for n in range(self.each):
                chosen: dict[int, None] = {}
                while len(chosen) < min(self.wishes, self.each):
                    chosen[popular[rng.choices(range(self.each), weights)[0]]] = None
                for rank, one in enumerate(chosen):
                    pair = (f"a{n}", f"b{one}") if side == "a" else (f"a{one}", f"b{n}")
                    said = answers.setdefault(pair, [Answer.SILENT, Answer.SILENT])
                    said["ab".index(side)] = Answer.MEET if rank else Answer.MUST
        hosts = {each.id for each in participants if each.table}
        wishes = tuple(
            Wish(*pair, *said, round(rng.random(), 3), 2 if hosts & set(pair) and rng.random() < 0.1 else 1)
            for pair, said in answers.items()
        )
        return Agenda(slots, tables, participants, wishes, floor=self.floor)

    def _participant(self, name: str, rng: Random) -> Participant:
        if not self.mixed:
            return Participant.alone(name, absent=self._absent(rng))
        languages = frozenset(["zh"] if rng.random() < 0.85 else ["en"]) | frozenset(
            ["en"] if rng.random() < 0.5 else []
        )
        count = 2 if rng.random() < 0.2 else 1
        people = tuple(Person(f"{name}.{n}", self._absent(rng), None, languages) for n in range(count))
        most = rng.randint(3, 8) if rng.random() < 0.2 else None
        # Every tenth of one side stays at a table, the last of all.
        number = int(name[1:])
        host = f"t{self.tables - 1 - number // 10}" if name[0] == "b" and number % 10 == 0 else None
        return Participant(name, people, None, most, host)

    def _absent(self, rng: Random) -> frozenset[str]:
        if rng.random() >= self.away:
            return frozenset()
        length = rng.randint(2, self.slots // 2 + 1)
        start = rng.randint(0, self.slots - length)
        return frozenset(f"s{n}" for n in range(start, start + length))


CROWDS = (
    Crowd("200 × 200, 20 slots, 60 tables, 5 wishes each, nobody away", 200, 60, 30, away=0),
    Crowd("200 × 200, 60 tables", 200, 60, 30),
    Crowd("200 × 200, 100 tables", 200, 100, 30),
    Crowd("200 × 200, 60 tables, six promised", 200, 60, 30, floor=6),
    Crowd("200 × 200, 80 tables, mixed", 200, 80, 30, mixed=True),
    Crowd("500 × 500, 150 tables", 500, 150, 300),
)


@dataclass(frozen=True)
class Outcome:
    placed: int
    value: int
    floor: int
    idle: int


def outcome(board: Board) -> Outcome:
    return Outcome(len(board.at), board.value(), board.reached(), sum(idle_slots(board)))


def first_free(board: Board, edge: int) -> Seating | None:
    if board.full(edge):
        return None
    return next((seating for seating in board.model.edges[edge].seatings if board.fits(edge, seating)), None)


def book(model: Model, order: Iterable[int]) -> Outcome:
    """Each wish in its turn takes the first slot that both have left, if there is a table."""
    board = Board(model)
    for edge in order:
        seating = first_free(board, edge)
        if seating is not None:
            board.put(edge, seating)
    return outcome(board)


def by_themselves(model: Model, rng: Random) -> Iterator[int]:
    """People come in no order, round after round; each books the dearest of their own wishes that is still open."""
    own: dict[int, list[int]] = {}
    for edge, wish in enumerate(model.agenda.wishes):
        for side, said in zip(model.edges[edge].sides, (wish.first_says, wish.second_says), strict=True):
            if said is not Answer.SILENT:
                own.setdefault(side, []).append(edge)
    for edges in own.values():
        edges.sort(key=lambda edge: -model.edges[edge].value)
    booked: set[int] = set()
    while own:
        people = list(own)
        rng.shuffle(people)
        for side in people:
            while own[side] and own[side][0] in booked:
                own[side].pop(0)
            if not own[side]:
                del own[side]
                continue
            booked.add(own[side][0])
            yield own[side].pop(0)


@dataclass(frozen=True)
class Run:
    crowd: Crowd
    seed: int
    wishes: int
    people: int
    away: float
    seconds: float
    cpu: float
    proven: float | None
    plan: Plan
    itself: Outcome
    greedy: Outcome

    def level(self, objective: Objective) -> Level:
        return self.plan.level(objective)


def measure(crowd: Crowd, seed: int) -> Run:
    agenda = crowd.agenda(seed)
    stages: dict[Stage, float] = {}
    started, cpu = time.perf_counter(), time.process_time()
    plan = solve(agenda, seconds=crowd.seconds, seed=seed, progress=lambda p: stages.setdefault(p.stage, p.seconds))
    took, burnt = time.perf_counter() - started, time.process_time() - cpu
    model = compiled(replace(agenda, published=None))
    values = sorted(range(len(model.edges)), key=lambda edge: -model.edges[edge].value)
    proven = all(plan.level(one).status == "optimal" for one in (Objective.FLOOR, Objective.VALUE))
    return Run(
        crowd,
        seed,
        len(agenda.wishes),
        len(agenda.participants),
        statistics.mean(len(each.people[0].absent) for each in agenda.participants) / crowd.slots,
        took,
        burnt,
        stages.get(Stage.SMOOTHING) if proven else None,
        plan,
        book(model, by_themselves(model, Random(seed))),  # noqa: S311
        book(model, values),
    )


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f}" if theirs else "∞" if ours else "1.00"


def processor() -> str:
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def page(runs: list[Run]) -> str:
    def said(level: Level) -> str:
        if level.status == "optimal":
            return f"{level.reached:,}, optimal"
        gap = f"gap {level.gap:.2%}" if level.bound else f"at most {level.reached} fewer"
        return f"{level.reached:,}, bound {level.bound:,} ({gap})"

    proofs = table(
        [
            "crowd",
            "seed",
            "wishes",
            "away",
            "floor",
            "value",
            "idle slots",
            "changes",
            "of table + of room",
            "floor and value settled",
            "in all",
            "CPU",
        ],
        (
            [
                run.crowd.name,
                run.seed,
                f"{run.wishes:,}",
                f"{run.away:.0%}",
                *(
                    said(run.level(each))
                    for each in (Objective.FLOOR, Objective.VALUE, Objective.IDLE, Objective.CHANGES)
                ),
                f"{run.plan.numbers.table_changes:,} + {run.plan.numbers.room_changes:,}",
                "-" if run.proven is None else f"{run.proven:.1f} s",
                f"{run.seconds:.1f} s",
                f"{run.cpu:.1f} s",
            ]
            for run in runs
        ),
    )
    beside = table(
        [
            "crowd",
            "seed",
            "who plans",
            "wishes placed",
            "value",
            "floor reached",
            "idle slots",
            "placed, ours ÷ theirs",
            "value",
            "floor",
            "idle",
        ],
        (row for run in runs for row in _beside(run)),
    )
    return f"""# Benchmarks of the timetable

Written by `make bench-timetable` (`scripts/bench_timetable.py`) on {datetime.now(UTC):%Y-%m-%d}: {processor()},
{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end; Python {platform.python_version()}, scipy {version("scipy")} (HiGHS), numpy {version("numpy")}.
The planner uses one core; where its seconds and its CPU differ, others were at work on the machine.

Each side has so many people, in 20 slots of four sessions; everyone wishes for five of the other side, one of them a must,
the popular ones more often (as 1/√rank); half of the people miss a stretch of slots; everybody is promised three meetings,
or six.
"Mixed": a fifth are two people who share a list, a fifth want three to eight meetings at most, a tenth of one side stay at
their tables and give a tenth of their meetings two slots, and not everybody speaks the same language.

## What is proven

"Optimal" is a proof: the bound is reached. Each level is bounded given what the levels before it reached.

{proofs}

## Beside two others, on the same crowd

First come: people come in random order, round after round, and each books the best of their own wishes in the first slot that
both have left. Greedy: the most valuable wish first, each into the first such slot.

{beside}
"""


def _beside(run: Run) -> Iterator[list[object]]:
    numbers = run.plan.numbers
    ours = Outcome(numbers.placed, numbers.value, numbers.floor_reached, numbers.idle_slots)
    for name, one in (("timetable", ours), ("first come", run.itself), ("greedy", run.greedy)):
        ratios = [ratio(ours.placed, one.placed), ratio(ours.value, one.value), ratio(ours.floor, one.floor)]
        ratios.append(ratio(ours.idle, one.idle))
        floor = f"{one.floor:,} of {run.people:,}"
        yield [run.crowd.name, run.seed, name, f"{one.placed:,}", f"{one.value:,}", floor, f"{one.idle:,}", *ratios]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2, help="crowds of each kind")
    parser.add_argument("--only", default="", help="crowds whose name begins so; the page is then only printed")
    asked = parser.parse_args()
    # What is compiled once for an installation is no part of what a plan takes.
    solve(Crowd("", 20, 4, 60).agenda(0))
    runs = []
    for crowd in CROWDS:
        if crowd.name.startswith(asked.only):
            for seed in range(asked.seeds):
                runs.append(measure(crowd, seed))
                print(crowd.name, seed, f"{runs[-1].seconds:.1f} s", runs[-1].plan.numbers, file=sys.stderr)
    text = page(runs)
    if asked.only:
        print(text)
    else:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
