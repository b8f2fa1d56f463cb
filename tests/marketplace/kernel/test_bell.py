"""Workers are woken once something stands that was enqueued, and by nobody's transaction while it still commits."""

import asyncio
import contextlib
import json

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker

from marketplace.kernel import bell, jobs
from marketplace.kernel.db import Database

PATIENCE = 20


@pytest.fixture
async def database(clones):
    """One whose queue only this test fills."""
    url = await clones.make()
    made = Database(url, pool_size=4)
    yield made
    await made.close()
    await clones.drop(url)


@contextlib.asynccontextmanager
async def worker_of(database: Database):
    """What a worker hears."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    connection = await asyncpg.connect(database.url.replace("postgresql+asyncpg://", "postgresql://", 1))
    await connection.add_listener("ch_pgqueuer", lambda *told: heard.put_nowait(told[-1]))
    yield heard
    await connection.close()


async def all_heard(database: Database, heard: asyncio.Queue[str]) -> list[str]:
    """All that was told so far: what is told later is heard later."""
    async with database.writing() as session:
        await session.execute(text("select pg_notify('ch_pgqueuer', 'the end')"))
        await session.commit()
    told = []
    while (one := await asyncio.wait_for(heard.get(), PATIENCE)) != "the end":
        told.append(one)
    return told


async def enqueue(session) -> None:
    await jobs.after_commit(session, "test.job", {})


async def test_what_stands_is_told_as_the_queue_tells_it(database):
    async with worker_of(database) as heard:
        async with database.writing() as session:
            await enqueue(session)
            await session.commit()
        told = json.loads(await asyncio.wait_for(heard.get(), PATIENCE))
    assert (told["channel"], told["type"], told["operation"]) == ("ch_pgqueuer", "table_changed_event", "insert")


async def test_a_transaction_that_enqueues_tells_nobody_itself(database):
    """Those that do commit one after the other, each waiting for the disk."""
    deaf = async_sessionmaker(database.writing_engine)
    async with worker_of(database) as heard:
        async with deaf() as session:
            await enqueue(session)
            await session.commit()
        assert await all_heard(database, heard) == []


async def test_what_was_taken_back_is_not_told(database, monkeypatch):
    rung = []
    monkeypatch.setattr(database.bell, "ring", lambda: rung.append(True))
    async with database.writing() as session:
        await enqueue(session)
        await session.rollback()
    assert rung == []


async def test_it_is_told_once_all_of_it_stands_and_not_with_its_first_part(database, monkeypatch):
    stood = []
    async with database.writing() as session:
        monkeypatch.setattr(database.bell, "ring", lambda: stood.append(session.sync_session.get_transaction() is None))
        async with session.begin_nested():
            await enqueue(session)
        assert stood == []
        await session.commit()
    assert len(stood) == 1


async def test_of_many_at_once_the_workers_are_told_a_few_times(database, monkeypatch):
    monkeypatch.setattr(bell, "PAUSE", 0.5)

    async def one() -> None:
        async with database.writing() as session:
            await enqueue(session)
            await session.commit()

    async with worker_of(database) as heard:
        await asyncio.gather(*(one() for _ in range(40)))
        await asyncio.wait_for(heard.get(), PATIENCE)
        assert len(await all_heard(database, heard)) < 20


async def test_a_bell_that_cannot_be_heard_breaks_nothing_and_is_rung_again(database, monkeypatch):
    async with worker_of(database) as heard:
        with monkeypatch.context() as broken:
            broken.setattr(bell, "_TOLD", text("select 1 / 0"))
            database.bell.ring()
            await database.bell._ringing
        async with database.writing() as session:
            await enqueue(session)
            await session.commit()
        assert json.loads(await asyncio.wait_for(heard.get(), PATIENCE))["operation"] == "insert"
