"""Two drafts side by side: who gains, who loses, what moved."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from matching.timetable.agenda import Agenda, Meeting
from matching.timetable.plan import Plan

Pair = frozenset[str]


@dataclass(frozen=True, slots=True)
class Shift:
    """A participant whose meetings are other ones, or more or fewer: how many, and their worth in thousandths."""

    participant: str
    meetings: tuple[int, int]
    value: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """From one draft to the other. ``moved``: the same pair at another time, table, or with other people."""

    gain: tuple[Shift, ...]
    lose: tuple[Shift, ...]
    moved: tuple[tuple[Meeting, Meeting], ...]
    added: tuple[Meeting, ...]
    dropped: tuple[Meeting, ...]


def compare(agenda: Agenda, one: Plan, other: Plan) -> Difference:
    """What the other draft changes. Worth is that of the agenda; a pair that it does not know counts nothing.

    Who gains comes with the largest gain first; ties by id. A participant whose meetings are worth the same is in neither.
    """
    worth = {frozenset(wish.pair): agenda.worth.of(wish) for wish in agenda.wishes}
    before, after = ({frozenset(m.pair): m for m in plan.meetings} for plan in (one, other))
    had, has = _tally(before, worth), _tally(after, worth)
    shifts = [
        Shift(who, (had[who][0], has[who][0]), (had[who][1], has[who][1]))
        for who in sorted({*had, *has})
        if had[who][1] != has[who][1]
    ]
    shifts.sort(key=lambda shift: (-abs(shift.value[1] - shift.value[0]), shift.participant))
    return Difference(
        gain=tuple(shift for shift in shifts if shift.value[1] > shift.value[0]),
        lose=tuple(shift for shift in shifts if shift.value[1] < shift.value[0]),
        moved=tuple(
            (meeting, after[pair])
            for pair, meeting in before.items()
            if pair in after and _differ(meeting, after[pair])
        ),
        added=tuple(meeting for pair, meeting in after.items() if pair not in before),
        dropped=tuple(meeting for pair, meeting in before.items() if pair not in after),
    )


def _tally(meetings: Iterable[Pair], worth: dict[Pair, int]) -> dict[str, tuple[int, int]]:
    out: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for pair in meetings:
        for who in pair:
            count, value = out[who]
            out[who] = count + 1, value + worth.get(pair, 0)
    return out


def _differ(one: Meeting, other: Meeting) -> bool:
    return (one.slots, one.table, frozenset(one.people)) != (other.slots, other.table, frozenset(other.people))
