"""kill -9 of PostgreSQL under writers: they are told to come back, and nothing they were promised is lost."""

import asyncio
import os
import signal
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi import APIRouter
from sqlalchemy import select

from marketplace import schema
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import TransactionRoute, Writing
from marketplace.kernel.embedded import running_postgres
from marketplace.kernel.mail import Letter
from schemas.base import Message
from tests.conftest import a_real_place
from tests.faults.embedded.processes import pids

URL = "/api/v1/kept"
WRITERS, KILLS = 6, 2

routes = APIRouter(route_class=TransactionRoute)


class Kept(Message):
    subject: str


@routes.post(URL, status_code=201)
async def keep(wish: Kept, session: Writing, actor: SignedIn) -> Kept:
    session.add(Letter(to="kept@test.example", subject=wish.subject, text="t"))
    return wish


@pytest.fixture
def server():
    with (
        tempfile.TemporaryDirectory(prefix="dj-", ignore_cleanup_errors=True) as home,
        running_postgres(Path(home)) as server,
    ):
        yield server


async def test_nothing_acknowledged_is_lost_and_every_key_has_one_effect(server, settings):
    await schema.migrate(server.url)
    async with a_real_place(server.url, settings, routes) as place:
        writer = await place.given.person()
        acknowledged: list[str] = []
        seen: set[int] = set()
        enough = asyncio.Event()

        async def write() -> None:
            """One change after the other, each asked for under its key until it is acknowledged."""
            while not enough.is_set():
                key = str(uuid4())
                status = 0
                while status != 201:
                    answer = await writer.post(URL, {"subject": key}, headers={"Idempotency-Key": key})
                    status = answer.status_code
                    seen.add(status)
                    if status != 201:
                        await asyncio.sleep(0.01)
                acknowledged.append(key)

        async def more(count: int) -> None:
            wanted = len(acknowledged) + count
            async with asyncio.timeout(120):
                while len(acknowledged) < wanted:  # noqa: ASYNC110 -- only ends a hang
                    await asyncio.sleep(0.02)

        writing = [asyncio.create_task(write()) for _ in range(WRITERS)]
        for _ in range(KILLS):
            await more(20)
            _, postmaster = await asyncio.to_thread(pids, Path(server.home))
            os.kill(postmaster, signal.SIGKILL)
            assert (await place.client.get("/healthz")).status_code == 200
        await more(20)
        enough.set()
        await asyncio.gather(*writing)
        async with place.database.reading() as session:
            kept = (await session.scalars(select(Letter.subject).where(Letter.to == "kept@test.example"))).all()
    assert seen <= {201, 409, 503}
    assert 503 in seen
    assert sorted(kept) == sorted(acknowledged)
