"""What the platform's administrator runs and keeps for the matching: rematches and synonyms."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from schemas.identity import Role

RUNS, WORDS = "/platform/rematches", "/platform/synonyms"


async def test_a_rematch_is_started_followed_and_stopped(given, visitor):
    admin, auditor = visitor(await given.admin()), visitor(await given.person(Role.AUDITOR))
    other = visitor(await given.admin(), "en")
    assert "还没有运行过" in (await admin.page(RUNS)).text
    assert not (await auditor.page(RUNS)).all("form", action=RUNS)
    await visitor(await given.university()).page(RUNS, 403)

    again = await admin.again(RUNS, {"proposals": "2", "floor": "3", "places": "x", "depth": "50"})
    assert "默认名额：请填写整数" in again.text
    again = await admin.again(RUNS, {"proposals": "2", "floor": "3", "depth": "50"})
    assert "保底：保底不能多于推荐数" in again.text
    assert again.field("proposals") == "2", "what was typed is still there"

    there = await admin.sent(
        RUNS, {"proposals": "2", "floor": "1", "places": "", "depth": "50", "by_organisation": "1"}
    )
    shown = await admin.page(there)
    assert "匹配已开始" in shown.text
    assert "按单位" in shown.text
    (stop,) = [form.attrs["action"] for form in shown.all("form") if form.attrs.get("action", "").endswith("/stop")]
    run = stop.split("/")[-2]
    waiting = await admin.get(f"{RUNS}/progress?work={run}")
    assert "hx-redirect" not in waiting.headers
    assert "正在进行" in (await admin.sent(RUNS, {"proposals": "2"}, 409))
    await other.sent(stop)  # whoever of the administrators started it
    ended = await admin.get(f"{RUNS}/progress?work={run}")
    assert ended.headers["hx-redirect"] == RUNS
    await admin.sent(stop)  # once more: it has ended, and stays so
    assert "没有完成" in (await admin.page(f"{RUNS}/{run}")).text


async def test_a_record_without_a_rematch_says_so_and_shows_the_way_back(given, visitor, ranking):
    problem = await given.problem(await given.enterprise())
    await ranking()
    page = await visitor().page(f"/problems/{problem['id']}?view=shared")
    assert "还没有做过全量匹配" in page.text
    assert page.all("a", href=f"/problems/{problem['id']}#pairings")


async def test_synonyms_are_looked_for_tried_added_changed_removed_and_each_is_undone(given, visitor, ranking):
    admin, anybody = visitor(await given.admin()), visitor()

    async def undone(there):
        (form,) = [one for one in (await admin.page(there)).all("form") if "撤销" in one.text]
        before = [value for name, value in parse_qsl(urlsplit(there).query) if name == "back"]
        return await admin.sent(form.attrs["action"], {"spellings": "、".join(before)} if before else {})

    async def known(q):
        rows = (await anybody.get(f"/api/v1/synonyms?q={q}")).json()["items"]
        return [row["spellings"] for row in rows]

    again = await admin.again(WORDS, {"spellings": "辊道窑"})
    assert again.one("input", id="spellings").attrs["value"] == "辊道窑"
    added = await admin.sent(WORDS, {"spellings": "辊道窑、辊底炉"})
    assert await known("辊底") == [["辊道窑", "辊底炉"]]
    await ranking()
    assert "也会找“辊底炉”" in (await anybody.page(f"{WORDS}?try=一座辊道窑")).text
    assert "没有用到任何一组" in (await anybody.page(f"{WORDS}?try=别的话")).text

    of = dict(parse_qsl(urlsplit(added).query))["of"]
    changed = await admin.sent(f"{WORDS}/{of}", {"spellings": "辊道窑 = 辊底炉 = 辊道炉"})
    assert await known("辊道炉") == [["辊道窑", "辊底炉", "辊道炉"]]
    restored = await undone(changed)
    assert await known("辊底") == [["辊道窑", "辊底炉"]]
    of = dict(parse_qsl(urlsplit(restored).query))["of"]
    removed = await admin.sent(f"{WORDS}/{of}/remove")
    assert await known("辊底") == []
    await undone(removed)
    assert await known("辊底") == [["辊道窑", "辊底炉"]]
    refused = await visitor(await given.university()).post(WORDS, {"spellings": "一二、三四"})
    assert refused.status_code == 403
    shown = await anybody.page(WORDS + "?q=辊")
    assert "辊道窑 = 辊底炉" in shown.text
    assert not shown.all("form", action=WORDS, method="post")


@pytest.mark.parametrize("wrong", ["?of=x", "?back=甲", "?q=" + "长" * 61], ids=["no id", "half", "too long"])
async def test_an_address_that_was_tampered_with_does_no_harm(visitor, given, wrong):
    answer = await visitor(await given.admin()).get(WORDS + wrong)
    assert answer.status_code in {200, 422}
