"""Running the web application and the worker, and stopping them in order."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator

import structlog
import uvicorn

from marketplace.app import create_app
from marketplace.kernel import facts
from marketplace.kernel.db import Database
from marketplace.kernel.jobs import Place, Worker
from marketplace.kernel.work import given_up
from marketplace.settings import Settings
from marketplace.wiring import JOBS, LISTENERS, SCHEDULES, WITHIN

log = structlog.get_logger("serving")

# Longer than the longest request, so that none is cut off.
GRACE_SECONDS = 10


def _worker(settings: Settings, database: Database) -> Worker:
    facts.listen(LISTENERS, WITHIN)
    return Worker(Place(database, settings), JOBS, SCHEDULES, given_up=given_up)


async def serve(settings: Settings, database: Database, *, host: str, port: int, with_worker: bool) -> bool:
    """Answer requests until told to stop. Answers whether the server could start."""
    app = create_app(settings, database)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=20,
        lifespan="on",
    )
    server = uvicorn.Server(config)
    # What is there now stays until the end. Each full collection looked through it again, while a request waited.
    gc.collect()
    gc.freeze()
    async with _beside(_worker(settings, database) if with_worker else None):
        try:
            await server.serve()
        except SystemExit:
            # The server leaves like this when it cannot listen; it has logged why.
            return False
    return server.started


@contextlib.asynccontextmanager
async def _beside(worker: Worker | None) -> AsyncIterator[None]:
    if worker is None:
        yield
        return
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        await worker.stop()
        await running


async def work(settings: Settings, database: Database) -> None:
    """Run jobs until SIGINT or SIGTERM; what is under way is finished first."""
    worker = _worker(settings, database)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        log.info("worker_stops")
        stopping.append(loop.create_task(worker.stop()))

    stopping: list[asyncio.Task[None]] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    log.info("worker_runs")
    await worker.run()
