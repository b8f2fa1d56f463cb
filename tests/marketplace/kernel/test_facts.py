"""Facts: written down with what happened, handed on without a gap."""

import asyncio
from dataclasses import dataclass
from uuid import uuid4

import pytest
from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import insert

from marketplace.kernel import facts
from marketplace.kernel.facts import Fact, Recorded, RecordedWith
from marketplace.reservations.models import Resource, ResourceKind


@dataclass(frozen=True, slots=True)
class Happened(Fact):
    number: int


@dataclass(frozen=True, slots=True)
class Other(Fact):
    number: int


@pytest.fixture
def listening():
    before = dict(facts._listeners)
    facts.listen({Happened: ("test.job",)})
    yield
    facts.listen(before)


async def test_a_fact_says_what_when_about_what_and_by_whom(session):
    subject, by = uuid4(), uuid4()
    await facts.record(session, Happened(7), subject=subject, by=by)
    row = await session.scalar(select(Recorded))
    assert (row.name, row.body, row.subject, row.by) == ("Happened", {"number": 7}, subject, by)
    assert row.at.utcoffset() is not None


@pytest.mark.usefixtures("listening")
async def test_a_fact_wakes_who_listens_and_nobody_else(session):
    await facts.record(session, Happened(7))
    await facts.record(session, Other(8))
    asked = text("select entrypoint, convert_from(payload, 'utf8')::jsonb from pgqueuer")
    queued = (await session.execute(asked)).all()
    assert [tuple(row) for row in queued] == [("test.job", {"number": 7})]


MADE = RecordedWith(
    insert(Resource)
    .values(id=bindparam("id", type_=Uuid), kind=ResourceKind.INSTRUMENT)
    .on_conflict_do_nothing()
    .returning(Resource.id)
    .cte("made")
)


@pytest.mark.parametrize(("fact", "woken"), [(Happened(7), ["test.job"]), (Other(8), [])])
@pytest.mark.usefixtures("listening")
async def test_a_change_is_written_down_with_its_fact_and_jobs_or_neither(session, fact, woken):
    subject, by = uuid4(), uuid4()
    assert await MADE.done(session, fact, subject=subject, by=by, id=subject)
    assert not await MADE.done(session, fact, subject=subject, by=by, id=subject), "it is there already"
    [row] = (await session.scalars(select(Recorded))).all()
    assert (row.name, row.body, row.subject, row.by) == (type(fact).__name__, {"number": fact.number}, subject, by)
    assert (await session.scalars(text("select entrypoint from pgqueuer"))).all() == woken


async def test_a_fact_and_its_jobs_stand_or_fall_with_their_transaction(real, listening):
    number = uuid4().int % 10**9
    for commits in (False, True):
        async with real.database.writing() as session:
            await facts.record(session, Happened(number))
            await (session.commit() if commits else session.rollback())
        async with real.database.reading() as session:
            kept = (await session.scalars(select(Recorded.body).where(Recorded.name == "Happened"))).all()
            queued = await session.scalar(
                text("select count(*) from pgqueuer where convert_from(payload, 'utf8')::jsonb = cast(:body as jsonb)"),
                {"body": f'{{"number": {number}}}'},
            )
        assert ({"number": number} in kept) is commits
        assert queued == int(commits)


class Watermark:
    """The naive twin: whoever has seen fact 7 asks only for what is above 7."""

    def __init__(self) -> None:
        self.highest = 0

    async def news(self, session) -> set[int]:
        rows = (
            await session.execute(
                select(Recorded.id, Recorded.body).where(Recorded.id > self.highest, Recorded.name == "Happened")
            )
        ).all()
        self.highest = max([self.highest, *(row.id for row in rows)])
        return {row.body["number"] for row in rows}


class Follower:
    """What the ranking's follower does: ask since a place, and go on from the next one."""

    def __init__(self, place: int) -> None:
        self.place = place

    async def news(self, session) -> set[int]:
        rows, self.place = await facts.since(session, self.place, ["Happened"])
        return {row.body["number"] for row in rows}


async def test_a_late_committer_is_not_skipped_although_a_watermark_would(real):
    async with real.database.reading() as reader:
        naive, honest = Watermark(), Follower(await facts.mark(reader))
        naive.highest = await reader.scalar(text("select coalesce(max(id), 0) from fact"))
        async with real.database.writing() as late, real.database.writing() as early:
            await facts.record(late, Happened(1))
            await facts.record(early, Happened(2))
            await early.commit()
            assert await naive.news(reader) == {2}
            assert 2 in await honest.news(reader)
            await late.commit()
        assert await naive.news(reader) == set()
        assert 1 in await honest.news(reader)


async def test_nobody_is_skipped_by_a_follower_who_asks_all_the_time(real):
    """Forty writers that hold their facts for a while, and one reader between them."""
    async with real.database.reading() as reader:
        follower = Follower(await facts.mark(reader))
    base = 1_000_000
    done = asyncio.Event()
    seen: set[int] = set()

    async def write(number: int) -> None:
        async with real.database.writing() as session:
            await facts.record(session, Happened(base + number))
            for _ in range(number % 7):
                await session.execute(text("select 1"))
            await session.commit()

    async def follow() -> None:
        while True:
            last = done.is_set()
            async with real.database.reading() as reader:
                seen.update(await follower.news(reader))
            if last:
                return

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(number) for number in range(40)))
    done.set()
    await following
    assert {base + number for number in range(40)} <= seen


async def test_only_the_names_asked_for_are_told(real):
    async with real.database.reading() as reader:
        place = await facts.mark(reader)
        async with real.database.writing.begin() as session:
            await facts.record(session, Other(1))
            await facts.record(session, Happened(2))
        rows, _ = await facts.since(reader, place, ["Other"])
        assert [row.name for row in rows] == ["Other"]


async def test_facts_from_the_future_of_another_cluster_are_no_news(real):
    """After a restore old rows may carry transaction numbers that this cluster has not reached."""
    async with real.database.reading() as reader:
        place = await facts.mark(reader)
        async with real.database.writing.begin() as session:
            await session.execute(
                text("insert into fact (xid, name, body) overriding system value values (:xid, 'Happened', '{}')"),
                {"xid": place + 10**12},
            )
        rows, _ = await facts.since(reader, place, ["Happened"])
        assert {} not in [row.body for row in rows]
