"""Through HTTP, on connections that really commit: never over capacity, whoever reaches for the last places at once."""

import asyncio
import contextlib
import random
from collections import Counter

import pytest
from sqlalchemy import text

from marketplace.docking import badges, registering, waiting
from marketplace.docking.registration_models import Attendee
from marketplace.kernel import clock
from schemas.events import EventState
from schemas.identity import OrganisationKind, Role
from tests.given.docking import EVENTS, REGISTRATIONS, a_registration, an_event

CLIENTS = 14
OVER = text(
    "select count(*) from event_capacity c where taken <> (select coalesce(sum(seats), 0) from registration r"
    " where r.event_id = c.event_id and r.kind = c.kind and r.state in ('offered', 'confirmed'))"
    " or taken > coalesce(seats, taken)"
)
# Whoever holds places is as many as the people who come.
MISCOUNTED = text(
    "select count(*) from registration r where state in ('offered', 'confirmed') and seats <>"
    " (select count(*) from attendee a where a.registration_id = r.id and left_at is null)"
)


@pytest.fixture
async def place(real):
    organizer = await real.given.person(
        Role.ORGANIZER, await real.given.organisation(kinds=(OrganisationKind.ORGANIZER,))
    )
    firm = await real.given.organisation()
    return organizer, [await real.given.person(Role.EDITOR, firm) for _ in range(CLIENTS)]


async def answers(*calls):
    return await asyncio.gather(*calls)


async def holds(real) -> None:
    async with real.database.reading() as session:
        assert await session.scalar(OVER) == 0
        assert await session.scalar(MISCOUNTED) == 0


async def an_open_event(real, organizer, seats, **rules):
    places = [{"kind": "enterprise", "seats": seats}, {"kind": "academic"}]
    return await an_event(real.given.session, organizer.organisation, capacities=places, **rules)


def register(who, event, **more):
    return who.post(f"{EVENTS}/{event.id}/registrations", a_registration(who, **more))


@contextlib.contextmanager
def nobody_looks_first(monkeypatch):
    """The verbs without their own look at what is free: what is left is the table's constraint."""

    async def always(*_) -> bool:
        return True

    with monkeypatch.context() as patched:
        patched.setattr(registering, "room", always)
        yield


@pytest.mark.parametrize("looks", [True, False], ids=["as it is", "by the constraint alone"])
@pytest.mark.parametrize("seed", [31, 32])
async def test_in_a_storm_for_the_last_places_none_is_given_twice(real, place, monkeypatch, seed, looks):
    organizer, people = place
    dice = random.Random(seed)
    event = await an_open_event(real, organizer, 9)
    come = [dice.choice((1, 1, 2)) for _ in people]
    with contextlib.nullcontext() if looks else nobody_looks_first(monkeypatch):
        found = await answers(*(register(who, event, come=size) for who, size in zip(people, come, strict=True)))
    tally = Counter(answer.status_code for answer in found)
    assert set(tally) == {201, 409}, (seed, tally)
    assert {answer.json()["type"] for answer in found if answer.status_code == 409} == {"/problems/full"}
    held = sum(size for size, answer in zip(come, found, strict=True) if answer.status_code == 201)
    assert 8 <= held <= 9, "all are taken, but for one that no pair can have"
    await holds(real)

    # Everybody changes their mind at once: some cancel, some bring one more, some come anew, the line moves.
    came = [(who, answer.json()) for who, answer in zip(people, found, strict=True) if answer.status_code == 201]
    calls = []
    for number, (who, mine) in enumerate(came):
        url = f"{REGISTRATIONS}/{mine['id']}"
        if number % 3 == 0:
            calls.append(who.post(f"{url}/cancellation", {"note": "改期"}))
        else:
            more = {"people": a_registration(who, come=3)["people"]}
            calls.append(who.patch(url, more, version=1))
    calls += [
        register(who, event, wait=True) for who, answer in zip(people, found, strict=True) if answer.status_code == 409
    ]

    async def promote() -> int:
        async with real.database.writing.begin() as session:
            return await waiting.promote(session, event.id, clock.now())

    mixed = await answers(*calls, promote(), promote())
    assert {answer.status_code for answer in mixed[:-2]} <= {200, 201, 409}, seed
    while await promote():
        pass
    await holds(real)


async def test_of_approvals_for_one_place_one_is_granted_and_one_offer_is_taken_once(real, place):
    organizer, people = place
    event = await an_open_event(real, organizer, 1, needs_approval=True)
    asked = [(await register(who, event)).json() for who in people[:6]]

    def decide(who, one, what, **body):
        return who.post(f"{REGISTRATIONS}/{one['id']}/{what}", body or None)

    found = await answers(*(decide(organizer, one, "approval", note="欢迎") for one in asked))
    assert sorted(answer.status_code for answer in found) == [200] + [409] * 5
    await holds(real)
    winner = next(n for n, answer in enumerate(found) if answer.status_code == 200)
    losers = [n for n in range(6) if n != winner]
    queued = await answers(*(decide(organizer, asked[n], "approval", wait=True) for n in losers))
    assert {answer.json()["state"] for answer in queued} == {"waiting"}
    assert (await decide(people[winner], asked[winner], "cancellation", note="改期")).status_code == 200

    async def promote() -> int:
        async with real.database.writing.begin() as session:
            return await waiting.promote(session, event.id, clock.now())

    assert sum(await answers(promote(), promote())) == 1
    # Taken several times while it runs out: it is theirs or it is not, and never both.
    late = clock.now().replace(year=clock.now().year + 1)

    async def expire() -> int:
        async with real.database.writing.begin() as session:
            return await waiting.expire_offers(session, late)

    takes = [decide(people[n], asked[n], "acceptance") for n in losers for _ in range(2)]
    *taken, _ = await answers(*takes, expire())
    assert {answer.status_code for answer in taken} <= {200, 409}
    granted = {answer.json()["id"] for answer in taken if answer.status_code == 200}
    async with real.database.reading() as session:
        rows = await session.execute(
            text("select id::text, state from registration where event_id = :id and offered_at is not null"),
            {"id": event.id},
        )
    (offered,) = [tuple(row) for row in rows]
    state, takers = ("confirmed", {offered[0]}) if granted else ("expired", set())
    assert (offered[1], granted) == (state, takers)
    await holds(real)


async def test_one_badge_at_two_doors_at_once_is_one_person_and_nobody_registers_twice(real, place):
    organizer, people = place
    event = await an_open_event(real, organizer, None)
    twice = await answers(*(register(people[0], event) for _ in range(6)))
    assert sorted(answer.status_code for answer in twice) == [201] + [409] * 5
    async with real.database.writing.begin() as session:
        attendee = await session.get_one(Attendee, next(
            answer.json()["people"][0]["id"] for answer in twice if answer.status_code == 201
        ))  # fmt: skip
        await session.execute(
            text("update event set state = :state where id = :id"), {"state": EventState.RUNNING.value, "id": event.id}
        )
    code = badges.code(real.app.state.signing_key, attendee)
    shown = [{"code": code, "door": door} for door in ("东门", "西门") for _ in range(4)]
    found = await answers(*(organizer.post(f"{EVENTS}/{event.id}/check-ins", one) for one in shown))
    assert {answer.status_code for answer in found} == {200}
    assert sum(not answer.json()["before"] for answer in found) == 2, "once at each door"
    presence = (await organizer.get(f"{EVENTS}/{event.id}/presence")).json()
    assert presence == {"confirmed": 1, "present": 1}


async def test_the_storm_catches_a_program_that_only_looks(real, place, monkeypatch):
    """The naive twin: it looks whether there is room and then takes it, and the table counts nothing."""
    organizer, people = place
    event = await an_open_event(real, organizer, 1)
    looked = asyncio.Barrier(5)

    async def naive(session, registration, come) -> bool:
        place = await session.execute(
            text("select seats, (select count(*) from registration r where r.event_id = c.event_id) from event_capacity c"
                 " where event_id = :event and kind = 'enterprise'"),
            {"event": registration.event_id},
        )  # fmt: skip
        seats, there = place.one()
        await looked.wait()
        return there + come <= seats

    monkeypatch.setattr(registering, "room", naive)
    switch = "alter table registration {} trigger registration_seats_counted"
    async with real.database.writing.begin() as session:
        await session.execute(text(switch.format("disable")))
    found = await answers(*(register(who, event) for who in people[:5]))
    try:
        assert [answer.status_code for answer in found] == [201] * 5, "five people on one chair"
        async with real.database.reading() as session:
            assert await session.scalar(OVER) == 1
    finally:
        async with real.database.writing.begin() as session:
            for table in ("attendee", "registration"):
                await session.execute(text(f"delete from {table} where event_id = :id"), {"id": event.id})
            await session.execute(text(switch.format("enable")))
