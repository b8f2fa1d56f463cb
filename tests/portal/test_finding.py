"""The matching box, lists and rankings: what is found, why, and how it is walked through."""

import re
from decimal import Decimal

import httpx
import pytest

from marketplace.kernel import rate
from marketplace.portal import home
from schemas import codes
from tests.portal.reader import Page, audit

TEXT = "固态电解质界面阻抗偏高，需要薄膜制备方法"


@pytest.fixture
async def market(given, ranking):
    university, enterprise = await given.university(), await given.enterprise()
    achievements = [
        await given.achievement(university, industries=["3841"], region="220100", trl=7, stage="pilot"),
        await given.achievement(university, title="秸秆降解菌剂", description="低温条件下降解玉米秸秆。", trl=3),
        await given.achievement(university, title="激光熔覆修复模具", description="模具表面激光熔覆，抑制龟裂。"),
    ]
    problem = await given.problem(
        enterprise,
        industry="3841",
        region="220104",
        indicators=[{"name": "薄膜厚度", "operator": "<=", "value": "20", "unit": "μm"}],
    )
    await ranking()
    return {"achievements": achievements, "problem": problem, "university": university, "enterprise": enterprise}


async def test_a_text_is_matched_with_reasons(market, anybody):
    page = Page(await anybody.sent("/match", {"text": TEXT, "kind": "achievement"}, 200))
    assert audit(page) == []
    results = page.one("div", id="matches")
    assert "固态电解质薄膜制备" in results.text
    assert "这个得分是怎么算出来的" in results.text
    assert page.all("mark")
    assert page.field("text") == TEXT
    part = await anybody.post("/match", {"text": TEXT, "kind": "achievement"}, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert 'class="pairings"' in part.text


async def test_the_other_way_round(market, anybody):
    page = Page(await anybody.sent("/match", {"text": "固态电解质薄膜，降低阻抗", "kind": "problem"}, 200))
    assert "电池电解质界面阻抗偏高" in page.one("div", id="matches").text
    assert "checked" in page.one("input", type="radio", value="problem").attrs


async def test_when_nothing_fits_it_is_said_plainly(market, visitor):
    page = Page(await visitor().sent("/match", {"text": "量子引力", "kind": "achievement"}, 200))
    assert "没有任何记录与此有共同的词" in page.text
    page = Page(await visitor(language="en").sent("/match", {"text": "量子引力"}, 200))
    assert "No record shares a word with this" in page.text


async def test_a_household_shares_one_allowance_and_is_told_when_it_is_spent(market, app, anybody):
    app.state.matches_limit = rate.Limit("matches", 3, 60)
    statuses = []
    for last in range(5):
        transport = httpx.ASGITransport(app=app, client=(f"2001:db8:7::{last:x}", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as neighbour:
            answer = await neighbour.post(
                "/match", data={"text": TEXT}, headers=anybody.headers | {"Origin": "http://test"}
            )
            statuses.append(answer.status_code)
    assert statuses == [200, 200, 200, 429, 429]
    assert "请求过于频繁" in answer.text
    assert Page(answer.text).field("text") == TEXT


async def test_a_page_says_that_a_text_was_read_as_the_report_of_work(market, anybody):
    report = (
        "以石榴石型固态电解质为对象，测量了烧结温度对其离子电导率的影响，用阻抗谱分离了晶界与晶粒的贡献，"
        "在较低温度下得到了致密的薄膜，界面阻抗随压力增大而减小。"
    )
    for text, told in ((report, True), (TEXT, False), (f"我公司急需此项技术。{report}项目已投入。", False)):
        page = Page(await anybody.sent("/match", {"text": text, "kind": "achievement"}, 200))
        assert page.all("ol", class_="pairings")
        assert ("这段文字读来像成果摘要" in page.text) == told


@pytest.mark.parametrize("text", ["", "   ", "\n"])
async def test_an_empty_box_finds_nothing_and_complains_of_nothing(market, anybody, text):
    page = Page(await anybody.sent("/match", {"text": text}, 200))
    assert not page.all("div", role="alert")
    assert not page.all("ol", class_="pairings")


async def test_a_text_that_cannot_be_read_is_told(market, anybody):
    for text, said in (("x" * 20001, "20000"), ("a\x00b", "NUL")):
        page = await anybody.again("/match", {"text": text})
        assert said in page.one("div", role="alert").text
        assert page.field("text") == text


async def test_the_box_is_limited_and_says_so(market, anybody, app):
    app.state.matches_limit = rate.Limit("matches", 1, 60)
    await anybody.sent("/match", {"text": TEXT}, 200)
    page = await anybody.again("/match", {"text": TEXT}, 429)
    assert "请求过于频繁" in page.text


async def test_before_the_ranking_is_loaded_pages_say_so(given, anybody):
    problem = await given.problem(await given.enterprise())
    page = await anybody.page(f"/problems/{problem['id']}")
    assert "匹配索引正在载入" in page.one("div", id="ranking").text
    page = await anybody.again("/match", {"text": TEXT}, 503)
    assert "匹配索引正在载入" in page.text


async def test_reloading_the_results_leads_to_the_box(anybody):
    assert (await anybody.get("/match")).headers["location"] == "/"


@pytest.mark.parametrize("example", range(len(home.EXAMPLES)))
async def test_each_example_fills_the_box(market, anybody, example):
    page = await anybody.page(f"/?example={example}")
    assert page.field("text") == home.EXAMPLES[example][2]
    assert page.one("div", id="matches").text.strip()


@pytest.mark.parametrize("example", ["99", "x", "-1", "²"])
async def test_an_example_that_is_not_there_is_an_empty_box(market, anybody, example):
    assert (await anybody.page(f"/?example={example}")).field("text") == ""


async def test_the_first_page_counts_and_shows_the_latest(market, anybody):
    page = await anybody.page("/")
    assert [node.text for node in page.all("dd")] == ["3", "1"]
    assert "秸秆降解菌剂" in page.text
    assert "马上可以试" not in page.text


async def test_with_sample_data_the_first_page_says_who_can_sign_in(market, given, session, anybody, app, settings):
    from marketplace.listings.models import Listing

    listing = await session.get(Listing, market["problem"]["id"])
    listing.source, listing.external_id = "sample", "S-1"
    await session.commit()
    (settings.home / "demo-password").write_text("demo-0123abcd")
    page = await anybody.page("/")
    for account in ("university@duijie.example", "enterprise@duijie.example", "admin@duijie.example", "demo-password"):
        assert account in page.text
    assert "demo-0123abcd" not in page.html
    from marketplace.settings import Mode

    app.state.settings = app.state.settings.model_copy(update={"mode": Mode.PRODUCTION})
    assert "university@duijie.example" not in (await anybody.page("/")).text


async def test_a_ranking_is_shown_with_what_each_indicator_finds(market, anybody):
    page = await anybody.page(f"/problems/{market['problem']['id']}")
    ranking = page.one("div", id="ranking").text
    assert "固态电解质薄膜制备" in ranking
    assert "指标 1 项" in ranking
    assert "同一行业小类" in ranking
    assert "同市州" in ranking


async def test_the_rows_of_the_sum_add_up_to_the_score(market, anybody, client):
    problem, achievement = market["problem"]["id"], market["achievements"][0]["id"]
    url = f"/problems/{problem}/pairings/{achievement}"
    page = await anybody.page(url)
    numbers = [Decimal(node.text) for node in page.all("td", class_="number")]
    *rows, total = numbers
    assert sum(rows) == total
    told = (await client.get(f"/api/v1{url}")).json()["score"]
    assert abs(Decimal(told) - total) < Decimal("0.000002")
    assert "×" in page.text
    part = await anybody.get(url, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert str(total) in part.text


async def test_a_ranking_can_be_narrowed_and_walked(given, ranking, anybody):
    university, enterprise = await given.university(), await given.enterprise()
    for number in range(10):
        await given.achievement(university, title=f"固态电解质薄膜制备{number}", trl=number % 9 + 1)
    problem = await given.problem(enterprise)
    await ranking()
    url = f"/problems/{problem['id']}"
    first = await anybody.page(url)
    names = re.findall(r"固态电解质薄膜制备\d", first.one("div", id="ranking").text)
    more = next(node for node in first.all("a", rel="next"))
    second = await anybody.page(more.attrs["href"].partition("#")[0])
    rest = re.findall(r"固态电解质薄膜制备\d", second.one("div", id="ranking").text)
    assert sorted(names + rest) == [f"固态电解质薄膜制备{n}" for n in range(10)]
    assert "从头看" in second.text
    part = await anybody.get(more.attrs["href"].partition("#")[0], headers={"HX-Request": "true"})
    assert "<html" not in part.text
    narrow = await anybody.page(f"{url}?trl_min=9")
    assert re.findall(r"制备\d", narrow.one("div", id="ranking").text) == ["制备8"]
    wrong = await anybody.page(f"{url}?trl_min=99&region=nowhere")
    assert "没有这个代码或名称" in wrong.one("div", id="ranking").text
    assert wrong.form(f"{url}#pairings") == {
        "region": ["nowhere"],
        "industry": [""],
        "discipline": [""],
        "trl_min": ["99"],
        "trl_max": [""],
        "stage": [""],
        "mode": [""],
        "confirmed_within": [""],
    }
    elsewhere = await anybody.page(f"{url}?region=甘肃省&mode=licence")
    assert elsewhere.field("region") == "620000 甘肃省"
    assert elsewhere.field("mode") == "licence"


async def test_lists_are_walked_page_by_page(given, anybody):
    university = await given.university()
    for number in range(23):
        await given.achievement(university, title=f"成果第{number:02}号")
    page = await anybody.page("/achievements?q=成果")
    names = re.findall(r"成果第\d\d号", page.text)
    assert len(names) == 20
    link = page.one("a", rel="next").attrs["href"]
    later = await anybody.page(link)
    assert sorted(names + re.findall(r"成果第\d\d号", later.text)) == [f"成果第{n:02}号" for n in range(23)]
    assert "第一页" in later.text


FILTERS = [
    ("q=秸秆", ["秸秆降解菌剂"]),
    ("region=吉林省", ["固态电解质薄膜制备"]),
    ("region=220100+吉林省长春市", ["固态电解质薄膜制备"]),
    ("industry=C38", ["固态电解质薄膜制备"]),
    ("trl_min=5", ["固态电解质薄膜制备"]),
    ("trl_max=4", ["秸秆降解菌剂"]),
    ("stage=pilot", ["固态电解质薄膜制备"]),
    ("q=+&region=&industry=&trl_min=", ["固态电解质薄膜制备", "激光熔覆修复模具", "秸秆降解菌剂"]),
]


@pytest.mark.parametrize(("query", "found"), FILTERS)
async def test_lists_are_narrowed(market, anybody, query, found):
    page = await anybody.page(f"/achievements?{query}")
    assert sorted(node.text for node in page.all("h2", class_="name")) == found


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("trl_min=99", "1 到 9"),
        ("trl_min=x", "请填写整数"),
        ("region=nowhere", "没有这个代码或名称"),
        ("industry=汽车", "有多个相近的"),
        ("stage=odd", "须为以下之一"),
        (f"q={'x' * 201}", "最多 200 个字"),
    ],
)
async def test_a_filter_that_cannot_be_read_is_told_beside_its_field(market, anybody, query, said):
    page = await anybody.page(f"/achievements?{query}", 422)
    assert said in " ".join(node.text for node in page.all("p", class_="wrong"))
    assert audit(page) == []


async def test_codes_are_suggested_while_typing(anybody):
    options = await anybody.get("/codes/industries?industry=模具")
    assert '<option value="3525 模具制造">' in options.text
    assert (await anybody.get("/codes/industries?industry=3525+模具制造")).text.count("<option") == 1
    assert (await anybody.get("/codes/nothing?x=y")).status_code == 404
    first = (await anybody.get("/codes/regions?region=")).text
    assert first.count("<option") == len(codes.TABLES["regions"].children())
    assert "110000 北京市" in first
    assert "110101" not in first


async def test_what_an_organisation_published_is_a_list_of_its_own(market, anybody):
    place = market["university"].organisation.id
    page = await anybody.page(f"/achievements?organisation={place}")
    assert len(page.all("h2", class_="name")) == 3
    await anybody.page("/achievements?organisation=nonsense", 422)
