"""The database is slow, silent, cut off, overrun, or quarrels with itself: every request ends, and says what is true."""

import asyncio
import contextlib
from uuid import uuid4

import pytest
from fastapi import APIRouter, Request, Response
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection

from marketplace.kernel import db, health
from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing, after_commit
from marketplace.kernel.mail import Letter
from schemas.base import Message
from tests.conftest import a_real_place
from tests.faults.wire import a_wire_to

URL = "/api/v1/organisations"
FAULTS = "/api/v1/faults"
OUTER = 60  # only ends a hang

routes = APIRouter(prefix=FAULTS, route_class=TransactionRoute)


class Written(Message):
    id: str


@routes.get("/sleep")
async def sleep(session: Reading) -> int:
    await session.execute(text("select pg_sleep(3600)"))
    return 1


@routes.get("/wait")
async def wait(session: Reading) -> int:
    await session.execute(text("select pg_advisory_xact_lock(7400)"))
    return 1


@routes.post("/sleep")
async def sleep_in_a_transaction(session: Writing) -> int:
    await session.execute(text("select pg_sleep(3600)"))
    return 1


@routes.post("/letters", status_code=201)
async def write(session: Writing, actor: SignedIn, request: Request) -> Written:
    letter = Letter(to="faults@test.example", subject="s", text="t")
    session.add(letter)
    await session.flush()
    after_commit(request, lambda: request.app.state.told.append(str(letter.id)))
    return Written(id=str(letter.id))


@routes.post("/hook")
async def hook(session: Writing, actor: Anyone, request: Request) -> int:
    def fail() -> None:
        raise RuntimeError

    after_commit(request, fail)
    after_commit(request, lambda: request.app.state.told.append("second"))
    return 1


@routes.post("/locks/{first}/{second}")
async def locks(first: int, second: int, session: Writing, request: Request) -> int:
    """Two of these in opposite order wait for each other in a circle."""
    state = request.app.state
    state.tries.append(first)
    await session.execute(text("select pg_advisory_xact_lock(:n)"), {"n": first})
    if len(state.tries) <= 2:
        await state.meet.wait()
    await session.execute(text("select pg_advisory_xact_lock(:n)"), {"n": second})
    return 1


@routes.post("/always/{code}")
async def always(code: str, session: Writing, request: Request) -> int:
    request.app.state.tries.append(code)
    await session.execute(text(f"do $$ begin raise exception 'x' using errcode = '{code}'; end $$"))
    return 1


@routes.get("/plan")
async def plan(session: Reading) -> list[int]:
    return list((await session.scalars(text("select * from plan"))).all())


@routes.get("/session")
async def keep_the_session(session: Reading, request: Request) -> int:
    request.app.state.told.append(request.state)
    raise RuntimeError


@routes.get("/stream")
async def raw(session: Reading) -> Response:
    return Response(b"\x00\x01")


@contextlib.asynccontextmanager
async def place_at(url, settings, **changes):
    # One user, one engine: `pool_size` connections to read, as many to write.
    settings = settings.model_copy(update={"pool_size": 2, "request_deadline": 300.0} | changes)
    async with a_real_place(url, settings, routes) as place:
        place.app.state.told, place.app.state.tries, place.app.state.meet = [], [], asyncio.Barrier(2)
        yield place


@pytest.fixture
async def place(real_url, settings):
    async with place_at(real_url, settings) as place:
        yield place


@pytest.fixture
async def wired(real_url, settings, monkeypatch):
    """A place behind a wire, where nothing but a request's own deadline ends a wait."""
    monkeypatch.setattr(db, "COMMAND_SECONDS", 600)
    monkeypatch.setattr(db, "CONNECT_SECONDS", 600)
    monkeypatch.setattr(db, "POOL_SECONDS", 600)
    async with a_wire_to(real_url) as (wire, url), place_at(url, settings) as place:
        yield wire, place


async def letters(url, settings) -> int:
    async with a_real_place(url, settings) as other, other.database.reading() as session:
        return await session.scalar(select(func.count()).where(Letter.to == "faults@test.example"))


def held(place) -> int:
    """Connections that are out of their pools."""
    return sum(engine.pool.checkedout() for engine in place.database.engines())


async def until(condition) -> None:
    async with asyncio.timeout(OUTER):
        while not condition():  # noqa: ASYNC110 -- a pool has no event to wait for
            await asyncio.sleep(0.02)


async def all_back(place) -> None:
    await until(lambda: not held(place) and not place.database.leaving)


def shorter(place, seconds: float) -> None:
    state = place.app.state
    state.settings = state.settings.model_copy(update={"request_deadline": seconds})


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_request_that_is_stuck_ends_with_its_deadline_and_gives_its_connection_back(place, method):
    shorter(place, 0.2)
    answer = await place.client.request(method, f"{FAULTS}/sleep")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert answer.headers["Retry-After"] == "1"
    await all_back(place)
    shorter(place, 300)
    for _ in range(5):
        assert (await place.client.get(URL)).status_code == 200


async def test_a_statement_that_takes_too_long_is_ended_by_postgresql(real_url, settings, monkeypatch):
    monkeypatch.setattr(db, "COMMAND_SECONDS", 1)
    async with place_at(real_url, settings) as place:
        assert (await place.client.get(f"{FAULTS}/sleep")).status_code == 503
        await all_back(place)


async def test_a_database_that_falls_silent_keeps_nobody_waiting(wired, monkeypatch):
    wire, place = wired
    anna = await place.given.person()
    assert (await anna.get(URL)).status_code == 200
    wire.silence()
    shorter(place, 0.3)
    with monkeypatch.context() as hurried:
        hurried.setattr(health, "PATIENCE", 0.3)
        answers = await asyncio.gather(
            anna.get(URL), anna.post(f"{FAULTS}/letters"), place.client.get("/readyz"), place.client.get("/healthz")
        )
    assert [answer.status_code for answer in answers] == [503, 503, 503, 200]
    wire.resume()
    shorter(place, 300)
    await all_back(place)
    assert (await anna.get(URL)).status_code == 200
    assert (await anna.post(f"{FAULTS}/letters")).status_code == 201


async def test_the_same_silence_holds_up_a_twin_that_waits_for_the_clean_up(wired, monkeypatch):
    """The naive twin: `asyncio.timeout` around the work, whose clean-up talks to the silent database again."""
    wire, place = wired
    await place.client.get(URL)
    # Two seconds in SQLAlchemy; longer here, so that no clock decides what this test says.
    monkeypatch.setattr(
        AsyncAdapt_asyncpg_connection, "_terminate_graceful_close", lambda self: self._connection.close(timeout=600)
    )

    async def naive() -> None:
        async with asyncio.timeout(0.2), place.database.reading() as session:
            await session.execute(text("select 1"))

    wire.silence()
    hanging = asyncio.create_task(naive())
    done, _ = await asyncio.wait({hanging}, timeout=1)
    assert not done
    wire.resume()
    with contextlib.suppress(TimeoutError, Exception):
        await hanging
    await all_back(place)


async def test_a_silent_database_does_not_take_new_connections_hostage(wired):
    wire, place = wired
    wire.silence()
    shorter(place, 0.3)
    assert {answer.status_code for answer in await asyncio.gather(*(place.client.get(URL) for _ in range(5)))} == {503}
    wire.resume()
    shorter(place, 300)
    await all_back(place)
    assert (await place.client.get(URL)).status_code == 200


async def test_who_finds_no_free_connection_is_told_to_come_back(real_url, settings, monkeypatch):
    monkeypatch.setattr(db, "POOL_SECONDS", 0.2)
    async with place_at(real_url, settings) as place:
        async with place.database.writing_engine.connect() as other:
            await other.execute(text("select pg_advisory_xact_lock(7400)"))
            waiting = [asyncio.create_task(place.client.get(f"{FAULTS}/wait")) for _ in range(2)]
            await until(lambda: place.database.reading_engine.pool.checkedout() == 2)
            answer = await place.client.get(URL)
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
        assert {done.status_code for done in await asyncio.gather(*waiting)} == {200}
        assert (await place.client.get(URL)).status_code == 200


async def test_a_crowd_on_a_small_pool_gets_answers_or_is_told_to_come_back(real_url, settings, monkeypatch):
    monkeypatch.setattr(db, "POOL_SECONDS", 1)
    async with place_at(real_url, settings) as place:
        people = [await place.given.person() for _ in range(4)]
        asked = [people[n % 4].post(f"{FAULTS}/letters") if n % 2 else people[n % 4].get(URL) for n in range(200)]
        answers = await asyncio.gather(*asked)
        assert {answer.status_code for answer in answers} <= {200, 201, 503}
        assert {answer.status_code for answer in answers} & {200, 201}
        await all_back(place)
        assert (await people[0].get(URL)).status_code == 200


async def sleeping(place, how_many: int) -> None:
    """Wait until so many statements are under way."""
    asleep = text("select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()")
    async with asyncio.timeout(OUTER), place.database.writing() as session:
        while await session.scalar(asleep) != how_many:
            await session.rollback()


async def test_clients_that_give_up_leave_no_connection_behind(place):
    for _ in range(3):
        asked = [asyncio.create_task(place.client.get(f"{FAULTS}/sleep")) for _ in range(2)]
        await sleeping(place, 2)
        for request in asked:
            request.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        await all_back(place)
    assert (await place.client.get(URL)).status_code == 200


async def test_two_who_wait_for_each_other_are_untangled_and_both_served(place):
    answers = await asyncio.gather(
        place.client.post(f"{FAULTS}/locks/7411/7412"), place.client.post(f"{FAULTS}/locks/7412/7411")
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(place.app.state.tries) == 3


@pytest.mark.parametrize("code", ["40P01", "40001"])
async def test_who_is_always_the_victim_is_tried_twice_and_told_to_come_back(place, code):
    answer = await place.client.post(f"{FAULTS}/always/{code}")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert place.app.state.tries == [code, code]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("53300", 503), ("53200", 503), ("55P03", 503), ("57014", 503), ("57P03", 503),
        ("22003", 422), ("22P05", 422), ("22021", 422),
        ("23505", 409), ("23503", 409), ("23P01", 409),
        ("42P01", 500), ("XX000", 500),
    ],
)  # fmt: skip
async def test_what_postgresql_says_comes_out_as_what_it_means(place, code, status):
    answer = await place.client.post(f"{FAULTS}/always/{code}")
    assert answer.status_code == status
    assert place.app.state.tries == [code]


async def ask_postgresql(place, statement: str) -> None:
    async with place.database.writing_engine.begin() as connection:
        await connection.execute(text(statement))


async def cut_backends(real_url, settings) -> None:
    async with a_real_place(real_url, settings) as other, other.database.writing() as session:
        await session.execute(
            text(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where pid <> pg_backend_pid() and datname = current_database()"
            )
        )


@pytest.mark.parametrize("url", [URL, "/api/v1/achievements", "/api/v1/me"])
async def test_connections_that_died_in_their_sleep_are_noticed_by_nobody(place, real_url, settings, url):
    anna = await place.given.person()
    for _ in range(2):
        await asyncio.gather(*(anna.get(url) for _ in range(4)))
        await cut_backends(real_url, settings)
        answers = await asyncio.gather(*(anna.get(url) for _ in range(2)))
        assert [answer.status_code for answer in answers] == [200, 200]


async def test_a_change_over_a_connection_that_died_in_its_sleep_is_made_once(place, real_url, settings):
    anna = await place.given.person()
    assert (await anna.post(f"{FAULTS}/letters")).status_code == 201
    before = await letters(real_url, settings)
    await cut_backends(real_url, settings)
    assert (await anna.post(f"{FAULTS}/letters")).status_code == 201
    assert await letters(real_url, settings) == before + 1
    assert len(place.app.state.told) == 2


async def test_a_connection_that_breaks_in_mid_commit_is_not_guessed_about(wired, real_url, settings):
    """The commit reached PostgreSQL, its answer did not reach us: nothing is tried again behind the client's back."""
    wire, place = wired
    anna = await place.given.person()
    assert (await anna.post(f"{FAULTS}/letters")).status_code == 201
    before = await letters(real_url, settings)
    key = {"Idempotency-Key": str(uuid4())}
    wire.cut_at_the_answer_to(b"COMMIT")
    lost = await anna.post(f"{FAULTS}/letters", headers=key)
    assert wire.held.is_set()
    assert lost.status_code == 503
    again = await anna.post(f"{FAULTS}/letters", headers=key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert await letters(real_url, settings) == before + 1


async def test_a_connection_that_breaks_before_the_commit_is_tried_again(wired, real_url, settings):
    wire, place = wired
    anna = await place.given.person()
    before = await letters(real_url, settings)
    wire.cut_at_the_answer_to(b"INSERT INTO letter")
    assert (await anna.post(f"{FAULTS}/letters")).status_code == 201
    assert wire.held.is_set()
    assert await letters(real_url, settings) == before + 1
    assert len(place.app.state.told) == 1


async def test_while_the_database_is_away_requests_are_told_so_and_served_when_it_is_back(wired):
    wire, place = wired
    anna = await place.given.person()
    assert (await anna.get(URL)).status_code == 200
    wire.refusing = True
    wire.cut()
    for _ in range(3):
        assert (await anna.get(URL)).status_code == 503
        assert (await anna.post(f"{FAULTS}/letters")).status_code == 503
        assert (await place.client.get("/healthz")).status_code == 200
    wire.refusing = False
    assert (await anna.get(URL)).status_code == 200
    assert (await anna.post(f"{FAULTS}/letters")).status_code == 201


async def test_a_table_that_changes_under_a_live_pool_is_read_as_it_is_now(place):
    await ask_postgresql(place, "drop table if exists plan")
    await ask_postgresql(place, "create table plan (n int)")
    await ask_postgresql(place, "insert into plan values (1)")
    for _ in range(3):
        assert (await place.client.get(f"{FAULTS}/plan")).json() == [1]
    await ask_postgresql(place, "alter table plan alter n type bigint, add m int")
    for _ in range(3):
        assert (await place.client.get(f"{FAULTS}/plan")).json() == [1]
    await ask_postgresql(place, "drop table plan")


async def test_what_is_done_after_the_commit_cannot_undo_it(place):
    answer = await place.client.post(f"{FAULTS}/hook")
    assert answer.status_code == 200
    assert place.app.state.told == ["second"]


async def test_a_session_is_gone_when_its_request_is_over(place):
    assert (await place.client.get(f"{FAULTS}/session")).status_code == 500
    (state,) = place.app.state.told
    assert state.session is None
    assert held(place) == 0


async def test_an_answer_in_bytes_is_an_answer(place):
    assert (await place.client.get(f"{FAULTS}/stream")).content == b"\x00\x01"


async def test_a_transaction_that_is_left_idle_is_ended_by_postgresql(real_url, settings, monkeypatch):
    monkeypatch.setattr(db, "LOCK_SECONDS", 4)
    monkeypatch.setattr(db, "IDLE_SECONDS", 30)
    async with a_real_place(real_url, settings) as place, place.database.writing_engine.connect() as connection:
        limits = await connection.execute(
            text("select current_setting('idle_in_transaction_session_timeout'), current_setting('lock_timeout')")
        )
        assert tuple(limits.one()) == ("30s", "4s")


async def test_a_place_that_closes_lets_what_was_given_up_end_first(wired):
    wire, place = wired
    await place.client.get(URL)
    wire.silence()
    shorter(place, 0.1)
    assert (await place.client.get(URL)).status_code == 503
    assert place.database.leaving
    wire.resume()
    await place.database.close()
    assert not place.database.leaving


async def test_an_apart_transaction_stands_although_the_request_falls(place):
    async with place.database.writing() as session:
        await session.execute(text("select 1"))
        async with db.apart(session) as other:
            other.add(Letter(to="apart@test.example", subject="s", text="t"))
        await session.rollback()
    async with place.database.reading() as session:
        assert await session.scalar(select(func.count()).where(Letter.to == "apart@test.example")) >= 1
