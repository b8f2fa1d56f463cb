"""The life of a call: written, published, changed before everybody's eyes, closed by its deadline or by hand, taken back."""

import io
from datetime import timedelta

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from marketplace.funding.models import FundingCall
from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.facts import Recorded
from marketplace.kernel.jobs import Place
from marketplace.wiring import JOBS
from schemas.funding import FundingState
from schemas.identity import OrganisationKind, Verification
from tests.given.docking import written
from tests.given.funding import CALLS, EVERY_FIELD_OF_A_CALL, PLAIN, a_call
from tests.given.labs import day


def a_body(by, **more):
    return PLAIN | {"kind": "special_fund", "organisation_id": str(by.organisation.id)} | more


async def made(by, **more):
    answer = await by.post(CALLS, a_body(by, **more))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def published(by, **more):
    draft = await made(by, **more)
    answer = await by.post(f"{CALLS}/{draft['id']}/publication")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ids(who, **wish):
    answer = await who.get(CALLS, params=wish)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


async def test_what_is_written_comes_back_and_is_seen_once_published(desk, firm, client):
    every = EVERY_FIELD_OF_A_CALL
    draft = (await desk.post(CALLS, every | {"organisation_id": str(desk.organisation.id)})).json()
    assert {name: draft[name] for name in every} == every
    assert (draft["state"], draft["phase"], draft["version"]) == ("draft", "hidden", 1)
    one = f"{CALLS}/{draft['id']}"
    assert (await firm.get(one)).status_code == 404
    assert await ids(firm) == []
    assert await ids(desk, mine="true") == [draft["id"]]
    shown = await desk.post(f"{one}/publication")
    assert shown.status_code == 200, shown.text
    assert shown.headers["etag"] == '"2"'
    assert await ids(firm) == [draft["id"]]
    read = (await client.get(one)).json()
    assert read["contact"] is None, "whom to ask is for people who are signed in"
    assert (await firm.get(one)).json()["contact"]["name"] == "李某"
    assert (read["phase"], read["kept_by_you"]) == ("open", False)
    again = await desk.post(f"{one}/publication")
    assert again.json()["version"] == 2, "saying it again changes nothing"


@pytest.mark.parametrize(
    ("kind", "giver"),
    [
        ("special_fund", "government_desk"),
        ("guidance_plan", "organizer"),
        ("loan", "finance"),
        ("bounty", "enterprise"),
    ],
)
async def test_each_kind_of_funding_is_offered_by_its_kinds_of_organisation(given, university, kind, giver):
    right = await given.editor(kinds=(OrganisationKind(giver),))
    assert (await published(right, kind=kind))["state"] == "published"
    wrong = await given.editor(kinds=(OrganisationKind.LAB,))
    draft = await made(wrong, kind=kind)
    refused = await wrong.post(f"{CALLS}/{draft['id']}/publication")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-its-kind-of-funding")
    assert "offered by" in refused.json()["detail"]


async def test_publishing_asks_for_what_an_applicant_needs(given, desk):
    draft = await made(desk, summary=None, how_to_apply=None)
    refused = await desk.post(f"{CALLS}/{draft['id']}/publication")
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/summary", "/how_to_apply"]
    late = await made(desk, closes_at=written(day(-1)))
    assert (await desk.post(f"{CALLS}/{late['id']}/publication")).json()["type"] == "/problems/deadline-over"
    fresh = await given.editor(kinds=(OrganisationKind.GOVERNMENT_DESK,), verification=Verification.UNVERIFIED)
    mine = await made(fresh)
    assert (await fresh.post(f"{CALLS}/{mine['id']}/publication")).json()["type"] == "/problems/not-verified"


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"opens_at": "2030-01-02T00:00:00Z", "closes_at": "2030-01-01T00:00:00Z"}, "/closes_at"),
        ({"amount_low": "200", "amount_high": "100"}, "/amount_high"),
        ({"amount_high": "200", "total_amount": "100"}, "/total_amount"),
        ({"eligibility": {"trl_from": 6, "trl_to": 4}}, "/eligibility/trl_to"),
        ({"eligibility": {"applicant_regions": ["999999"]}}, "/eligibility/applicant_regions/0"),
        ({"eligibility": {"own_share": 0}}, "/eligibility/own_share"),
        ({"apply_url": "http://plain.example"}, "/apply_url"),
    ],
)
async def test_what_cannot_be_is_refused_at_its_field(desk, fields, at):
    refused = await desk.post(CALLS, a_body(desk, **fields))
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == [at]


async def test_a_patch_is_held_to_what_stays(desk):
    call = await made(desk, amount_high="100", closes_at="2198-01-01T00:00:00Z")
    one = f"{CALLS}/{call['id']}"
    for fields, at in (({"amount_low": "200"}, "/amount_high"), ({"opens_at": "2198-02-01T00:00:00Z"}, "/closes_at")):
        refused = await desk.patch(one, fields, version=1)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, at)
    assert (await desk.patch(one, {"title": "改名"}, version=7)).status_code == 412
    changed = await desk.patch(one, {"title": "改名"}, version=1)
    assert (changed.json()["title"], changed.json()["changed_at"]) == ("改名", None)


async def test_a_change_of_what_was_published_is_told(desk, firm, session):
    call = await published(desk, amount_high="500000", contact={"name": "李某", "phone": "0431-1"})
    one = f"{CALLS}/{call['id']}"
    same = await desk.patch(one, {"title": call["title"]}, version=call["version"])
    assert same.json()["version"] == call["version"], "what is as it was is no change"
    sent = {"amount_high": "300000", "summary": "只支持激光熔覆。", "contact": {"name": "王某"}}
    changed = await desk.patch(one, sent, version=call["version"])
    assert changed.status_code == 200, changed.text
    assert changed.json()["changed_at"] is not None
    told = (await firm.get(f"{one}/changes")).json()["items"]
    assert [one["fields"] for one in told] == [["amount_high", "contact", "summary"]]
    assert told[0]["before"] == {"amount_high": "500000.00", "summary": PLAIN["summary"]}, "contacts are not told"
    kept = await session.scalar(select(Recorded.body).where(Recorded.name == "FundingCallEdited"))
    assert "李某" not in str(kept)
    bare = await desk.patch(one, {"summary": None}, version=changed.json()["version"])
    assert bare.status_code == 422, "what is published stays complete"


async def test_it_closes_at_its_deadline_by_itself(desk, firm, database, settings, session):
    soon = await published(desk, closes_at=written(clock.now() + timedelta(hours=1)))
    always = await published(desk)
    one = f"{CALLS}/{soon['id']}"
    assert always["days_left"] is None
    assert set(await ids(firm, open="true")) == {soon["id"], always["id"]}
    with clock.ahead(timedelta(hours=2)):
        # Before the clock has come round, too.
        assert (await firm.get(one)).json()["phase"] == "closed"
        assert await ids(firm, open="true") == [always["id"]]
        assert await ids(firm, open="false") == [soon["id"]]
        for _ in range(2):
            await JOBS["funding.keep_time"](Place(database, settings), {})
        over = (await firm.get(one)).json()
    assert (over["state"], over["days_left"], over["version"]) == ("closed", None, soon["version"] + 1)
    facts = await session.scalars(select(Recorded.by).where(Recorded.name == "FundingCallClosed"))
    assert facts.all() == [None]
    assert (await firm.get(f"{CALLS}/{always['id']}")).json()["state"] == "published"


async def test_it_is_closed_and_withdrawn_by_hand_and_comes_back(desk, viewer, firm):
    call = await published(desk)
    one = f"{CALLS}/{call['id']}"
    for who, expected in ((viewer, 403), (firm, 403)):
        for step in ("closing", "withdrawal", "publication"):
            assert (await who.post(f"{one}/{step}")).status_code == expected
    closed = await desk.post(f"{one}/closing")
    assert (closed.json()["state"], closed.json()["phase"]) == ("closed", "closed")
    assert (await desk.post(f"{one}/closing")).json()["version"] == closed.json()["version"]
    assert (await firm.get(one)).status_code == 200, "closed, it stays to be read"
    assert (await desk.post(f"{one}/publication")).json()["state"] == "published"
    assert (await desk.post(f"{one}/withdrawal")).json()["state"] == "withdrawn"
    assert (await firm.get(one)).status_code == 404
    assert (await desk.post(f"{one}/closing")).json()["type"] == "/problems/not-published"
    assert (await desk.post(f"{one}/publication")).json()["state"] == "published"
    assert (await firm.get(one)).status_code == 200


async def test_a_deadline_counts_days_of_the_calendar(desk, session):
    midnight = await a_call(session, desk.organisation, closes_at=day(3))
    noon = await a_call(session, desk.organisation, closes_at=day(3, 12))
    later = await a_call(session, desk.organisation, opens_at=day(2), closes_at=day(10))
    found = {one["id"]: one for one in (await desk.get(CALLS)).json()["items"]}
    assert found[str(midnight.id)]["days_left"] == 2, "midnight ends the day before"
    assert found[str(noon.id)]["days_left"] == 3
    assert found[str(later.id)]["phase"] == "opening_soon"


async def test_lists_are_narrowed_to_what_is_open_to_a_place_and_a_trade(desk, bank, session, firm):
    def rules(**told):
        return {"eligibility": told}

    told = {
        "province": rules(applicant_regions=["220000"]),
        "city": rules(applicant_regions=["220100"]),
        "elsewhere": rules(applicant_regions=["620000"]) | {"industries": ["C"]},
    }
    made = {name: await a_call(session, desk.organisation, **one) for name, one in told.items()}
    made["car"] = await a_call(session, bank.organisation, kind="loan", industries=["36"], title="整车贷款")
    found = {str(one.id): name for name, one in made.items()}

    async def of(**wish):
        return {found[one] for one in await ids(firm, **wish)}

    assert await of() == {"province", "city", "elsewhere", "car"}
    assert await of(region="220104") == {"province", "city", "car"}, "what covers the district, and what names no place"
    assert await of(region="220200") == {"province", "car"}
    assert await of(region="220000") == {"province", "city", "car"}, "and what is below"
    assert await of(industry="3612") == {"province", "city", "elsewhere", "car"}
    assert await of(industry="3841") == {"province", "city", "elsewhere"}
    assert await of(kind="loan") == {"car"}
    assert await of(q="整车") == {"car"}
    assert await of(organisation=str(bank.organisation.id)) == {"car"}
    assert await of(state="draft") == set()


async def test_pages_of_the_list_hold_each_call_once(desk, session, firm):
    made = {str((await a_call(session, desk.organisation, title=f"第{n}号")).id) for n in range(5)}
    walked, cursor = [], {}
    while True:
        page = (await firm.get(CALLS, params={"limit": 2} | cursor)).json()
        walked += [one["id"] for one in page["items"]]
        if not page["next_cursor"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sorted(walked) == sorted(made)


async def test_a_suspended_giver_s_calls_are_gone(desk, session, firm):
    call = await published(desk)
    await session.execute(
        update(Organisation).where(Organisation.id == desk.organisation.id).values(verification=Verification.SUSPENDED)
    )
    assert (await firm.get(f"{CALLS}/{call['id']}")).status_code == 404
    assert await ids(firm) == []
    assert await ids(desk, mine="true") == [call["id"]]


async def test_the_list_is_exported_as_it_is_narrowed(desk, session, client):
    rules = {"applicant_regions": ["220000"], "own_share": 50}
    await a_call(session, desk.organisation, title="=1+1", amount_high="500000", eligibility=rules)
    await a_call(session, desk.organisation, title="另一项", kind="bounty")
    file = await client.get(f"{CALLS}.xlsx", params={"kind": "grant"}, headers={"Accept-Language": "zh-CN"})
    rows = CalamineWorkbook.from_filelike(io.BytesIO(file.content)).get_sheet_by_index(0).to_python()
    assert len(rows) == 3
    assert rows[2][0] == "'=1+1", "what somebody typed is never a formula"
    assert rows[2][8] == 500000
    assert "申报单位注册地：吉林省" in rows[2][12]
    assert "自筹比例：不低于 50%" in rows[2][12]
    table = await client.get(f"{CALLS}.csv")
    assert table.content.startswith(b"\xef\xbb\xbf")
    assert len(table.content.decode("utf-8-sig").splitlines()) >= 3


async def test_the_deadline_is_a_calendar_s(desk, session, client):
    call = await a_call(session, desk.organisation, closes_at=day(3, 12))
    file = await client.get(f"{CALLS}/{call.id}/deadline.ics")
    assert file.headers["content-type"].startswith("text/calendar")
    end = day(3, 4).strftime("%Y%m%d")
    assert f"DTEND:{end}T040000Z" in file.text
    assert "STATUS:CONFIRMED" in file.text
    assert (await desk.post(f"{CALLS}/{call.id}/closing")).status_code == 200
    assert "STATUS:CANCELLED" in (await client.get(f"{CALLS}/{call.id}/deadline.ics")).text
    always = await a_call(session, desk.organisation, closes_at=None)
    assert (await client.get(f"{CALLS}/{always.id}/deadline.ics")).status_code == 409


@pytest.mark.parametrize(
    "values",
    [
        {"opens_at": day(40)},
        {"amount_low": 5, "amount_high": 4},
        {"amount_high": 5, "total_amount": 4},
        {"published_at": None},
        {"state": FundingState.DRAFT, "published_at": None, "changed_at": day(0)},
    ],
    ids=["times", "amounts", "total", "published", "changed"],
)
async def test_the_table_refuses_what_cannot_be(session, desk, values):
    call = await a_call(session, desk.organisation)
    with pytest.raises(IntegrityError):
        await session.execute(update(FundingCall).where(FundingCall.id == call.id).values(**values))
    await session.rollback()
