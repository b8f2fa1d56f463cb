"""A rematch asks in the same words as a ranking: synonyms and lowered terms hold, row by row, and what they did is marked."""

import pytest
from sqlalchemy import select

from marketplace.kernel import clock
from marketplace.listings.models import Achievement, Problem
from marketplace.pairings import reading, rematcher, rematching
from marketplace.pairings.rematch_job import work
from marketplace.tuning import terms
from matching.learning import Misleading
from matching.segments.rematch import Run, Way
from tests.given import listings

URL = "/api/v1/rematches"

OFFERED = [
    "隧道式焙烧炉节能改造",
    "辊道窑余热回收",
    "焙烧炉炉衬材料",
    "陶瓷干燥窑控制",
    "热电偶检测装置",
    "辊道窑与焙烧炉的检测",
    "锂离子电池回收",
]
WANTED = ["求辊道窑节能改造方案", "焙烧炉的余热怎么回收", "窑炉炉衬开裂的检测", "锂电池回收的焙烧", "陶瓷干燥能耗高"]


@pytest.fixture
async def market(standing, given_there):
    university, firm, admin = await given_there.university(), await given_there.enterprise(), await given_there.admin()
    await listings.achievements(
        given_there.session, university.organisation, *({"title": one, "description": one + "。", "industries": ["3071"]} for one in OFFERED)
    )  # fmt: skip
    await listings.problems(
        given_there.session, firm.organisation, *({"title": one, "description": one + "。", "industries": ["3071"]} for one in WANTED)
    )  # fmt: skip
    return firm, admin


async def carried_out(standing, settings, admin):
    answer = await admin.post(URL, json={"proposals": 50, "floor": 0, "unfit": True})
    assert answer.status_code == 202, answer.text
    run = answer.json()
    async with standing.session() as session, session.begin():
        assert await work.begin(session, run["operation_id"])
    await rematcher.carry_out(standing.database, settings.home, run["id"], lambda _done, _of: None, threads=1)
    return run


async def texts(standing):
    """What the run that is there found, and what each record's own ranking finds: keys and text scores, in order."""
    engine = standing.engine
    if not engine.loaded:
        await engine.open()
    await engine.catch_up()
    batch = Run(await engine.folder() / "rematch" / "run")
    found = {way: dict(batch.found(way)) for way in Way}
    own = {}
    async with standing.session() as session:
        for way, model in ((Way.PROBLEMS, Problem), (Way.ACHIEVEMENTS, Achievement)):
            snapshot = engine.snapshot(rematching.KINDS[way.other])
            asked = {
                str(one.id): snapshot.rank(reading.query(one, engine.synonyms), k=50, now=clock.now().timestamp()).items
                for one in (await session.scalars(select(model))).all()
            }
            own[way] = {key: sorted(((one.text, one.key) for one in items), key=lambda one: (-one[0], one[1])) for key, items in asked.items()}  # fmt: skip
    return {way: {key: [(score, other) for other, score in its] for key, its in rows.items()} for way, rows in found.items()}, own  # fmt: skip


async def test_each_row_of_a_run_is_the_single_rankings_row_with_synonyms_and_lowered_terms(standing, settings, market):
    firm, admin = market
    await carried_out(standing, settings, admin)
    plain, _ = await texts(standing)

    assert (await admin.post("/api/v1/synonyms", {"spellings": ["辊道窑", "焙烧炉"]})).status_code == 201
    async with standing.session() as session, session.begin():
        named = Misleading("检测", "30", factor=0.3, share=0.7, named_by=3, asked=4, spared=frozenset())
        await terms.find(session, [named], by=None)
    run = await carried_out(standing, settings, admin)
    wide, own = await texts(standing)
    assert wide == own, "the same keys in the same order with the same scores to the last digit, both ways"
    assert wide != plain
    assert sum(map(len, wide[Way.PROBLEMS].values())) > sum(map(len, plain[Way.PROBLEMS].values()))

    # The same again over HTTP, with the signals, and the marks where the reader sees them.
    async with standing.session() as session:
        problems = {one.title: one.id for one in (await session.scalars(select(Problem))).all()}
    through = 0
    for id_ in problems.values():
        ranked = (await firm.get(f"/api/v1/problems/{id_}/pairings", params={"limit": 100})).json()["items"]
        at = f"{URL}/{run['id']}/proposals"
        rows = (await admin.get(at, params={"problem": str(id_), "limit": 100})).json()["items"]
        assert [one["achievement"]["id"] for one in rows] == [one["id"] for one in ranked]
        assert [one["score"] for one in rows] == pytest.approx([one["score"] for one in ranked], abs=1e-6)
        shared = (await firm.get(f"/api/v1/problems/{id_}/proposals", params={"limit": 100})).json()["items"]
        for one, single in zip(shared, ranked, strict=True):
            assert one["pairing"]["reasons"]["terms"] == single["reasons"]["terms"]
            through += any(term["synonym_of"] for term in single["reasons"]["terms"])
    assert through > 0


async def test_a_finished_run_is_not_used_again_once_the_words_have_changed(standing, settings, market):
    _, admin = market
    folder, lexicon = await rematching.written_down(standing.database, settings.home)
    by = await rematching.words(standing.database)
    with rematching.begun(folder, depth=9, anew=False, by=by) as batch:
        await rematching.worded(standing.database, batch, by, lexicon)
        batch.work()
    with rematching.begun(folder, depth=9, anew=False, by=by) as batch:
        assert not batch.left(), "nothing has changed"
        await rematching.worded(standing.database, batch, by, lexicon)
    assert (await admin.post("/api/v1/synonyms", {"spellings": ["辊道窑", "焙烧炉"]})).status_code == 201
    other = await rematching.words(standing.database)
    with rematching.begun(folder, depth=9, anew=False, by=other) as batch:
        assert batch.left()
        await rematching.worded(standing.database, batch, other, lexicon)
        batch.land(batch.left()[0])
    with rematching.begun(folder, depth=9, anew=False, by=by) as batch:
        assert batch.worded_by(Way.PROBLEMS) == other.name, "an unfinished one goes on in the words that it began with"
    with rematching.begun(folder, depth=9, anew=False, by=by, current=True) as batch:
        assert batch.worded_by(Way.PROBLEMS) is None, "and a new wish begins again"
