"""Filters: of the box for each kind, of a record's pairings, of what is like it, of events and instruments."""

import pytest

from marketplace.portal.narrowing import RANKED_BY
from marketplace.portal.seeking import EVERY_FILTER, SOUGHT
from schemas.event_rankings import EventMatchRequest
from schemas.funding_rankings import FundingMatchRequest
from schemas.identity import OrganisationKind
from schemas.pairings import ExpertRankingFilter, RankingFilter
from tests.given.docking import an_event
from tests.given.funding import a_call
from tests.given.labs import an_instrument
from tests.portal.reader import Page, audit

TEXT = "固态电解质界面阻抗偏高，需要薄膜制备方法"
SHOWN = "narrow-row"


@pytest.fixture
async def market(given, ranking):
    university, enterprise = await given.university(), await given.enterprise()
    made = {
        "film": await given.achievement(
            university, industries=["3841"], discipline="43020", region="220100", trl=7, stage="pilot",
            cooperation_modes=["licence"],
        ),
        "powder": await given.achievement(
            university, title="固态电解质粉体制备", description="固态电解质粉体，界面阻抗低。", region="620100", trl=3
        ),
        "straw": await given.achievement(university, title="秸秆降解菌剂", description="低温条件下降解玉米秸秆。", trl=9),
        "problem": await given.problem(enterprise, industry="3841", region="220104"),
        "university": university,
    }  # fmt: skip
    await ranking()
    return made


def found(page: Page) -> str:
    return page.one("div", id="matches").text


def test_every_kind_of_the_box_takes_what_its_ranking_takes():
    for value, shape in (
        ("achievement", RankingFilter), ("problem", RankingFilter), ("instrument", RankingFilter), ("expert", ExpertRankingFilter),
        ("event", EventMatchRequest), ("funding", FundingMatchRequest),
    ):  # fmt: skip
        assert set(SOUGHT[value].filters) <= shape.model_fields.keys()
    assert set(SOUGHT["achievement"].filters) == set(RankingFilter.model_fields), "nothing is left out"
    assert all(one.filters == RANKED_BY[value] for value, one in SOUGHT.items())


@pytest.mark.parametrize(
    ("name", "value", "left_out"),
    [
        ("region", "220000", "固态电解质粉体"),
        ("region", "吉林省长春市", "固态电解质粉体"),
        ("industry", "C", "固态电解质粉体"),
        ("discipline", "430", "固态电解质粉体"),
        ("trl_min", "4", "固态电解质粉体"),
        ("trl_max", "4", "固态电解质薄膜"),
        ("stage", "pilot", "固态电解质粉体"),
        ("mode", "licence", "固态电解质粉体"),
    ],
)
async def test_each_filter_of_the_box_leaves_out_what_is_not_so(market, anybody, name, value, left_out):
    page = Page(await anybody.sent("/match", {"text": TEXT, "kind": "achievement", name: value}, 200))
    assert audit(page) == []
    assert left_out not in found(page)
    assert "固态电解质" in found(page)
    assert "已选 1 项" in page.one("details", id="narrow").text
    assert page.field(name).partition(" ")[0] in {value, "220100"}
    assert "open" in page.one("details", id="narrow").attrs


async def test_only_what_applies_to_the_kind_is_shown_and_the_rest_is_carried_along(market, anybody):
    for value, sought in SOUGHT.items():
        page = Page(
            await anybody.sent("/match", {"text": TEXT, "kind": value, "region": "220000", "trl_min": "4"}, 200)
        )
        fields = {
            node.attrs["name"]: node.attrs.get("type")
            for node in page.nodes
            if node.tag in {"input", "select"} and node.attrs.get("name") in EVERY_FILTER
        }
        assert {name for name, kind in fields.items() if kind != "hidden"} == set(sought.filters), value
        assert page.form("/match")["trl_min"] == ["4"]
        assert f"已选 {2 if 'trl_min' in sought.filters else 1} 项" in page.one("details", id="narrow").text


async def test_when_nothing_fits_within_the_filters_the_way_out_is_offered(market, visitor):
    asked = {"text": TEXT, "kind": "achievement", "trl_min": "9"}
    page = Page(await visitor().sent("/match", asked, 200))
    assert "所选范围内有 1 条记录，不加筛选共 3 条" in found(page)
    assert "不加筛选时有合适的" in found(page)
    drop = next(node for node in page.all("button", form="match") if node.attrs["name"] == "drop")
    again = Page(await visitor().sent("/match", asked | {drop.attrs["name"]: drop.attrs["value"]}, 200))
    assert "固态电解质薄膜" in found(again)
    assert again.field("trl_min") == ""
    assert "已选" not in again.one("details", id="narrow").text
    assert "放宽筛选" in found(page)
    assert "放宽筛选" not in found(Page(await visitor().sent("/match", {"text": "量子引力"}, 200)))
    english = Page(await visitor(language="en").sent("/match", asked | {"region": "110000"}, 200))
    assert "There is no current record within the filters" in found(english)


async def test_the_row_is_made_anew_for_another_kind_and_left_alone_while_it_is_used(market, anybody):
    part = {"HX-Request": "true"}
    asked = {"text": TEXT, "kind": "achievement", "row": "achievement", "region": "220000"}
    same = (await anybody.post("/match", asked, headers=part)).text
    assert f'id="{SHOWN}"' not in same
    assert "已选 1 项" in same
    for more in ({"kind": "event"}, {"drop": "1"}):
        assert (
            f'id="{SHOWN}" hx-swap-oob="innerHTML"' in (await anybody.post("/match", asked | more, headers=part)).text
        )


async def test_what_cannot_be_read_is_told_with_its_field_and_nothing_is_ranked(market, anybody):
    page = await anybody.again("/match", {"text": TEXT, "region": "nowhere", "trl_min": "99"})
    assert "地区（省、市、县）：没有这个代码或名称" in page.one("div", role="alert").text
    assert page.field("region") == "nowhere"
    page = await anybody.again("/match", {"text": TEXT, "trl_min": "99"})
    assert not page.all("ol", class_="pairings")
    assert page.field("trl_min") == "99"


async def test_an_address_fills_the_row_and_never_holds_a_text(market, anybody):
    page = await anybody.page("/?kind=problem&region=220000&text=secret")
    assert "checked" in page.one("input", type="radio", value="problem").attrs
    assert page.field("region").startswith("220000")
    assert page.field("text") == ""


async def test_a_need_that_reads_like_a_report_is_matched_as_a_need_when_that_is_said(market, anybody):
    report = (
        "以石榴石型固态电解质为对象，测量了烧结温度对其离子电导率的影响，用阻抗谱分离了晶界与晶粒的贡献，"
        "在较低温度下得到了致密的薄膜，界面阻抗随压力增大而减小。"
    )
    page = Page(await anybody.sent("/match", {"text": report}, 200))
    said = next(node for node in page.all("button", form="match") if node.attrs["name"] == "read_as")
    again = Page(await anybody.sent("/match", {"text": report, "read_as": said.attrs["value"]}, 200))
    assert "读来像成果摘要" in page.text
    assert "读来像成果摘要" not in again.text


async def test_events_are_narrowed_by_region_and_industry(given, market, anybody):
    await an_event(
        given.session, await given.organisation(), title="固态电解质薄膜对接会", region="220100", industries=["3841"]
    )
    for more, there in (
        ({}, True),
        ({"region": "220000", "industry": "C"}, True),
        ({"region": "620000"}, False),
        ({"industry": "A"}, False),
    ):
        page = Page(await anybody.sent("/match", {"text": TEXT, "kind": "event", **more}, 200))
        assert ("固态电解质薄膜对接会" in found(page)) == there, more
        query = "&".join(f"{name}={value}" for name, value in more.items())
        beside = await anybody.page(f"/problems/{market['problem']['id']}/events?{query}")
        assert bool(beside.all("ol", class_="pairings")) == there
        assert audit(beside) == []


async def test_for_funding_the_row_says_who_applies_and_hides_nothing(given, market, anybody):
    desk = await given.organisation(kinds=[OrganisationKind.GOVERNMENT_DESK], region="220000")
    await a_call(given.session, desk, title="固态电解质薄膜专项", eligibility={"applicant_regions": ["220000"]})
    for region, standing in (("220000", "规则都符合"), ("620000", "有规则不符合")):
        page = Page(await anybody.sent("/match", {"text": TEXT, "kind": "funding", "region": region}, 200))
        assert "固态电解质薄膜专项" in found(page)
        assert standing in found(page)
        assert "不会隐藏任何资金" in page.one("div", id="narrow-row").text
        assert audit(page) == []


async def test_instruments_of_a_problem_are_narrowed_by_region(given, market, anybody, ranking):
    await an_instrument(given.session, await given.organisation(), name="固态电解质阻抗分析仪")
    await ranking()
    url = f"/problems/{market['problem']['id']}/instruments"
    assert "固态电解质阻抗分析仪" in (await anybody.page(f"{url}?region=220000")).text
    away = await anybody.page(f"{url}?region=620000")
    assert "固态电解质阻抗分析仪" not in away.text
    assert "没有符合条件的有效记录" in away.text


async def test_pairings_of_a_record_take_every_filter_and_tell_what_there_is_without(market, anybody):
    url = f"/problems/{market['problem']['id']}"
    page = await anybody.page(f"{url}?discipline=43020&stage=pilot&confirmed_within=30")
    shown = page.one("div", id="ranking").text
    assert "固态电解质薄膜" in shown
    assert "固态电解质粉体" not in shown
    none = await anybody.page(f"{url}?trl_min=9")
    assert "不加筛选时有合适的" in none.one("div", id="ranking").text
    assert any(node.attrs["href"] == f"{url}#pairings" for node in none.all("a"))


async def test_similar_records_are_shown_without_the_record_and_a_near_duplicate_is_marked(
    given, market, anybody, ranking
):
    said = {
        "title": "固态电解质薄膜流延",
        "description": "采用流延法制备氧化物固态电解质薄膜，降低固态电池的界面阻抗，并在软包电池中验证了循环寿命。",
    }
    film, _ = [await given.achievement(await given.university(), region="220100", **said) for _ in range(2)]
    await ranking()
    url = f"/achievements/{film['id']}"
    assert any(node.attrs["href"] == f"{url}/similar" for node in (await anybody.page(url)).all("a"))
    page = await anybody.page(f"{url}/similar")
    assert audit(page) == []
    kin = page.one("ol", class_="pairings").text
    assert "固态电解质粉体" in kin
    assert "近乎相同 100%" in kin
    assert url not in {node.attrs["href"] for node in page.all("a") if node.within("ol")}
    only = await anybody.page(f"{url}/similar?region=620000")
    assert "近乎相同" not in only.text
    await anybody.page(f"{url}/similar?region=nowhere", 422)


async def test_the_kin_of_a_draft_are_its_owners_to_see(given, market, visitor):
    draft = await given.achievement(market["university"], published=False, title="固态电解质草稿")
    url = f"/achievements/{draft['id']}/similar"
    assert "固态电解质粉体" in (await visitor(market["university"]).page(url)).text
    await visitor().page(url, 404)
