"""Work to do once, and only if, this transaction commits. The queue is pgqueuer's, in the same database.

Delivery is at least once: every job must be able to meet its own finished work and leave it alone.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
import structlog
from pgqueuer import PgQueuer
from pgqueuer.core.executors import (
    AbstractEntrypointExecutor,
    DatabaseRetryEntrypointExecutor,
    EntrypointExecutorParameters,
)
from pgqueuer.models import Job, Schedule
from pgqueuer.queries import Queries
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import metrics
from marketplace.kernel.db import Database
from marketplace.settings import Settings

log = structlog.get_logger("jobs")

ATTEMPTS = 5
HEARTBEAT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Place:
    """What a job needs to work: the database and the settings."""

    database: Database
    settings: Settings


Handler = Callable[[Place, dict[str, Any]], Awaitable[None]]


async def after_commit(
    session: AsyncSession, job: str, args: Mapping[str, Any], *, once: str | None = None, after: timedelta | None = None
) -> None:
    """Enqueue `job`. `once` names work of which one waiting copy is enough."""
    # SQLAlchemy's adapter sends BEGIN with the first statement; a job enqueued before it would outlive a rollback.
    await session.execute(text("select 1"))
    raw = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(raw, asyncpg.Connection)
    assert raw.is_in_transaction(), "a job is enqueued inside the transaction that asks for it"
    await Queries.from_asyncpg_connection(raw).enqueue(
        [job], [json.dumps(args).encode()], [0], [after], [once], on_conflict="skip"
    )


class Worker:
    """Runs jobs until told to stop; several may run, in one process or many."""

    def __init__(self, place: Place, handlers: Mapping[str, Handler], schedules: Mapping[str, str]) -> None:
        self._place, self._handlers, self._schedules = place, handlers, schedules
        self._queuer: PgQueuer | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop`. A database that goes away is waited for."""
        while not self._stopping.is_set():
            try:
                await self._run()
            except Exception as error:  # noqa: BLE001 -- whatever broke the queue's loop, the answer is to start it again
                log.warning("worker_restarts", because=repr(error))
                try:
                    await asyncio.wait_for(self._stopping.wait(), 1)
                except TimeoutError:
                    continue

    async def _run(self) -> None:
        dsn = self._place.database.url.replace("postgresql+asyncpg://", "postgresql://", 1)
        async with asyncpg.create_pool(
            dsn, min_size=2, max_size=4, server_settings={"application_name": "duijie-worker"}
        ) as pool:
            queuer = PgQueuer.from_asyncpg_pool(pool)
            self._queuer = queuer
            for name, handler in self._handlers.items():
                queuer.entrypoint(name, on_failure="hold", executor_factory=_retrying)(partial(self._do, name, handler))
            for name, expression in self._schedules.items():
                queuer.schedule(name, expression)(partial(self._due, name))
            await queuer.run(dequeue_timeout=timedelta(seconds=1), heartbeat_timeout=HEARTBEAT)

    async def stop(self) -> None:
        self._stopping.set()
        if self._queuer is not None:
            self._queuer.shutdown.set()

    async def _do(self, name: str, handler: Handler, job: Job) -> None:
        args = json.loads(job.payload or b"{}")
        try:
            await handler(self._place, args)
        except Exception:
            metrics.jobs_done.labels(name, "failed").inc()
            log.exception("job_failed", job=name, id=job.id, attempt=job.attempts + 1, of=ATTEMPTS)
            raise
        metrics.jobs_done.labels(name, "done").inc()
        log.info("job_done", job=name, id=job.id)

    async def _due(self, name: str, _schedule: Schedule) -> None:
        await self._handlers[name](self._place, {})


def _retrying(parameters: EntrypointExecutorParameters) -> AbstractEntrypointExecutor:
    """Five tries, 1 s to 5 min apart; then the job is parked as failed, to be looked at and queued again."""
    return DatabaseRetryEntrypointExecutor(parameters=parameters, max_attempts=ATTEMPTS - 1)
