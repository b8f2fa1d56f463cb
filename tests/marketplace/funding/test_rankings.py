"""Which funding fits a text or a record, and whether one may apply: as the database has it at that moment."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock
from schemas.funding import FundingState
from schemas.identity import OrganisationKind
from tests.given.funding import CALLS, a_call
from tests.given.labs import day
from tests.marketplace.pairings.conftest import added_up

MATCHES = "/api/v1/funding-matches"
TEXT = "铝合金热锻模具五六千件就龟裂，求型腔表面强化办法，例如激光熔覆"
GINSENG = {"title": "人参精深加工专项", "summary": "人参皂苷提取与转化。"}


async def found(who, text=TEXT, **more):
    answer = await who.post(MATCHES, {"text": text} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(page):
    return [one["id"] for one in page["items"]]


def verdicts(item):
    return {rule["rule"]: rule["verdict"] for rule in item["rules"]}


async def test_the_calls_that_fit_a_text_come_first_with_reasons_that_add_up(session, desk, client):
    forging = await a_call(session, desk.organisation, closes_at=day(5, 12))
    ginseng = await a_call(session, desk.organisation, **GINSENG)
    page = (await client.post(MATCHES, json={"text": TEXT})).json()
    assert page["fits"]
    assert page["message"] is None
    assert ids(page)[0] == str(forging.id)
    assert str(ginseng.id) not in ids(page)
    first = page["items"][0]
    assert "激光熔覆" in [term["term"] for term in first["reasons"]["terms"]]
    assert added_up(first) == pytest.approx(first["score"], abs=1e-6)
    assert (first["kind"], first["fits"], first["standing"], first["rules"]) == ("funding", True, "eligible", [])
    assert (first["funding"]["phase"], first["funding"]["days_left"]) == ("open", 5)
    assert "higher score" in page["order"]
    nothing = await client.post(MATCHES, json={"text": "高超声速风洞喷管设计"}, headers={"Accept-Language": "zh-CN"})
    assert not nothing.json()["fits"]
    assert "资金" in nothing.json()["message"]
    assert (await client.post(MATCHES, json={"text": " "})).status_code == 422
    assert ids(await found(desk, kind=["loan"])) == []


async def test_calls_with_a_rule_that_is_not_met_come_after_the_others(session, desk, client):
    rules = {
        "near": {"applicant_regions": ["220000"], "own_share": 50},
        "far": {"applicant_regions": ["620000"]},
        "any": {},
    }
    made = {
        name: await a_call(
            session, desk.organisation, eligibility=told, summary=f"支持热锻模具表面强化{'，激光熔覆' * n}。"
        )
        for n, (name, told) in enumerate(rules.items())
    }
    by_id = {str(one.id): name for name, one in made.items()}
    page = await found(desk, region="220104", organisation_kind="enterprise")
    order = [by_id[one] for one in ids(page)]
    assert order[-1] == "far"
    assert set(order) == set(rules)
    scores = {by_id[one["id"]]: one["score"] for one in page["items"]}
    assert scores["far"] > min(scores["near"], scores["any"]), "although it is nearer in subject"
    standings = {by_id[one["id"]]: one["standing"] for one in page["items"]}
    assert standings == {"near": "to_check", "far": "not_eligible", "any": "eligible"}
    near = next(one for one in page["items"] if by_id[one["id"]] == "near")
    assert verdicts(near) == {"applicant_regions": "met", "own_share": "unknown"}
    only = await found(desk, region="220104", eligible=True)
    assert {by_id[one] for one in ids(only)} == {"near", "any"}
    assert only["left_out"] == 1
    silent = await found(desk)
    assert {one["standing"] for one in silent["items"]} == {"to_check", "eligible"}, "what is not said is to be checked"
    for name in ("near", "any"):
        assert (await desk.post(f"{CALLS}/{made[name].id}/withdrawal")).status_code == 200
    none = await found(desk, region="220104", eligible=True)
    assert (ids(none), none["left_out"], none["fits"]) == ([], 1, False)
    assert "rule is not met" in none["message"]


async def test_what_was_changed_closed_or_hidden_counts_at_the_very_next_ranking(session, desk):
    open_ = await a_call(session, desk.organisation, closes_at=day(10), eligibility={"applicant_regions": ["220000"]})
    for hidden in ({"state": FundingState.DRAFT}, {"state": FundingState.CLOSED}, {"state": FundingState.WITHDRAWN},
                   {"opens_at": day(-9), "closes_at": day(-1)}):  # fmt: skip
        await a_call(session, desk.organisation, title="锻造模具另一项", **hidden)
    soon = await a_call(session, desk.organisation, opens_at=day(3), closes_at=day(10))
    assert sorted(ids(await found(desk))) == sorted([str(open_.id), str(soon.id)])
    (first,) = [one for one in (await found(desk, region="620100"))["items"] if one["id"] == str(open_.id)]
    assert first["standing"] == "not_eligible"

    one = f"{CALLS}/{open_.id}"
    rules = {"eligibility": {"applicant_regions": ["620000"]}}
    refused = await desk.patch(one, rules | {"kind": "loan"}, version=open_.version)
    assert refused.status_code == 409, "what is published stays of a kind that its giver may offer"
    edited = await desk.patch(one, rules, version=open_.version)
    again = await found(desk, region="620100")
    (first,) = [item for item in again["items"] if item["id"] == str(open_.id)]
    assert first["standing"] == "eligible"
    assert first["funding"]["changed_at"] is not None
    changed = {"title": "粮食烘干节能", "summary": "热泵烘干塔。"}
    assert (await desk.patch(one, changed, version=edited.json()["version"])).status_code == 200
    assert ids(await found(desk)) == [str(soon.id)]
    assert ids(await found(desk, "粮食烘干塔热泵节能")) == [str(open_.id)]
    assert (await desk.post(f"{CALLS}/{soon.id}/closing")).status_code == 200
    assert ids(await found(desk)) == []
    assert (await desk.post(f"{CALLS}/{soon.id}/publication")).status_code == 200
    assert ids(await found(desk)) == [str(soon.id)]
    with clock.ahead(timedelta(days=11)):
        assert (await found(desk))["considered"] == 0, "the clock alone takes it out"


async def test_a_record_and_its_organisation_answer_for_the_applicant(session, desk, firm, university, given):
    told = {
        "applicant_kinds": ["enterprise"], "applicant_regions": ["220000"], "industries": ["C"], "trl_from": 5,
        "joint": True, "verified": True, "not_publicly_funded": True,
    }  # fmt: skip
    call = await a_call(session, desk.organisation, eligibility=told)
    need = await given.problem(firm, title="热锻模具龟裂求表面强化", description=TEXT, region="220100", industry="3393")
    (mine,) = (await firm.get(f"/api/v1/problems/{need['id']}/funding")).json()["items"]
    assert mine["id"] == str(call.id)
    assert verdicts(mine) == {
        "applicant_kinds": "met", "applicant_regions": "met", "industries": "met", "trl": "unknown",
        "joint": "unknown", "verified": "met", "not_publicly_funded": "unknown",
    }  # fmt: skip
    made = await given.achievement(
        university, title="热锻模具激光熔覆表面强化", description=TEXT, trl=4, publicly_funded=True
    )
    at = f"/api/v1/achievements/{made['id']}/funding"
    (theirs,) = (await university.get(at)).json()["items"]
    assert theirs["standing"] == "not_eligible"
    assert verdicts(theirs) == {
        "applicant_kinds": "not_met", "applicant_regions": "met", "industries": "unknown", "trl": "not_met",
        "joint": "met", "verified": "met", "not_publicly_funded": "not_met",
    }  # fmt: skip
    because = next(rule for rule in theirs["rules"] if rule["rule"] == "trl")
    assert (because["asked"], because["found"]) == ([">=5"], ["4"])
    assert (await university.get(at, params={"eligible": "true"})).json()["items"] == []


async def test_nobody_is_told_to_apply_for_what_they_offer_themselves(session, desk, firm, given):
    own = await a_call(session, firm.organisation, kind="bounty")
    other = await a_call(session, desk.organisation, summary="支持模具。")
    need = await given.problem(firm, title="热锻模具龟裂求表面强化", description=TEXT)
    at = f"/api/v1/problems/{need['id']}/funding"
    page = (await firm.get(at)).json()
    assert (ids(page), page["considered"]) == ([str(other.id)], 1)
    assert page["best_text"] == pytest.approx(page["items"][0]["reasons"]["text"])
    alone = (await firm.get(at, params={"kind": "bounty"})).json()
    assert (ids(alone), alone["considered"], alone["best_text"], alone["fits"]) == ([], 0, 0.0, False)
    assert str(own.id) in ids(await found(firm)), "of a text nobody knows whose it is"


async def test_the_calls_for_a_record_are_paged_and_only_for_those_who_see_it(session, desk, firm, university, given):
    made = [
        await a_call(
            session, desk.organisation, title=f"锻造模具第{n}项",
            eligibility={"applicant_kinds": ["university"]} if n % 2 else {},
        )
        for n in range(7)
    ]  # fmt: skip
    need = await given.problem(firm, title="热锻模具龟裂求表面强化", description=TEXT)
    at, walked = f"/api/v1/problems/{need['id']}/funding", []
    whole = (await firm.get(at, params={"limit": 100})).json()
    page = (await firm.get(at, params={"limit": 2})).json()
    while True:
        walked += ids(page)
        if not page["next_cursor"]:
            break
        page = (await firm.get(at, params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert walked == ids(whole)
    assert set(walked) == {str(one.id) for one in made}
    tiers = [one["standing"] == "not_eligible" for one in whole["items"]]
    assert tiers == sorted(tiers)
    for tier in (False, True):
        scores = [one["score"] for one, broken in zip(whole["items"], tiers, strict=True) if broken is tier]
        assert scores == sorted(scores, reverse=True)
    draft = await given.problem(firm, published=False)
    assert (await firm.get(f"/api/v1/problems/{draft['id']}/funding")).status_code == 200
    for who in (university, given.client):
        assert (await who.get(f"/api/v1/problems/{draft['id']}/funding")).status_code == 404
    assert (await firm.get(at, params={"cursor": "forged"})).status_code == 422


async def test_a_page_costs_the_same_however_many_calls_there_are(session, desk, firm, given, statements):
    need = await given.problem(firm, title="热锻模具龟裂求表面强化", description=TEXT)
    at = f"/api/v1/problems/{need['id']}/funding"
    counts = []
    for _ in range(2):
        for n in range(5):
            await a_call(session, desk.organisation, title=f"锻造模具第{n}项")
        await firm.get(at)
        with statements() as seen:
            await firm.get(at)
        counts.append(len(seen))
    assert counts[0] == counts[1]


async def test_the_same_text_means_the_same_from_any_caller(session, desk, given, client):
    """Nothing of a text is kept, and who asks decides nothing."""
    await a_call(session, desk.organisation, eligibility={"applicant_kinds": ["enterprise"]})
    somebody = await given.editor(kinds=(OrganisationKind.UNIVERSITY,))
    mine, theirs = await found(somebody), (await client.post(MATCHES, json={"text": TEXT})).json()
    assert mine == theirs


async def test_a_text_that_tells_no_field_is_read_as_of_that_of_the_nearest_achievements(session, desk, given, app):
    await a_call(session, desk.organisation, industries=["33"])
    university = await given.university()
    await given.achievement(
        university,
        title="热锻模具型腔表面强化",
        description="激光熔覆，抑制热锻模具龟裂。",
        industries=["3393"],
        discipline="460",
    )
    await app.state.engine.load()
    page = await found(desk)
    assert page["field"] == {"industries": ["33"], "disciplines": ["460"]}
    signals = {one["name"]: one["value"] for one in page["items"][0]["reasons"]["signals"]}
    assert signals["field"] == 0.5, "of the same division"
    told = await found(desk, industry="2730")
    assert told["field"] is None
    signals = {one["name"]: one["value"] for one in told["items"][0]["reasons"]["signals"]}
    assert signals["field"] == 0.1, "of the same section alone"
