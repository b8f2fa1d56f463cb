"""Which records a list holds, for whom, in which order, and page by page."""

import pytest
from sqlalchemy import update

from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from schemas.identity import Role, Verification
from tests.given.kinds import ACHIEVEMENT, PROBLEM


async def titles(who, kind, **params) -> list[str]:
    found = await who.get(kind.url, params=params)
    assert found.status_code == 200, found.text
    return [item["title"] for item in found.json()["items"]]


# --- filters -----------------------------------------------------------------------------------------------------

CODED = [
    pytest.param(ACHIEVEMENT, {"region": "220104"}, "region", "220104", id="county"),
    pytest.param(ACHIEVEMENT, {"region": "220104"}, "region", "220100", id="city → county"),
    pytest.param(ACHIEVEMENT, {"region": "220104"}, "region", "220000", id="province → county"),
    pytest.param(PROBLEM, {"region": "222401"}, "region", "220000", id="province → county of a prefecture"),
    pytest.param(PROBLEM, {"region": "110101"}, "region", "110000", id="municipality → district"),
    pytest.param(ACHIEVEMENT, {"industries": ["3612"]}, "industry", "3612", id="class"),
    pytest.param(ACHIEVEMENT, {"industries": ["0111", "3612"]}, "industry", "36", id="division → second class"),
    pytest.param(ACHIEVEMENT, {"industries": ["3612"]}, "industry", "C", id="section letter → class"),
    pytest.param(PROBLEM, {"industry": "3612"}, "industry", "C", id="section letter → a problem's class"),
    pytest.param(ACHIEVEMENT, {"discipline": "43020"}, "discipline", "430", id="first level → second"),
    pytest.param(PROBLEM, {"disciplines": ["110", "43020"]}, "discipline", "D", id="group letter → second level"),
    pytest.param(PROBLEM, {"cooperation_modes": ["equity"]}, "mode", "equity", id="mode"),
    pytest.param(ACHIEVEMENT, {"stage": "pilot"}, "stage", "pilot", id="stage"),
]


@pytest.mark.parametrize(("kind", "fields", "name", "value"), CODED)
async def test_a_filter_takes_in_what_stands_below_its_code_and_nothing_else(kind, fields, name, value, owner, client):
    await kind.published(owner, title="合")
    fitting = await kind.published(owner, title="是", **fields)
    assert await titles(client, kind, **{name: value}) == ["是"]
    cleared = {one: [] if isinstance(each, list) else None for one, each in fields.items()}
    assert (await owner.patch(kind.at(fitting), cleared, version=fitting["version"])).status_code == 200
    assert await titles(client, kind, **{name: value}) == []


async def test_a_code_below_the_records_own_does_not_find_it(kind, owner, client):
    await kind.published(owner, region="220000")
    assert await titles(client, kind, region="220100") == []


async def test_several_values_of_one_filter_mean_any_and_several_filters_mean_all(owner, client):
    await ACHIEVEMENT.published(owner, title="吉林机械", region="220104", industries=["3612"])
    await ACHIEVEMENT.published(owner, title="甘肃机械", region="620100", industries=["3612"])
    await ACHIEVEMENT.published(owner, title="甘肃农业", region="620100", industries=["0111"])
    assert await titles(client, ACHIEVEMENT, region=["220000", "620000"]) == ["甘肃农业", "甘肃机械", "吉林机械"]
    assert await titles(client, ACHIEVEMENT, region=["620000"], industry="C") == ["甘肃机械"]
    assert await titles(client, ACHIEVEMENT, region=["220000"], industry="A") == []


async def test_readiness_is_filtered_from_to(owner, client):
    for trl in (2, 5, 8, None):
        await ACHIEVEMENT.published(owner, title=str(trl), trl=trl)
    assert await titles(client, ACHIEVEMENT, trl_min=5) == ["8", "5"]
    assert await titles(client, ACHIEVEMENT, trl_max=5) == ["5", "2"]
    assert await titles(client, ACHIEVEMENT, trl_min=3, trl_max=7) == ["5"]
    assert await titles(client, ACHIEVEMENT, trl_min=7, trl_max=3) == []


async def test_problems_with_a_bounty_are_found_by_themselves(owner, client):
    await PROBLEM.published(owner, title="揭榜", bounty="100")
    await PROBLEM.published(owner, title="普通")
    assert await titles(client, PROBLEM, bounty=True) == ["揭榜"]
    assert await titles(client, PROBLEM, bounty=False) == ["普通"]
    assert await titles(client, PROBLEM) == ["普通", "揭榜"]


@pytest.mark.parametrize(
    ("written", "sought"),
    [
        ("固态电池电解质", "电池"),
        ("固态电池电解质", "池"),
        ("固态电池电解质 薄膜", "薄膜 电池"),
        ("型号 ＡＢＣ－１２３", "abc-123"),
        ("model abc-123", "ＡＢＣ－１２３"),
        ("Straße", "STRASSE"),
        ("ｶﾞｽ", "ガス"),
        ("折扣 50% 起", "50%"),
        ("a_b", "a_b"),
        (r"C:\temp", r"c:\temp"),
        ("o'neil; drop table", "o'neil; drop"),
        ("𠮷野", "𠮷"),
    ],
)
async def test_text_is_found_whatever_its_width_and_case(written, sought, kind, owner, client):
    await kind.published(owner, title="别的")
    await kind.published(owner, title=written)
    assert await titles(client, kind, q=sought) == [written]


@pytest.mark.parametrize("sought", ["%", "_", "5_%", "a%b", "电_池", r"\%", "/"])
async def test_wildcards_of_like_are_only_signs(sought, kind, owner, client):
    await kind.published(owner, title="电解池 50 ab")
    assert await titles(client, kind, q=sought) == []


@pytest.mark.parametrize("blank", ["", " ", "　"])
async def test_blank_text_filters_nothing(blank, kind, owner, client):
    await kind.published(owner, title="一")
    assert await titles(client, kind, q=blank) == ["一"]


async def test_text_is_sought_in_every_part_that_everybody_reads_and_in_no_other(kind, owner, client):
    said = {"title": "甲甲", "description": "乙乙", "keywords": ["丙丙"]}
    said |= {"summary": "丁丁"} if kind is ACHIEVEMENT else {"background": "丁丁"}
    contact = {"name": "戊戊", "phone": "己己", "email": "geng@test.example"}
    await kind.published(owner, **said, contact=contact)
    for word in ("甲甲", "乙乙", "丙丙", "丁丁", "丁丁 甲甲 丙丙"):
        assert await titles(client, kind, q=word) == ["甲甲"]
    for word in ("戊戊", "己己", "geng", "甲甲 戊戊"):
        assert await titles(client, kind, q=word) == []


async def test_an_edit_is_found_by_its_new_words_and_not_by_the_old(kind, owner, client):
    made = await kind.published(owner, title="旧题目")
    await owner.patch(kind.at(made), {"title": "新标题", "region": "620100"}, version=made["version"])
    assert await titles(client, kind, q="旧题") == []
    assert await titles(client, kind, q="新标") == ["新标题"]
    assert await titles(client, kind, region="620000") == ["新标题"]


# --- whose -------------------------------------------------------------------------------------------------------


async def test_the_public_list_holds_what_is_open_and_mine_holds_all(kind, owner, stranger, client, session):
    for state in kind.states:
        await kind.set_state(session, await kind.published(owner, title=state), state)
    theirs = await kind.published(stranger, title="别家")
    open_ = [state for state in reversed(kind.states) if state in {"published", "in_talks"}]
    for who in (client, stranger, owner):
        assert await titles(who, kind) == ["别家", *open_]
    assert await titles(owner, kind, mine=True) == list(reversed(kind.states))
    assert await titles(stranger, kind, mine=True) == ["别家"]
    assert await titles(client, kind, mine=True) == []
    assert await titles(client, kind, organisation=theirs["organisation"]["id"]) == ["别家"]


async def test_a_state_is_listed_for_those_who_may_see_it(kind, owner, stranger, client, session, given):
    for state in kind.states:
        await kind.set_state(session, await kind.published(owner, title=state), state)
    admin, auditor = await given.admin(), await given.person(Role.AUDITOR)
    viewer = await given.person(Role.VIEWER, owner.organisation)
    for state in kind.states:
        everybody = [state] if state in {"published", "in_talks"} else []
        assert await titles(client, kind, state=state) == await titles(stranger, kind, state=state) == everybody
        for who in (owner, viewer, admin, auditor):
            assert await titles(who, kind, state=state) == [state]
            assert await titles(who, kind, state=state, mine=True) == ([state] if who.organisation else [])


@pytest.mark.parametrize("verification", [v for v in Verification if v is not Verification.VERIFIED])
async def test_records_of_an_organisation_that_is_not_verified_vanish_and_come_back(
    verification, kind, owner, stranger, client, session, given
):
    made = await kind.with_secret(owner)
    await owner.post(kind.at(made, "readers"), {"email": stranger.email})
    file = {"file": ("a.txt", b"text")}
    added = await owner.client.post(kind.at(made, "attachments", "public"), files=file, headers=owner.headers)
    hidden = ["", "confidential", "confidential/terms", f"attachments/{added.json()['id']}"]

    async def become(what):
        await session.execute(
            update(Organisation)
            .where(Organisation.id == owner.organisation.id)
            .values(verification=what, verified_at=clock.now())
        )
        await session.commit()

    await become(verification)
    for who in (client, stranger):
        assert await titles(who, kind) == await titles(who, kind, state="published") == []
        assert await titles(who, kind, organisation=str(owner.organisation.id)) == []
    for path in hidden:
        assert (await stranger.get(kind.at(made, path).rstrip("/"))).status_code == 404
    assert (await stranger.post(kind.at(made, "admission-requests"), {"message": "请"})).status_code == 404
    assert (await client.get(kind.at(made))).status_code == 404
    assert (await owner.get(kind.at(made))).status_code == 200
    assert len(await titles(owner, kind, mine=True)) == 1
    assert (await (await given.admin()).get(kind.at(made))).status_code == 200
    await become(Verification.VERIFIED)
    for path in hidden:
        assert (await stranger.get(kind.at(made, path).rstrip("/"))).status_code == 200
    assert len(await titles(client, kind)) == 1


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ("region=1", "region.0"),
        ("industry=ZZ", "industry.0"),
        ("mode=gift", "mode.0"),
        ("state=gone", "state"),
        ("organisation=x", "organisation"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("mine=perhaps", "mine"),
        ("q=" + "长" * 201, "q"),
        ("q=%E2%80%AE", "q"),
        ("nonsense=1", "nonsense"),
        ("q=a&q=b", "q"),
        ("region=" + "&region=".join(["220000"] * 21), "region"),
    ],
)
async def test_a_filter_that_cannot_be_is_refused_by_name(asked, pointer, kind, client):
    refused = await client.get(f"{kind.url}?{asked}")
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["errors"][0]["pointer"].startswith(pointer.partition(".")[0])
