"""The edge behind a real server and a real socket: what only shows there."""

import asyncio
import contextlib

import httpx
import pytest
import uvicorn
from fastapi import APIRouter
from sqlalchemy import delete, select

from marketplace.identity import tokens
from marketplace.identity.models import SignInTry, Token
from marketplace.kernel.db import Reading, TransactionRoute
from marketplace.kernel.facts import Recorded
from tests.conftest import a_real_place

routes = APIRouter(prefix="/api/v1/wire", route_class=TransactionRoute)


@routes.get("/bug")
async def bug(session: Reading) -> None:
    raise RuntimeError


@contextlib.asynccontextmanager
async def serving(app, trusted: str = "127.0.0.1"):
    """The application behind uvicorn, as `duijie serve` runs it; answers its port."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=trusted,
        lifespan="on",
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())
    while not server.started:
        assert not running.done()
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await running


@pytest.fixture
async def real(real_url, settings):
    async with a_real_place(real_url, settings, routes) as place:
        yield place


@pytest.fixture
async def port(real):
    async with serving(real.app) as port:
        yield port


async def say(port: int, *requests: bytes) -> list[bytes]:
    """The status lines of the answers to requests that are sent one after the other on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heads = []
    for request in requests:
        writer.write(request)
        async with asyncio.timeout(60):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                ),
                0,
            )
            if not request.startswith(b"HEAD"):
                await reader.readexactly(length)
        heads.append(head)
    writer.close()
    return heads


def get(path: str | bytes, *headers: str, method: str = "GET") -> bytes:
    target = path if isinstance(path, bytes) else path.encode()
    return b"\r\n".join(
        [method.encode() + b" " + target + b" HTTP/1.1", b"Host: test", *(h.encode() for h in headers), b"", b""]
    )


async def test_after_a_bug_the_same_connection_goes_on(port):
    heads = await say(port, get("/api/v1/wire/bug"), get("/healthz"), get("/api/v1/wire/bug"), get("/healthz"))
    assert [head.split()[1] for head in heads] == [b"500", b"200", b"500", b"200"]
    assert b"application/problem+json" in heads[0]


async def test_head_leaves_the_connection_in_order(port):
    heads = await say(
        port, get("/healthz", method="HEAD"), get("/healthz"), get("/nowhere", method="HEAD"), get("/healthz")
    )
    assert [head.split()[1] for head in heads] == [b"200", b"200", b"404", b"200"]


@pytest.mark.parametrize("target", [b"/\xff", b"/%ff", b"/\xe5\x8c", b"/a?q=\xff", b"/a?q=%00", b"/%00"])
async def test_bytes_that_are_no_address_are_refused(port, target):
    (head,) = await say(port, get(target))
    assert head.split()[1] == b"400"


async def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(port):
    announced = get("/api/v1/sessions", "Content-Type: application/json", "Content-Length: 999999999999", method="POST")
    (head,) = await say(port, announced)
    assert head.split()[1] == b"413"
    assert b"application/problem+json" in head


async def test_no_answer_names_the_server(port):
    (head,) = await say(port, get("/healthz"))
    assert b"server:" not in head.lower()


async def address_counted(real, port, **headers) -> str:
    async with real.database.writing.begin() as session:
        await session.execute(delete(SignInTry))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        wish = {"email": "nobody@test.example", "password": "x"}
        assert (await client.post("/api/v1/sessions", json=wish, headers=headers)).status_code == 401
    async with real.database.reading() as session:
        return await session.scalar(select(SignInTry.key).where(SignInTry.key.startswith("a:")))


async def test_a_proxy_that_is_trusted_says_for_whom_it_asks(real, port):
    assert await address_counted(real, port, **{"X-Forwarded-For": "203.0.113.7"}) == "a:203.0.113.7"
    assert await address_counted(real, port, **{"X-Forwarded-For": "203.0.113.7, 2001:db8::1"}) == "a:2001:db8::/64"
    assert await address_counted(real, port, **{"X-Forwarded-For": "<script>"}) == "a:?"
    assert await address_counted(real, port) == "a:127.0.0.1"


async def test_anybody_else_speaks_for_himself(real):
    async with serving(real.app, trusted="192.0.2.1") as port:
        assert await address_counted(real, port, **{"X-Forwarded-For": "203.0.113.7"}) == "a:127.0.0.1"


@pytest.mark.parametrize(("proto", "status"), [("https", 200), ("http", 403)])
async def test_behind_a_proxy_that_speaks_tls_our_own_pages_are_at_home(real, port, proto, status):
    anna = await real.given.person()
    headers = {
        "Host": "duijie.example",
        "Origin": "https://duijie.example",
        "X-Forwarded-Proto": proto,
        "X-Forwarded-For": "203.0.113.7",
        "If-Match": '"1"',
        "Cookie": f"{tokens.COOKIE}={anna.token}",
    }
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.patch("/api/v1/me", json={"name": "安娜"}, headers=headers)).status_code == status


async def test_when_tokens_were_used_is_written_down_at_the_latest_when_the_server_stops(real):
    anna = await real.given.person()
    async with serving(real.app) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/api/v1/me", headers=anna.headers)).status_code == 200
    async with real.database.reading() as session:
        used = await session.scalar(select(Token.last_used_at).where(Token.person_id == anna.id))
    assert used is not None


async def test_a_request_that_is_under_way_when_the_server_stops_is_answered(real):
    anna = await real.given.person()
    async with httpx.AsyncClient(timeout=60) as client:
        async with serving(real.app) as port:
            url = f"http://127.0.0.1:{port}/api/v1/tokens"
            asked = [asyncio.create_task(client.post(url, json={"name": "x"}, headers=anna.headers)) for _ in range(5)]
            async with asyncio.timeout(60), real.database.reading() as session:
                issued = select(Recorded.id).where(Recorded.name == "TokenIssued", Recorded.by == anna.id)
                while await session.scalar(issued) is None:  # noqa: ASYNC110 -- it is the database that is waited for
                    await asyncio.sleep(0.01)
        answers = await asyncio.gather(*asked, return_exceptions=True)
    # Some may have come too late to be taken; whoever was taken is answered.
    answered = [answer for answer in answers if isinstance(answer, httpx.Response)]
    assert {answer.status_code for answer in answered} == {201}
    async with real.database.reading() as session:
        assert len((await session.scalars(issued)).all()) == len(answered)
