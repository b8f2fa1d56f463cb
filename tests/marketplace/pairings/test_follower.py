"""Each process follows what is committed: nothing is missed, nothing is read twice for long, nothing stops it for good."""

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import make_url, select, text
from uuid_utils.compat import uuid7

from marketplace.kernel import clock, facts
from marketplace.kernel.facts import Recorded, record
from marketplace.kernel.jobs import Place
from marketplace.listings import facts as happened
from marketplace.pairings import engine as ranking
from marketplace.pairings.engine import Engine
from marketplace.wiring import JOBS
from matching import Document, Query
from schemas.listings import ListingKind
from tests.given import listings

ACHIEVEMENT, PROBLEM = ListingKind.ACHIEVEMENT, ListingKind.PROBLEM


def there(engine: Engine, one: dict[str, Any], kind: ListingKind = ACHIEVEMENT) -> bool:
    return one["id"] in engine.snapshot(kind)


def first_of(engine: Engine, text: str) -> str | None:
    ranking = engine.snapshot(ACHIEVEMENT).rank(Query(text), k=1, now=clock.now().timestamp())
    return ranking.items[0].key if ranking.items else None


@pytest.fixture
async def market(standing, given_there):
    """An editor whose organisation has one published achievement; the ranking is loaded."""
    university = await given_there.university()
    known = await given_there.achievement(university)
    await standing.engine.load()
    assert there(standing.engine, known)
    return university, known


async def test_publishing_editing_and_withdrawing_are_followed(standing, given_there, market):
    university, known = market
    engine = standing.engine
    made = await given_there.achievement(university, title="人参皂苷提取")
    draft = await given_there.achievement(university, published=False)
    assert not there(engine, made)
    await engine.catch_up()
    assert there(engine, made)
    assert not there(engine, draft)

    url = f"/api/v1/achievements/{made['id']}"
    assert (await university.patch(url, {"title": "秸秆还田"}, version=made["version"])).status_code == 200
    await engine.catch_up()
    assert first_of(engine, "秸秆还田") == made["id"]

    assert (await university.post(f"{url}/withdrawal")).status_code == 200
    await engine.catch_up()
    assert not there(engine, made)
    assert there(engine, known)
    assert (await university.post(f"{url}/publication")).status_code == 200
    await engine.catch_up()
    assert there(engine, made)


async def test_what_becomes_of_a_problem_is_followed(standing, given_there, market):
    enterprise = await given_there.enterprise()
    engine = standing.engine
    made = await given_there.problem(enterprise)
    url = f"/api/v1/problems/{made['id']}"
    await engine.catch_up()
    for step, ranked in (("talks", True), ("confirmation", True), ("solution", False)):
        assert (await enterprise.post(f"{url}/{step}")).status_code == 200
        await engine.catch_up()
        assert there(engine, made, PROBLEM) == ranked, step


async def test_suspending_and_reinstating_an_organisation_is_followed(standing, given_there, market):
    university, known = market
    admin = await given_there.admin()
    url = f"/api/v1/organisations/{university.organisation.id}/verification/decisions"
    for decision, ranked in (("suspend", False), ("reinstate", True)):
        answer = await admin.post(url, {"decision": decision, "reason": "核查"})
        assert answer.status_code == 200, answer.text
        await standing.engine.catch_up()
        assert there(standing.engine, known) == ranked


async def test_expiry_by_the_clock_is_followed(standing, market):
    _, known = market
    with clock.ahead(timedelta(days=181)):
        await JOBS["listings.expire"](Place(standing.database, standing.app.state.settings), {})
    await standing.engine.catch_up()
    assert not there(standing.engine, known)


async def test_many_records_at_once_are_followed(standing, given_there, market, monkeypatch):
    university, _ = market
    await standing.engine.catch_up()
    monkeypatch.setattr(ranking, "BATCH", 7)
    made = await listings.achievements(given_there.session, university.organisation, *[{} for _ in range(30)])
    fact = happened.ListingsImported("achievement", [one.id for one in made])
    async with standing.database.writing.begin() as session:
        await record(session, fact)
    assert await standing.engine.catch_up() == 30
    assert all(str(one.id) in standing.engine.snapshot(ACHIEVEMENT) for one in made)


class Naive:
    """The obvious follower: it remembers the highest fact it saw, and asks for what is above."""

    def __init__(self) -> None:
        self.highest = 0

    async def look(self, session) -> list[Any]:
        news = (await session.scalars(select(Recorded).where(Recorded.id > self.highest))).all()
        self.highest = max([self.highest, *(fact.id for fact in news)])
        return [fact.subject for fact in news]


async def test_a_late_committer_is_not_missed(standing, given_there, market):
    """Numbers are given out in one order and committed in another; the naive twin shows what that does."""
    university, _ = market
    first, second = await listings.achievements(given_there.session, university.organisation, {}, {})
    naive = Naive()
    async with standing.database.reading() as session:
        await naive.look(session)

    late, early = standing.session(), standing.session()
    await record(late, happened.ListingPublished(first.id, "achievement"), subject=first.id)
    await record(early, happened.ListingPublished(second.id, "achievement"), subject=second.id)
    await early.commit()
    async with standing.database.reading() as session:
        assert await naive.look(session) == [second.id]
        assert await naive.look(session) == []
    await standing.engine.catch_up()
    assert str(second.id) in standing.engine.snapshot(ACHIEVEMENT)
    assert str(first.id) not in standing.engine.snapshot(ACHIEVEMENT)

    await late.commit()
    async with standing.database.reading() as session:
        assert await naive.look(session) == [], "the naive twin never hears of the first"
    await standing.engine.catch_up()
    assert str(first.id) in standing.engine.snapshot(ACHIEVEMENT)
    for one in (late, early):
        await one.close()


async def test_an_open_transaction_does_not_make_its_neighbours_be_read_again(standing, given_there, market):
    university, _ = market
    engine = standing.engine
    await engine.catch_up()
    long_one = standing.session()
    await long_one.execute(text("select pg_current_xact_id()"))
    await given_there.achievement(university)
    assert await engine.catch_up() == 1
    snapshot = engine.snapshot(ACHIEVEMENT)
    assert [await engine.catch_up() for _ in range(3)] == [0, 0, 0]
    assert engine.snapshot(ACHIEVEMENT) is snapshot
    await given_there.achievement(university)
    assert await engine.catch_up() == 1
    await long_one.rollback()
    await long_one.close()
    assert await engine.catch_up() == 0


async def test_a_restored_backup_starts_the_ranking_over(standing, given_there, market):
    """Another cluster counts its transactions from lower numbers; waiting for the old ones would be waiting for ever."""
    university, known = market
    engine = standing.engine
    engine.sides[ACHIEVEMENT].index.put("gone", Document("秸秆", "还田"))
    engine._mark += 10**9
    made = await given_there.achievement(university)
    await engine.catch_up()
    assert there(engine, made)
    assert there(engine, known)
    assert len(engine.snapshot(ACHIEVEMENT)) == 2
    another = await given_there.achievement(university)
    await engine.catch_up()
    assert there(engine, another)


async def test_what_a_broken_load_read_does_not_stay(standing, given_there, market, monkeypatch, tmp_path):
    university, known = market
    engine = Engine(standing.database, tmp_path)
    rows = ranking._open_rows

    async def breaking(session, kind, **more):
        if kind is PROBLEM:
            raise ConnectionError
        return await rows(session, kind, **more)

    monkeypatch.setattr(ranking, "_open_rows", breaking)
    with pytest.raises(ConnectionError):
        await engine.load()
    monkeypatch.setattr(ranking, "_open_rows", rows)
    await university.post(f"/api/v1/achievements/{known['id']}/withdrawal")
    await engine.load()
    assert engine.loaded
    assert len(engine.snapshot(ACHIEVEMENT)) == 0


@asynccontextmanager
async def following(engine: Engine):
    task = asyncio.create_task(engine.follow())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def eventually(condition, *, deadline: float = 20) -> None:
    async with asyncio.timeout(deadline):
        while not condition():  # noqa: ASYNC110 -- what is awaited happens in a task that tells nobody
            await asyncio.sleep(0.02)


async def _once_it_is_back(given, university) -> dict[str, Any]:
    """A pool full of connections that were shot answers 503 until each was found out."""
    for _ in range(10):
        with suppress(AssertionError):
            return await given.achievement(university)
    raise AssertionError


async def test_the_follower_outlives_a_database_that_goes_away(
    standing, given_there, clones, market, monkeypatch, tmp_path
):
    from tests.conftest import administer

    university, known = market
    engine = Engine(standing.database, tmp_path)
    name = make_url(standing.database.url).database
    failures = 0
    catch_up = Engine.catch_up

    async def counted(self) -> int:
        nonlocal failures
        try:
            return await catch_up(self)
        except Exception:
            failures += 1
            raise

    monkeypatch.setattr(Engine, "catch_up", counted)
    async with following(engine):
        await eventually(lambda: engine.loaded)
        await administer(
            clones.url,
            f'alter database "{name}" allow_connections false',
            f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'",
        )
        await eventually(lambda: failures >= 2)
        assert there(engine, known), "the last good ranking goes on"
        await administer(clones.url, f'alter database "{name}" allow_connections true')
        made = await _once_it_is_back(given_there, university)
        await eventually(lambda: there(engine, made))


async def test_the_mark_never_passes_what_is_uncommitted(standing):
    open_one = standing.session()
    await record(open_one, happened.TalksBegun(uuid7(), "problem"))
    async with standing.database.reading() as session:
        for _ in range(3):
            await record_elsewhere(standing)
            place = await facts.mark(session)
    await open_one.commit()
    await open_one.close()
    async with standing.database.reading() as session:
        news, _ = await facts.since(session, place, {"TalksBegun"})
    assert len(news) >= 1


async def record_elsewhere(standing) -> None:
    async with standing.database.writing.begin() as session:
        await record(session, happened.ProblemSolved(uuid7(), "problem"))
