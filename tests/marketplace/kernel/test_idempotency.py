"""The same request twice has one effect, whenever and however often it comes."""

import asyncio
from datetime import timedelta

import pytest
from fastapi import APIRouter, Response, UploadFile
from fastapi.routing import iter_route_contexts
from sqlalchemy import BigInteger, cast, delete, func, select, update

from marketplace.identity import tokens
from marketplace.identity.models import Organisation, Token
from marketplace.kernel import clock, idempotency, locks
from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import TransactionRoute, Writing
from marketplace.kernel.idempotency import Remembered
from marketplace.kernel.mail import Letter
from marketplace.kernel.prepared import Prepared
from marketplace.kernel.refusals import Conflict
from schemas.base import Message, ShownOnce, shows_a_secret
from schemas.identity import Scope
from tests.conftest import a_real_place
from tests.given.apps import an_app
from tests.given.people import a_uscc

URL = "/api/v1/organisations"
LETTERS = "/api/v1/letters"

routes = APIRouter(prefix=LETTERS, route_class=TransactionRoute)


async def write_a_letter(session) -> str:
    letter = Letter(to="counted@test.example", subject="s", text="t")
    session.add(letter)
    await session.flush()
    return str(letter.id)


class Written(Message):
    id: str


@routes.post("", status_code=201)
async def write(session: Writing, actor: SignedIn, response: Response) -> Written:
    made = await write_a_letter(session)
    response.headers["Location"] = f"{LETTERS}/{made}"
    response.headers["ETag"] = '"1"'
    response.headers["X-Other"] = "not kept"
    return Written(id=made)


@routes.post("/open", status_code=201)
async def write_openly(session: Writing, actor: Anyone) -> Written:
    return Written(id=await write_a_letter(session))


@routes.post("/private", status_code=201)
async def write_privately(session: Writing, actor: SignedIn, response: Response) -> Written:
    """Finds its own finished work: what it answers may not be stored."""
    response.headers["Cache-Control"] = "no-store"
    known = await session.scalar(select(Letter.id).where(Letter.to == "counted@test.example"))
    return Written(id=str(known) if known else await write_a_letter(session))


@routes.post("/nothing", status_code=204)
async def write_and_say_nothing(session: Writing, actor: SignedIn) -> None:
    await write_a_letter(session)


@routes.post("/files", status_code=201)
async def write_with_a_file(session: Writing, actor: SignedIn, file: UploadFile) -> Written:
    await file.read()
    return Written(id=await write_a_letter(session))


@routes.post("/refused")
async def write_and_refuse(session: Writing, actor: SignedIn) -> None:
    await write_a_letter(session)
    raise Conflict


@routes.post("/crash")
async def write_and_crash(session: Writing, actor: SignedIn) -> None:
    await write_a_letter(session)
    raise RuntimeError


@routes.post("/refused-by-answer")
async def write_and_answer_no(session: Writing, actor: SignedIn) -> Response:
    await write_a_letter(session)
    return Response(status_code=418)


@pytest.fixture
async def app(settings, database):
    return an_app(settings, database, routes)


@pytest.fixture
async def anna(given):
    return await given.person()


async def count(session, model=Letter) -> int:
    return await session.scalar(select(func.count()).select_from(model))


def under(key: str, **more) -> dict[str, str]:
    return {"Idempotency-Key": key} | more


async def test_a_repeat_is_answered_byte_for_byte_and_changes_nothing(anna, session):
    first = await anna.post(LETTERS, headers=under("k"))
    again = await anna.post(LETTERS, headers=under("k"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    for name in ("Location", "ETag", "Content-Type", "Content-Length"):
        assert again.headers[name] == first.headers[name]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await count(session) == 1


async def test_an_answer_without_a_body_is_repeated_too(anna, session):
    for _ in range(2):
        answer = await anna.post(f"{LETTERS}/nothing", headers=under("k"))
        assert (answer.status_code, answer.content) == (204, b"")
    assert await count(session) == 1


async def test_without_a_key_every_request_counts(anna, session):
    await anna.post(LETTERS)
    await anna.post(LETTERS)
    assert await count(session) == 2


async def test_another_key_is_another_request(anna, session):
    await anna.post(LETTERS, headers=under("k"))
    await anna.post(LETTERS, headers=under("K"))
    assert await count(session) == 2


@pytest.mark.parametrize("other", ["body", "address", "query"])
async def test_a_key_belongs_to_one_request(other, anna):
    body = {"uscc": a_uscc(), "name": "某公司", "kinds": ["enterprise"], "region": "220100"}
    assert (await anna.post(URL, body, headers=under("k"))).status_code == 201
    refused = await {
        "body": lambda: anna.post(URL, body | {"name": "另一家"}, headers=under("k")),
        "address": lambda: anna.post(LETTERS, body, headers=under("k")),
        "query": lambda: anna.post(f"{LETTERS}?", body, headers=under("k")),
    }[other]()
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/key-reused")


async def test_two_people_may_use_the_same_key(anna, given, session):
    bob = await given.person()
    first, second = [await who.post(LETTERS, headers=under("k")) for who in (anna, bob)]
    assert first.json() != second.json()
    assert await count(session) == 2


@pytest.mark.parametrize("key", ["", " ", "a b", "a" * 256, "ä", "\x7f", "a\tb"])
async def test_a_key_that_is_none_is_refused(key, anna):
    answer = await anna.post(LETTERS, headers={"Idempotency-Key": key.encode("latin-1")})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed")


@pytest.mark.parametrize("key", ["a", "a" * 255, "!~", "019a-'; drop table person; --".replace(" ", "_")])
async def test_a_key_is_any_visible_ascii(key, anna):
    assert (await anna.post(LETTERS, headers=under(key))).status_code == 201


@pytest.mark.parametrize("verb", ["refused", "crash", "refused-by-answer"])
async def test_what_was_refused_is_not_remembered(verb, anna, session):
    answers = [(await anna.post(f"{LETTERS}/{verb}", headers=under("k"))).status_code for _ in range(2)]
    assert answers[0] == answers[1] >= 400
    assert await count(session, Remembered) == 0


async def test_a_request_that_was_refused_may_be_corrected_under_its_key(anna, session):
    body = {"uscc": "wrong", "name": "某公司", "kinds": ["enterprise"], "region": "220100"}
    assert (await anna.post(URL, body, headers=under("k"))).status_code == 422
    assert (await anna.post(URL, body | {"uscc": a_uscc()}, headers=under("k"))).status_code == 201


async def test_a_key_is_forgotten_after_a_day(anna, session):
    await anna.post(LETTERS, headers=under("k"))
    with clock.ahead(timedelta(hours=23)):
        assert "Idempotency-Replayed" in (await anna.post(LETTERS, headers=under("k"))).headers
    with clock.ahead(timedelta(hours=25)):
        assert "Idempotency-Replayed" not in (await anna.post(LETTERS, headers=under("k"))).headers
    assert await count(session) == 2
    assert await count(session, Remembered) == 1


async def test_forgotten_keys_are_swept_away(anna, session):
    await anna.post(LETTERS, headers=under("k"))
    assert await idempotency.sweep(session, clock.now()) == 0
    assert await idempotency.sweep(session, clock.now() + timedelta(hours=25)) == 1
    assert await count(session, Remembered) == 0


async def test_nobody_has_no_keys(anna, client, session):
    for _ in range(2):
        assert (await client.post(f"{LETTERS}/open", headers=under("k"))).status_code == 201
    assert await count(session) == 2
    assert await count(session, Remembered) == 0


async def test_only_what_makes_something_takes_a_key(anna, session):
    await anna.patch("/api/v1/me", {"name": "安娜"}, version=1, headers=under("k"))
    assert (await anna.get("/api/v1/me", headers=under("not a key, but never mind"))).status_code == 200
    assert await count(session, Remembered) == 0


async def test_a_form_is_the_same_form_under_another_boundary(anna, session):
    def send(content):
        return anna.client.post(
            f"{LETTERS}/files", files={"file": ("a.txt", content)}, headers=anna.headers | under("k")
        )

    first, again = await send(b"same"), await send(b"same")
    assert first.request.headers["Content-Type"] != again.request.headers["Content-Type"]
    assert again.content == first.content
    assert (await send(b"other")).status_code == 422


async def test_a_suspended_person_is_not_told_old_answers(anna, given):
    await anna.post(LETTERS, headers=under("k"))
    await (await given.admin()).post(f"/api/v1/people/{anna.id}/suspension", {"reason": "x"})
    assert (await anna.post(LETTERS, headers=under("k"))).status_code == 403


async def test_a_token_that_only_reads_is_not_told_old_answers(anna, session):
    await anna.post(LETTERS, headers=under("k"))
    await session.execute(update(Token).where(Token.person_id == anna.id).values(scope=Scope.READ))
    await session.commit()
    assert (await anna.post(LETTERS, headers=under("k"))).status_code == 403
    assert (await anna.post(f"{LETTERS}/open", headers=under("k"))).status_code == 201


async def test_an_answer_with_a_secret_is_not_kept_and_not_made_twice(anna, session):
    wish = {"name": "my program"}
    made = await anna.post("/api/v1/tokens", wish, headers=under("k"))
    again = await anna.post("/api/v1/tokens", wish, headers=under("k"))
    assert made.status_code == 201
    assert (again.status_code, again.json()["type"]) == (409, "/problems/shown-once")
    secret = made.json()["token"]
    rows = (await session.execute(select(Remembered.body, Remembered.headers))).all()
    assert [tuple(row) for row in rows] == [(b"", {})]
    assert secret not in again.text
    assert len((await anna.get("/api/v1/sessions")).json()["items"]) == 2


async def test_every_answer_that_opens_something_is_known_to_be_a_secret(app):
    secret = {
        (method, route.path)
        for route in iter_route_contexts(app.routes)
        if shows_a_secret(getattr(route, "response_model", None))
        for method in route.methods
    }
    assert secret >= {
        ("POST", "/api/v1/sessions"),
        ("POST", "/api/v1/people/confirmations"),
        ("POST", "/api/v1/tokens"),
    }
    api = [route for route in iter_route_contexts(app.routes) if route.path.startswith("/api/")]
    with_tokens = {
        (method, route.path)
        for route in api
        if (model := getattr(route, "response_model", None)) is not None
        and "token" in getattr(model, "model_fields", {})
        for method in route.methods
    }
    assert with_tokens <= secret


def test_a_secret_is_known_by_its_type():
    class Made(Message):
        token: ShownOnce

    class Below(Made):
        more: int

    assert shows_a_secret(Made)
    assert shows_a_secret(Below)
    for other in (Written, list[Made], None, int, "Made"):
        assert not shows_a_secret(other)


async def test_an_answer_that_may_not_be_stored_is_made_again(anna, session):
    first = await anna.post(f"{LETTERS}/private", headers=under("k"))
    again = await anna.post(f"{LETTERS}/private", headers=under("k"))
    assert first.json() == again.json()
    assert (await session.scalar(select(Remembered.body))) == b""
    assert await count(session) == 1


# What follows commits for real, on many connections.


@pytest.fixture
async def busy(real_url, settings):
    async with a_real_place(real_url, settings, routes) as place:
        async with place.database.writing.begin() as session:
            await session.execute(delete(Letter))
        yield place


@pytest.fixture
def unlocked(monkeypatch):
    """The lock of a key is one that nobody else asks for."""
    monkeypatch.setattr(locks, "numbered", lambda *_: cast(func.random() * 2**53, BigInteger))
    monkeypatch.setattr(tokens, "_ACTOR_AND_ANSWER", Prepared(tokens._with_key()))


async def effects(place) -> int:
    async with place.database.reading() as session:
        return await count(session)


async def together(somebody, key: str, times: int) -> list:
    return await asyncio.gather(*(somebody.post(LETTERS, headers=under(key)) for _ in range(times)))


async def test_one_key_twenty_times_at_once_has_one_effect(busy):
    anna = await busy.given.person()
    for number in range(5):
        answers = await together(anna, f"k{number}", 20)
        statuses = [answer.status_code for answer in answers]
        assert set(statuses) <= {201, 409}
        assert 201 in statuses
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
        for answer in answers:
            if answer.status_code == 409:
                assert answer.json()["type"] == "/problems/still-running"
                assert answer.headers["Retry-After"] == "1"
        assert await effects(busy) == number + 1
        assert (await anna.post(LETTERS, headers=under(f"k{number}"))).status_code == 201


@pytest.mark.usefixtures("unlocked")
async def test_the_same_test_catches_a_twin_that_only_looks_before_it_writes(busy, monkeypatch):
    meet = asyncio.Barrier(5)

    async def keep_nothing(*_, **__):
        await meet.wait()

    monkeypatch.setattr(idempotency, "keep", keep_nothing)
    anna = await busy.given.person()
    await together(anna, "k", 5)
    assert await effects(busy) == 5


@pytest.mark.usefixtures("unlocked")
async def test_without_the_lock_the_key_itself_still_has_one_effect(busy):
    """The second line: the row's primary key."""
    anna = await busy.given.person()
    answers = await together(anna, "k", 5)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert await effects(busy) == 1


async def test_two_people_with_one_key_at_once_do_not_wait_for_each_other(busy):
    people = [await busy.given.person() for _ in range(5)]
    answers = await asyncio.gather(*(somebody.post(LETTERS, headers=under("k")) for somebody in people))
    assert {answer.status_code for answer in answers} == {201}
    assert await effects(busy) == 5


async def test_a_crash_before_the_commit_leaves_neither_effect_nor_answer(busy, monkeypatch):
    anna = await busy.given.person()
    honest = idempotency.keep

    async def keep_and_crash(*args, **more):
        await honest(*args, **more)
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as crashing:
        crashing.setattr(idempotency, "keep", keep_and_crash)
        assert (await anna.post(LETTERS, headers=under("k"))).status_code == 500
    assert await effects(busy) == 0
    assert (await anna.post(LETTERS, headers=under("k"))).status_code == 201
    assert await effects(busy) == 1


async def test_organisations_entered_under_one_key_at_once_are_one(busy):
    anna = await busy.given.person()
    body = {"uscc": a_uscc(), "name": "某公司", "kinds": ["enterprise"], "region": "220100"}
    answers = await asyncio.gather(*(anna.post(URL, body, headers=under("k")) for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    async with busy.database.reading() as session:
        assert await session.scalar(select(func.count()).where(Organisation.uscc == body["uscc"])) == 1
