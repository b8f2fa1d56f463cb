"""Whatever is done to bookings in whatever order, they come out as a simple model says.

Cheap here; `DUIJIE_TEST_LIVES=500` lives so many lives of fifty steps each.
"""

import asyncio
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.refusals import Refusal
from marketplace.labs import bookings, moves, rewording, series, usages, waiting
from marketplace.labs.booking_models import Booking
from marketplace.labs.rules import NotBookable
from schemas.bookings import (
    Approval,
    BookingMove,
    BookingNew,
    BookingPatch,
    Cancellation,
    RefusalNote,
    SeriesNew,
    WaitingNew,
)
from schemas.bookings import Rule as Kept
from schemas.identity import OrganisationKind, Permission, Role
from tests.given.labs import an_instrument, day
from tests.given.people import Given
from tests.marketplace.labs.model import FIRMS, KEEPER, TERMS, WAIVABLE, Model, No, Slot

LIVES = int(os.environ.get("DUIJIE_TEST_LIVES", "8"))
STEPS = 50

people = st.sampled_from(sorted(FIRMS))
# Whoever keeps it does most of what is done to others' bookings.
anybody = people | st.just(KEEPER)
places = st.sampled_from(sorted(TERMS))
# From the next half hour on; the last one is tomorrow, the first has passed.
starts = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 48, -1]).map(lambda half: half * 30)
lengths = st.sampled_from([30, 60, 120])
waived = st.sampled_from([set(), set(), WAIVABLE])
numbers = st.integers(0, 40)

BOOKINGS = text(
    "select id, state, starts_at, ends_at, cancelled_late, moved_from_id, purpose,"
    " array_to_string(waived, ',') from booking"
)
LINE = text("select id, state, offer_expires_at from waiting")
HELD = text("select held_by, lower(during), upper(during) from claim")


@dataclass
class World:
    """A lab with two instruments and those who use them, put down once for all lives."""

    runner: asyncio.Runner
    engine: AsyncEngine
    base: datetime
    people: dict[str, Actor]
    instruments: dict[str, UUID]


async def a_world(runner: asyncio.Runner, url: str) -> World:
    engine = create_async_engine(url)
    async with async_sessionmaker(engine, expire_on_commit=False)() as session:
        given = Given(session, None)  # type: ignore[arg-type]
        kinds = {"firm": (OrganisationKind.ENTERPRISE,)}
        firms = {
            name: await given.organisation(kinds=kinds.get(name, (OrganisationKind.UNIVERSITY,)))
            for name in sorted(set(FIRMS.values()))
        }
        actors = {}
        for who, firm in FIRMS.items():
            person = await given.person(Role.EDITOR, firms[firm])
            where = {Permission.READ_OWN: frozenset({firms[firm].id})}
            if who == KEEPER:
                where[Permission.MANAGE_LABS] = where[Permission.READ_OWN]
            actors[who] = Actor(person_id=person.id, where=where)
        made = {
            name: await an_instrument(
                session, firms["lab"],
                confirmed_at_once=["internal", "academic", "province_firm", "other"] if terms.at_once else ["internal"],
                buffer_minutes=terms.buffer, notice_minutes=terms.notice, late_cancel_minutes=terms.late,
                no_show_minutes=terms.no_show, person_upcoming=terms.upcoming, organisation_week_minutes=terms.week,
                slot_minutes=30, min_minutes=30, max_minutes=480,
            )
            for name, terms in TERMS.items()
        }  # fmt: skip
    wednesday = day(7 + (3 - day(0).isoweekday()) % 7, 9)
    return World(runner, engine, wednesday, actors, {name: one.id for name, one in made.items()})


@pytest.fixture(scope="module")
def world(clones):
    with asyncio.Runner() as runner:
        url = runner.run(clones.make())
        made = runner.run(a_world(runner, url))
        yield made
        runner.run(made.engine.dispose())
        runner.run(clones.drop(url))


class Life(RuleBasedStateMachine):
    """One life of two instruments, in a transaction that is rolled back; each step in one of its own within."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.model, self.steps = world, Model(), 0
        self.connection = world.runner.run(self.begun())
        self.sessions = async_sessionmaker(
            self.connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        )

    async def begun(self):
        connection = await self.world.engine.connect()
        await connection.begin()
        return connection

    def teardown(self) -> None:
        self.world.runner.run(self.connection.close())

    def moment(self, minutes: float) -> datetime:
        return self.world.base + timedelta(minutes=minutes)

    async def really(self, verb, *args, **more):
        """What the program answers: what came of it, or its refusal."""
        with clock.ahead(self.moment(self.model.now) - clock.now()):
            try:
                async with self.sessions.begin() as session:
                    return await verb(session, *args, **more), None
            except NotBookable as refusal:
                return None, frozenset(refusal.rules)
            except Refusal as refusal:
                return None, type(refusal)

    def both(self, expected, verb, *args, **more) -> tuple[Any, Any]:
        """The same in the model and in the program. Gives what came of it in both, or None and None."""
        self.steps += 1
        self.model.now += 1 / 60
        refused, thought = None, None
        try:
            thought = expected()
        except No as no:
            refused = no.why
        found, why = self.world.runner.run(self.really(verb, *args, **more))
        assert why == refused
        self.world.runner.run(self.compare(thought, found))
        return thought, found

    async def compare(self, thought, found) -> None:
        """Everything that is written down is what the model says, and nothing else is."""
        for one, row in zip(*((each if isinstance(each, list) else [each]) for each in (thought, found)), strict=True):
            if isinstance(one, Slot):
                one.key = row.id
        model = self.model
        booked = {
            (
                one.key, one.state, self.moment(one.start), self.moment(one.end), one.late,
                one.instead_of and one.instead_of.key, one.purpose, frozenset(one.waived),
            )
            for one in model.bookings
        }  # fmt: skip
        rows = (await self.connection.execute(BOOKINGS)).all()
        assert {(*row[:7], frozenset(filter(None, row[7].split(",")))) for row in rows} == booked
        rows = (await self.connection.execute(LINE)).all()
        assert {row[:2] for row in rows} == {(one.key, one.state) for one in model.line}
        held = {
            (one.key, self.moment(one.start), self.moment(one.ends))
            for where in TERMS
            for one in model.holding(where)
        }  # fmt: skip
        assert {tuple(row) for row in await self.connection.execute(HELD)} == held

    def later(self, start: int) -> int:
        """So long after the next half hour."""
        return start - int(-self.model.now // 30) * 30

    def wish(self, message: type, who: str, where: str, start: int, length: int, **more):
        return message(
            instrument_id=self.world.instruments[where],
            organisation_id=next(iter(self.world.people[who].where[Permission.READ_OWN])),
            starts_at=self.moment(start), ends_at=self.moment(start + length), purpose="拉伸试验", **more,
        )  # fmt: skip

    @rule(who=people, where=places, start=starts, length=lengths, waive=waived)
    def request(self, who: str, where: str, start: int, length: int, waive: set[Kept]) -> None:
        start = self.later(start)
        wish = self.wish(BookingNew, who, where, start, length, waive=sorted(waive))
        self.both(
            lambda: self.model.request(who, where, start, length, waive),
            bookings.request, self.world.people[who], wish,
        )  # fmt: skip

    @rule(who=people, where=places, start=starts, length=lengths, skip=st.booleans())
    def request_series(self, who: str, where: str, start: int, length: int, skip: bool) -> None:
        async def made(session, actor, wish):
            return (await series.request(session, actor, wish))[1]

        start = self.later(start)
        self.both(
            lambda: self.model.series(who, where, start, length, 2, skip=skip),
            made, self.world.people[who],
            self.wish(SeriesNew, who, where, start, length, weeks=2, skip_what_fails=skip),
        )  # fmt: skip

    def picked(self, number: int, *states: str) -> Slot:
        """One of those in these states, latest first; any, where there is none."""
        some = [one for one in self.model.bookings if one.state in states] or self.model.bookings
        return some[-1 - number % len(some)]

    @rule(who=people, start=starts, to=starts, length=lengths)
    def ask_to_move_what_was_approved(self, who: str, start: int, to: int, length: int) -> None:
        """The beginning of most that can go wrong: chance alone seldom comes so far."""
        self.request(who, "asked", start, 30, set())
        if self.model.bookings and self.model.bookings[-1].state == "requested":
            self.approve(KEEPER, 0, WAIVABLE)
            self.move(who, True, 0, to, length)

    @rule(who=people, start=starts)
    def ask_to_reword_what_was_approved(self, who: str, start: int) -> None:
        self.request(who, "asked", start, 30, set())
        if self.model.bookings and self.model.bookings[-1].state == "requested":
            self.approve(KEEPER, 0, WAIVABLE)
            self.reword(who, True, 0, "疲劳试验")

    @precondition(lambda self: self.model.bookings)
    @rule(by=anybody, number=numbers, waive=waived)
    def approve(self, by: str, number: int, waive: set[Kept]) -> None:
        one = self.picked(number, "requested")
        self.both(
            lambda: self.model.approve(by, one, waive),
            moves.approve, self.world.people[by], one.key, Approval(waive=sorted(waive)),
        )  # fmt: skip

    @precondition(lambda self: self.model.bookings)
    @rule(by=anybody, number=numbers)
    def refuse(self, by: str, number: int) -> None:
        one = self.picked(number, "requested", "moved")
        self.both(
            lambda: self.model.refuse(by, one),
            bookings.refuse, self.world.people[by], one.key, RefusalNote(note="不便"),
        )  # fmt: skip

    @precondition(lambda self: self.model.bookings)
    @rule(by=anybody, own=st.booleans(), number=numbers, start=starts, length=lengths)
    def move(self, by: str, own: bool, number: int, start: int, length: int) -> None:
        one = self.picked(number, "requested", "confirmed")
        by, start = one.who if own else by, self.later(start)
        wish = BookingMove(starts_at=self.moment(start), ends_at=self.moment(start + length))
        self.both(
            lambda: self.model.move(by, one, start, length),
            moves.move, self.world.people[by], one.key, wish,
        )  # fmt: skip

    @precondition(lambda self: self.model.bookings)
    @rule(by=anybody, own=st.booleans(), number=numbers, purpose=st.sampled_from(["拉伸试验", "疲劳试验", "断口观察"]))
    def reword(self, by: str, own: bool, number: int, purpose: str) -> None:
        async def reworded(session, actor, booking_id, patch):
            version = await session.scalar(select(Booking.version).where(Booking.id == booking_id))
            return await rewording.edit(session, actor, booking_id, version, patch)

        one = self.picked(number, "requested", "confirmed")
        by = one.who if own else by
        self.both(
            lambda: self.model.reword(by, one, purpose),
            reworded, self.world.people[by], one.key, BookingPatch(purpose=purpose),
        )  # fmt: skip

    @precondition(lambda self: self.model.bookings)
    @rule(by=anybody, number=numbers)
    def cancel(self, by: str, number: int) -> None:
        one = self.picked(number)
        self.both(
            lambda: self.model.cancel(by, one),
            bookings.cancel, self.world.people[by], one.key, Cancellation(),
        )  # fmt: skip

    @precondition(lambda self: self.model.bookings)
    @rule(by=anybody, number=numbers)
    def check_in(self, by: str, number: int) -> None:
        one = self.picked(number, "confirmed")
        self.both(lambda: self.model.check_in(by, one), bookings.check_in, self.world.people[by], one.key)

    @precondition(lambda self: self.model.bookings)
    @rule(by=anybody, number=numbers)
    def check_out(self, by: str, number: int) -> None:
        one = self.picked(number, "in_use")
        self.both(lambda: self.model.check_out(by, one), usages.check_out, self.world.people[by], one.key)

    @rule(who=people, where=places, start=starts, length=lengths)
    def join(self, who: str, where: str, start: int, length: int) -> None:
        self.wait(who, where, self.later(start), length)

    def wait(self, who: str, where: str, start: int, length: int) -> None:
        self.both(
            lambda: self.model.join(who, where, start, length),
            waiting.join, self.world.people[who], self.wish(WaitingNew, who, where, start, length),
        )  # fmt: skip

    @precondition(lambda self: self.model.bookings)
    @rule(who=people, number=numbers)
    def join_for_what_is_taken(self, who: str, number: int) -> None:
        one = self.picked(number, "confirmed")
        self.wait(who, one.where, one.start, one.end - one.start)

    @rule(where=places)
    def promote(self, where: str) -> None:
        thought, found = self.both(
            lambda: self.model.promote(where), waiting.promote, self.world.instruments[where], "http://test"
        )
        assert thought == found

    @precondition(lambda self: self.model.line)
    @rule(who=people, own=st.booleans(), number=numbers)
    def accept(self, who: str, own: bool, number: int) -> None:
        offered = [one for one in self.model.line if one.state == "offered"] or self.model.line
        one = offered[number % len(offered)]
        who = one.who if own else who
        self.both(lambda: self.model.accept(who, one), waiting.accept, self.world.people[who], one.key)

    @precondition(lambda self: self.model.line)
    @rule(who=people, number=numbers)
    def leave(self, who: str, number: int) -> None:
        one = self.model.line[number % len(self.model.line)]
        self.both(lambda: self.model.leave(who, one), waiting.leave, self.world.people[who], one.key)

    @precondition(lambda self: any(one.state == "confirmed" for one in self.model.bookings))
    @rule(who=people, number=numbers)
    def what_somebody_waits_for_comes_free(self, who: str, number: int) -> None:
        one = self.picked(number, "confirmed")
        self.wait(who, one.where, one.start, one.end - one.start)
        self.both(
            lambda: self.model.cancel(one.who, one),
            bookings.cancel, self.world.people[one.who], one.key, Cancellation(),
        )  # fmt: skip
        self.promote(one.where)

    @precondition(lambda self: any(one.state == "confirmed" for one in self.model.bookings))
    @rule(number=numbers)
    def somebody_comes_in_time(self, number: int) -> None:
        one = self.picked(number, "confirmed")
        # Off the half hours by five minutes, as always: which of two moments comes first is never a matter of seconds.
        self.model.now = max(self.model.now, one.start - 25 + self.steps / 60)
        self.both(lambda: self.model.check_in(one.who, one), bookings.check_in, self.world.people[one.who], one.key)

    @rule(minutes=st.sampled_from([20, 40, 60, 240]))
    def time_passes(self, minutes: int) -> None:
        self.model.now += minutes
        at = self.moment(self.model.now + 1 / 60)
        for expected, verb in (
            (self.model.release_no_shows, bookings.release_no_shows),
            (self.model.expire, waiting.expire_offers),
        ):
            thought, found = self.both(expected, verb, at)
            assert thought == found


def test_bookings_come_out_as_a_simple_model_says(world):
    run_state_machine_as_test(
        lambda: Life(world),
        settings=settings(
            max_examples=LIVES, stateful_step_count=STEPS, deadline=None, database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
