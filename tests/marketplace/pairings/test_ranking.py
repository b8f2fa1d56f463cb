"""Both sides see each other, ranked and with reasons; filters and plain words when nothing fits."""

import pytest

from marketplace.listings.models import Achievement
from tests.given import listings
from tests.marketplace.pairings.conftest import added_up

ELECTROLYTE = {
    "title": "固态电解质薄膜的流延制备",
    "summary": "室温离子电导率达到 1 mS/cm。",
    "description": "采用流延法制备氧化物固态电解质薄膜，降低固态电池的界面阻抗。\n已在软包电池中验证。",
    "industries": ["3841"],
    "disciplines": ["43020"],
    "region": "220100",
    "trl": 6,
    "stage": "pilot",
    "cooperation_modes": ["licence", "joint_development"],
    "price_low": 500000,
    "price_high": 800000,
}
GINSENG = {
    "title": "人参皂苷的低温提取工艺",
    "description": "低温连续逆流提取人参皂苷，收率提高两成。",
    "industries": ["2740"],
    "region": "620100",
    "trl": 8,
    "stage": "mature",
    "cooperation_modes": ["transfer"],
}
NEED = {
    "title": "降低固态电池界面阻抗",
    "background": "我公司生产固态电池。",
    "description": "需要界面阻抗低的固态电解质薄膜，能在室温下工作。",
    "indicators": [{"name": "离子电导率", "operator": ">=", "value": "1", "upper": None, "unit": "mS/cm"}],
    "industries": ["3841"],
    "region": "220200",
    "budget_low": 300000,
    "budget_high": 900000,
    "cooperation_modes": ["licence"],
}


@pytest.fixture
async def market(given, session):
    university, enterprise = await given.university(), await given.enterprise()
    electrolyte, ginseng = await listings.achievements(session, university.organisation, ELECTROLYTE, GINSENG)
    (need,) = await listings.problems(session, enterprise.organisation, NEED)
    return electrolyte, ginseng, need


async def test_an_enterprise_sees_what_fits_its_problem_and_why(market, rank):
    electrolyte, _, need = market
    page = await rank(f"/api/v1/problems/{need.id}/pairings")
    best = page["items"][0]
    assert (best["id"], best["kind"], best["title"]) == (str(electrolyte.id), "achievement", electrolyte.title)
    assert page["fits"] is True
    assert page["message"] is None
    assert page["considered"] == 2
    reasons = best["reasons"]
    assert any("固态电解质薄膜" in term["term"] for term in reasons["terms"])
    assert [term["contribution"] for term in reasons["terms"]] == sorted(
        (term["contribution"] for term in reasons["terms"]), reverse=True
    )
    signals = {signal["name"]: signal for signal in reasons["signals"]}
    assert set(signals) == {"field", "trl", "region", "budget", "freshness"}
    assert signals["field"]["detail"]["level"] == "class"
    assert signals["region"]["detail"] == {"problem": "220200", "achievement": "220100", "level": "province"}
    assert signals["budget"]["detail"]["level"] == "within"
    assert signals["trl"]["detail"] == {"needed": 7, "has": 6}
    sentence = reasons["sentence"]
    assert sentence["text"] in electrolyte.description
    assert all(sentence["text"][start:end].strip() for start, end in sentence["spans"])
    assert all(term["parts"] is None for term in reasons["terms"])


async def test_a_university_sees_whose_problem_it_solves_and_why(market, rank):
    electrolyte, ginseng, need = market
    page = await rank(f"/api/v1/achievements/{electrolyte.id}/pairings")
    assert [(item["id"], item["kind"]) for item in page["items"]] == [(str(need.id), "problem")]
    assert page["fits"] is True
    signals = {signal["name"]: signal for signal in page["items"][0]["reasons"]["signals"]}
    assert signals["trl"]["detail"] == {"needed": 7, "has": 6}
    assert signals["budget"]["detail"]["price_high"] == 800000.0
    assert (await rank(f"/api/v1/achievements/{ginseng.id}/pairings"))["fits"] is False


async def test_the_parts_of_every_item_add_up_to_its_score(market, rank):
    _, _, need = market
    for url in (f"/api/v1/problems/{need.id}/pairings", f"/api/v1/achievements/{market[0].id}/pairings"):
        for item in (await rank(url))["items"]:
            assert abs(added_up(item) - item["score"]) <= 1e-6


async def test_a_ranking_names_the_organisation_and_when_it_was_confirmed(market, rank):
    electrolyte, _, need = market
    best = (await rank(f"/api/v1/problems/{need.id}/pairings"))["items"][0]
    assert best["organisation"]["id"] == str(electrolyte.organisation_id)
    assert best["organisation"]["verification"] == "verified"
    assert best["confirmed_at"].startswith(electrolyte.confirmed_at.strftime("%Y-%m-%dT%H:%M:%S"))
    assert best["region"] == "220100"


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("region", "220000", ["electrolyte"]),
        ("region", "220100", ["electrolyte"]),
        ("region", "620000", ["ginseng"]),
        ("region", ["220000", "620000"], ["electrolyte", "ginseng"]),
        ("region", "110000", []),
        ("industry", "C", ["electrolyte", "ginseng"]),
        ("industry", "38", ["electrolyte"]),
        ("industry", "3841", ["electrolyte"]),
        ("industry", "2740", ["ginseng"]),
        ("industry", "A", []),
        ("discipline", "430", ["electrolyte"]),
        ("trl_min", 7, ["ginseng"]),
        ("trl_max", 6, ["electrolyte"]),
        ("stage", "pilot", ["electrolyte"]),
        ("stage", "mature", ["ginseng"]),
        ("mode", "licence", ["electrolyte"]),
        ("mode", ["licence", "transfer"], ["electrolyte", "ginseng"]),
    ],
    ids=str,
)
async def test_a_filter_leaves_what_it_says(market, engine, client, name, value, found):
    electrolyte, ginseng, _ = market
    names = {str(electrolyte.id): "electrolyte", str(ginseng.id): "ginseng"}
    wish = {"text": "固态电解质薄膜，人参皂苷提取", "filters": {name: value}}
    if name not in {"trl_min", "trl_max"} and not isinstance(value, list):
        wish["filters"][name] = [value]
    await engine.load()
    answer = await client.post("/api/v1/matches", json=wish)
    assert answer.status_code == 200, answer.text
    assert sorted(names[item["id"]] for item in answer.json()["items"]) == found
    assert answer.json()["considered"] == len(found)


async def test_filters_are_read_from_the_address_as_well(market, rank):
    electrolyte, _, need = market
    url = f"/api/v1/problems/{need.id}/pairings"
    page = await rank(url, trl_min=5, trl_max=6, industry=["38", "C"], mode="licence", stage="pilot", limit=5)
    assert [item["id"] for item in page["items"]] == [str(electrolyte.id)]
    assert (await rank(url, trl_min=7, industry="38"))["items"] == []


@pytest.mark.parametrize("wrong", ["trl_min=ten", "trl_min=10", "region=22", "industry=Z", "stage=late", "colour=red"])
async def test_a_filter_that_cannot_be_is_refused(market, client, engine, wrong):
    await engine.load()
    answer = await client.get(f"/api/v1/problems/{market[2].id}/pairings?{wrong}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(wrong.partition("=")[0])


@pytest.mark.parametrize(
    ("language", "said"),
    [("zh", "没有任何记录与此有共同的词"), ("en", "No record shares a word with this"), (None, "没有任何记录")],
    ids=["zh", "en", "unsaid"],
)
async def test_that_nothing_shares_a_word_is_said_in_the_readers_language(market, client, engine, language, said):
    await engine.load()
    headers = {"Accept-Language": language} if language else {"Accept-Language": ""}
    page = (await client.post("/api/v1/matches", json={"text": "quantum chromodynamics"}, headers=headers)).json()
    assert page["items"] == []
    assert page["fits"] is False
    assert page["message"].startswith(said)
    assert "·" not in page["message"]


@pytest.mark.parametrize(
    ("language", "said"), [("zh", "没有找到真正合适的"), ("en", "Nothing here really fits")], ids=["zh", "en"]
)
async def test_that_only_distant_records_were_found_is_said_too(market, client, engine, language, said):
    await engine.load()
    menu = "周末聚餐的菜谱：红烧肉、清蒸鱼、凉拌黄瓜、酸辣土豆丝、糖醋排骨，请推荐调料和火候，另附甜点与饮料搭配建议。"
    text = f"{menu}婚礼请柬怎样写才得体？租房押金能否退还？{menu[::-1]}剩菜要低温存放。"
    page = (await client.post("/api/v1/matches", json={"text": text}, headers={"Accept-Language": language})).json()
    assert len(page["items"]) > 0
    assert page["fits"] is False
    assert page["message"].startswith(said)


async def test_the_owner_of_a_draft_sees_what_it_would_find_and_nobody_else_does(market, given, session, engine):
    electrolyte, _, _ = market
    enterprise, stranger = await given.enterprise(), await given.enterprise()
    draft = await given.problem(enterprise, published=False, title=NEED["title"], description=NEED["description"])
    await engine.load()
    url = f"/api/v1/problems/{draft['id']}/pairings"
    assert (await enterprise.get(url)).json()["items"][0]["id"] == str(electrolyte.id)
    assert (await enterprise.get(f"{url}/{electrolyte.id}")).status_code == 200
    for other in (stranger, given.client):
        for hidden in (url, f"{url}/{electrolyte.id}"):
            assert (await other.get(hidden)).status_code == 404
    # The other way round a draft is found by nobody, its owner included.
    found = (await enterprise.get(f"/api/v1/achievements/{electrolyte.id}/pairings")).json()
    assert draft["id"] not in {item["id"] for item in found["items"]}


async def test_while_it_loads_the_ranking_says_so(market, client, engine):
    for url in (
        f"/api/v1/problems/{market[2].id}/pairings",
        f"/api/v1/problems/{market[2].id}/pairings/{market[0].id}",
    ):
        answer = await client.get(url)
        assert answer.status_code == 503
        assert answer.json()["type"] == "/problems/ranking-loading"
        assert int(answer.headers["Retry-After"]) >= 1
    assert (await client.get("/readyz")).status_code == 503
    await engine.load()
    assert (await client.get("/readyz")).json()["index"]["achievement"]["records"] == 2


async def test_a_pairing_of_two_of_one_kind_does_not_exist(market, client, engine):
    electrolyte, ginseng, need = market
    await engine.load()
    for url in (
        f"/api/v1/achievements/{electrolyte.id}/pairings/{ginseng.id}",
        f"/api/v1/problems/{need.id}/pairings/{need.id}",
        f"/api/v1/problems/{electrolyte.id}/pairings",
    ):
        assert (await client.get(url)).status_code == 404


async def test_a_limit_above_a_hundred_counts_as_a_hundred(given, session, rank):
    university, enterprise = await given.university(), await given.enterprise()
    await listings.achievements(session, university.organisation, *[{"title": f"固态电解质{n}"} for n in range(105)])
    (need,) = await listings.problems(session, enterprise.organisation, NEED)
    page = await rank(f"/api/v1/problems/{need.id}/pairings", limit=500)
    assert len(page["items"]) == 100
    assert page["next_cursor"]
    assert all(item["kind"] == Achievement.__mapper_args__["polymorphic_identity"] for item in page["items"])
