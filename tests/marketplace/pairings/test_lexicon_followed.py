"""A lexicon that is put to use is gone over to by every process, and until then the one before answers."""

import asyncio
import contextlib

import pytest

from marketplace.kernel import clock
from marketplace.pairings import engine as ranking
from marketplace.pairings import reading
from marketplace.pairings.engine import Engine
from matching import Query
from schemas.listings import ListingKind

TERMS, VERSIONS = "/api/v1/terms", "/api/v1/lexicon-versions"
ACHIEVEMENT = ListingKind.ACHIEVEMENT
TERM = "固态电解质薄膜"


async def put_to_use(admin, *terms: str) -> int:
    listed = (await admin.post("/api/v1/term-imports", {"text": "\n".join(terms)})).json()
    assert listed["wrong"] == 0
    made = await admin.post(VERSIONS, {})
    assert made.status_code == 201, made.text
    return made.json()["number"]


async def found(who, text: str = TERM) -> tuple[set[int], set[str]]:
    """The lexicons that a ranking names, and the compounds that it tells of."""
    answer = await who.post("/api/v1/matches", json={"text": text, "kind": "achievement"})
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    return {one["reasons"]["lexicon"] for one in items}, {
        term["term"] for one in items for term in one["reasons"]["terms"]
    }


async def test_a_version_is_gone_over_to_named_and_gone_back_from(standing, given_there, tmp_path):
    university, enterprise = await given_there.university(), await given_there.enterprise()
    one = await given_there.achievement(university, title="固态电解质薄膜制备工艺")
    await given_there.achievement(university, title="薄膜、固态与电解质")
    need = await given_there.problem(enterprise, title="固态电解质薄膜的界面")
    admin = await given_there.admin()
    other = Engine(standing.database, tmp_path)  # as another process has it
    for engine in (standing.engine, other):
        await engine.load()
        assert not await engine.go_over(), "nothing to go over to"
    pages, params = f"/api/v1/problems/{need['id']}/pairings", {"limit": 1}
    params["cursor"] = (await enterprise.get(pages, params=params)).json()["next_cursor"]

    assert await put_to_use(admin, TERM) == 1
    for engine in (standing.engine, other):
        await engine.catch_up()
    assert (await found(standing.client))[0] == {0}, "until all records are read"
    told = standing.engine.readiness()["achievement"]
    assert (told["lexicon"], told["lexicon_wanted"]) == (0, 1)
    for engine in (standing.engine, other):
        assert await engine.go_over()
        assert {each["lexicon"] for each in engine.readiness().values()} == {1}
    assert await found(standing.client) == ({1}, {TERM, *(await found(standing.client))[1]})
    url = f"{pages}/{one['id']}"
    why = (await enterprise.get(url)).json()["reasons"]
    assert (TERM, "compound") in {(part["term"], part["kind"]) for term in why["terms"] for part in term["parts"]}
    later = (await enterprise.get(pages, params=params)).json()["items"]
    assert [each["reasons"]["lexicon"] for each in later] == [0], "a ranking that was begun goes on as it began"

    more = await given_there.achievement(university, title="又一种固态电解质薄膜")
    await standing.engine.catch_up()
    answer = await standing.client.post("/api/v1/matches", json={"text": TERM, "kind": "achievement"})
    assert more["id"] in {each["id"] for each in answer.json()["items"]}, "what comes later is read with it"

    third = Engine(standing.database, tmp_path)
    await third.open()
    assert third.readiness()["problem"]["lexicon"] == 1, "who starts now begins with it"
    assert (await admin.post(f"{VERSIONS}/0/activation")).status_code == 200
    for engine in (standing.engine, other):
        await engine.catch_up()
        assert await engine.go_over()
    assert (await found(standing.client))[0] == {0}


async def test_one_builds_and_the_others_open_what_it_built(standing, given_there, tmp_path, monkeypatch):
    await given_there.achievement(await given_there.university(), title="固态电解质薄膜制备工艺")
    admin = await given_there.admin()
    engines = [Engine(standing.database, tmp_path) for _ in range(3)]
    for engine in engines:
        await engine.open()
    await put_to_use(admin, TERM)
    for engine in engines:
        await engine.catch_up()
    read: list[int] = []
    rows = ranking._open_rows

    async def counted(session, kind, *, among=None, **more):
        found = await rows(session, kind, among=among, **more)
        # Those named are looked at again by each, as long as a neighbour's transaction lasts.
        read.extend([len(found)] if found and among is None else [])
        return found

    monkeypatch.setattr(ranking, "_open_rows", counted)
    assert all(await asyncio.gather(*(engine.go_over() for engine in engines)))
    assert read == [1], "the only record was read once"
    assert {engine.lexicon.version for engine in engines} == {1}


async def test_a_build_that_fails_leaves_the_old_one_answering_and_is_tried_again(
    standing, given_there, tmp_path, monkeypatch
):
    await given_there.achievement(await given_there.university(), title="固态电解质薄膜制备工艺")
    engine = Engine(standing.database, tmp_path)
    await engine.open()
    await put_to_use(await given_there.admin(), TERM)
    await engine.catch_up()
    load = Engine._load

    async def full(_self, _kinds, **_how):
        raise OSError("no space left")

    monkeypatch.setattr(Engine, "_load", full)
    with pytest.raises(OSError, match="no space"):
        await engine.go_over()
    assert (engine.lexicon.version, engine.wanted.version, engine.records_read) == (0, 1, 0)
    assert len(engine.snapshot(ACHIEVEMENT)) == 1
    monkeypatch.setattr(Engine, "_load", load)
    assert await engine.go_over()


async def test_a_storm_of_versions_changes_and_questions_is_answered_without_a_mixture(standing, given_there, tmp_path):
    """Two processes follow by themselves; every ranking is of one lexicon, and all that it says adds up."""
    university = await given_there.university()
    for n in range(12):
        await given_there.achievement(
            university, title=f"第{n}种固态电解质薄膜" if n % 2 else f"第{n}种薄膜与固态电解质"
        )
    admin = await given_there.admin()
    engines = [Engine(standing.database, tmp_path) for _ in range(2)]
    for engine in engines:
        await engine.open()
    following = [asyncio.create_task(engine.follow()) for engine in engines]
    ended, asked, versions = asyncio.Event(), 0, set[int]()

    async def ask(engine: Engine) -> None:
        nonlocal asked
        query = Query(body=TERM, side="problem", synonyms=engine.synonyms)
        document = reading.Document("", "第1种固态电解质薄膜")
        while not ended.is_set():
            snapshot, now = engine.snapshot(ACHIEVEMENT), clock.now().timestamp()
            ranking = await engine.off_the_loop(lambda s=snapshot, t=now: s.rank(query, k=20, now=t))
            assert ranking.items
            for match in ranking.items:
                why = snapshot.explain(query, match.key, document, now=now)
                compounds = [part for term in why.terms for part in term.parts if part.kind == "compound"]
                assert why.lexicon == snapshot.lexicon.version
                assert len(compounds) <= len(snapshot.lexicon), "no term of another lexicon"
                assert abs(why.score - match.score) < 1e-9
                versions.add(why.lexicon)
            asked += 1
            await asyncio.sleep(0)

    asking = [asyncio.create_task(ask(engine)) for engine in engines for _ in range(2)]
    last = 0
    for n in range(4):
        last = await put_to_use(admin, TERM if n == 0 else f"第{n}种新型膜材")
        made = await given_there.achievement(university, title=f"风暴中的固态电解质薄膜{n}")
        for _ in range(400):
            await asyncio.sleep(0.05)
            if all(engine.lexicon.version == last and made["id"] in engine.snapshot(ACHIEVEMENT) for engine in engines):
                break
    ended.set()
    await asyncio.gather(*asking)
    for task in following:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*following)
    assert {engine.lexicon.version for engine in engines} == {last}
    assert {0, last} <= versions
    assert asked > 20
    assert all(len(engine.snapshot(ACHIEVEMENT)) == 16 for engine in engines)
