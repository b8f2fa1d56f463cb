"""Records like a record: its kin by the same engine, without itself, filtered, paged, and near-duplicates marked."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock
from marketplace.listings.models import Listing
from tests.marketplace.pairings.conftest import added_up

API = "/api/v1"
FILM = "采用流延法制备氧化物固态电解质薄膜，降低固态电池的界面阻抗，并在软包电池中验证了循环寿命。"
KIN = "以溶胶凝胶法得到固态电解质薄膜，界面阻抗随烧结温度变化，用于固态电池。"


@pytest.fixture
async def market(given):
    university, other = await given.university(), await given.university()
    return {
        "university": university,
        "other": other,
        "film": await given.achievement(
            university, title="固态电解质薄膜", description=FILM, region="220100", industries=["3841"], trl=7
        ),
        "copy": await given.achievement(
            other, title="固态电解质薄膜", description=FILM + "可合作。", region="620100", industries=["3841"], trl=7
        ),
        "kin": await given.achievement(
            other, title="电解质薄膜的溶胶凝胶制备", description=KIN, region="220300", trl=3
        ),
        "straw": await given.achievement(other, title="秸秆降解菌剂", description="低温条件下降解玉米秸秆。"),
    }


async def test_the_kin_of_a_record_come_without_itself_and_a_near_duplicate_is_marked(market, rank):
    page = await rank(f"{API}/achievements/{market['film']['id']}/similar")
    assert [one["id"] for one in page["items"][:2]] == [market["copy"]["id"], market["kin"]["id"]]
    assert market["film"]["id"] not in {one["id"] for one in page["items"]}
    assert (page["read_as"], page["considered"], page["fits"]) == ("report", 3, True)
    copy, kin = page["items"][:2]
    assert 0.5 <= copy["overlap"] < 1
    assert kin["overlap"] is None
    for one in page["items"]:
        assert added_up(one) == pytest.approx(one["score"], abs=1e-6)
        assert [signal["name"] for signal in one["reasons"]["signals"]] == ["field", "freshness"]


async def test_filters_narrow_them_and_nothing_is_said_of_the_record_itself(market, rank):
    url = f"{API}/achievements/{market['film']['id']}/similar"
    page = await rank(url, region="220000")
    assert ([one["id"] for one in page["items"]], page["considered"]) == ([market["kin"]["id"]], 1)
    assert (await rank(url, trl_min="7"))["considered"] == 1
    # Only the record itself stands there.
    alone = await rank(url, region="220100")
    assert (alone["items"], alone["considered"], alone["fits"]) == ([], 0, False)
    assert alone["message"]


async def test_pages_follow_each_other_without_gap_or_double(market, rank):
    url = f"{API}/achievements/{market['film']['id']}/similar"
    whole = [one["id"] for one in (await rank(url))["items"]]
    seen, cursor = [], None
    while True:
        page = await rank(url, limit="1", **({"cursor": cursor} if cursor else {}))
        seen += [one["id"] for one in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == whole
    assert len(whole) >= 2


async def test_a_draft_has_kin_too_for_who_may_see_it_and_is_found_by_nobody(market, given, client, rank):
    draft = await given.achievement(market["university"], published=False, title="固态电解质薄膜", description=FILM)
    url = f"{API}/achievements/{draft['id']}/similar"
    page = await rank(url, market["university"])
    assert {market["film"]["id"], market["copy"]["id"]} <= {one["id"] for one in page["items"] if one["overlap"]}
    assert (await client.get(url)).status_code == 404
    found = await rank(f"{API}/achievements/{market['film']['id']}/similar", market["university"])
    assert draft["id"] not in {one["id"] for one in found["items"]}


async def test_problems_have_kin_as_well(given, rank):
    enterprise = await given.enterprise()
    one = await given.problem(enterprise, title="降低固态电池界面阻抗")
    other = await given.problem(enterprise, title="固态电池界面阻抗偏高")
    page = await rank(f"{API}/problems/{one['id']}/similar")
    assert [each["id"] for each in page["items"]] == [other["id"]]
    assert page["items"][0]["kind"] == "problem"


async def test_what_was_not_confirmed_lately_is_left_out_if_that_is_asked(given, rank, session):
    university, enterprise = await given.university(), await given.enterprise()
    fresh = await given.achievement(university, title="固态电解质薄膜")
    stale = await given.achievement(university, title="固态电解质粉体")
    need = await given.problem(enterprise, title="固态电解质界面阻抗")
    row = await session.get(Listing, stale["id"])
    row.confirmed_at = clock.now() - timedelta(days=40)
    await session.flush()
    url = f"{API}/problems/{need['id']}/pairings"
    assert (await rank(url))["considered"] == 2
    for days, found in (("30", [fresh["id"]]), ("41", [fresh["id"], stale["id"]])):
        page = await rank(url, confirmed_within=days)
        assert sorted(one["id"] for one in page["items"]) == sorted(found)
