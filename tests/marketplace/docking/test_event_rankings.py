"""Which events to come fit a text or a record: by the same engine, as the database has them at that moment."""

import pytest
from sqlalchemy import update

from marketplace.docking.models import Event
from marketplace.identity.models import Organisation
from schemas.events import EventState
from schemas.identity import Verification
from tests.given.docking import EVENTS, an_event
from tests.given.labs import day
from tests.marketplace.pairings.conftest import added_up

MATCHES = "/api/v1/event-matches"
FORGING = {
    "title": "锻造模具与表面强化对接会", "title_en": "Forging dies", "summary": "热锻模具寿命、激光熔覆与渗氮专场。",
    "description": "带失效模具来。", "region": "220100", "industries": ["3393"],
}  # fmt: skip
GINSENG = {
    "title": "人参精深加工洽谈会",
    "summary": "人参皂苷提取与转化。",
    "description": "参业企业。",
    "region": "620100",
}
TEXT = "铝合金热锻模具五六千件就龟裂，求型腔表面强化办法，例如激光熔覆"


async def found(who, text=TEXT, **more):
    answer = await who.post(MATCHES, {"text": text} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(page):
    return [one["id"] for one in page["items"]]


async def test_the_events_that_fit_a_text_come_first_with_reasons_that_add_up(session, organizer, client):
    forging = await an_event(session, organizer.organisation, **FORGING)
    ginseng = await an_event(session, organizer.organisation, **GINSENG)
    page = (await client.post(MATCHES, json={"text": TEXT})).json()
    assert page["fits"]
    assert ids(page)[0] == str(forging.id)
    assert str(ginseng.id) not in ids(page)
    assert page["considered"] >= 2
    first = page["items"][0]
    assert "激光熔覆" in [term["term"] for term in first["reasons"]["terms"]]
    assert added_up(first) == pytest.approx(first["score"], abs=1e-6)
    assert first["event"]["title"] == forging.title
    assert (first["kind"], first["event"]["state"]) == ("event", "open")

    other = await client.post(MATCHES, json={"text": TEXT, "region": ["620000"]})
    assert ids(other.json()) == []
    chinese = {"Accept-Language": "zh-CN"}
    nothing = (await client.post(MATCHES, json={"text": "高超声速风洞喷管设计"}, headers=chinese)).json()
    assert not nothing["fits"]
    assert "活动" in nothing["message"]
    blank = await client.post(MATCHES, json={"text": " "})
    assert blank.status_code == 422


async def test_what_was_changed_closed_or_hidden_is_answered_so_at_once(session, organizer, app):
    forging = await an_event(session, organizer.organisation, **FORGING)
    assert ids(await found(organizer)) == [str(forging.id)]
    for hidden in (
        {"state": EventState.DRAFT}, {"state": EventState.CLOSED}, {"starts_at": day(-3)},
        {"registration_closes_at": day(-1), "registration_opens_at": day(-9)}, {"state": EventState.CANCELLED},
    ):  # fmt: skip
        await an_event(session, organizer.organisation, **(FORGING | {"title": "锻造模具另一场"} | hidden))
    soon = await an_event(session, organizer.organisation, state=EventState.PUBLISHED, **FORGING)
    assert sorted(ids(await found(organizer))) == sorted([str(forging.id), str(soon.id)])

    changed = {"title": "粮食烘干节能专场", "summary": "热泵烘干。", "description": "烘干塔改造。", "title_en": None}
    edited = await organizer.patch(f"{EVENTS}/{soon.id}", changed, version=soon.version)
    assert edited.status_code == 200, edited.text
    assert ids(await found(organizer)) == [str(forging.id)]
    assert ids(await found(organizer, "粮食烘干塔热泵节能")) == [str(soon.id)]
    await session.execute(
        update(Event).where(Event.id == forging.id).values(state=EventState.CLOSED, version=Event.version + 1)
    )
    assert ids(await found(organizer)) == []
    await session.execute(
        update(Organisation)
        .where(Organisation.id == organizer.organisation.id)
        .values(verification=Verification.SUSPENDED)
    )
    assert (await found(organizer, "粮食烘干塔热泵节能"))["considered"] == 0


async def test_the_events_for_a_record_are_paged_and_only_for_those_who_see_it(
    session, organizer, firm, other_firm, given
):
    made = [
        await an_event(session, organizer.organisation, **(FORGING | {"title": f"锻造模具第{n}场"})) for n in range(5)
    ]
    need = await given.problem(firm, title="热锻模具龟裂求表面强化", description=TEXT, region="220100", industry="3393")
    at, walked = f"/api/v1/problems/{need['id']}/events", []
    whole = (await firm.get(at, params={"limit": 100})).json()
    page = (await firm.get(at, params={"limit": 2})).json()
    while True:
        walked += ids(page)
        if not page["next_cursor"]:
            break
        page = (await firm.get(at, params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert walked == ids(whole)
    assert set(walked) == {str(one.id) for one in made}
    signals = {one["name"]: one["value"] for one in whole["items"][0]["reasons"]["signals"]}
    assert (signals["field"], signals["region"]) == (1.0, 1.0), "its trade and its place count, too"
    draft = await given.problem(firm, published=False)
    assert (await firm.get(f"/api/v1/problems/{draft['id']}/events")).status_code == 200
    assert (await other_firm.get(f"/api/v1/problems/{draft['id']}/events")).status_code == 404
    assert (await firm.get(at, params={"cursor": "forged"})).status_code == 422


async def test_a_text_that_tells_no_field_is_read_as_of_that_of_the_nearest_achievements(
    session, organizer, given, app
):
    """Beside it, what such a text found before there were any: more of its words in another trade."""
    texts = {"summary": "面向企业的对接会。", "description": "现场洽谈。", "title_en": None}
    own = await an_event(session, organizer.organisation, **texts, title="装备制造对接会", industries=["3393"])
    words = {"title": "家具企业表面办法洽谈会", "summary": "表面处理办法。", "industries": ["2110"]}
    other = await an_event(session, organizer.organisation, **(texts | words))
    text = {"text": "对接会：热锻模具型腔龟裂，求表面强化办法"}
    await app.state.engine.load()
    before = await found(organizer, **text)
    assert (before["field"], ids(before)) == (None, [str(other.id), str(own.id)])

    university = await given.university()
    for n in range(4):
        await given.achievement(
            university,
            title=f"热锻模具型腔表面强化{n}",
            description="激光熔覆，抑制热锻模具型腔龟裂。",
            industries=["3393"],
        )
    await given.achievement(university, title="黄芪切片烘干", description="热泵烘干。", industries=["2730"])
    await app.state.engine.load()
    after = await found(organizer, **text)
    assert after["field"] == {"industries": ["33"], "disciplines": []}
    assert ids(after) == [str(own.id), str(other.id)]
    first = after["items"][0]
    assert added_up(first) == pytest.approx(first["score"], abs=1e-6)
    assert (await found(organizer, "人参皂苷提取"))["field"] is None, "no achievement fits"

    firm = await given.enterprise()
    need = await given.problem(firm, title="热锻模具型腔龟裂", description="求表面强化办法。", industry="2110")
    page = (await firm.get(f"/api/v1/problems/{need['id']}/events")).json()
    assert page["field"] is None, "it tells its own"
