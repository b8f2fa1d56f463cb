"""SIGKILL the web process under writers: nothing acknowledged is lost, and a retry under the same key has one effect."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, make_url, select

from marketplace.identity import tokens
from marketplace.identity.models import Membership, Organisation, Person
from marketplace.kernel import clock
from marketplace.kernel.db import Database
from marketplace.listings.models import Listing
from schemas.identity import Role, Scope, TokenKind, Verification
from tests.conftest import administer
from tests.given.people import a_uscc

WRITERS = 10
KILLS = 2
Marketplace = tuple["Server", Database, str, str]


class Server:
    """`duijie serve` on this database, to be killed and started again."""

    def __init__(self, home: Path, database: str) -> None:
        self.home, self.database = home, database
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DUIJIE_")}
        self.process = subprocess.Popen(  # noqa: ASYNC220 -- returns at once
            [sys.executable, "-W", "ignore", "-m", "marketplace", "serve", "--no-worker", "--port", str(self.port)],
            env=kept
            | {
                "DUIJIE_HOME": str(self.home),
                "DUIJIE_DATABASE_URL": self.database,
                "DUIJIE_REQUESTS_PER_MINUTE": "1000000",
            },
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        async with httpx.AsyncClient() as client, asyncio.timeout(300):
            while True:
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
async def marketplace(clones, tmp_path_factory) -> AsyncIterator[Marketplace]:
    """A running server, its database, an organisation, and a token that may write for it."""
    url = await clones.make()
    await administer(url, f'alter database "{make_url(url).database}" reset synchronous_commit')
    database = Database(url, pool_size=3)
    try:
        now = clock.now()
        async with database.writing.begin() as session:
            organisation = Organisation(
                uscc=a_uscc(), name="单位", kinds=["university"], region="220100", verification=Verification.VERIFIED,
                verified_at=now, created_at=now, updated_at=now, version=1,
            )  # fmt: skip
            person = Person(
                email="w@test.example",
                name="作者",
                password_hash="x",
                confirmed_at=now,
                created_at=now,
                updated_at=now,
                version=1,
            )
            session.add_all([organisation, person])
            await session.flush()
            session.add(Membership(person_id=person.id, organisation_id=organisation.id, role=Role.EDITOR))
            token, _ = await tokens.issue(
                session, person.id, TokenKind.SESSION, name="t", scope=Scope.WRITE, lasts=tokens.SESSION_LASTS
            )
        server = Server(tmp_path_factory.mktemp("home"), url)
        await server.start()
        try:
            yield server, database, str(organisation.id), token
        finally:
            server.kill()
    finally:
        await database.close()
        await clones.drop(url)


async def write_on(
    server: Server, organisation: str, token: str, done: dict[str, str], stop: asyncio.Event, *, keyed: bool
) -> None:
    """Draft one achievement after another; each is tried again, under its own key, until it is acknowledged."""
    async with httpx.AsyncClient(timeout=10) as client:
        while not stop.is_set():
            title = f"成果 {uuid4()}"
            headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": title[3:]} if keyed else {})
            while True:
                try:
                    answer = await client.post(
                        f"{server.url}/api/v1/achievements",
                        json={"title": title, "organisation_id": organisation},
                        headers=headers,
                    )
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
                    continue
                if answer.status_code == 201:
                    done[title] = answer.json()["id"]
                    break
                assert answer.status_code in {409, 503}, answer.text
                await asyncio.sleep(0.05)


async def killed_under_writers(marketplace: Marketplace, *, keyed: bool) -> tuple[dict[str, str], dict[str, int]]:
    """What was acknowledged (title to id), and how often each title stands in the database."""
    chance = random.Random(20261121)
    server, database, organisation, token = marketplace
    done: dict[str, str] = {}
    stop = asyncio.Event()
    writers = [
        asyncio.create_task(write_on(server, organisation, token, done, stop, keyed=keyed)) for _ in range(WRITERS)
    ]
    for _ in range(KILLS):
        written = len(done)
        while len(done) < written + WRITERS:  # noqa: ASYNC110 -- ten writers count, one looks
            await asyncio.sleep(0.05)
        await asyncio.sleep(chance.uniform(0.3, 0.8))
        server.kill()
        await server.start()
    stop.set()
    await asyncio.gather(*writers)
    async with database.reading() as session:
        rows = await session.execute(select(Listing.title, func.count()).group_by(Listing.title))
        return done, dict(rows.all())


async def test_nothing_acknowledged_is_lost_and_a_retry_has_one_effect(marketplace: Marketplace) -> None:
    done, kept = await killed_under_writers(marketplace, keyed=True)
    assert len(done) > WRITERS
    assert set(done) <= set(kept)
    assert {title: count for title, count in kept.items() if count != 1} == {}


async def test_the_same_storm_without_keys_is_caught_doubling(marketplace: Marketplace) -> None:
    """The naive twin: retries without a key. Seldom a storm happens to double nothing, so it gets a few."""
    for _ in range(5):
        _, kept = await killed_under_writers(marketplace, keyed=False)
        if any(count > 1 for count in kept.values()):
            return
    raise AssertionError("five storms without keys doubled nothing: this test would not see a doubled write")
