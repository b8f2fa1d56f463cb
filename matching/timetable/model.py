"""The agenda in whole numbers: each wish with every seating that its own two sides allow."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final, NamedTuple

from matching.timetable.agenda import Agenda, Keeping, Meeting, Participant, Wish
from matching.timetable.checking import AgendaRefused, FlawKind, check, flaw

POOL: Final = -1
"""The place of a meeting that any table of the pool will do for."""

APART: Final = -2
"""The place of a wish whose two sides stay at different tables."""

UNLIMITED: Final = 1 << 30
"""The maximum of who gave none: slots and absences still bound it."""


class Seating(NamedTuple):
    """Where a wish could sit: its first slot, and the person of either side."""

    start: int
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Edge:
    """A wish. ``place``: its own table, or POOL. ``seatings``: every way in which its two sides and its place are free."""

    sides: tuple[int, int]
    value: int
    length: int
    place: int
    seatings: tuple[Seating, ...]
    fills: bool = False

    def span(self, seating: Seating) -> range:
        return range(seating.start, seating.start + self.length)


@dataclass(slots=True)
class Model:
    """Participants, people, slots, tables and wishes by number, in the order of the agenda."""

    agenda: Agenda
    people: list[str]
    of: list[tuple[int, ...]]
    free: list[list[bool]]
    person_most: list[int]
    most: list[int]
    floor: list[int]
    session: list[int]
    pool: list[int]
    """Tables of the pool."""
    open: list[list[bool]]
    """Table × slot."""
    edges: list[Edge]
    fixed: dict[int, tuple[Seating, int]] = field(default_factory=dict)
    """Wishes whose meeting stays as it is, with its table."""
    before: dict[int, tuple[Seating, int]] = field(default_factory=dict)
    """Wishes whose meeting was published and may still be as it was, with its table."""
    published: int = 0

    @property
    def slots(self) -> int:
        return len(self.session)

    @property
    def most_value(self) -> int:
        """What no plan is worth more than."""
        return sum(max(0, one.value) for one in self.edges)

    def capacity(self) -> list[int]:
        """Open tables of the pool, by slot."""
        return [sum(self.open[table][slot] for table in self.pool) for slot in range(self.slots)]

    def meeting(self, edge: int, seating: Seating, table: int) -> Meeting:
        agenda, one = self.agenda, self.edges[edge]
        return Meeting(
            agenda.wishes[edge].pair,
            (self.people[seating.first], self.people[seating.second]),
            tuple(agenda.slots[slot].id for slot in one.span(seating)),
            agenda.tables[table].id,
        )


def compiled(agenda: Agenda) -> Model:
    """AgendaRefused when the agenda cannot be, or a published meeting cannot stay."""
    check(agenda)
    slot_ids = [slot.id for slot in agenda.slots]
    sessions = {name: number for number, name in enumerate(dict.fromkeys(slot.session for slot in agenda.slots))}
    tables = {table.id: number for number, table in enumerate(agenda.tables)}
    people = [person for each in agenda.participants for person in each.people]
    number = {person.id: place for place, person in enumerate(people)}
    # The table of a host, and the place of a visit, are theirs alone.
    own = {tables[each.table] for each in agenda.participants if each.table is not None}
    own |= {tables[wish.table] for wish in agenda.wishes if wish.table is not None}
    model = Model(
        agenda=agenda,
        people=[person.id for person in people],
        of=[tuple(number[person.id] for person in each.people) for each in agenda.participants],
        free=[[slot not in person.absent for slot in slot_ids] for person in people],
        person_most=[UNLIMITED if person.most is None else person.most for person in people],
        most=[UNLIMITED if each.most is None else each.most for each in agenda.participants],
        floor=[agenda.floor if each.floor is None else each.floor for each in agenda.participants],
        session=[sessions[slot.session] for slot in agenda.slots],
        pool=[place for place in range(len(agenda.tables)) if place not in own],
        open=[[slot not in table.closed for slot in slot_ids] for table in agenda.tables],
        edges=[],
    )
    which = {each.id: place for place, each in enumerate(agenda.participants)}
    room = model.capacity()
    for wish in agenda.wishes:
        sides = which[wish.first], which[wish.second]
        place = _place(wish, agenda.participants, sides, tables)
        seatings = tuple(_seatings(model, wish, sides, place, room))
        model.edges.append(Edge(sides, agenda.worth.of(wish), wish.length, place, seatings, wish.fills))
    _keep(model, number, tables)
    return model


def _place(wish: Wish, all_: Sequence[Participant], sides: tuple[int, int], tables: dict[str, int]) -> int:
    if wish.table is not None:
        return tables[wish.table]
    hosts = {tables[table] for side in sides if (table := all_[side].table) is not None}
    return APART if len(hosts) > 1 else next(iter(hosts), POOL)


def seated_pairs(model: Model, sides: tuple[int, int]) -> list[tuple[int, int]]:
    """The people of both sides who have a language in common."""
    spoken = [person.languages for each in model.agenda.participants for person in each.people]
    return [
        (first, second)
        for first, second in product(model.of[sides[0]], model.of[sides[1]])
        if not spoken[first] or not spoken[second] or spoken[first] & spoken[second]
    ]


def _seatings(model: Model, wish: Wish, sides: tuple[int, int], place: int, room: Sequence[int]) -> list[Seating]:
    if place == APART:
        return []
    pairs = seated_pairs(model, sides)
    found = []
    for start in range(model.slots - wish.length + 1):
        span = range(start, start + wish.length)
        if model.session[span[0]] != model.session[span[-1]]:
            continue
        if not all(room[slot] if place == POOL else model.open[place][slot] for slot in span):
            continue
        found += [
            Seating(start, first, second)
            for first, second in pairs
            if all(model.free[first][slot] and model.free[second][slot] for slot in span)
        ]
    return found


def _keep(model: Model, number: dict[str, int], tables: dict[str, int]) -> None:
    """Find the published meetings among the seatings; what is fixed must be there, and fit together."""
    published = model.agenda.published
    if published is None:
        return
    model.published = len(published.meetings)
    wishes = {frozenset(wish.pair): place for place, wish in enumerate(model.agenda.wishes)}
    slots = {slot.id: place for place, slot in enumerate(model.agenda.slots)}
    kept: dict[int, tuple[Seating, int]] = {}
    flaws = []
    for meeting in published.meetings:
        edge = wishes.get(frozenset(meeting.pair), -1)
        found = _as_published(model, edge, meeting, number, slots, tables) if edge >= 0 else None
        if found is not None:
            kept[edge] = found
        else:
            flaws.append(flaw(FlawKind.PUBLISHED_BREAKS_RULE, *meeting.pair))
    if published.keeping is Keeping.FEWEST_MOVES:
        model.before = kept
        return
    flaws += [flaw(FlawKind.PUBLISHED_BREAKS_RULE, *model.agenda.wishes[edge].pair) for edge in clashes(model, kept)]
    if flaws:
        raise AgendaRefused(flaws)
    model.fixed = kept


def _as_published(
    model: Model,
    edge: int,
    meeting: Meeting,
    number: dict[str, int],
    slots: dict[str, int],
    tables: dict[str, int],
) -> tuple[Seating, int] | None:
    one = model.edges[edge]
    same = meeting.pair == model.agenda.wishes[edge].pair
    first, second = (number.get(each, -1) for each in (meeting.people if same else meeting.people[::-1]))
    span = [slots.get(slot, -1) for slot in meeting.slots]
    table = tables.get(meeting.table, -1)
    if not span or table < 0:
        return None
    seating = Seating(span[0], first, second)
    right_place = table in model.pool if one.place == POOL else table == one.place
    if not right_place or seating not in one.seatings or span != list(one.span(seating)):
        return None
    return (seating, table) if all(model.open[table][slot] for slot in span) else None


def clashes(model: Model, held: dict[int, tuple[Seating, int]]) -> list[int]:
    """The wishes that take somebody's or a table's slot twice, or exceed a maximum, when held one after the other."""
    taken: set[tuple[str, int, int]] = set()
    person = [0] * len(model.people)
    party = [0] * len(model.of)
    out = []
    for edge, (seating, table) in held.items():
        one = model.edges[edge]
        needs = {
            (what, which, slot)
            for slot in one.span(seating)
            for what, which in (("person", seating.first), ("person", seating.second), ("table", table))
        }
        for each in seating[1:]:
            person[each] += 1
        for side in one.sides:
            party[side] += 1
        over = any(person[each] > model.person_most[each] for each in seating[1:])
        if over or needs & taken or any(party[side] > model.most[side] for side in one.sides):
            out.append(edge)
        taken |= needs
    return out
