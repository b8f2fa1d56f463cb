"""What learns, warns and narrows, walked through in a real browser as those who use it do."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from marketplace.kernel.db import Database
from marketplace.tuning import terms, tunings
from matching.blend import Weights
from matching.learning import Misleading
from schemas.tuning import LearntFrom, Measured
from tests.portal.browsing import PHONE, needs_chromium, sign_in

pytestmark = needs_chromium
NEED = "铝合金热锻模具打几千件就龟裂，我公司需要型腔表面强化办法，冷热循环下不剥落"
BOX = "描述一个技术难题，或一项成果"


def ask(page: Page, text: str) -> None:
    page.goto("/")
    page.get_by_label(BOX).fill(text)
    page.get_by_role("button", name="匹配", exact=True).click()
    expect(page.locator("#matches h2")).to_have_text("匹配结果")
    expect(page.locator("form.htmx-request")).to_have_count(0)


def order(page: Page) -> list[str]:
    return page.locator("#ranking .pairing h3").all_inner_texts()


def test_filters_narrow_while_one_chooses_and_are_dropped_where_nothing_is_left(visit):
    page = visit()
    ask(page, NEED)
    everybody = page.locator("#matches p[role=status]").inner_text()
    page.get_by_text("缩小范围").click()
    region = page.get_by_label("地区（省、市、县）")
    region.press_sequentially("吉林省长春", delay=30)
    expect(page.locator("#list-regions option[value='220100 吉林省长春市']")).to_have_count(1)
    region.fill("220100 吉林省长春市")
    region.press("Tab")
    expect(page.locator("#narrow-count")).to_have_text("（已选 1 项）")
    expect(page.locator("#matches p[role=status]")).not_to_have_text(everybody)
    expect(page.locator("#matches .pairing .by").first).to_contain_text("长春市")
    page.get_by_label("技术就绪度从").select_option("9")
    expect(page.locator("#narrow-count")).to_have_text("（已选 2 项）")
    page.get_by_label("合作方式").select_option("equity")
    expect(page.locator("#matches .notice")).to_contain_text("不加筛选时有合适的")
    page.get_by_role("button", name="去掉筛选，重新匹配").click()
    expect(page.locator("#matches p[role=status]")).to_have_text(everybody)
    expect(page.locator("#narrow-count")).to_have_text("")
    expect(region).to_have_value("")
    # What another kind does not know is not shown; what both know stays.
    region.fill("220000")
    region.press("Tab")
    expect(page.locator("#narrow-count")).to_have_text("（已选 1 项）")
    page.get_by_label("找合适的活动").check()
    expect(page.get_by_label("技术就绪度从")).to_have_count(0)
    expect(region).to_have_value("220000 吉林省")
    page.get_by_role("button", name="清除筛选").click()
    expect(region).to_have_value("")


def test_filters_work_without_scripts_and_fit_a_phone(visit):
    page = visit("/?kind=achievement&region=220000", java_script_enabled=False, viewport=PHONE)
    expect(page.get_by_label("地区（省、市、县）")).to_have_value("220000 吉林省")
    page.get_by_label("所处阶段").select_option("pilot")
    page.get_by_label(BOX).fill(NEED)
    page.get_by_role("button", name="匹配", exact=True).click()
    expect(page.locator("#narrow-count")).to_have_text("（已选 2 项）")
    expect(page.get_by_label("所处阶段")).to_have_value("pilot")
    page.get_by_role("button", name="清除筛选").click()
    expect(page.get_by_label("所处阶段")).to_have_value("")
    expect(page.get_by_label(BOX)).to_have_value(NEED)


def test_a_copy_is_warned_of_with_the_shared_text_and_marked_among_what_is_similar(visit, site):
    page = visit()
    sign_in(page, site, "cbau@duijie.example")
    page.goto("/achievements?q=轴颈")
    page.locator(".card a").first.click()
    title, text = page.locator("h1").inner_text(), page.locator(".record-body section p").all_inner_texts()
    page.goto("/desk/achievements/new")
    page.get_by_label("标题").fill(f"{title}（再写一遍）")
    page.get_by_label("详细说明").fill("\n".join(text))
    page.get_by_role("button", name="保存", exact=True).click()
    warned = page.locator(".notice.warn")
    expect(warned).to_contain_text("几乎相同")
    expect(warned).to_contain_text(title)
    expect(warned).to_contain_text(text[0][:12])
    page.goto(page.url.replace("/desk", "").partition("?")[0] + "/similar")
    expect(page.locator(".pairing").first).to_contain_text(re.compile("近乎相同 \\d+%"))
    expect(page.locator(".pairing h3 a").first).to_have_text(title)


def test_a_synonym_finds_what_is_called_otherwise_and_is_undone(visit, site):
    page = visit("/platform/synonyms")
    sign_in(page, site, "admin@duijie.example")
    marked = page.locator("#matches .chip", has_text="同义于 型腔网裂")
    ask(page, "锻模型腔网裂")
    expect(marked).to_have_count(0)
    page.goto("/platform/synonyms")
    page.get_by_label(re.compile("添加一组")).fill("型腔网裂，网状龟裂")
    page.get_by_role("button", name="添加").click()
    expect(page.get_by_role("status").first).to_contain_text("同义词已保存")
    page.wait_for_timeout(500)  # Each process looks four times a second.
    ask(page, "锻模型腔网裂")
    expect(marked.first).to_be_visible()
    page.goto("/platform/synonyms?q=型腔网裂")
    page.get_by_role("button", name="删除").first.click()
    expect(page.get_by_role("button", name="撤销")).to_be_visible()
    page.wait_for_timeout(500)
    ask(page, "锻模型腔网裂")
    expect(marked).to_have_count(0)


@pytest.fixture
def learnt(site) -> None:
    """A version that is better because of the region, and a term that four of five called misleading."""

    async def write() -> None:
        database = Database(site.database, pool_size=1)
        async with database.writing.begin() as session:
            measured = Measured(
                ndcg_before=0.86, ndcg=0.89, accuracy_before=0.6, accuracy=0.7, gain=0.03, low=0.01, high=0.05
            )
            evidence = LearntFrom(verdicts=400, organisations=30, questions=50, comparisons=600)
            await tunings.keep(session, Weights(field=0, trl=0, region=0.24, budget=0, freshness=0), evidence, measured,
                               better=True, against=0, by=None)  # fmt: skip
            await terms.find(session, [Misleading("循环", "", 0.44, 0.56, 4, 5, frozenset())], by=None)
        await database.close()

    # A thread of its own: the browser's calls have a loop running in this one.
    with ThreadPoolExecutor(1) as apart:
        apart.submit(lambda: asyncio.run(write())).result()


def test_a_version_is_activated_gone_back_from_and_a_misleading_term_struck_out(visit, site, learnt):
    desk, page = visit(), visit("/problems?q=锻模")
    sign_in(desk, site, "admin@duijie.example")
    record = page.locator(".card a").first.get_attribute("href")
    page.goto(record)
    before = order(page)

    def ranked_by(version: int) -> None:
        page.wait_for_timeout(1000)  # Every process goes over to it within the second.
        page.goto(record)
        page.get_by_text("这个得分是怎么算出来的").first.click()
        expect(page.get_by_text(f"信号权重版本 {version}")).to_be_visible()

    desk.goto("/platform/matching")
    expect(desk.get_by_text("+0.0300")).to_be_visible()
    desk.get_by_role("button", name="启用 1").click()
    expect(desk.get_by_role("status").first).to_contain_text("已启用")
    ranked_by(1)
    assert order(page) != before
    desk.get_by_role("button", name="退回到它 0").click()
    expect(desk.get_by_role("status").first).to_contain_text("已启用")
    ranked_by(0)
    assert order(page) == before

    lowered = page.locator("#matches .chip", has_text="循环").filter(has_text="常误导，已降权")
    ask(page, NEED)
    expect(lowered.first).to_be_visible()
    desk.get_by_role("button", name="划去 循环").click()
    expect(desk).to_have_url(re.compile("/platform/matching"))
    desk.get_by_label("划去的理由").fill("正是要它")
    desk.get_by_role("button", name="划去 循环").click()
    expect(desk.get_by_text("正是要它")).to_be_visible()
    page.wait_for_timeout(1000)
    ask(page, NEED)
    expect(lowered).to_have_count(0)
    desk.get_by_role("button", name="恢复 循环").click()
    expect(desk.get_by_role("status").first).to_contain_text("已恢复")
    page.wait_for_timeout(1000)
    ask(page, NEED)
    expect(lowered.first).to_be_visible()
