"""Agendas to be planned, a checker of every rule, and two brute forces: all written without the planner's own modules."""

from collections import Counter, defaultdict
from itertools import combinations, pairwise, product
from random import Random

from hypothesis import strategies as st

from matching.timetable import Agenda, Answer, Keeping, Meeting, Participant, Person, Slot, Table, Wish


def agendas(**size):
    """Crowded agendas by seed: hypothesis draws small ones by itself, in which nobody is in anybody's way."""
    return st.integers(0, 2**32 - 1).map(lambda seed: an_agenda(Random(seed), **size))


def an_agenda(rng, *, most_slots=5, most_tables=3, most_each=4, most_wishes=9, frills=True):
    """Participants, up to ``most_each`` on two sides, one session or two, and whatever rule there is, if ``frills``."""

    def some(things, share):
        return frozenset(each for each in things if rng.random() < share)

    count = rng.randint(max(1, most_slots - 2), most_slots)
    cut = rng.choice([0, count // 2])
    slots = tuple(Slot(f"s{n}", "morning" if n < cut else "afternoon") for n in range(count))
    ids = [slot.id for slot in slots]
    tables = tuple(
        Table(f"t{n}", rng.choice("AB"), some(ids, 0.15) if frills else frozenset())
        for n in range(rng.randint(1, most_tables))
    )
    places = [table.id for table in tables]
    frilled = frills and rng.random() < 0.7
    participants = []
    for n in range(rng.randint(most_each, 2 * most_each)):
        people = tuple(
            Person(
                f"p{n}.{m}",
                some(ids, 0.25),
                rng.randint(0, 3) if frilled and rng.random() < 0.2 else None,
                some(["zh", "en"], 0.7) if frilled else frozenset(),
            )
            for m in range(1 + (frilled and rng.random() < 0.25))
        )
        host = rng.choice(places) if frilled and rng.random() < 0.15 else None
        most = rng.randint(0, 4) if frilled and rng.random() < 0.2 else None
        floor = rng.randint(0, 3) if frilled and rng.random() < 0.3 else None
        participants.append(Participant(f"p{n}", people, floor, most, host))
    hosted = {each.id for each in participants if each.table}
    longest = max(Counter(slot.session for slot in slots).values())
    pairs = list(combinations([each.id for each in participants], 2))
    wishes = []
    for first, second in rng.sample(pairs, min(len(pairs), most_wishes)):
        place = rng.choice(places) if frilled and rng.random() < 0.08 else None
        long = (place or hosted & {first, second}) and longest > 1 and rng.random() < 0.5
        one, other = rng.choices(list(Answer), k=2)
        fills = frills and not long and Answer.SILENT in (one, other) and rng.random() < 0.4
        wishes.append(Wish(first, second, one, other, rng.randint(0, 9) / 10, 2 if long else 1, place, fills))
    return Agenda(slots, tables, tuple(participants), tuple(wishes), floor=rng.randint(0, 2))


def broken_rules(agenda: Agenda, meetings: tuple[Meeting, ...]) -> list[str]:
    """Every rule that these meetings break, in words."""
    wishes = {frozenset(wish.pair): wish for wish in agenda.wishes}
    people = {person.id: person for each in agenda.participants for person in each.people}
    out = []
    for pair, count in Counter(frozenset(meeting.pair) for meeting in meetings).items():
        if count > 1 or pair not in wishes:
            out.append(f"{pair} meets {count} times, wished or not")
    seats = Counter((who, slot) for meeting in meetings for who in meeting.people for slot in meeting.slots)
    seats.update((meeting.table, slot) for meeting in meetings for slot in meeting.slots)
    out += [f"{who} twice at {slot}" for (who, slot), count in seats.items() if count > 1]
    met = Counter(side for meeting in meetings for side in meeting.pair)
    sat = Counter(who for meeting in meetings for who in meeting.people)
    out += [f"{p.id} has {met[p.id]}" for p in agenda.participants if p.most is not None and met[p.id] > p.most]
    out += [f"{p.id} sits {sat[p.id]}" for p in people.values() if p.most is not None and sat[p.id] > p.most]
    for meeting in meetings:
        wish = wishes[frozenset(meeting.pair)]
        out += [*_when(agenda, wish, meeting), *_who(agenda, meeting), *_where(agenda, wish, meeting)]
    return out


def _when(agenda, wish, meeting):
    order = {slot.id: place for place, slot in enumerate(agenda.slots)}
    places = [order[slot] for slot in meeting.slots]
    if len(places) != wish.length or any(b - a != 1 for a, b in pairwise(places)):
        yield f"{meeting.pair} sits {meeting.slots}"
    if len({agenda.slots[place].session for place in places}) != 1:
        yield f"{meeting.pair} sits through a break"


def _who(agenda, meeting):
    of = {each.id: {person.id: person for person in each.people} for each in agenda.participants}
    sitting = []
    for side, who in zip(meeting.pair, meeting.people, strict=True):
        if who not in of[side]:
            yield f"{who} is not of {side}"
            return
        sitting.append(of[side][who])
        if of[side][who].absent & set(meeting.slots):
            yield f"{who} is absent"
    spoken = [person.languages for person in sitting]
    if all(spoken) and not spoken[0] & spoken[1]:
        yield f"{meeting.people} have no language"


def _where(agenda, wish, meeting):
    closed = {table.id: table.closed for table in agenda.tables}
    stay = {each.id: each.table for each in agenda.participants if each.table is not None}
    if closed[meeting.table] & set(meeting.slots):
        yield f"{meeting.table} is closed"
    hosts = {stay[side] for side in meeting.pair if side in stay}
    if wish.table is not None:
        if meeting.table != wish.table:
            yield f"{meeting.pair} not at {wish.table}"
    elif hosts and hosts != {meeting.table}:
        yield f"{meeting.pair} not at the host's {hosts}"
    elif not hosts and meeting.table in {*stay.values(), *(each.table for each in agenda.wishes)}:
        yield f"{meeting.pair} at somebody's own {meeting.table}"


def worth(agenda: Agenda, wish: Wish) -> int:
    if wish.fills:
        return -agenda.worth.one_sided if {wish.first_says, wish.second_says} != {"silent"} else _cost(agenda, wish)
    said = {"must": agenda.worth.must, "meet": agenda.worth.meet, "silent": 0}
    both = agenda.worth.both * (wish.first_says != "silent" and wish.second_says != "silent")
    return said[wish.first_says] + said[wish.second_says] + both + round(agenda.worth.score * wish.score)


def _cost(agenda: Agenda, wish: Wish) -> int:
    return round(agenda.worth.score * wish.score) - agenda.worth.unasked


def measured(agenda: Agenda, meetings: tuple[Meeting, ...]) -> tuple[int, ...]:
    """Floor, value, −moved, −idle, −changes: larger is better, the first that differs decides."""
    wishes = {frozenset(wish.pair): wish for wish in agenda.wishes}
    met = Counter(side for meeting in meetings for side in meeting.pair)
    floor = sum(met[p.id] >= (agenda.floor if p.floor is None else p.floor) for p in agenda.participants)
    value = sum(worth(agenda, wishes[frozenset(meeting.pair)]) for meeting in meetings)
    moved = 0
    if agenda.published is not None:
        held = {_what(meeting) for meeting in meetings}
        moved = sum(_what(meeting) not in held for meeting in agenda.published.meetings)
    order = [slot.id for slot in agenda.slots]
    session = {slot.id: slot.session for slot in agenda.slots}
    rooms = {table.id: table.room for table in agenda.tables}
    idle = changes = 0
    for person in (person for each in agenda.participants for person in each.people):
        own = sorted((m for m in meetings if person.id in m.people), key=lambda m: order.index(m.slots[0]))
        for one, after in pairwise(own):
            if session[one.slots[0]] == session[after.slots[0]]:
                between = order[order.index(one.slots[-1]) + 1 : order.index(after.slots[0])]
                idle += len(set(between) - person.absent)
                changes += (one.table != after.table) + (rooms[one.table] != rooms[after.table])
    return floor, value, -moved, -idle, -changes


def _what(meeting: Meeting) -> tuple:
    return frozenset(zip(meeting.pair, meeting.people, strict=True)), meeting.slots, meeting.table


def possible(agenda: Agenda, wish: Wish) -> list[Meeting]:
    """Each way in which this wish alone could be granted."""
    of = {each.id: [person.id for person in each.people] for each in agenda.participants}
    found = []
    for start, table in product(range(len(agenda.slots) - wish.length + 1), agenda.tables):
        slots = tuple(slot.id for slot in agenda.slots[start : start + wish.length])
        for people in product(of[wish.first], of[wish.second]):
            meeting = Meeting(wish.pair, people, slots, table.id)
            if not broken_rules(agenda, (meeting,)):
                found.append(meeting)
    return found


def brute_force(agenda: Agenda) -> tuple[int, ...]:
    """The best of all timetables, each looked at: for a handful of wishes."""
    fixed = ()
    if agenda.published is not None and agenda.published.keeping is Keeping.FIXED:
        fixed = agenda.published.meetings
    held = {frozenset(meeting.pair) for meeting in fixed}
    choices = [possible(agenda, wish) for wish in agenda.wishes if frozenset(wish.pair) not in held]
    most = {person.id: person.most for each in agenda.participants for person in each.people}
    limit = {each.id: each.most for each in agenda.participants}
    best: list[tuple[int, ...]] = [(-1,)]
    taken: set[tuple[str, str]] = set()
    count: dict[str, int] = defaultdict(int)

    def sit(meeting: Meeting) -> bool:
        needs = {(what, slot) for what in (*meeting.people, meeting.table) for slot in meeting.slots}
        if needs & taken:
            return False
        over = any(most[who] is not None and count["person", who] >= most[who] for who in meeting.people)
        if over or any(limit[side] is not None and count[side] >= limit[side] for side in meeting.pair):
            return False
        taken.update(needs)
        for each in (*meeting.pair, *(("person", who) for who in meeting.people)):
            count[each] += 1
        return True

    def rise(meeting: Meeting) -> None:
        taken.difference_update((what, slot) for what in (*meeting.people, meeting.table) for slot in meeting.slots)
        for each in (*meeting.pair, *(("person", who) for who in meeting.people)):
            count[each] -= 1

    def go(place: int, held: tuple[Meeting, ...]) -> None:
        if place == len(choices):
            best[0] = max(best[0], measured(agenda, held))
            return
        for meeting in choices[place]:
            if sit(meeting):
                go(place + 1, (*held, meeting))
                rise(meeting)
        go(place + 1, held)

    for meeting in fixed:
        assert sit(meeting)
    go(0, fixed)
    return best[0]


def floor_and_value(agenda: Agenda) -> tuple[int, int]:
    """Floor and value of the best timetable, slot by slot over all sets of wishes: for plain agendas of 8 × 8."""
    absent = {each.id: each.people[0].absent for each in agenda.participants}
    reachable = {0}
    for slot in agenda.slots:
        room = sum(slot.id not in table.closed for table in agenda.tables)
        here = [
            (1 << n, frozenset(wish.pair))
            for n, wish in enumerate(agenda.wishes)
            if not any(slot.id in absent[side] for side in wish.pair)
        ]
        rounds = [(0, frozenset())]
        for bit, pair in here:
            rounds += [(bits | bit, busy | pair) for bits, busy in rounds if not busy & pair and len(busy) < 2 * room]
        reachable = {placed | bits for placed in reachable for bits, _ in rounds if not placed & bits}
    best = (-1, -1)
    for placed in reachable:
        granted = [wish for n, wish in enumerate(agenda.wishes) if placed >> n & 1]
        met = Counter(side for wish in granted for side in wish.pair)
        floor = sum(met[each.id] >= agenda.floor for each in agenda.participants)
        best = max(best, (floor, sum(worth(agenda, wish) for wish in granted)))
    return best
