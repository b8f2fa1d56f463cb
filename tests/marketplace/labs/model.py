"""What bookings promise, once more and simply: lists in memory, one thing after another, no database.

Times are minutes since the base of a life, a Wednesday at nine in China.
"""

import contextlib
import copy
from dataclasses import dataclass, field
from typing import Any

from marketplace.kernel.refusals import NotFound
from marketplace.labs.bookings import BookingOver, NotItsTime, NotYourBooking
from marketplace.labs.instruments import NotItsKeeper
from marketplace.labs.moves import AlreadyMoving
from marketplace.labs.rules import SeriesNotBookable
from marketplace.labs.waiting import NoOffer, NotTaken, NotYourPlace, WaitingAlready
from schemas.bookings import Rule

WEEK = 7 * 24 * 60
# From Monday to the base.
WEDNESDAY_AT_NINE = (2 * 24 + 9) * 60
WAIVABLE = {Rule.TOO_SOON, Rule.ORGANISATION_QUOTA, Rule.TOO_MANY_UPCOMING}
LIVE = {"requested", "confirmed", "in_use", "done"}
KEEPER = "manager"
# Who books in whose name.
FIRMS = {"manager": "lab", "engineer": "firm", "colleague": "firm", "student": "university"}

# A refusal: which kind it is or, of what cannot be booked, every reason.
Refused = type[Exception] | frozenset[Rule]


class No(Exception):  # noqa: N818 -- an answer, not a fault
    def __init__(self, why: Refused) -> None:
        self.why = why


@dataclass(frozen=True)
class Terms:
    """The rules of one instrument."""

    at_once: bool
    buffer: int = 0
    notice: int = 0
    late: int = 0
    no_show: int = 60
    upcoming: int | None = None
    week: int | None = None


TERMS = {
    "free": Terms(at_once=True, buffer=30, late=60, no_show=30, upcoming=3),
    "asked": Terms(at_once=False, notice=30, week=300),
}


@dataclass
class Slot:
    """Time on an instrument that somebody has, had or waits for."""

    where: str
    who: str
    start: int
    end: int
    asked: float
    state: str
    key: Any = None
    waived: set[Rule] = field(default_factory=set)
    instead_of: "Slot | None" = None
    late: bool = False
    came: bool = False
    expires: float | None = None
    offered: bool = False
    purpose: str = "拉伸试验"

    @property
    def ends(self) -> int:
        """The end of what it holds."""
        return self.end + TERMS[self.where].buffer


def overlap(start: int, end: int, other_start: int, other_end: int) -> bool:
    return start < other_end and other_start < end


class Model:
    def __init__(self) -> None:
        self.now: float = -115
        self.bookings: list[Slot] = []
        self.line: list[Slot] = []

    def holding(self, where: str) -> list[Slot]:
        held = [
            one
            for one in self.bookings
            # A request that came of an offer holds its time until it is decided.
            if one.state in {"confirmed", "in_use", "done"} or (one.state == "requested" and one.offered)
        ]
        return [one for one in held + [one for one in self.line if one.state == "offered"] if one.where == where]

    def broken(self, ask: Slot, *but: Slot | None) -> set[Rule]:
        terms, found = TERMS[ask.where], set()
        live = [
            one
            for one in self.bookings
            if one.where == ask.where and one.state in LIVE and not any(one is other for other in but)
        ]
        if ask.start < self.now:
            found.add(Rule.IN_THE_PAST)
        if ask.start < ask.asked + terms.notice:
            found.add(Rule.TOO_SOON)
        if terms.week is not None:
            week = (ask.start + WEDNESDAY_AT_NINE) // WEEK
            same = [
                one
                for one in live
                if FIRMS[one.who] == FIRMS[ask.who] and (one.start + WEDNESDAY_AT_NINE) // WEEK == week
            ]
            if sum(one.end - one.start for one in same) + ask.end - ask.start > terms.week:
                found.add(Rule.ORGANISATION_QUOTA)
        ahead = [one for one in live if one.who == ask.who and one.end > self.now]
        if terms.upcoming is not None and len(ahead) >= terms.upcoming:
            found.add(Rule.TOO_MANY_UPCOMING)
        held = [one for one in self.holding(ask.where) if not any(one is other for other in but)]
        if any(overlap(ask.start, ask.ends, one.start, one.ends) for one in held):
            found.add(Rule.SLOT_TAKEN)
        return found

    def admitted(self, ask: Slot, waive: set[Rule], *but: Slot | None, keeper: bool) -> set[Rule]:
        found = self.broken(ask, *but)
        waived = found & waive & WAIVABLE
        if waived and not keeper:
            raise No(NotItsKeeper)
        if found - waived:
            raise No(frozenset(found - waived))
        return waived

    def confirm(self, booking: Slot) -> None:
        booking.state = "confirmed"
        for rival in self.bookings:
            if (
                rival.where == booking.where
                and rival.state == "requested"
                and overlap(rival.start, rival.ends, booking.start, booking.ends)
            ):
                rival.state = "refused"

    def put(self, ask: Slot, by: str) -> Slot:
        ask.state = "requested"
        self.bookings.append(ask)
        if by == KEEPER or TERMS[ask.where].at_once:
            self.confirm(ask)
        return ask

    def ask(self, who: str, where: str, start: int, length: int) -> Slot:
        return Slot(where, who, start, start + length, self.now, "asked")

    def request(self, who: str, where: str, start: int, length: int, waive: set[Rule]) -> Slot:
        ask = self.ask(who, where, start, length)
        ask.waived = self.admitted(ask, waive, keeper=who == KEEPER)
        return self.put(ask, who)

    def series(self, who: str, where: str, start: int, length: int, weeks: int, *, skip: bool) -> list[Slot]:
        states = [(one, one.state) for one in self.bookings]
        made = []
        for week in range(weeks):
            with contextlib.suppress(No):
                made.append(self.request(who, where, start + week * WEEK, length, set()))
        if not made or (len(made) < weeks and not skip):
            for one, state in states:
                one.state = state
            del self.bookings[len(states) :]
            raise No(SeriesNotBookable)
        return made

    def seen(self, by: str, booking: Slot) -> None:
        if by != KEEPER and FIRMS[by] != FIRMS[booking.who]:
            raise No(NotFound)

    def own(self, by: str, booking: Slot) -> None:
        self.seen(by, booking)
        if by not in {KEEPER, booking.who}:
            raise No(NotYourBooking)

    def kept(self, by: str, booking: Slot) -> None:
        self.seen(by, booking)
        if by != KEEPER:
            raise No(NotItsKeeper)

    def give_up(self, booking: Slot) -> None:
        if booking.came:
            raise No(BookingOver)
        if booking.state in {"requested", "confirmed"}:
            booking.state = "moved"

    def approve(self, by: str, booking: Slot, waive: set[Rule]) -> None:
        self.kept(by, booking)
        if booking.state == "confirmed":
            return
        if booking.state != "requested":
            raise No(BookingOver)
        waived = self.admitted(booking, waive | booking.waived, booking, booking.instead_of, keeper=True)
        if booking.instead_of is not None:
            self.give_up(booking.instead_of)
        booking.waived = waived
        self.confirm(booking)

    def refuse(self, by: str, booking: Slot) -> None:
        self.kept(by, booking)
        if booking.state != "requested":
            raise No(BookingOver)
        booking.state = "refused"

    def move(self, by: str, old: Slot, start: int, length: int) -> Slot:
        self.own(by, old)
        if old.state not in {"requested", "confirmed"} or old.end <= self.now:
            raise No(BookingOver)
        new = copy.copy(old)
        new.start, new.end, new.asked, new.key, new.late = start, start + length, self.now, None, False
        new.offered = False
        new.waived = self.admitted(new, set(), old, old.instead_of, keeper=by == KEEPER)
        given_up = old
        if (
            old.state == "requested"
            and old.instead_of is not None
            and old.instead_of.state in {"confirmed", "in_use", "done"}
        ):
            # A request to move is itself moved: what it was to replace is still what is given up in the end.
            given_up = old.instead_of
        elif any(one.instead_of is old and one.state in LIVE for one in self.bookings):
            raise No(AlreadyMoving)
        at_once = by == KEEPER or TERMS[old.where].at_once
        if at_once:
            self.give_up(given_up)
        if old.state == "requested":
            self.give_up(old)
        new.instead_of = given_up
        return self.put(new, by)

    def reword(self, by: str, old: Slot, purpose: str) -> Slot:
        self.own(by, old)
        if old.state not in {"requested", "confirmed"} or old.end <= self.now:
            raise No(BookingOver)
        own = FIRMS[old.who] == FIRMS[KEEPER]
        if old.purpose == purpose or by == KEEPER or own or TERMS[old.where].at_once or old.state == "requested":
            old.purpose = purpose
            return old
        # A keeper gave their word to what it said: they are asked again, and it holds meanwhile.
        if any(one.instead_of is old and one.state in LIVE for one in self.bookings):
            raise No(AlreadyMoving)
        new = copy.copy(old)
        new.purpose, new.asked, new.key, new.late, new.offered = purpose, self.now, None, False, False
        new.state, new.instead_of = "requested", old
        self.bookings.append(new)
        return new

    def cancel(self, by: str, booking: Slot) -> None:
        self.own(by, booking)
        if booking.state == "cancelled":
            return
        if booking.state not in {"requested", "confirmed"}:
            raise No(BookingOver)
        booking.late = booking.state == "confirmed" and self.now > booking.start - TERMS[booking.where].late
        booking.state = "cancelled"
        for one in self.bookings:
            # A request to say something else of it is about nothing any more.
            same = (one.start, one.end) == (booking.start, booking.end)
            if one.instead_of is booking and one.state == "requested" and same:
                one.state = "cancelled"

    def check_in(self, by: str, booking: Slot) -> None:
        self.own(by, booking)
        if booking.state == "in_use":
            return
        if booking.state != "confirmed":
            raise No(BookingOver)
        if not booking.start - 30 <= self.now < booking.end:
            raise No(NotItsTime)
        booking.state, booking.came = "in_use", True

    def check_out(self, by: str, booking: Slot) -> None:
        self.own(by, booking)
        if booking.state not in {"in_use", "done"}:
            raise No(BookingOver)
        booking.state = "done"

    def release_no_shows(self) -> int:
        due = [
            one for one in self.bookings if one.state == "confirmed" and one.start + TERMS[one.where].no_show < self.now
        ]
        for one in due:
            one.state = "released"
        return len(due)

    def join(self, who: str, where: str, start: int, length: int) -> Slot:
        ask = self.ask(who, where, start, length)
        found = self.broken(ask)
        if found - {Rule.SLOT_TAKEN}:
            raise No(frozenset(found - {Rule.SLOT_TAKEN}))
        if not found:
            raise No(NotTaken)
        for one in self.line:
            same = (one.where, one.who, one.start, one.end) == (where, who, start, start + length)
            if same and one.state in {"waiting", "offered"}:
                raise No(WaitingAlready)
        ask.state = "waiting"
        self.line.append(ask)
        return ask

    def mine(self, by: str, place: Slot) -> None:
        if by not in {KEEPER, place.who}:
            raise No(NotFound)
        if by != place.who:
            raise No(NotYourPlace)

    def promote(self, where: str) -> int:
        offered = 0
        for place in self.line:
            if place.where == where and place.state == "waiting" and place.start > self.now and not self.broken(place):
                place.state, place.expires = "offered", min(self.now + 240, place.start)
                offered += 1
        return offered

    def accept(self, by: str, place: Slot) -> Slot:
        self.mine(by, place)
        if place.state != "offered" or place.expires is None or place.expires <= self.now:
            raise No(NoOffer)
        self.admitted(place, set(), place, keeper=by == KEEPER)
        booking = copy.copy(place)
        booking.asked, booking.expires, booking.key, booking.offered = self.now, None, None, True
        place.state = "taken"
        return self.put(booking, by)

    def leave(self, by: str, place: Slot) -> None:
        self.mine(by, place)
        place.state = {"offered": "declined", "waiting": "left"}.get(place.state, place.state)

    def expire(self) -> int:
        due = [one for one in self.line if one.state == "offered" and (one.expires or 0) <= self.now]
        for one in due:
            one.state = "expired"
        return len(due)
