"""Jobs: promised with the transaction that asks for them, done although everything about them fails."""

import asyncio
import contextlib
import logging
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest
from pgqueuer.core.executors import EntrypointExecutorParameters
from pgqueuer.errors import RetryRequested
from pgqueuer.queries import Queries
from sqlalchemy import text

from marketplace.identity import jobs as identity_jobs
from marketplace.kernel import clock, jobs, work
from marketplace.kernel.db import Database
from marketplace.kernel.jobs import ATTEMPTS, Pace, Place, Worker
from marketplace.kernel.operations import Operation
from schemas.operations import OperationState

QUICK = Pace(
    heartbeat=timedelta(seconds=1),
    first_delay=timedelta(milliseconds=1),
    longest_delay=timedelta(milliseconds=5),
    restart=timedelta(milliseconds=10),
)


@pytest.fixture
async def queue(clones, settings):
    """A place of its own, whose queue only this test's worker sees."""
    url = await clones.make()
    database = Database(url, pool_size=4)
    yield Place(database, settings)
    await database.close()
    await clones.drop(url)


@contextlib.asynccontextmanager
async def working(place: Place, handlers, schedules=None, pace=QUICK, given_up=None):
    worker = Worker(place, handlers, schedules or {}, pace, given_up=given_up)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await worker.stop()
        await running


async def ask(place: Place, job: str, commits: bool = True, **args) -> None:
    async with place.database.writing() as session:
        await jobs.after_commit(session, job, args)
        await (session.commit() if commits else session.rollback())


async def waiting(place: Place) -> dict[str, int]:
    """How many jobs there are, by state."""
    async with place.database.reading() as session:
        rows = await session.execute(text("select status::text, count(*) from pgqueuer group by status"))
        return dict(rows.all())


async def until(condition, deadline: float = 60) -> None:
    """Only ends a hang: what is right does not depend on it."""
    async with asyncio.timeout(deadline):
        while not await condition():  # noqa: ASYNC110 -- what is waited for is in the database
            await asyncio.sleep(0.02)


async def empty(place: Place) -> bool:
    return not await waiting(place)


async def parked(place: Place) -> bool:
    return await waiting(place) == {"failed": 1}


async def test_a_job_is_queued_if_and_only_if_its_transaction_commits(queue):
    await ask(queue, "test.job", commits=False)
    assert await waiting(queue) == {}
    await ask(queue, "test.job")
    assert await waiting(queue) == {"queued": 1}


async def test_a_session_that_has_said_nothing_yet_does_not_queue_on_its_own(queue):
    """SQLAlchemy begins with the first statement: on the raw connection before it, a job outlives the rollback."""
    async with queue.database.writing() as session:
        raw = (await (await session.connection()).get_raw_connection()).driver_connection
        assert not raw.is_in_transaction()
        await Queries.from_asyncpg_connection(raw).enqueue(["test.naive"], [b"{}"], [0])
        await session.rollback()
    assert await waiting(queue) == {"queued": 1}


async def test_one_waiting_copy_is_enough_where_that_is_said(queue):
    async with queue.database.writing.begin() as session:
        for _ in range(3):
            await jobs.after_commit(session, "test.job", {}, once="only")
            await jobs.after_commit(session, "test.other", {})
    assert await waiting(queue) == {"queued": 4}


async def test_a_job_that_is_for_later_waits(queue):
    done = []

    async def job(place, args):
        done.append(args["n"])

    async with queue.database.writing.begin() as session:
        await jobs.after_commit(session, "test.job", {"n": 1}, after=timedelta(hours=1))
        await jobs.after_commit(session, "test.job", {"n": 2})
    async with working(queue, {"test.job": job}):
        await until(lambda: asyncio.sleep(0, bool(done)))
    assert done == [2]
    assert await waiting(queue) == {"queued": 1}


async def test_a_worker_does_what_was_asked_with_what_was_said(queue):
    done = []

    async def job(place, args):
        assert place is queue
        done.append(args)

    async with working(queue, {"test.job": job}):
        await ask(queue, "test.job", text="钛合金", n=7)
        await until(lambda: empty(queue))
    assert done == [{"text": "钛合金", "n": 7}]


async def test_a_hundred_jobs_are_done_once_each_by_three_workers(queue):
    done = []

    async def job(place, args):
        done.append(args["n"])

    async with queue.database.writing.begin() as session:
        for n in range(100):
            await jobs.after_commit(session, "test.job", {"n": n})
    async with contextlib.AsyncExitStack() as workers:
        for _ in range(3):
            await workers.enter_async_context(working(queue, {"test.job": job}))
        await until(lambda: empty(queue))
    assert sorted(done) == list(range(100))


async def test_a_worker_takes_no_more_at_a_time_than_it_can_hold(queue):
    here, most, release = 0, 0, asyncio.Event()

    async def job(place, args):
        nonlocal here, most
        here += 1
        most = max(most, here)
        if here == jobs.AT_ONCE:
            release.set()
        await release.wait()
        here -= 1

    async with queue.database.writing.begin() as session:
        for n in range(40):
            await jobs.after_commit(session, "test.job", {"n": n})
    async with working(queue, {"test.job": job}):
        await until(lambda: empty(queue))
    assert most == jobs.AT_ONCE


async def test_a_job_that_fails_is_tried_again_until_it_does_not(queue, caplog):
    tries = []

    async def job(place, args):
        tries.append(1)
        if len(tries) < ATTEMPTS:
            raise RuntimeError("not yet")

    await ask(queue, "test.job")
    async with working(queue, {"test.job": job}):
        await until(lambda: empty(queue))
    assert len(tries) == ATTEMPTS


async def test_each_try_comes_later_than_the_one_before(queue):
    async def job(place, args):
        raise RuntimeError

    pace = Pace(first_delay=timedelta(hours=1), longest_delay=timedelta(hours=3))
    for tried, hours in ((0, 1), (1, 2), (2, 3)):
        async with queue.database.writing.begin() as session:
            await session.execute(text("delete from pgqueuer"))
        await ask(queue, "test.job")
        async with queue.database.writing.begin() as session:
            await session.execute(text("update pgqueuer set attempts = :tried"), {"tried": tried})
        async with working(queue, {"test.job": job}, pace=pace):

            async def again(tried=tried):
                async with queue.database.reading() as session:
                    return await session.scalar(text("select attempts from pgqueuer")) == tried + 1

            await until(again)
        async with queue.database.reading() as session:
            due = await session.scalar(
                text("select round(extract(epoch from execute_after - updated) / 3600) from pgqueuer")
            )
        assert due == hours


async def test_a_job_that_always_fails_is_parked_after_five_tries_and_holds_up_nobody(queue):
    tries, done = [], []

    async def poison(place, args):
        tries.append(1)
        raise RuntimeError("the confidential text")

    async def job(place, args):
        done.append(1)

    await ask(queue, "test.poison")
    async with working(queue, {"test.poison": poison, "test.job": job}):
        await until(lambda: parked(queue))
        await ask(queue, "test.job")
        await until(lambda: asyncio.sleep(0, bool(done)))
    assert len(tries) == ATTEMPTS


@pytest.mark.parametrize("deaths", [0, ATTEMPTS], ids=["it fails", "its worker dies"])
async def test_work_whose_job_is_parked_has_failed_and_keeps_nobody_waiting(queue, deaths):
    async def poison(place, args):
        raise RuntimeError

    async with queue.database.writing.begin() as session:
        operation = Operation(kind="test", state=OperationState.RUNNING)
        session.add(operation)
    await ask(queue, "test.poison", operation_id=str(operation.id))
    async with queue.database.writing.begin() as session:
        picked = "insert into pgqueuer_log (job_id, status, priority, entrypoint) select id, 'picked', 0, entrypoint from pgqueuer"
        for _ in range(deaths):
            await session.execute(text(picked))
    async with working(queue, {"test.poison": poison}, given_up=work.given_up):
        await until(lambda: parked(queue))
    async with queue.database.reading() as session:
        ended = await session.get_one(Operation, operation.id)
    assert ended.state is OperationState.FAILED
    assert "Start it again" in ended.error
    assert ended.ended_at is not None


async def test_what_cannot_be_told_of_a_parked_job_parks_it_all_the_same(queue):
    async def poison(place, args):
        raise RuntimeError

    await ask(queue, "test.poison", operation_id="no number")
    async with working(queue, {"test.poison": poison}, given_up=work.given_up):
        await until(lambda: parked(queue))


async def test_what_the_queue_keeps_of_a_failure_names_no_values(queue):
    async def poison(place, args):
        async with place.database.writing.begin() as session:
            await session.execute(text("insert into sign_in_try (id, key) values (gen_random_uuid(), null)"))

    async def insert(place, args):
        async with place.database.writing.begin() as session:
            for _ in range(2):
                await session.execute(
                    text("insert into idempotency_key values (:id, 'canary-7f3a', '', 200, '{}', '')"),
                    {"id": "019aaaaa-0000-7000-8000-000000000000"},
                )

    await ask(queue, "test.insert")
    async with working(queue, {"test.poison": poison, "test.insert": insert}):
        await until(lambda: parked(queue))
    async with queue.database.reading() as session:
        kept = str((await session.scalars(text("select traceback::text from pgqueuer_log"))).all())
    assert "idempotency_key_pkey" in kept
    assert "canary-7f3a" not in kept


async def test_a_parked_job_can_be_queued_again_and_is_tried_anew(queue):
    ready = False
    tries = []

    async def job(place, args):
        tries.append(1)
        if not ready:
            raise RuntimeError

    await ask(queue, "test.job")
    async with working(queue, {"test.job": job}):
        await until(lambda: parked(queue))
        ready = True
        connection = await asyncpg.connect(queue.database.url.replace("+asyncpg", ""))
        ids = [row["id"] for row in await connection.fetch("select id from pgqueuer")]
        await Queries.from_asyncpg_connection(connection).requeue_jobs(ids)
        await connection.close()
        await until(lambda: empty(queue))
    assert len(tries) == ATTEMPTS + 1


async def test_a_job_whose_worker_was_killed_is_done_by_another(queue):
    """A worker in another process takes the job and is killed while it is at it."""
    marker = queue.settings.home / "taken"
    await ask(queue, "test.job", n=1)
    await killed_while_working(queue, marker)
    assert await waiting(queue) == {"picked": 1}
    done = []

    async def job(place, args):
        done.append(args["n"])

    async with working(queue, {"test.job": job}):
        await until(lambda: empty(queue))
    assert done == [1]


TAKES_AND_HANGS = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from marketplace.kernel.db import Database
from marketplace.kernel.jobs import Pace, Place, Worker
from marketplace.settings import Settings

async def job(place, args):
    Path(sys.argv[2]).touch()
    await asyncio.Event().wait()

place = Place(Database(sys.argv[1]), Settings(secret="x" * 40))
asyncio.run(Worker(place, {"test.job": job}, {}, Pace(heartbeat=timedelta(seconds=1))).run())
"""


async def killed_while_working(place: Place, marker: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TAKES_AND_HANGS, place.database.url, str(marker)
    )

    async def taken():
        assert process.returncode is None
        return await asyncio.to_thread(marker.exists)

    try:
        await until(taken)
    finally:
        process.kill()
        await process.wait()


async def test_a_job_that_takes_its_worker_down_with_it_is_parked_too(queue):
    """Its worker leaves no failure behind: what counts is how often it was picked."""
    tries = []

    async def job(place, args):
        tries.append(1)

    await ask(queue, "test.job")
    async with queue.database.writing.begin() as session:
        await session.execute(text("update pgqueuer set status = 'picked', heartbeat = now() - interval '1 hour'"))
        for _ in range(ATTEMPTS):
            await session.execute(
                text(
                    "insert into pgqueuer_log (job_id, status, priority, entrypoint)"
                    " select id, 'picked', priority, entrypoint from pgqueuer"
                )
            )
    async with working(queue, {"test.job": job}):
        await until(lambda: parked(queue))
    assert tries == []


async def test_what_is_under_way_is_finished_when_a_worker_is_asked_to_stop(queue):
    begun, release, done = asyncio.Event(), asyncio.Event(), []

    async def job(place, args):
        begun.set()
        await release.wait()
        done.append(1)

    await ask(queue, "test.job")
    worker = Worker(queue, {"test.job": job}, {}, QUICK)
    running = asyncio.create_task(worker.run())
    await begun.wait()
    await worker.stop()
    release.set()
    await running
    assert done == [1]
    assert await waiting(queue) == {}


async def test_a_worker_that_is_stopped_before_it_begins_does_not_begin(queue):
    worker = Worker(queue, {}, {}, QUICK)
    await worker.stop()
    await worker.run()


async def test_a_worker_that_is_stopped_while_it_connects_does_not_begin(queue, monkeypatch):
    worker = Worker(queue, {}, {}, QUICK)
    honest = asyncpg.create_pool

    async def stopped_meanwhile(*args, **more):
        pool = await honest(*args, **more)
        await worker.stop()
        return pool

    monkeypatch.setattr(asyncpg, "create_pool", stopped_meanwhile)
    async with asyncio.timeout(30):
        await worker.run()


async def test_a_worker_waits_for_a_database_that_is_not_there(settings, caplog):
    place = Place(Database("postgresql+asyncpg://postgres@/nowhere?host=/nonexistent"), settings)
    with caplog.at_level(logging.WARNING):
        async with working(place, {}):

            async def twice():
                return sum("worker_restarts" in str(record.msg) for record in caplog.records) >= 2

            await until(twice)


async def test_a_worker_goes_on_after_its_connections_were_cut(queue):
    done = []

    async def job(place, args):
        done.append(args["n"])

    async with working(queue, {"test.job": job}):
        for n in range(3):
            await ask(queue, "test.job", n=n)
            await until(lambda: empty(queue))
            await cut(queue, "duijie-worker")
    assert done == [0, 1, 2]


async def cut(place: Place, application: str) -> None:
    async with place.database.writing.begin() as session:
        await session.execute(
            text(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = :name and datname = current_database()"
            ),
            {"name": application},
        )


async def test_a_job_that_fails_with_the_database_is_not_parked_for_it(queue):
    """Its connections are cut in mid-job, the worker's too: the next try must not be lost with them."""
    tries = []

    async def job(place, args):
        tries.append(1)
        if len(tries) == 1:
            await cut(queue, "duijie-worker")
            raise OSError("the database went away")

    await ask(queue, "test.job")
    async with working(queue, {"test.job": job}):
        await until(lambda: empty(queue))
    assert len(tries) >= 2


class AwayForAWhile:
    """A pool whose database is away for two questions."""

    def __init__(self, worker_stops: asyncio.Event | None = None) -> None:
        self.asked, self.stops = 0, worker_stops

    async def fetchval(self, query, *_):
        if "pgqueuer_log" in query:
            return 1
        self.asked += 1
        if self.asked < 3:
            if self.stops is not None:
                self.stops.set()
            raise ConnectionRefusedError
        return 1


@pytest.mark.parametrize("stopped", [False, True], ids=["until it is back", "unless the worker is to stop"])
async def test_a_job_that_failed_waits_for_the_database_before_it_is_put_back(stopped):
    async def job(job):
        raise OSError

    stopping = asyncio.Event()
    pool = AwayForAWhile(stopping if stopped else None)
    parameters = EntrypointExecutorParameters(concurrency_limit=0, func=job)
    executor = jobs._Executor(parameters, pool=pool, pace=QUICK, stopping=stopping, parked=None)
    with pytest.raises(RetryRequested) as wish:
        await executor.execute(SimpleNamespace(id=1, attempts=1, entrypoint="test.job"), None)
    assert wish.value.delay == QUICK.first_delay * 2
    assert pool.asked == (1 if stopped else 3)


async def test_the_clock_wakes_what_is_due_and_a_failure_there_stops_nothing(queue):
    woken = []

    async def job(place, args):
        woken.append(args)
        if len(woken) == 1:
            raise RuntimeError

    worker = Worker(queue, {"test.job": job}, {"test.job": "* * * * *"}, QUICK)
    with pytest.raises(RuntimeError):
        await worker._due("test.job", None)
    await worker._due("test.job", None)
    assert woken == [{}, {}]
    async with working(queue, {"test.job": job}, {"test.job": "* * * * *"}):

        async def scheduled():
            async with queue.database.reading() as session:
                return await session.scalar(text("select count(*) from pgqueuer_schedules")) == 1

        await until(scheduled)
        async with queue.database.writing.begin() as session:
            await session.execute(text("update pgqueuer_schedules set next_run = now()"))


async def test_notes_of_jobs_that_ended_long_ago_are_swept_away(queue):
    await ask(queue, "test.job")
    async with queue.database.writing.begin() as session:
        await jobs.sweep(session, clock.now())
        assert await session.scalar(text("select count(*) from pgqueuer_log")) == 1
        await jobs.sweep(session, clock.now() + timedelta(days=31))
        assert await session.scalar(text("select count(*) from pgqueuer_log")) == 0


async def test_identity_sweeps_by_the_clock(queue):
    await identity_jobs.sweep(queue, {})
