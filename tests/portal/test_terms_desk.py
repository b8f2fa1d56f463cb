"""The desk of the lexicon: terms into the draft, proposals decided, versions put to use and gone back to."""

from urllib.parse import parse_qsl, urlsplit

from uuid_utils.compat import uuid7

from marketplace.kernel import clock
from marketplace.lexicon.models import TermProposal
from schemas.identity import Role
from schemas.lexicon import ProposalState

DESK = "/platform/terms"


def a_proposal(key: str, worth: float) -> TermProposal:
    return TermProposal(
        id=uuid7(), key=key, state=ProposalState.PROPOSED, frequency=40, records=9, cohesion=6.2, left_entropy=2.4,
        right_entropy=2.1, worth=worth, examples=[], found_at=clock.now(),
    )  # fmt: skip


async def test_terms_come_into_the_draft_and_are_put_to_use(given, visitor, ranking):
    admin, anybody = visitor(await given.admin()), visitor(None, "en")
    empty = await admin.page(DESK)
    assert "草稿中还没有术语" in empty.text
    assert "草稿与在用版本相同" in empty.text
    again = await admin.again(DESK, {"text": "复合材料", "note": "常用"})
    assert "无须添加" in again.text
    assert again.field("text") == "复合材料", "what was typed is still there"
    await admin.sent(DESK, {"text": "固态电解质薄膜", "note": ""})
    checked = await admin.sent(f"{DESK}/import", {"list": "SiC/Al\n以及"}, 200)
    assert "可添加 1 条" in checked
    assert "第 2 行" in checked
    partly = await admin.sent(f"{DESK}/import", {"list": "SiC/Al\n以及", "really": "1"}, 200)
    assert "已添加 1 条" in partly
    await admin.sent(f"{DESK}/import", {"list": "甲醇重整制氢", "really": "1"})
    draft = await admin.page(DESK)
    assert "增加 3 条" in draft.text
    assert "SiC/Al" in draft.text
    remove = [form.attrs["action"] for form in draft.all("form") if form.attrs.get("action", "").endswith("/remove")]
    await admin.sent(remove[0])

    await ranking()
    await admin.sent(f"{DESK}/use", {"about": "第一批"})
    building = await admin.page(DESK)
    assert "在用版本 1" in building.text
    assert "正在用版本 1 重读全部记录" in building.text
    await ranking()
    used = await anybody.page(DESK)
    assert "Version 1 is in use" in used.text
    assert "being read" not in used.text
    assert not used.all("form", method="post")
    assert "固态电解质薄膜" in (await anybody.page(f"{DESK}/versions/1")).text
    await anybody.page(f"{DESK}/versions/7", 404)
    await anybody.page(f"{DESK}/versions/{10**12}", 404)

    assert "没有变化" not in await admin.sent(f"{DESK}/use", {}, 409), "nothing to put to use"
    await admin.sent(f"{DESK}/versions/0/use")
    await admin.sent(f"{DESK}/versions/0/draft")
    assert "在用版本 0" in (await admin.page(DESK)).text
    refused = await visitor(await given.university()).post(DESK, {"text": "固态电解质薄膜"})
    assert refused.status_code == 403


async def test_proposals_are_decided_several_at_once_and_that_is_undone(given, visitor, session):
    admin, auditor = visitor(await given.admin()), visitor(await given.person(Role.AUDITOR))
    some = [a_proposal(key, worth) for key, worth in (("滑模控制器", 9.0), ("页岩油藏", 8.0), ("亿m3", 1.0))]
    session.add_all(some)
    await session.flush()
    page = await admin.page(DESK)
    assert [box.attrs["value"] for box in page.all("input", type="checkbox")] == [str(one.id) for one in some]
    there = await admin.sent(f"{DESK}/decide", {"what": "accept", "one": [str(one.id) for one in some[:2]]})
    await admin.sent(f"{DESK}/decide", {"what": "reject", "one": [str(some[2].id), "x"]})
    accepted = await admin.page(f"{DESK}?state=accepted")
    assert "滑模控制器" in accepted.text
    assert "增加 2 条" in accepted.text
    assert "亿m3" in (await auditor.page(f"{DESK}?state=rejected")).text
    undo = [value for name, value in parse_qsl(urlsplit(there).query) if name == "undo"]
    assert undo == [str(one.id) for one in some[:2]]
    assert "撤销刚才的决定" in (await admin.page(there)).text
    await admin.sent(f"{DESK}/decide", {"what": "reopen", "one": undo})
    assert "草稿与在用版本相同" in (await admin.page(DESK)).text
    await admin.sent(f"{DESK}/decide", {"what": "else"})
    assert "新词提议" not in (await visitor().page(DESK)).text


async def test_a_discovery_is_started_and_followed(given, visitor):
    admin = visitor(await given.admin())
    there = await admin.sent(f"{DESK}/discover")
    work = dict(parse_qsl(urlsplit(there).query))["work"]
    assert "正在从公开记录中寻找新词" in (await admin.page(there)).text
    waiting = await admin.get(f"{DESK}/work?work={work}")
    assert "hx-redirect" not in waiting.headers
    assert (await admin.get(f"{DESK}/work?work=x")).headers["hx-redirect"] == DESK
    await admin.page(f"{DESK}?q={'长' * 61}", 422)
