"""A verdict with a click where the pairing is shown, undone with another; and the desk of what is learnt from them."""

import re

import pytest
from sqlalchemy import select, update

from marketplace.kernel.operations import Operation
from marketplace.tuning import terms, tunings
from marketplace.tuning.models import MatchingModel
from marketplace.verdicts import lessons
from marketplace.verdicts.models import Verdict
from matching.blend import Weights
from matching.learning import Misleading
from schemas.identity import Role
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
    assert 'name="version" value="0"' in gone.text
    assert (await visitor(university).post(at, sent)).status_code == 403
    assert (await visitor().post(at, sent)).status_code in {303, 401}


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
