"""The main roads in a real browser: Debian's Chromium over a real server and a real database."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.portal.browsing import (
    CHROMIUM,
    DESK,
    FLAGS,
    PATIENCE,
    PHONE,
    Complaints,
    needs_chromium,
    sign_in,
)

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, site):
    """Open a page as somebody with this screen and language; at the end nothing was complained of."""
    opened: list[tuple[BrowserContext, Complaints]] = []

    def open_page(path: str = "/", *, viewport=DESK, locale="zh-CN", **more) -> Page:
        context = chromium.new_context(base_url=site.url, viewport=viewport, locale=locale, **more)
        context.set_default_timeout(PATIENCE)
        opened.append((context, Complaints(context)))
        page = context.new_page()
        page.goto(path)
        return page

    yield open_page
    for context, complaints in opened:
        context.close()
        assert complaints.heard == []


def test_the_box_matches_while_one_types_and_explains_itself(visit):
    page = visit()
    box = page.get_by_label("描述一个技术难题，或一项成果")
    box.fill("铝合金热锻模具龟裂，想找型腔表面强化办法，例如激光熔覆")
    first = page.locator("#matches .pairing").first
    expect(first).to_contain_text("激光熔覆")
    expect(first.locator("mark").first).to_be_visible()
    first.get_by_text("这个得分是怎么算出来的").click()
    rows = [float(text) for text in first.locator("td.number").all_text_contents()]
    assert sum(rows[:-1]) == pytest.approx(rows[-1], abs=5e-7)
    page.get_by_label("找需要它的难题").check()
    expect(page.locator("#matches .pairing.k-problem").first).to_be_visible()
    assert page.url.endswith("/")


def test_from_signing_in_to_a_published_problem_with_its_ranking(visit, site):
    page = visit()
    sign_in(page, site, "enterprise@duijie.example")
    page.get_by_role("link", name="写技术难题").click()
    page.get_by_label("标题").fill("锻造模具寿命短，求激光熔覆强化")
    page.get_by_label("详细说明").fill("热锻模具型腔热疲劳龟裂，想找激光熔覆一类的表面强化与修复办法。")
    page.get_by_label("行业", exact=True).press_sequentially("模具制造")
    expect(page.locator("#list-industries option[value='3525 模具制造']")).to_have_count(1)
    page.get_by_role("button", name="再加一行").first.click()
    page.get_by_label("指标", exact=True).nth(0).fill("单副模具寿命")
    page.get_by_role("button", name="保存并发布").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("第 1 行，数值")
    expect(alert).to_be_focused()
    expect(page.get_by_label("标题")).to_have_value("锻造模具寿命短，求激光熔覆强化")
    page.get_by_label("数值", exact=True).nth(0).fill("12000")
    page.get_by_role("button", name="保存并发布").click()
    expect(page.get_by_role("status").first).to_contain_text("已发布")
    pairing = page.locator("#pairings .pairing").first
    expect(pairing).to_contain_text("热锻模具型腔激光熔覆")
    expect(pairing).to_contain_text("指标 1 项")
    pairing.get_by_text("这个得分是怎么算出来的").click()
    total = pairing.locator("tfoot .number")
    expect(total).to_be_visible()
    parts = [float(text) for text in pairing.locator("tbody .number").all_text_contents()]
    assert sum(parts) == pytest.approx(float(total.text_content()), abs=5e-7)
    assert "×" in pairing.locator("table").text_content()
    page.get_by_role("button", name="退出").click()
    expect(page.get_by_role("status").first).to_contain_text("已退出")
    page.goto("/desk")
    expect(page).to_have_url(re.compile("/sign-in"))


def test_an_expert_is_listed_agrees_is_found_and_takes_it_back(visit, site):
    page = visit()
    page.on("dialog", lambda dialog: dialog.accept())
    sign_in(page, site, "university@duijie.example")
    page.get_by_role("link", name="登记专家").click()
    page.get_by_label("姓名").first.fill("虚构走查")
    page.get_by_label("研究方向").fill("高锰钢辙叉爆炸硬化")
    page.get_by_label("详细说明").fill("研究高锰钢辙叉爆炸硬化后的表层剥落。")
    page.get_by_label("检测评价").check()
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("status").first).to_contain_text("草稿已保存")
    page.get_by_label("热锻模具型腔激光熔覆").check()
    page.get_by_role("button", name="保存").click()
    page.get_by_role("button", name="发布", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("先征得同意并登记")
    page.get_by_label("同意凭据").fill("本人邮件同意")
    page.get_by_role("button", name="登记同意").click()
    page.get_by_role("button", name="发布", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("虚构走查")
    expect(page.locator("#pairings .pairing").first).to_contain_text("得分")
    address = page.url.partition("?")[0]
    phone = visit("/experts?q=虚构走查", viewport=PHONE, locale="en")
    phone.get_by_role("link", name="虚构走查").click()
    expect(phone.get_by_role("heading", level=1)).to_contain_text("虚构走查")
    assert phone.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    phone.goto("/problems?q=锻模龟裂")
    phone.locator(".card a").first.click()
    phone.get_by_role("link", name="Experts for this problem").click()
    # Of its profile and, what counts here, the achievement that speaks for it.
    expect(phone.locator(".pairings")).to_contain_text("虚构走查")
    page.goto(f"{address}/edit")
    page.get_by_role("button", name="撤回同意").click()
    expect(page.get_by_role("status").first).to_contain_text("同意已撤回")
    phone.reload()
    expect(phone.locator(".pairings")).not_to_contain_text("虚构走查")
    page.goto(f"{address}/edit")
    page.get_by_label("我确认").check()
    page.get_by_role("button", name="彻底删除").click()
    expect(page.get_by_role("status").first).to_contain_text("彻底删除")


def test_the_language_is_switched_and_stays(visit):
    page = visit("/problems")
    expect(page.get_by_role("heading", level=1)).to_have_text("技术难题")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Technical problems")
    page.get_by_role("link", name="Achievements", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Achievements")
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("link", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_on_a_phone_nothing_has_to_be_scrolled_sideways(visit, site):
    page = visit(viewport=PHONE, has_touch=True)
    record = page.locator(".card.k-problem a").first.get_attribute("href")
    sign_in(page, site, "enterprise@duijie.example")
    own = page.locator(".rows a").first.get_attribute("href")
    page.goto("/events?state=open")
    event = page.locator(".card a").first.get_attribute("href")
    for path in (
        "/",
        "/?example=0",
        "/problems",
        record,
        "/organisations",
        "/desk",
        "/desk/problems/new",
        own,
        "/account",
        "/events",
        event,
        f"{event}/register",
        "/registrations",
    ):
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, path


def test_without_scripts_the_main_road_is_open(visit, site):
    page = visit(java_script_enabled=False)
    page.get_by_label("描述一个技术难题，或一项成果").fill("铝合金热锻模具龟裂，激光熔覆")
    page.get_by_role("button", name="匹配").click()
    expect(page.locator("#matches .pairing").first).to_contain_text("激光熔覆")
    sign_in(page, site, "university@duijie.example")
    page.get_by_role("link", name="写科技成果").click()
    page.get_by_label("标题").fill("不用脚本写的成果")
    page.get_by_label("详细说明").fill("采用激光熔覆修复热锻模具。")
    page.get_by_role("button", name="保存并发布").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("不用脚本写的成果")
    page.get_by_text("这个得分是怎么算出来的").first.click()
    page.get_by_role("link", name="查看全部算式").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("得分算式")


def test_a_door_reads_one_code_after_the_other(visit, site):
    page = visit(viewport=PHONE)
    sign_in(page, site, "organizer@duijie.example")
    page.goto("/events?q=银企")
    page.locator(".card a").first.click()
    page.get_by_role("link", name="活动管理台").click()
    page.get_by_role("link", name="签到", exact=True).click()
    scanner = page.get_by_label("扫描或输入参会证的码")
    expect(scanner).to_be_focused()
    # A scanner types the code, then Enter.
    page.keyboard.type("A" * 45)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("无法识别此码")
    expect(scanner).to_be_focused()
    page.get_by_label("姓名、单位、邮箱").fill("韩铁林")
    page.get_by_role("button", name="查找").click()
    code = page.locator(".rows form input[name=code]").first.get_attribute("value")
    scanner.fill(code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("签到成功")
    expect(scanner).to_be_focused()
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("此前已")


def test_the_desk_plans_on_a_phone_and_calls_a_meeting_off(visit, site):
    page = visit(viewport=PHONE, color_scheme="dark")
    sign_in(page, site, "organizer@duijie.example")
    page.goto("/events?q=吉甘")
    home = page.locator(".card a").first.get_attribute("href") + "/desk"
    page.goto(f"{home}/timetable")
    draft = page.locator(".rows a").first.get_attribute("href")
    for path in (
        f"{home}/wishes",
        f"{home}/timetable",
        draft,
        f"{home}/meetings",
        f"{home}/report",
        f"{home}/organizers",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path
        assert page.evaluate(CONTRAST) == [], path
    page.goto(f"{home}/meetings")
    page.locator(".plan .p-planned a").first.click()
    page.get_by_text("取消这场洽谈").click()
    page.get_by_label("原因").fill("样品没到")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="取消洽谈").click()
    expect(page.get_by_role("status").first).to_contain_text("洽谈已取消")
    expect(page.get_by_text("样品没到")).to_be_visible()


def test_a_meeting_is_dragged_to_another_table_and_onto_another_meeting(visit, site):
    page = visit()
    sign_in(page, site, "organizer@duijie.example")
    page.goto("/events?q=吉甘")
    page.goto(page.locator(".card a").first.get_attribute("href") + "/desk/meetings")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    seats = page.locator("td[data-meeting]")
    # To another table in the same slot: nobody can be in the way.
    free = page.locator(".plan tr", has=seats).filter(has=page.locator("td.free[data-slot]")).first
    dragged = free.locator("td[data-meeting]").first
    who, there = dragged.get_attribute("data-who"), free.locator("td.free").first.get_attribute("data-where")
    dragged.drag_to(free.locator("td.free").first)
    expect(page.get_by_role("status").first).to_contain_text("洽谈已改")
    assert who in asked[0]
    assert there in asked[0]
    expect(page.locator(f".plan td[data-where='{there}']")).to_have_attribute("data-who", who)
    # Two that meet at once change tables.
    pair = page.locator(".plan tr").filter(has=page.locator("td[data-meeting] ~ td[data-meeting]")).first
    names = [pair.locator("td[data-meeting]").nth(at).get_attribute("data-who") for at in (0, 1)]
    spots = [pair.locator("td[data-meeting]").nth(at).get_attribute("data-where") for at in (0, 1)]
    pair.locator("td[data-meeting]").nth(0).drag_to(pair.locator("td[data-meeting]").nth(1))
    expect(page.locator(f".plan td[data-where='{spots[0]}']")).to_have_attribute("data-who", names[1])
    expect(page.locator(f".plan td[data-where='{spots[1]}']")).to_have_attribute("data-who", names[0])
    assert len(asked) == 2


def test_the_documentation_is_drawn_under_the_content_security_policy(visit):
    page = visit("/docs")
    page.locator("#operations-tag-matching").click()
    expect(page.locator(".opblock").first).to_be_visible()
    expect(page.get_by_text("/api/v1/matches").first).to_be_visible()


def test_the_keyboard_is_enough(visit):
    page = visit()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("描述一个技术难题，或一项成果")).to_be_focused()


CONTRAST = """() => {
      const lum = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const read = (s) => { const m = s.match(/[\\d.]+/g).map(Number); return { rgb: m.slice(0, 3), a: m.length > 3 ? m[3] : 1 }; };
      const ground = (el) => { for (let e = el; e; e = e.parentElement) { const c = read(getComputedStyle(e).backgroundColor); if (c.a === 1) return c.rgb; } return [255, 255, 255]; };
      const low = [];
      for (const el of document.querySelectorAll("main *, header *, footer *")) {
        if (![...el.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !el.checkVisibility()) continue;
        if (el.closest(".unseen, [aria-hidden=true], option, .skip")) continue;
        const a = lum(read(getComputedStyle(el).color).rgb), b = lum(ground(el));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) low.push(`${el.tagName}.${el.className} ${ratio.toFixed(2)} ${el.textContent.trim().slice(0, 20)}`);
      }
      return low;
    }"""


def test_words_stand_out_from_what_they_stand_on(visit, site):
    """WCAG AA: 4.5 to 1 for text, in light and dark."""
    for scheme in ("light", "dark"):
        page = visit(color_scheme=scheme)
        record = page.locator(".card.k-problem a").first.get_attribute("href")
        page.goto("/events?state=open")
        event = page.locator(".card a").first.get_attribute("href")
        for path in ("/?example=2", record, "/nothing-here", "/events", event):
            page.goto(path)
            assert page.evaluate(CONTRAST) == [], (scheme, path)
