"""Nothing is ever held twice: one resource at a time, several at once, moved, swapped, given back."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from marketplace.kernel.db import Database, sqlstate
from marketplace.kernel.refusals import NotFound
from marketplace.reservations import claims
from marketplace.reservations.claims import Taken, TooLongToHold, period
from marketplace.reservations.models import Claim, ResourceKind

MONDAY = datetime(2027, 3, 1, tzinfo=UTC)


def hours(since: float, until: float):
    return period(MONDAY + timedelta(hours=since), MONDAY + timedelta(hours=until))


async def some(session, count: int, kind=ResourceKind.INSTRUMENT):
    made = [uuid7() for _ in range(count)]
    await claims.enrol(session, kind, *made)
    return made


async def test_what_touches_does_not_overlap(session):
    [one] = await some(session, 1)
    await claims.claim(session, uuid7(), hours(9, 10), [one])
    await claims.claim(session, uuid7(), hours(10, 11), [one])
    with pytest.raises(Taken):
        await claims.claim(session, uuid7(), hours(9.5, 10.5), [one])
    assert len(await claims.held(session, one, hours(0, 24))) == 2


async def test_several_resources_are_held_together_or_not_at_all(session):
    doctor, engineer = await some(session, 2, ResourceKind.PERSON)
    [table] = await some(session, 1, ResourceKind.PLACE)
    await claims.claim(session, uuid7(), hours(9, 10), [doctor, table])
    with pytest.raises(Taken):
        await claims.claim(session, uuid7(), hours(9, 10), [engineer, table])
    assert await claims.held(session, engineer, hours(0, 24)) == []
    await claims.claim(session, uuid7(), hours(9, 10), [engineer])


async def test_a_move_that_fails_changes_nothing(session):
    one, other = await some(session, 2)
    mine = uuid7()
    await claims.claim(session, mine, hours(9, 10), [one])
    await claims.claim(session, uuid7(), hours(11, 12), [other])
    with pytest.raises(Taken):
        await claims.move(session, mine, hours(11, 12), [one, other])
    [kept] = await claims.held(session, one, hours(0, 24))
    assert (kept.held_by, kept.during) == (mine, hours(9, 10))


async def test_a_move_may_overlap_what_it_leaves(session):
    [one] = await some(session, 1)
    mine, next_one = uuid7(), uuid7()
    await claims.claim(session, mine, hours(9, 11), [one])
    await claims.move(session, mine, hours(10, 12), [one], to=next_one)
    [kept] = await claims.held(session, one, hours(0, 24))
    assert (kept.held_by, kept.during) == (next_one, hours(10, 12))
    assert not await claims.release(session, mine)


async def test_what_is_handed_over_is_never_free_in_between(session):
    [one] = await some(session, 1)
    offer, booking = uuid7(), uuid7()
    await claims.claim(session, offer, hours(9, 10), [one])
    assert await claims.hand_over(session, offer, booking)
    assert await claims.release(session, booking)


async def test_nobody_holds_what_nobody_enrolled(session):
    with pytest.raises(NotFound):
        await claims.claim(session, uuid7(), hours(9, 10), [uuid7()])


async def test_more_than_a_month_is_refused(session):
    [one] = await some(session, 1)
    await claims.claim(session, uuid7(), hours(0, 31 * 24), [one])
    with pytest.raises(TooLongToHold):
        await claims.claim(session, uuid7(), hours(1000, 1000 + 31 * 24 + 0.25), [one])


SLIPPERY = {
    "empty": "'empty'::tstzrange",
    "without an end": "tstzrange('2027-03-01', null)",
    "without a beginning": "tstzrange(null, '2027-03-01')",
    "to infinity": "tstzrange('2027-03-01', 'infinity')",
    "from minus infinity": "tstzrange('-infinity', '2027-03-01')",
    "closed": "tstzrange('2027-03-01', '2027-03-02', '[]')",
    "open at both ends": "tstzrange('2027-03-01', '2027-03-02', '()')",
    "a year": "tstzrange('2027-03-01', '2028-03-01')",
    "null": "null",
}


@pytest.mark.parametrize("what", list(SLIPPERY))
async def test_the_table_itself_refuses_what_would_slip_through(what, session):
    [one] = await some(session, 1)
    insert = (
        f"insert into claim (id, resource_id, during, held_by) values (gen_random_uuid(), :one, {SLIPPERY[what]}, :one)"
    )
    with pytest.raises(DBAPIError) as refused:
        async with session.begin_nested():
            await session.execute(text(insert), {"one": one})
    assert sqlstate(refused.value) in {"23514", "23502"}


async def test_a_claim_needs_its_resource(session):
    with pytest.raises(DBAPIError) as refused:
        async with session.begin_nested():
            await session.execute(
                text(
                    "insert into claim (id, resource_id, during, held_by) values"
                    " (gen_random_uuid(), null, tstzrange('2027-03-01', '2027-03-02'), gen_random_uuid())"
                )
            )
    assert sqlstate(refused.value) == "23502"


@pytest.mark.parametrize("seed", [1, 2])
async def test_any_sequence_of_steps_comes_to_what_a_list_would(seed, session):
    """Claims, releases, moves and hand-overs against the plainest model: a list that is searched."""
    dice = random.Random(seed)
    resources = await some(session, 3)
    model: dict = {}

    def clash(during, wanted, but=None):
        return any(
            holder != but and set(wanted) & set(others) and during.lower < other.upper and other.lower < during.upper
            for holder, (other, others) in model.items()
        )

    for _ in range(120):
        since = dice.randrange(0, 46)
        during = hours(since / 2, (since + dice.randrange(1, 6)) / 2)
        wanted = dice.sample(resources, dice.randrange(1, 3))
        step = dice.choice(["claim", "claim", "claim", "release", "move", "hand over"])
        holder = dice.choice(list(model)) if model else None
        if step == "claim" or holder is None:
            new = uuid7()
            try:
                await claims.claim(session, new, during, wanted)
            except Taken:
                assert clash(during, wanted)
            else:
                assert not clash(during, wanted)
                model[new] = (during, wanted)
        elif step == "release":
            assert await claims.release(session, holder)
            del model[holder]
        elif step == "move":
            try:
                await claims.move(session, holder, during, wanted)
            except Taken:
                assert clash(during, wanted, holder)
            else:
                assert not clash(during, wanted, holder)
                model[holder] = (during, wanted)
        else:
            new = uuid7()
            assert await claims.hand_over(session, holder, new)
            model[new] = model.pop(holder)
    rows = (await session.execute(select(Claim.held_by, Claim.resource_id, Claim.during))).all()
    mine = {row for row in rows if row.resource_id in resources}
    assert {tuple(row) for row in mine} == {
        (holder, one, during) for holder, (during, wanted) in model.items() for one in wanted
    }


OVERLAPS = text(
    "select count(*) from claim a join claim b on a.resource_id = b.resource_id and a.id < b.id and a.during && b.during"
)
CLIENTS, ROUNDS = 24, 3


class Storm:
    """Parallel clients on connections of their own, each step a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.states: list[str | None] = []

    async def each(self, *steps) -> int:
        """Do all of these at once; answers how many went through. Anything but `Taken` is a fault."""

        async def one(step) -> bool:
            try:
                async with self.database.writing.begin() as session:
                    await step(session)
            except Taken:
                return False
            except DBAPIError as error:
                self.states.append(sqlstate(error))
                return False
            return True

        return sum(await asyncio.gather(*(one(step) for step in steps)))

    async def overlaps(self) -> int:
        async with self.database.reading() as session:
            return await session.scalar(OVERLAPS)


@pytest.fixture
async def storm(real_url):
    database = Database(real_url, pool_size=12)
    yield Storm(database)
    await database.close()


async def rounds(storm: Storm, seed: int) -> dict[str, list[int]]:
    """Every kind of race, some rounds of each; how many won in each round."""
    dice = random.Random(seed)
    won: dict[str, list[int]] = {"same slot": [], "overlap": [], "swap": [], "rebook": [], "meeting": []}
    for _ in range(ROUNDS):
        async with storm.database.writing.begin() as session:
            one, other = await some(session, 2)
            people = await some(session, 6, ResourceKind.PERSON)
            [table] = await some(session, 1, ResourceKind.PLACE)
            left, right = uuid7(), uuid7()
            await claims.claim(session, left, hours(1, 2), [one])
            await claims.claim(session, right, hours(1, 2), [other])

        def take(during, *resources, held_by=None):
            return lambda session: claims.claim(session, held_by or uuid7(), during, resources)

        won["same slot"].append(await storm.each(*(take(hours(9, 10), one) for _ in range(CLIENTS))))
        # Each of these overlaps each other one: all hold the moment of half past twelve.
        won["overlap"].append(
            await storm.each(
                *(take(hours(12 + dice.randrange(3) / 8, 13 - dice.randrange(3) / 8), one) for _ in range(CLIENTS))
            )
        )
        # Each wants the other's place: without turns, in one order, this is a deadlock.
        swaps = [
            lambda session, mine=mine, to=to: claims.move(session, mine, hours(1, 2), [to])
            for mine, to in [(left, other), (right, one)] * 6
        ]
        won["swap"].append(await storm.each(*swaps))
        # One gives the time back while everybody waits for it.
        async with storm.database.writing.begin() as session:
            await claims.claim(session, mine := uuid7(), hours(15, 16), [one])

        async def rebook(session, mine=mine, one=one):
            await claims.release(session, mine)
            await claims.claim(session, uuid7(), hours(15, 16), [one])

        won["rebook"].append(await storm.each(rebook, *(take(hours(15, 16), one) for _ in range(CLIENTS))))
        pairs = [dice.sample(people, 2) for _ in range(CLIENTS)]
        won["meeting"].append(await storm.each(*(take(hours(9, 10), *pair, table) for pair in pairs)))
    return won


@pytest.mark.parametrize("seed", [11, 12])
async def test_in_a_storm_one_wins_and_nobody_deadlocks(storm, seed):
    won = await rounds(storm, seed)
    assert storm.states == [], seed
    assert won["same slot"] == won["overlap"] == won["rebook"] == won["meeting"] == [1] * ROUNDS, (seed, won)
    assert won["swap"] == [0] * ROUNDS, "both places are taken: nobody can move into them"
    assert await storm.overlaps() == 0


async def test_the_storm_catches_who_looks_first_and_then_takes(clones, monkeypatch):
    """The naive twin: no constraint, and a look before the insert."""
    url = await clones.make()
    database = Database(url, pool_size=8)
    looked = asyncio.Barrier(8)
    try:
        async with database.writing.begin() as session:
            await session.execute(text("alter table claim drop constraint claim_no_overlap"))
            [one] = await some(session, 1)

        async def naive(session, held_by, during, resources):
            for one in resources:
                if await claims.held(session, one, during):
                    raise Taken
            await looked.wait()  # whatever a request does between looking and taking
            session.add_all(Claim(resource_id=one, during=during, held_by=held_by) for one in resources)
            await session.flush()

        monkeypatch.setattr(claims, "claim", naive)
        storm = Storm(database)
        won = await storm.each(*(lambda session: claims.claim(session, uuid7(), hours(9, 10), [one]) for _ in range(8)))
        assert won == 8
        assert await storm.overlaps() == 8 * 7 / 2
    finally:
        await database.close()
        await clones.drop(url)


async def test_a_plain_insert_over_a_claim_is_refused_by_the_constraint_itself(session):
    [one] = await some(session, 1)
    await claims.claim(session, uuid7(), hours(9, 10), [one])
    session.add(Claim(resource_id=one, during=Range(MONDAY, MONDAY + timedelta(days=1)), held_by=uuid7()))
    with pytest.raises(DBAPIError) as refused:
        await session.flush()
    assert sqlstate(refused.value) == "23P01"


async def test_whoever_wants_to_be_alone_is_not_passed_by_those_who_come_later(real):
    """A stream of requests that share a calendar must not keep a cancellation waiting for ever."""
    async with real.database.writing.begin() as session:
        [one] = await some(session, 1)
    came: list[str] = []
    first = real.database.writing()
    await claims.keep_off(first, one)

    async def come(name: str, turn) -> None:
        async with real.database.writing.begin() as session:
            await turn(session)
            came.append(name)

    async def in_line(count: int) -> None:
        waiting = text(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
        async with real.database.reading() as session:
            while len(came) + await session.scalar(waiting) < count:  # noqa: ASYNC110 -- PostgreSQL rings no bell
                await asyncio.sleep(0.01)

    alone = asyncio.create_task(come("alone", lambda session: claims.take_turns(session, [one])))
    await in_line(1)
    later = asyncio.create_task(come("later", lambda session: claims.keep_off(session, one)))
    await in_line(2)
    await first.close()
    await asyncio.gather(alone, later)
    assert came == ["alone", "later"]
