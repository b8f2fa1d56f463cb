"""Through HTTP, on connections that really commit: exactly one winner, no overlap, no fault."""

import asyncio
import random

import pytest
from sqlalchemy import text, update

from marketplace.labs import bookings, rules, waiting
from marketplace.labs.models import Instrument
from marketplace.reservations import claims
from schemas.identity import Role
from tests.given.labs import an_instrument, day, slot, wish

URL = "/api/v1/bookings"
CLIENTS = 12
OVERLAPS = text(
    "select count(*) from booking a join booking b on a.instrument_id = b.instrument_id and a.id < b.id"
    " and a.state in ('confirmed', 'in_use', 'done') and b.state in ('confirmed', 'in_use', 'done')"
    " and tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)"
)
# Whoever is confirmed holds a claim, and whoever holds one on an instrument is confirmed or was offered it.
UNHELD = text(
    "select (select count(*) from booking where state in ('confirmed', 'in_use', 'done')"
    " and not exists (select from claim where held_by = booking.id))"
    " + (select count(*) from claim join instrument on instrument.id = resource_id"
    " where not exists (select from booking where id = held_by and state in ('confirmed', 'in_use', 'done'))"
    " and not exists (select from waiting where id = held_by and state = 'offered'))"
)


@pytest.fixture
async def lab(real):
    organisation = await real.given.organisation()
    manager = await real.given.person(Role.LAB_MANAGER, organisation)
    firm = await real.given.organisation()
    users = [await real.given.person(Role.EDITOR, firm) for _ in range(CLIENTS)]
    return manager, users


async def statuses(*calls) -> list[int]:
    return sorted(answer.status_code for answer in await asyncio.gather(*calls))


async def nothing_overlaps(real) -> None:
    async with real.database.reading() as session:
        assert await session.scalar(OVERLAPS) == 0
        assert await session.scalar(UNHELD) == 0


@pytest.mark.parametrize("seed", [21, 22])
async def test_in_a_storm_of_bookings_one_wins(real, lab, seed):
    manager, users = lab
    dice = random.Random(seed)
    one = await an_instrument(real.given.session, manager.organisation, slot_minutes=5)
    same = await statuses(*(who.post(URL, wish(one, who, day(7, 9))) for who in users))
    assert same == [201] + [409] * (CLIENTS - 1), seed
    partial = await statuses(*(who.post(URL, wish(one, who, day(7, 12 + dice.randrange(3) / 12), 1)) for who in users))
    assert partial == [201] + [409] * (CLIENTS - 1), seed

    # Two who want each other's place, several times at once: both are taken, nobody moves, nobody deadlocks.
    left, right = [(await users[n].post(URL, wish(one, users[n], day(8, 9 + n)))).json() for n in (0, 1)]
    swaps = [
        users[n].post(f"{URL}/{mine['id']}/move", slot(day(8, 9 + to)))
        for n, mine, to in [(0, left, 1), (1, right, 0)] * 4
    ]
    assert set(await statuses(*swaps)) == {409}

    # One gives it back while all the others want it: at most one gets it, and it is never held twice.
    held = (await users[0].post(URL, wish(one, users[0], day(9, 9)))).json()
    rebook = await statuses(
        users[0].post(f"{URL}/{held['id']}/cancellation", {}),
        *(who.post(URL, wish(one, who, day(9, 9))) for who in users[1:]),
    )
    assert rebook.count(200) == 1
    assert rebook.count(201) <= 1
    assert set(rebook) <= {200, 201, 409}
    await nothing_overlaps(real)


async def test_of_requests_for_one_time_that_are_approved_at_once_one_is(real, lab):
    manager, users = lab
    made = await an_instrument(real.given.session, manager.organisation, confirmed_at_once=[])
    asked = [(await who.post(URL, wish(made, who, day(7, 9), 2))).json() for who in users[:6]]
    found = await statuses(*(manager.post(f"{URL}/{one['id']}/approval", {}) for one in asked))
    assert found == [200] + [409] * 5
    await nothing_overlaps(real)


async def test_a_weekly_quota_holds_when_all_is_asked_at_once(real, lab):
    manager, users = lab
    made = await an_instrument(real.given.session, manager.organisation, person_week_minutes=120)
    start = day(14)
    found = await statuses(*(users[0].post(URL, wish(made, users[0], start, 1) | slot(day(14, n))) for n in range(8)))
    assert found == [201] * 2 + [409] * 6


async def test_what_is_offered_is_taken_by_nobody_else(real, lab):
    """A time comes free while the line, other users and the same offer twice all reach for it."""
    manager, users = lab
    made = await an_instrument(real.given.session, manager.organisation)
    held = (await users[0].post(URL, wish(made, users[0], day(7, 9)))).json()
    places = [(await who.post("/api/v1/waiting-list", wish(made, who, day(7, 9)))).json() for who in users[1:4]]
    assert (await users[0].post(f"{URL}/{held['id']}/cancellation", {})).status_code == 200

    async def promote() -> int:
        async with real.database.writing.begin() as session:
            return await waiting.promote(session, made.id, "http://test")

    promoted = await asyncio.gather(promote(), promote())
    assert sum(promoted) == 1
    takes = [
        who.post(f"/api/v1/waiting-list/{place['id']}/acceptance")
        for who, place in zip(users[1:4], places, strict=True)
        for _ in range(2)
    ]
    others = [who.post(URL, wish(made, who, day(7, 9))) for who in users[4:]]
    found = await statuses(*takes, *others)
    assert found == [201] + [409] * (len(takes) + len(others) - 1)
    await nothing_overlaps(real)


async def test_the_storm_catches_rules_without_a_claim(real, lab, monkeypatch):
    """The naive twin: the rules are looked at, and nothing is claimed."""
    manager, users = lab
    made = await an_instrument(real.given.session, manager.organisation)
    looked = asyncio.Barrier(4)

    put_down = bookings.put_down

    async def naive(session, booking, fact, *, by, holding) -> bool:
        await looked.wait()
        return await put_down(session, booking, fact, by=by, holding=False)

    monkeypatch.setattr(bookings, "put_down", naive)
    assert await statuses(*(who.post(URL, wish(made, who, day(7, 9))) for who in users[:4])) == [201] * 4
    async with real.database.reading() as session:
        assert await session.scalar(OVERLAPS) == 6
    async with real.database.writing.begin() as session:
        await session.execute(text("delete from booking where instrument_id = :id"), {"id": made.id})


# Of this database alone: pg_locks shows the whole cluster, and other tests wait for each other at the same time.
WAITING = text(
    "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    " and database = (select oid from pg_database where datname = current_database())"
)


async def _asked_while_a_keeper_shortens(real, made, who) -> tuple[int, list[str]]:
    """A wish for two hours that comes while a keeper, alone with the calendar, allows one at most."""
    async with real.database.writing.begin() as keeper:
        await claims.take_turns(keeper, [made.id])
        shorter = update(Instrument).where(Instrument.id == made.id)
        await keeper.execute(shorter.values(max_minutes=60, version=Instrument.version + 1))
        asked = asyncio.create_task(who.post(URL, wish(made, who, day(7, 9), 2)))
        async with real.database.reading() as session:
            while not await session.scalar(WAITING):
                assert not asked.done()
                await asyncio.sleep(0.01)
    answer = await asked
    return answer.status_code, [error["code"] for error in answer.json().get("errors", ())]


async def test_the_terms_that_hold_are_those_after_the_wait(real, lab, monkeypatch):
    """They are read by the statement that waits, so as they were before; the twin that does not look again books."""
    manager, users = lab
    looked = rules._LOOKED

    class Blind:
        @staticmethod
        async def first(session, **values):
            return dict(await looked.first(session, **values)) | {"version": 1}

    with monkeypatch.context() as naive:
        naive.setattr(rules, "_LOOKED", Blind)
        made = await an_instrument(real.given.session, manager.organisation)
        assert await _asked_while_a_keeper_shortens(real, made, users[0]) == (201, [])
    made = await an_instrument(real.given.session, manager.organisation)
    assert await _asked_while_a_keeper_shortens(real, made, users[0]) == (409, ["too_long"])
