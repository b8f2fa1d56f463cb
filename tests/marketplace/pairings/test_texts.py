"""Anybody may ask with a text: within a rate, with nothing kept, and without holding up others."""

import asyncio
import random
import threading

import pytest
from sqlalchemy import text as sql

from marketplace.kernel import rate
from matching.segments.index import SharedSnapshot
from tests.given import listings
from tests.given.labs import an_instrument

LONG = 20_000
ABSTRACT = (
    "以石榴石型固态电解质为对象，测量了烧结温度对其离子电导率的影响，用阻抗谱分离了晶界与晶粒的贡献，"
    "在较低温度下得到了致密的薄膜，界面阻抗随压力增大而减小。"
)


async def rows(connection) -> dict[str, int]:
    """How many rows every table has."""
    names = (
        await connection.scalars(sql("select tablename from pg_tables where schemaname = 'public' order by 1"))
    ).all()
    return {name: await connection.scalar(sql(f'select count(*) from "{name}"')) for name in names}


@pytest.fixture
async def market(given, session, engine):
    university, enterprise = await given.university(), await given.enterprise()
    await listings.achievements(session, university.organisation, *[{"title": f"固态电解质{n}"} for n in range(3)])
    await listings.problems(session, enterprise.organisation, {})
    await an_instrument(session, university.organisation, name="固态电解质电导率测试台")
    await engine.load()
    return university


@pytest.mark.parametrize("kind", ["achievement", "problem", "instrument"])
async def test_nothing_of_the_text_is_kept(market, client, connection, kind):
    before = await rows(connection)
    marked = "固态电解质 遗留的痕迹7431"
    for headers in ({}, market.headers, market.headers | {"Idempotency-Key": "the-same-again"}):
        for _ in range(2):
            answer = await client.post("/api/v1/matches", json={"text": marked, "kind": kind}, headers=headers)
            assert answer.status_code == 200, answer.text
            assert answer.json()["items"]
            assert "Idempotency-Replayed" not in answer.headers
    assert len(before) > 10
    assert await rows(connection) == before


async def test_a_text_finds_the_kind_that_is_asked_for(market, client):
    for kind, found in (("achievement", 3), ("problem", 1), ("instrument", 1)):
        page = (await client.post("/api/v1/matches", json={"text": "固态电解质", "kind": kind})).json()
        assert {item["kind"] for item in page["items"]} == {kind}
        assert len(page["items"]) == found
        assert page["next_cursor"] is None
    page = (await client.post("/api/v1/matches", json={"text": "固态电解质", "limit": 2})).json()
    assert len(page["items"]) == 2


async def test_a_text_is_read_as_what_it_is_or_as_it_is_said_to_be(market, client):
    """A piece of an abstract looks for its kin, a requirement for its field; whoever looks for problems requests."""

    async def asked(**body) -> tuple[str, float, float]:
        page = (await client.post("/api/v1/matches", json=body)).json()
        return page["read_as"], page["best_text"], page["threshold"]

    report = await asked(text=ABSTRACT)
    request = await asked(text=ABSTRACT, read_as="request")
    assert (report[0], request[0]) == ("report", "request")
    assert report == await asked(text=ABSTRACT, read_as="report")
    assert report[1] > request[1]  # nothing is added to the length of a record
    assert report[2] > request[2]
    assert (await asked(text=f"我公司急需此项技术。{ABSTRACT}项目已投入。", read_as=None))[0] == "request"
    assert (await asked(text=ABSTRACT, kind="problem"))[0] == "request"
    assert (await asked(text=ABSTRACT, kind="instrument"))[0] == "request"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": " \u3000\u200b"},
        {"text": "字" * (LONG + 1)},
        {"text": "a\0b"},
        {"text": "a", "kind": "organisation"},
        {"text": "a", "read_as": "abstract"},
        {"text": "a", "kind": "instrument", "read_as": "request"},
        {"text": "a", "limit": 0},
        {"text": "a", "limit": 101},
        {"text": "a", "limit": True},
        {"text": "a", "filters": {"trl_min": "3"}},
        {"text": "a", "filters": {"region": ["22"]}},
        {"text": "a", "filters": {"colour": "red"}},
        {"text": "a", "more": 1},
    ],
    ids=lambda body: "-".join(body) or "empty",
)
async def test_a_text_that_cannot_be_asked_with_is_refused(market, client, body):
    answer = await client.post("/api/v1/matches", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["pointer"].startswith("/")


@pytest.mark.parametrize("by", ["address", "person"])
async def test_too_many_texts_are_put_off_with_the_time_to_wait(app, given, client, engine, by):
    await engine.load()
    person, other = await given.university(), await given.university()
    app.state.matches_limit.count = 3
    headers = person.headers if by == "person" else {}
    statuses = [
        (await client.post("/api/v1/matches", json={"text": "电解质"}, headers=headers)).status_code for _ in range(4)
    ]
    assert statuses == [200, 200, 200, 429]
    answer = await client.post("/api/v1/matches", json={"text": "电解质"}, headers=headers)
    assert answer.status_code == 429
    assert answer.json()["type"] == "/problems/too-many"
    seconds = int(answer.headers["Retry-After"])
    assert 1 <= seconds <= 60
    assert answer.headers["RateLimit"] == f'"matches";r=0;t={seconds}'
    assert answer.headers["RateLimit-Policy"] == '"matches";q=3;w=60'
    # Each caller has an allowance of their own.
    assert (await client.post("/api/v1/matches", json={"text": "电解质"}, headers=other.headers)).status_code == 200


@pytest.fixture
async def busy(standing, given_there):
    """A market in which requests may run side by side."""
    university = await given_there.university()
    told = [{"title": f"固态电解质{n}"} for n in range(3)]
    await listings.achievements(given_there.session, university.organisation, *told)
    await standing.engine.load()
    return standing


async def test_health_answers_before_a_ranking_that_waits_for_it(busy, monkeypatch):
    """The ranking cannot end before the event loop has answered somebody else, so it does not run on the loop."""
    answered = threading.Event()
    loop_thread = threading.get_ident()
    threads = []
    rank = SharedSnapshot.rank

    def waiting(self, *args, **more):
        threads.append(threading.get_ident())
        assert answered.wait(30), "nobody was answered while a ranking ran"
        return rank(self, *args, **more)

    monkeypatch.setattr(SharedSnapshot, "rank", waiting)
    ranking = asyncio.create_task(busy.client.post("/api/v1/matches", json={"text": "固态电解质"}))
    while not threads:  # noqa: ASYNC110 -- the other thread is waited for, and an asyncio.Event is not for threads
        await asyncio.sleep(0.001)
    assert (await busy.client.get("/healthz")).status_code == 200
    answered.set()
    assert (await ranking).status_code == 200
    assert loop_thread not in threads


async def test_twenty_long_texts_leave_the_loop_free(busy):
    """A ticker goes on ticking, and health checks are answered before the rankings around them are all done."""
    letters = "固态电解质薄膜流延制备人参皂苷提取工艺铝合金焊接疲劳试验秸秆还田机器人视觉检测"
    drawn = random.Random(7)  # a seed, so that every run asks with the same texts
    texts = ["".join(drawn.choices(letters, k=LONG)) for _ in range(20)]
    done: list[str] = []
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)

    async def ask(words: str) -> None:
        answer = await busy.client.post("/api/v1/matches", json={"text": words})
        assert answer.status_code == 200, answer.text
        done.append("ranking")

    async def look() -> None:
        while done.count("ranking") < len(texts):
            assert (await busy.client.get("/healthz")).status_code == 200
            done.append("health")
            await asyncio.sleep(0.001)

    ticker = asyncio.create_task(tick())
    await asyncio.gather(look(), *(ask(words) for words in texts))
    ticker.cancel()
    assert done.index("health") < done.index("ranking")
    between = [done[:place].count("health") for place, what in enumerate(done) if what == "ranking"]
    assert len(set(between)) > 3, "health checks were answered between the rankings, not only around them"
    assert ticks > 20


@pytest.mark.parametrize("step", ["rank", "explain"])
async def test_no_connection_is_held_while_a_ranking_waits(busy, monkeypatch, step):
    """With a pool of four, six rankings that do not end leave the database to others."""
    going_on = threading.Event()
    monkeypatch.setattr(SharedSnapshot, step, _after(going_on, getattr(SharedSnapshot, step)))
    rankings = [asyncio.create_task(busy.client.post("/api/v1/matches", json={"text": "电解质"})) for _ in range(6)]
    for _ in range(20):
        assert (await busy.client.get("/api/v1/achievements")).status_code == 200
    assert [engine.pool.checkedout() for engine in busy.database.engines()] == [0, 0]
    going_on.set()
    assert {answer.status_code for answer in await asyncio.gather(*rankings)} == {200}


def _after(event: threading.Event, call):
    def waiting(*args, **named):
        assert event.wait(30)
        return call(*args, **named)

    return waiting


async def test_a_limit_is_given_back_with_time(app, client, engine):
    await engine.load()
    seconds = 1000.0
    app.state.matches_limit = rate.Limit("matches", 1, 60, monotonic=lambda: seconds)
    ask = {"text": "电解质"}
    assert (await client.post("/api/v1/matches", json=ask)).status_code == 200
    refused = await client.post("/api/v1/matches", json=ask)
    assert refused.status_code == 429
    seconds += int(refused.headers["Retry-After"])
    assert (await client.post("/api/v1/matches", json=ask)).status_code == 200
    assert (await client.post("/api/v1/matches", json=ask)).status_code == 429
