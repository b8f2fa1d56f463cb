"""What a body may be: JSON without loopholes, bounded before it is read, whole before a connection is taken."""

import asyncio
import contextlib
import gzip
import json
from decimal import Decimal

import httpx
import pytest
from hypothesis import given as for_all
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some

from marketplace.kernel import db
from marketplace.kernel.refusals import Malformed
from marketplace.kernel.strict_json import loads
from tests.given.apps import an_app

SESSIONS = "/api/v1/sessions"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half an object"),
        pytest.param(b"{} {}", id="two values"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="a surrogate in UTF-8"),
        pytest.param("{}".encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": Infinity}', id="Infinity"),
        pytest.param(b'{"a": -Infinity}', id="-Infinity"),
        pytest.param(b'{"a": 1, "a": 2}', id="a name twice"),
        pytest.param(b'[{"b": [{"a": 1, "a": 1}]}]', id="a name twice deep down"),
        pytest.param(b'{"\\ud800": 1}', id="half a character as a name"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="a hundred thousand deep"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="objects as deep"),
        pytest.param(b"1" * 5000, id="five thousand digits"),
        pytest.param(b"-" + b"1" * 100_000, id="a hundred thousand digits"),
        pytest.param(b"0." + b"1" * 5000, id="five thousand decimals"),
        pytest.param(b"1e999999999", id="an exponent of a billion"),
        pytest.param(b"1e-999999999", id="a fraction of a billion zeros"),
        pytest.param(b"1e99999999999999999999", id="an exponent that is no number"),
        pytest.param(b"'a'", id="other quotes"),
        pytest.param(b'{"a": 1,}', id="a comma too many"),
        pytest.param(b"// comment\n{}", id="a comment"),
        pytest.param(b'"a\nb"', id="a line end in a text"),
        pytest.param(b"01", id="a leading zero"),
        pytest.param(b"+1", id="a plus"),
        pytest.param(b".5", id="no zero before the point"),
    ],
)
async def test_what_is_not_json_is_refused(body, client):
    answer = await client.post(SESSIONS, content=body, headers=JSON)
    assert answer.status_code == (422 if body == b"" else 400)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_numbers_keep_every_digit_that_was_written():
    assert loads(b"0.1") == Decimal("0.1")
    assert str(loads(b"1.10")) == "1.10"
    assert loads(b"12345678901234567890123.45") == Decimal("12345678901234567890123.45")
    assert loads(b"9007199254740993") == 9007199254740993
    assert loads(b"1e999") == Decimal("1e999")


values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(some.characters(exclude_categories=["Cs"])), inner),
    max_leaves=10,
)


@hypothesis_settings(max_examples=60, deadline=None)
@for_all(values)
def test_whatever_json_writes_is_read_back(value):
    assert loads(json.dumps(value).encode()) == value


@hypothesis_settings(max_examples=100, deadline=None)
@for_all(
    some.binary() | some.text(alphabet='{}[]",:0123456789eE+-. \\utrnfalse\ud800'.replace("\ud800", "")).map(str.encode)
)
def test_whatever_else_is_sent_is_a_refusal_and_nothing_worse(body):
    with contextlib.suppress(Malformed):
        loads(body)


@pytest.mark.parametrize(
    "value",
    ["\ud800", "\0", 10**30, 10**400, True, None, {}, [], [[]], "x" * 100_000, "\u202e", 1e308, -0.0, Decimal("1e400")],
)
@pytest.mark.parametrize("field", ["email", "password", "other"])
async def test_a_value_of_the_wrong_kind_is_named_and_not_repeated(field, value, client):
    body = {"email": "anna@test.example", "password": "x"} | {field: value}
    content = json.dumps(body, default=lambda _: 7).encode()
    if isinstance(value, Decimal):
        content = content.replace(b"7", str(value).encode())
    answer = await client.post(SESSIONS, content=content, headers=JSON)
    if field == "password" and isinstance(value, str) and 0 < len(value) < 200 and value not in {"\0", "\ud800"}:
        assert answer.status_code == 401
        return
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/{field}"
    assert len(answer.content) < 1000


async def test_a_hundred_thousand_unknown_names_are_told_of_in_part(client):
    body = json.dumps({f"x{n}": 1 for n in range(100_000)}).encode()
    answer = await client.post(SESSIONS, content=body, headers=JSON)
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 50


async def test_a_name_as_long_as_a_book_is_told_in_part(client):
    answer = await client.post(SESSIONS, content=json.dumps({"x" * 1_000_000: 1}).encode(), headers=JSON)
    assert answer.status_code == 422
    assert len(answer.content) < 2000


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/xml", "json", "text/json", "\u00e9"],
)
async def test_what_does_not_say_that_it_is_json_is_not_read(content_type, client):
    headers = {"Content-Type": content_type.encode("latin-1")}
    answer = await client.post(SESSIONS, content=b'{"email": "a@b.cc", "password": "x"}', headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/media-type-unsupported")


async def test_a_body_without_a_type_is_not_read(client):
    async def parts():
        yield b"{}"

    request = client.build_request("POST", SESSIONS, content=parts())
    assert "content-type" not in request.headers
    assert (await client.send(request)).status_code == 415


async def test_compressed_json_is_not_unpacked(client):
    body = gzip.compress(b'{"email": "' + b"a" * 10_000_000 + b'"}')
    answer = await client.post(SESSIONS, content=body, headers=JSON | {"Content-Encoding": "gzip"})
    assert answer.status_code in {400, 415}


@pytest.fixture
async def small(settings, database):
    """An application that reads a kilobyte and no more."""
    app = an_app(settings.model_copy(update={"body_limit": 1024}), database)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def long(size: int) -> bytes:
    return json.dumps({"email": "anna@test.example", "password": "x"}).encode().ljust(size)


async def test_a_body_at_the_limit_is_read_and_one_above_it_is_not(small):
    assert (await small.post(SESSIONS, content=long(1024), headers=JSON)).status_code == 401
    answer = await small.post(SESSIONS, content=long(1025), headers=JSON)
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")
    assert "1024" in answer.json()["detail"]


async def test_a_body_that_does_not_say_how_long_it_is_is_counted(small):
    taken = 0

    async def endless():
        nonlocal taken
        while True:
            taken += 512
            yield b" " * 512

    answer = await small.post(SESSIONS, content=endless(), headers=JSON)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "where",
    [
        "/api/v1/imports",
        "/imports/problem",
        "/api/v1/problems/019aaaaa-0000-7000-8000-000000000000/attachments/public",
        "/desk/problems/019aaaaa-0000-7000-8000-000000000000/attachments/confidential",
    ],
)
@pytest.mark.parametrize("token", [None, "djp_nobody-has-this"])
async def test_a_strangers_file_is_refused_before_it_is_read(where, token, client):
    taken = 0

    async def file():
        nonlocal taken
        for _ in range(48):
            taken += 2**20
            yield b" " * 2**20

    headers = {"Content-Type": "multipart/form-data; boundary=x"} | (
        {"Authorization": f"Bearer {token}"} if token else {}
    )
    answer = await client.post(where, content=file(), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/not-signed-in")
    assert taken <= 2**20


async def test_one_person_sends_three_files_at_a_time(real):
    somebody, other = await real.given.person(), await real.given.person()
    there, enough = asyncio.Event(), asyncio.Event()
    begun = 0

    async def file():
        nonlocal begun
        begun += 1
        if begun == db.FILES_AT_ONCE:
            there.set()
        await enough.wait()
        yield b"--x--"

    async def send(who=somebody, content=b"--x--"):
        headers = who.headers | {"Content-Type": "multipart/form-data; boundary=x"}
        return (await who.client.post("/api/v1/imports", content=content, headers=headers)).status_code

    held = [asyncio.create_task(send(content=file())) for _ in range(db.FILES_AT_ONCE)]
    await there.wait()
    fourth = asyncio.create_task(send(content=file()))
    assert await send(other) == 422, "others need not wait"
    assert (begun, fourth.done()) == (db.FILES_AT_ONCE, False), "the fourth is not read yet"
    enough.set()
    assert await asyncio.gather(*held, fourth) == [422] * (db.FILES_AT_ONCE + 1)


@pytest.mark.parametrize("declared", ["9" * 30, "1025", "-1", "abc", "1e3", "\u0661\u0662".encode().decode("latin-1")])
async def test_a_length_that_is_a_lie_is_not_believed(declared, small):
    headers = JSON | {"Content-Length": declared.encode("latin-1")}
    answer = await small.post(SESSIONS, content=long(100), headers=headers)
    assert answer.status_code == (413 if declared.isdecimal() and declared.isascii() else 401)


async def test_a_body_that_breaks_off_is_told_so(app):
    async def asgi(messages):
        sent = []

        async def receive():
            return messages.pop(0)

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http", "method": "POST", "path": SESSIONS, "raw_path": SESSIONS.encode(), "query_string": b"",
            "headers": [(b"content-type", b"application/json")], "client": ("127.0.0.1", 1), "server": ("test", 80),
            "scheme": "http", "http_version": "1.1", "root_path": "",
        }  # fmt: skip
        await app(scope, receive, send)
        return sent[0]["status"]

    assert await asgi([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]) == 400


async def test_a_sender_who_takes_forever_is_let_go_and_holds_no_connection(app, client, monkeypatch):
    monkeypatch.setattr(db, "BODY_SECONDS", 0.05)

    async def slow():
        yield b"{"
        await asyncio.Event().wait()

    answer = await client.post(SESSIONS, content=slow(), headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (408, "/problems/too-slow")
