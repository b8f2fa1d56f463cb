"""Work to do once, and only if, this transaction commits. The queue is pgqueuer's, in the same database.

Delivery is at least once: every job must be able to meet its own finished work and leave it alone.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import asyncpg
import structlog
from pgqueuer import PgQueuer
from pgqueuer.core.executors import EntrypointExecutor
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Context, Job, Schedule
from pgqueuer.queries import Queries
from sqlalchemy import (
    ColumnElement,
    Insert,
    LargeBinary,
    String,
    bindparam,
    column,
    func,
    insert,
    literal,
    literal_column,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import bell, metrics
from marketplace.kernel.db import Database
from marketplace.kernel.log import said
from marketplace.kernel.portions import delete_some
from marketplace.kernel.prepared import connected
from marketplace.settings import Settings

log = structlog.get_logger("jobs")

ATTEMPTS: Final = 5
# What one worker does at a time; each job may hold a connection of the pool that requests share.
AT_ONCE: Final = 8
QUERY_SECONDS: Final = 30
KEPT_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a worker waits for what."""

    # A job whose worker has not been heard of for this long is given to another.
    heartbeat: timedelta = timedelta(seconds=10)
    first_delay: timedelta = timedelta(seconds=1)
    longest_delay: timedelta = timedelta(minutes=5)
    restart: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """What a job needs to work: the database and the settings."""

    database: Database
    settings: Settings


_LOG, _STATISTICS = (table(name, column("id"), column("created")) for name in ("pgqueuer_log", "pgqueuer_statistics"))
_QUEUE: Final = table("pgqueuer", *map(column, ("priority", "status", "entrypoint", "payload")))

Handler = Callable[[Place, dict[str, Any]], Awaitable[None]]


async def after_commit(
    session: AsyncSession, job: str, args: Mapping[str, Any], *, once: str | None = None, after: timedelta | None = None
) -> None:
    """Enqueue `job`. `once` names work of which one waiting copy is enough."""
    raw = await connected(session)
    assert raw.is_in_transaction(), "a job is enqueued inside the transaction that asks for it"
    await Queries.from_asyncpg_connection(raw).enqueue(
        [job], [json.dumps(args).encode()], [0], [after], [once], on_conflict="skip"
    )
    bell.ring_after_commit(session)


async def sweep(session: AsyncSession, now: datetime) -> int:
    """Forget what the queue noted of jobs that ended long ago. Answers how many notes; call until it answers 0."""
    gone = 0
    for notes in (_LOG, _STATISTICS):
        gone += await delete_some(session, notes, notes.c.created < now - KEPT_FOR, first=notes.c.id)
    return gone


def enqueued(*where: ColumnElement[bool]) -> Insert:
    """Jobs, `woken` by name and all `told` the same, enqueued by the statement that writes down what they are about.

    The queue's own statement does more than they need: it looks for copies, and for each job notes that it was queued.
    """
    name = func.unnest(bindparam("woken", type_=ARRAY(String))).column_valued("woken_name")
    queued: ColumnElement[Any] = literal_column("'queued'::pgqueuer_status")
    what = select(literal(0), queued, name, bindparam("told", type_=LargeBinary))
    return insert(_QUEUE).from_select(list(_QUEUE.columns), what.where(*where), include_defaults=False)


class Failed(Exception):  # noqa: N818 -- what the queue keeps of a failure: no values of anybody's
    """A job could not be done."""


class Worker:
    """Runs jobs until told to stop; several may run, in one process or many."""

    def __init__(
        self,
        place: Place,
        handlers: Mapping[str, Handler],
        schedules: Mapping[str, str],
        pace: Pace | None = None,
        *,
        given_up: Handler | None = None,
    ) -> None:
        """`given_up` is told of each job that is parked, with what the job itself was told."""
        self._place, self._handlers, self._schedules = place, handlers, schedules
        self._pace, self._given_up = pace or Pace(), given_up
        self._queuer: PgQueuer | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop`. A database that goes away is waited for."""
        while not self._stopping.is_set():
            try:
                await self._run()
            except Exception as error:  # noqa: BLE001 -- whatever broke the queue's loop, the answer is to start it again
                log.warning("worker_restarts", because=said(error))
                await self._pause(self._pace.restart)

    async def stop(self) -> None:
        """Take no more jobs; what is under way is finished."""
        self._stopping.set()
        if self._queuer is not None:
            self._queuer.shutdown.set()

    async def _pause(self, length: timedelta) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), length.total_seconds())

    async def _run(self) -> None:
        dsn = self._place.database.url.replace("postgresql+asyncpg://", "postgresql://", 1)
        pool = await asyncpg.create_pool(
            dsn,
            min_size=2,
            max_size=4,
            command_timeout=QUERY_SECONDS,
            server_settings={"application_name": "duijie-worker"},
        )
        try:
            queuer = PgQueuer.from_asyncpg_pool(pool)
            self._queuer = queuer
            for name, handler in self._handlers.items():
                executor = partial(_Executor, pool=pool, pace=self._pace, stopping=self._stopping, parked=self._parked)
                queuer.entrypoint(name, on_failure="hold", executor_factory=executor)(partial(self._do, name, handler))
            for name, expression in self._schedules.items():
                queuer.schedule(name, expression)(partial(self._due, name))
            if self._stopping.is_set():
                return
            await queuer.run(
                dequeue_timeout=timedelta(seconds=1),
                heartbeat_timeout=self._pace.heartbeat,
                batch_size=AT_ONCE // 2,
                max_concurrent_tasks=AT_ONCE,
            )
        finally:
            # A connection that broke under a listener is never given back: closing politely would wait for it forever.
            with contextlib.suppress(Exception):
                await asyncio.wait_for(pool.close(), 1)
            pool.terminate()

    async def _do(self, name: str, handler: Handler, job: Job) -> None:
        args = json.loads(job.payload or b"{}")
        with structlog.contextvars.bound_contextvars(job=name, job_id=job.id):
            try:
                await handler(self._place, args)
            except Exception:
                metrics.jobs_done.labels(name, "failed").inc()
                log.exception("job_failed", attempt=job.attempts + 1, of=ATTEMPTS)
                raise
            metrics.jobs_done.labels(name, "done").inc()
            log.info("job_done")

    async def _parked(self, job: Job) -> None:
        metrics.jobs_done.labels(job.entrypoint, "parked").inc()
        if self._given_up is not None:
            try:
                await self._given_up(self._place, json.loads(job.payload or b"{}"))
            except Exception as error:  # noqa: BLE001 -- the job is parked all the same
                log.warning("not_told_of_parked_job", job=job.entrypoint, because=said(error))

    async def _due(self, name: str, _schedule: Schedule) -> None:
        await self._handlers[name](self._place, {})


_PICKED = """
select count(*) from pgqueuer_log where job_id = $1 and status = 'picked'
and id > coalesce((select max(id) from pgqueuer_log where job_id = $1 and status = 'queued'), 0)
"""


@dataclass
class _Executor(EntrypointExecutor):
    """Five tries, each later than the one before; then the job is parked as failed, to be looked at and queued again.

    A job that takes its worker down with it leaves no failure behind, only the note that it was picked: that counts too.
    """

    pool: asyncpg.Pool = field(kw_only=True)
    pace: Pace = field(kw_only=True)
    stopping: asyncio.Event = field(kw_only=True)
    parked: Callable[[Job], Awaitable[None]] = field(kw_only=True)

    async def execute(self, job: Job, context: Context) -> None:
        picked: int = await self.pool.fetchval(_PICKED, job.id)
        tried = job.attempts + picked - 1
        if tried >= ATTEMPTS:
            await self.parked(job)
            raise Failed(f"its worker ended {picked - 1} times before the job did")
        try:
            await super().execute(job, context)
        except Exception as error:  # noqa: BLE001 -- every failure is tried again
            if tried + 1 >= ATTEMPTS:
                await self.parked(job)
                raise Failed(said(error)) from None
            await self._database_back()
            delay = min(self.pace.first_delay * 2**tried, self.pace.longest_delay)
            raise RetryRequested(delay, said(error)) from None

    async def _database_back(self) -> None:
        """A job that failed with the database would be parked, were its next try not written down."""
        while not self.stopping.is_set():
            try:
                await self.pool.fetchval("select 1")
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is waited out
                log.info("waiting_for_database", because=said(error))
            else:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), 0.2)
