"""Whatever goes wrong is one kind of document, in the reader's language, with nothing of what was sent."""

import asyncio
import logging

import httpx
import pytest
from fastapi import APIRouter, FastAPI, HTTPException, Response
from prometheus_client import REGISTRY
from sqlalchemy import text

from marketplace.kernel import rate
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.http import Edge
from marketplace.kernel.language import reading
from marketplace.kernel.refusals import MEDIA_TYPE, Conflict, Refusal
from schemas.base import RefusalDocument
from tests.conftest import a_real_place
from tests.given.apps import an_app

ORGANISATIONS = "/api/v1/organisations"
CANARY = "canary-7f3a"

broken = APIRouter(prefix="/api/v1/broken", route_class=TransactionRoute)


@broken.get("/bug")
async def bug(session: Reading) -> None:
    raise RuntimeError(CANARY)


@broken.get("/framework/{status}")
async def framework(status: int, session: Reading) -> None:
    raise HTTPException(status, CANARY, headers={"X-Kept": "yes"})


@broken.get("/answer")
async def answer(session: Reading) -> int:
    return CANARY


@broken.post("/value")
async def value(session: Writing) -> None:
    await session.execute(text("select cast(:a as int)"), {"a": CANARY})


@broken.post("/server-value")
async def server_value(session: Writing) -> None:
    await session.execute(text(f"select cast('{CANARY}' || now() as int)"))


@broken.post("/overflow")
async def overflow(session: Writing) -> None:
    await session.execute(text("select :a + 2147483647"), {"a": 1})


@broken.post("/unforeseen")
async def unforeseen(session: Writing) -> None:
    columns = "id, person_id, kind, scope, name, hash, expires_at"
    values = f"gen_random_uuid(), gen_random_uuid(), 'session', 'read', '{CANARY}', '', now()"
    await session.execute(text(f"insert into token ({columns}) values ({values})"))


@broken.post("/too-clever")
async def too_clever(session: Writing) -> None:
    await session.execute(text(f"select {CANARY.replace('-', '_')} from nowhere"))


@broken.get("/write")
async def write(session: Reading) -> None:
    await session.execute(text("delete from letter"))


class SeatTaken(Conflict):
    """座位已被占用。 · This seat is taken."""


@broken.get("/said")
async def said(session: Reading) -> None:
    raise SeatTaken("第 7 排。 · Row 7.")


@pytest.fixture
async def app(settings, database) -> FastAPI:
    return an_app(settings, database, broken)


def document_in(answer: httpx.Response) -> RefusalDocument:
    assert answer.headers["Content-Type"] == MEDIA_TYPE, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    found = RefusalDocument.model_validate(answer.json())
    assert found.status == answer.status_code
    assert found.trace_id == answer.headers["X-Request-Id"]
    assert found.instance == answer.request.url.path
    assert found.type.startswith("/problems/")
    assert CANARY not in answer.text.replace(str(answer.request.url.path), "")
    return found


@pytest.mark.parametrize(
    ("method", "url", "more", "status", "kind"),
    [
        ("GET", "/nowhere", {}, 404, "not-found"),
        ("GET", f"/api/v1/{CANARY}", {}, 404, "not-found"),
        ("GET", ORGANISATIONS + "/", {}, 404, "not-found"),
        ("DELETE", ORGANISATIONS, {}, 405, "method-not-allowed"),
        ("BREW", ORGANISATIONS, {}, 405, "method-not-allowed"),
        ("POST", "/api/v1/sessions", {"content": CANARY}, 415, "media-type-unsupported"),
        ("POST", "/api/v1/sessions", {"data": {"email": CANARY}}, 415, "media-type-unsupported"),
        ("POST", "/api/v1/sessions", {}, 422, "invalid"),
        ("POST", "/api/v1/sessions", {"json": {"email": CANARY, "password": CANARY}}, 422, "invalid"),
        ("POST", "/api/v1/sessions", {"json": [CANARY]}, 422, "invalid"),
        ("GET", ORGANISATIONS + f"/{CANARY}", {}, 422, "invalid"),
        ("GET", ORGANISATIONS + f"?kind={CANARY}", {}, 422, "invalid"),
        ("GET", ORGANISATIONS + "?limit=0", {}, 422, "invalid"),
        ("GET", ORGANISATIONS + "?limit=many", {}, 422, "invalid"),
        ("GET", ORGANISATIONS + "?limit=" + "9" * 5000, {}, 422, "invalid"),
        ("GET", "/api/v1/me", {}, 401, "not-signed-in"),
        ("GET", "/api/v1/broken/bug", {}, 500, "unexpected"),
        ("GET", "/api/v1/broken/answer", {}, 500, "unexpected"),
        ("GET", "/api/v1/broken/framework/404", {}, 404, "not-found"),
        ("GET", "/api/v1/broken/framework/429", {}, 429, "too-many"),
        ("GET", "/api/v1/broken/framework/503", {}, 503, "unavailable"),
        ("GET", "/api/v1/broken/framework/418", {}, 418, "refusal"),
        ("POST", "/api/v1/broken/value", {}, 422, "invalid"),
        ("POST", "/api/v1/broken/server-value", {}, 422, "invalid"),
        ("POST", "/api/v1/broken/overflow", {}, 422, "invalid"),
        ("POST", "/api/v1/broken/unforeseen", {}, 409, "conflict"),
        ("POST", "/api/v1/broken/too-clever", {}, 500, "unexpected"),
    ],
)
async def test_every_error_is_one_document(method, url, more, status, kind, client):
    answer = await client.request(method, url, **more)
    found = document_in(answer)
    assert (answer.status_code, found.type) == (status, f"/problems/{kind}")


async def test_a_method_that_is_not_allowed_says_which_are(client):
    assert (await client.delete(ORGANISATIONS)).headers["Allow"].split(", ")
    assert (await client.get("/api/v1/broken/framework/418")).headers["X-Kept"] == "yes"


@pytest.mark.parametrize(
    ("accepted", "title", "detail"),
    [
        ("zh-CN,zh;q=0.9", "座位已被占用。", "第 7 排。"),
        ("en-GB", "This seat is taken.", "Row 7."),
        ("de, en;q=0.5, zh;q=0.4", "This seat is taken.", "Row 7."),
        ("en ; q=0.1, zh ; q=0.2", "座位已被占用。", "第 7 排。"),
        ("en;q=0, zh;q=0.1", "座位已被占用。", "第 7 排。"),
        ("fr", "座位已被占用。", "第 7 排。"),
        ("", "座位已被占用。", "第 7 排。"),
        ("en;q=nan", "座位已被占用。", "第 7 排。"),
        ("en;q=inf", "座位已被占用。", "第 7 排。"),
        ("enm", "座位已被占用。", "第 7 排。"),
        ("en;q=\u00e9", "座位已被占用。", "第 7 排。"),
        (",".join(["de"] * 5000 + ["en"]), "座位已被占用。", "第 7 排。"),
    ],
)
async def test_an_error_speaks_the_readers_language(accepted, title, detail, client):
    answer = await client.get("/api/v1/broken/said", headers={"Accept-Language": accepted.encode("latin-1")})
    assert (answer.json()["title"], answer.json()["detail"]) == (title, detail)
    assert answer.headers["Vary"] == "Accept-Language"


async def test_fields_are_explained_in_the_readers_language_too(client):
    for language, expected in (("zh", "缺少这一项"), ("en", "Field required")):
        answer = await client.post("/api/v1/sessions", json={}, headers={"Accept-Language": language})
        assert {error["detail"] for error in answer.json()["errors"]} == {expected}


async def test_a_language_is_forgotten_with_its_request(client):
    reading.set("zh")
    await client.get("/api/v1/broken/said")
    assert reading.get() == "zh"


async def test_the_cause_of_a_500_is_logged_once_with_its_trace_and_without_what_was_sent(client, caplog):
    with caplog.at_level(logging.INFO):
        answer = await client.post("/api/v1/broken/unforeseen")
        bug = await client.get("/api/v1/broken/bug")
    failed = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    (said,) = [event for event in failed if event["event"] == "request_failed"]
    assert said["trace_id"] == bug.headers["X-Request-Id"]
    (clash,) = [event for event in failed if event["event"] == "constraint_not_foreseen"]
    assert clash["trace_id"] == answer.headers["X-Request-Id"]
    assert clash["constraint"] == "token_person_id_fkey"


async def test_a_reading_route_that_writes_is_stopped_by_postgresql(real_url, settings):
    async with a_real_place(real_url, settings, broken) as place:
        answer = await place.client.get("/api/v1/broken/write")
    assert answer.status_code == 500


@pytest.mark.parametrize("page", [None, RuntimeError("template")])
async def test_a_page_of_errors_that_fails_gives_way_to_the_document(page, app, client):
    def page_of(refusal, request):
        if page is not None:
            raise page

    app.state.page_of = page_of
    assert document_in(await client.get("/nowhere")).status == 404


async def test_a_person_who_came_with_a_browser_gets_the_page(app, client):
    app.state.page_of = lambda refusal, _: Response(f"<h1>{refusal.status}</h1>", refusal.status)
    assert (await client.get("/nowhere")).text == "<h1>404</h1>"


async def test_every_answer_says_how_a_browser_must_treat_it(client):
    for url in ("/healthz", ORGANISATIONS, "/nowhere"):
        headers = (await client.get(url)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert (await client.get(ORGANISATIONS)).headers["Cache-Control"] == "no-store"


async def test_head_says_what_get_would_without_its_body(client):
    got, head = await client.get(ORGANISATIONS), await client.head(ORGANISATIONS)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert head.headers["Content-Length"] == str(len(got.content))
    assert (await client.head("/nowhere")).status_code == 404


def counted(**labels) -> float:
    return REGISTRY.get_sample_value("duijie_requests_total", labels) or 0


async def test_requests_are_counted_by_route_and_never_by_what_a_client_made_up(client):
    route = {"method": "GET", "route": "/api/v1/organisations/{organisation_id}", "status": "404"}
    other = {"method": "other", "route": "/api/v1/organisations", "status": "405"}
    nowhere = {"method": "GET", "route": "unmatched", "status": "404"}
    before = [counted(**labels) for labels in (route, other, nowhere)]
    await client.get(f"{ORGANISATIONS}/019aaaaa-0000-7000-8000-000000000000")
    await client.request("BREW", ORGANISATIONS)
    await client.get(f"/{CANARY}")
    assert [counted(**labels) for labels in (route, other, nowhere)] == [count + 1 for count in before]
    exposed = (await client.get("/metrics")).text
    assert "BREW" not in exposed
    assert CANARY not in exposed


async def test_who_asks_too_often_is_told_when_to_come_back(settings, database):
    app = an_app(settings.model_copy(update={"requests_per_minute": 3}), database)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answers = [await client.get("/api/v1/codes/trl") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        refused = document_in(answers[-1])
        assert refused.type == "/problems/too-many"
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 20
        assert answers[-1].headers["RateLimit-Policy"] == '"everyone";q=3;w=60'
        assert (await client.get("/healthz")).status_code == 200
    other = httpx.ASGITransport(app=app, client=("198.51.100.9", 1))
    async with httpx.AsyncClient(transport=other, base_url="http://test") as client:
        assert (await client.get("/api/v1/codes/trl")).status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/%00",
        "/api/v1/codes/trl?q=%00",
        "/api/v1/codes/trl?%00=1",
        "/api/v1/%FF",
        "/api/v1/codes/trl?q=%ED%A0%80",
        "/%C3",
    ],
)
async def test_an_address_that_is_no_text_is_refused(target, client):
    answer = await client.get(target)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed")


async def test_an_answer_that_breaks_off_is_not_followed_by_another(settings):
    """What has begun cannot be taken back: the server is told, so that it closes the connection."""

    async def breaks_off(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    edge = Edge(breaks_off, everyone=rate.Limit("everyone", 10, 60))
    sent = []

    async def send(message):
        sent.append(message["type"])

    scope = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "headers": []}
    with pytest.raises(RuntimeError):
        await edge(scope, None, send)
    assert sent == ["http.response.start"]


async def test_a_request_that_is_cancelled_is_counted_and_answered_by_nobody(settings):
    async def never(scope, receive, send):
        await asyncio.Event().wait()

    edge = Edge(never, everyone=rate.Limit("everyone", 10, 60))
    scope = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "headers": []}
    running = asyncio.create_task(edge(scope, None, None))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_what_is_not_http_goes_through_untouched():
    seen = []

    async def inner(scope, receive, send):
        seen.append(scope["type"])

    await Edge(inner, everyone=rate.Limit("everyone", 1, 1))({"type": "lifespan"}, None, None)
    assert seen == ["lifespan"]


def refusals(kind=Refusal):
    yield kind
    for below in kind.__subclasses__():
        yield from refusals(below)


def test_every_refusal_says_what_it_is_in_both_languages():
    for kind in refusals():
        chinese, separator, english = kind.title().partition(" · ")
        assert separator, kind
        assert any("\u4e00" <= c <= "\u9fff" for c in chinese), kind
        assert english.isascii() or "·" not in english, kind
        assert 400 <= kind.status < 600, kind


def test_no_two_refusals_share_a_type():
    kinds = list({kind.__qualname__: kind for kind in refusals()}.values())
    slugs = [kind.slug() for kind in kinds]
    assert len(slugs) == len(set(slugs))
