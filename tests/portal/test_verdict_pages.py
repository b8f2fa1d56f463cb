"""A verdict with a click where the pairing is shown, undone with another; and the desk of what is learnt from them."""

import re
from uuid import UUID

import pytest
from sqlalchemy import select, update

from marketplace.kernel import clock
from marketplace.kernel.operations import Operation
from marketplace.pairings.rematch_models import Rematch, RematchPair
from marketplace.tuning import terms, tunings
from marketplace.tuning.models import MatchingModel
from marketplace.verdicts import lessons
from marketplace.verdicts.models import Verdict
from matching.blend import Weights
from matching.learning import Misleading
from schemas.identity import Role
from schemas.rematches import Why
from schemas.tuning import LearntFrom, Measured
from tests.portal.reader import audit

HTMX = {"HX-Request": "true"}


@pytest.fixture
async def pair(given, ranking):
    university, enterprise = await given.university(), await given.enterprise()
    fits = await given.achievement(university, title="轴承钢裂纹无损检测", description="涡流无损检测。")
    need = await given.problem(enterprise, title="轴承钢裂纹怎样无损检测", description="在线无损检测。")
    await ranking()
    return university, enterprise, need["id"], fits["id"]


async def test_one_click_says_it_and_another_takes_it_back(pair, visitor, session):
    university, enterprise, need, fits = pair
    at = f"/problems/{need}/pairings/{fits}/verdict"
    ours = visitor(enterprise)
    page = await ours.page(f"/problems/{need}")
    assert audit(page) == []
    assert "应当面谈" in page.text
    for stranger in (visitor(university), visitor()):
        assert "应当面谈" not in (await stranger.page(f"/problems/{need}")).text
    sent = {"version": "0", "grade": "3", "misleading": ["无损检测"], "note": "很对路"}
    answer = await ours.post(at, sent, headers=HTMX)
    assert answer.status_code == 200
    assert "已记下" in answer.text
    assert not re.search("<html", answer.text), "the box alone"
    assert 'value="3" aria-pressed="true"' in answer.text
    assert re.search(r'value="无损检测" checked', answer.text)
    (row,) = (await session.scalars(select(Verdict).execution_options(populate_existing=True))).all()
    assert (row.grade, row.misleading, row.note, row.version) == (3, ["无损检测"], "很对路", 1)

    stale = await ours.post(at, sent | {"grade": "0"}, headers=HTMX)
    assert stale.status_code == 200, "htmx shows it in its place"
    assert 'role="alert"' in stale.text
    assert 'name="version" value="1"' in stale.text, "and the next click counts"
    # Without a script: the same, on whole pages.
    assert (await ours.sent(at, sent | {"version": "1", "grade": "1"})).startswith(
        f"/problems/{need}/pairings/{fits}?said"
    )
    why = await ours.page(f"/problems/{need}/pairings/{fits}")
    assert audit(why) == []
    assert "很对路" in await ours.sent(at, sent | {"version": "1"}, 412), "nothing that was typed is lost"
    unknown = await ours.again(at, sent | {"version": "2", "misleading": ["水稻"]})
    assert "请从该匹配" in unknown.text
    gone = await ours.post(f"{at}/withdrawal", {"version": "2"}, headers=HTMX)
    assert "已撤回" in gone.text
    assert "很对路" in gone.text, "and the next click says it all again"
    assert re.search(r'value="无损检测" checked', gone.text)
    assert 'name="version" value="0"' in gone.text
    assert (await visitor(university).post(at, sent)).status_code == 403
    assert (await visitor().post(at, sent)).status_code in {303, 401}


async def test_my_verdicts_are_listed_changed_and_taken_back_in_place(pair, given, visitor, ranking):
    university, enterprise, need, fits = pair
    colleague, viewer = (
        await given.editor(enterprise.organisation),
        await given.person(Role.VIEWER, enterprise.organisation),
    )
    at = f"/problems/{need}/pairings/{fits}/verdict"
    ours = visitor(enterprise)
    empty = await ours.page("/verdicts")
    assert audit(empty) == []
    assert "还没有评价过任何匹配" in empty.text
    for page in (f"/problems/{need}", f"/problems/{need}/pairings/{fits}"):
        assert f'href="/verdicts?listing={need}"' in (await ours.page(page)).html, (
            "linked from where verdicts are given"
        )
    assert 'href="/verdicts"' in (await ours.page("/desk")).html
    await ours.sent(at, {"version": "0", "grade": "3", "misleading": ["无损检测"], "note": "很对路"})

    page = await ours.page("/verdicts")
    assert audit(page) == []
    for wanted in (
        "很对路",
        "匹配中",
        f'href="/problems/{need}/pairings/{fits}"',
        "轴承钢裂纹怎样无损检测",
        'value="3" aria-pressed="true"',
    ):
        assert wanted in page.text + page.html, wanted
    changed = await ours.post(at, {"version": "1", "grade": "1"}, headers=HTMX)
    assert "已记下" in changed.text
    mine, theirs = "/verdicts?mine=1", "/verdicts?mine=0"
    assert "轴承钢" in (await ours.page(mine)).text
    assert "没有符合条件的评价" in (await ours.page(theirs)).text
    english = await visitor(colleague, "en").page(theirs)
    assert audit(english) == []
    assert "same field only" in english.text
    assert 'name="grade" value="2"' in english.html, "a colleague who writes may change it"
    looking = await visitor(viewer).page("/verdicts")
    assert "只是同领域" in looking.text
    assert "/withdrawal" not in looking.html, "who only reads has no boxes"
    assert "轴承钢" not in (await visitor(university).page("/verdicts")).text, "the other side sees nothing"
    assert "只是同领域" in (await visitor(await given.admin()).page("/verdicts?grade=1")).text
    assert (await visitor().get("/verdicts")).status_code in {303, 401}
    assert (await ours.page("/verdicts?grade=7", 422)).one("div", id="wrong")
    export = (await ours.page("/verdicts?mine=1&grade=1")).html
    assert "/api/v1/verdicts.xlsx?mine=true&amp;grade=1" in export

    # The other record goes: what was said can still be taken back, and nothing else.
    await university.post(f"/api/v1/achievements/{fits}/withdrawal")
    await ranking()
    gone = await ours.page("/verdicts")
    assert audit(gone) == []
    assert "对方已不在匹配中" in gone.text
    assert 'name="grade"' not in gone.html.partition("<ol")[2]
    back = await ours.post(f"{at}/withdrawal", {"version": "2"}, headers=HTMX)
    assert "已撤回" in back.text
    assert 'name="grade"' not in back.text
    assert "还没有评价过任何匹配" in (await ours.page("/verdicts")).text


async def test_the_proposals_by_capacity_have_the_same_boxes(pair, given, visitor, session, ranking):
    university, enterprise, need, fits = pair
    admin = await given.admin()
    asked = (await admin.post("/api/v1/rematches", json={"unfit": True})).json()
    now = clock.now()
    await session.execute(update(Rematch).where(Rematch.id == asked["id"]).values(finished_at=now))
    session.add(
        RematchPair(
            rematch_id=UUID(asked["id"]), problem_id=UUID(need), achievement_id=UUID(fits), score=0.5, rank=1, rank_back=1,
            granted=True, why=Why.GRANTED, place=1, places=3,
        )
    )  # fmt: skip
    await session.commit()
    ours, url = visitor(enterprise), f"/problems/{need}?view=shared"
    page = await ours.page(url)
    assert audit(page) == []
    for wanted in (
        "占 3 个名额中的第 1 个",
        "应当面谈",
        "无损检测",
        f'action="/problems/{need}/pairings/{fits}/verdict"',
        "那次的得分 0.500",
    ):
        assert wanted in page.text + page.html, wanted
    await ours.sent(f"/problems/{need}/pairings/{fits}/verdict", {"version": "0", "grade": "2"})
    assert 'value="2" aria-pressed="true"' in (await ours.page(url)).html
    for other in (visitor(university), visitor()):
        seen = await other.page(url)
        assert "占 3 个名额中的第 1 个" in seen.text
        assert "应当面谈" not in seen.text
    theirs = await visitor(university, "en").page(f"/achievements/{fits}?view=shared")
    assert audit(theirs) == []
    assert "talk to them" in theirs.text


async def test_the_desk_of_what_is_learnt(pair, given, visitor, session, place):
    _, enterprise, need, fits = pair
    admin, auditor = await given.admin(), await given.person(Role.AUDITOR)
    at = f"/api/v1/problems/{need}/pairings/{fits}/verdict"
    body = {"grade": 0, "misleading": ["无损检测"], "note": "太宽"}
    assert (await enterprise.put(at, body, headers={"If-Match": '"0"'})).status_code == 200
    await session.execute(update(Verdict).values(industries=["34"]))
    measured = {"ndcg_before": 0.5, "accuracy_before": 0.6, "accuracy": 0.65}
    for better in (True, False):
        await tunings.keep(
            session, Weights(field=0.04, region=0.1), LearntFrom(verdicts=200, organisations=9, questions=40, comparisons=300),
            Measured(ndcg=0.55, gain=0.05, low=0.01 if better else -0.01, high=0.09, **measured), better=better, against=0,
            by=None,
        )  # fmt: skip
    found = [
        Misleading("无损检测", "34", 0.4, 0.6, 5, 6, frozenset()),
        Misleading("工艺", "", 0.5, 0.5, 4, 6, frozenset({"38"})),
    ]
    await terms.find(session, found, by=None)
    await session.commit()

    desk = visitor(admin)
    page = await desk.page("/platform/matching")
    assert audit(page) == []
    for wanted in ("无损检测", "权重 × 0.40", "所有行业", "没有证明更好", "+0.0500", "启用"):
        assert wanted in page.text, wanted
    english = await visitor(auditor, "en").page("/platform/matching")
    assert audit(english) == []
    assert "Strike out" not in english.text, "auditors look"
    assert (await visitor(enterprise).get("/platform/matching")).status_code == 403
    by_number = {one.number: one.id for one in await session.scalars(select(MatchingModel))}
    home = "/platform/matching"
    assert "无" not in await desk.sent(f"{home}/{by_number[1]}/activate")
    assert "退回到它" in (await desk.page(home)).text
    await desk.sent(f"{home}/{by_number[2]}/activate", status=409)
    await desk.sent(f"{home}/{by_number[0]}/activate")

    listed = (await admin.get("/api/v1/misleading-terms")).json()["items"]
    key = next(one["id"] for one in listed if one["term"] == "无损检测")
    behind = await desk.page(f"{home}/terms/{key}")
    assert audit(behind) == []
    assert "太宽" in behind.text
    back = await desk.again(f"{home}/terms/{key}/strike", {"reason": " "})
    assert "理由" in back.text
    await desk.sent(f"{home}/terms/{key}/strike", {"reason": "本行业正是要它"})
    assert "本行业正是要它" in (await desk.page(home)).text
    assert "无损检测" not in (await desk.page(f"{home}?lowering=1")).text
    await desk.sent(f"{home}/terms/{key}/restore")

    onward = await desk.sent(f"{home}/learn")
    waiting = await desk.page(onward)
    assert waiting.one("div", id="progress")
    work = re.search(r"work=([0-9a-f-]{36})", onward)
    assert work
    assert await session.get(Operation, work[1])
    assert "hx-get" in (await desk.get(f"{home}/work?work={work[1]}")).text
    await lessons.run(place, {"operation_id": work[1]})
    assert (await desk.get(f"{home}/work?work={work[1]}")).headers["HX-Redirect"] == f"{home}?work={work[1]}"
    assert "评价还不够" in (await desk.page(onward)).text
