"""What was done, read by whoever may: found by person, organisation, record, kind and time; nothing that anybody wrote."""

import csv
import io
from datetime import timedelta

import pytest
from python_calamine import CalamineWorkbook

import marketplace.app  # noqa: F401 -- every room, with its facts
from marketplace.audit import trail
from marketplace.kernel import clock
from marketplace.kernel.facts import Fact
from marketplace.portal import fact_words
from schemas.identity import Role
from tests.given.kinds import PROBLEM
from tests.given.labs import an_instrument, day, wish
from tests.given.people import a_uscc

URL = "/api/v1/facts"


@pytest.fixture
async def auditor(given):
    return await given.person(Role.AUDITOR)


@pytest.fixture
async def firm(given):
    return await given.enterprise()


async def names(who, **params) -> list[str]:
    answer = await who.get(URL, params={"limit": 100} | params)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


async def test_what_was_done_is_found_by_who_where_what_and_when(given, firm, auditor, session):
    other = await given.enterprise()
    made, theirs = await PROBLEM.published(firm), await PROBLEM.draft(other)
    assert await names(auditor, by=str(firm.id)) == ["ListingPublished", "ListingDrafted"]
    assert await names(auditor, record=theirs["id"]) == ["ListingDrafted"]
    assert await names(auditor, organisation=str(firm.organisation.id)) == ["ListingPublished", "ListingDrafted"]
    assert await names(auditor, name="ListingPublished") == ["ListingPublished"]
    assert await names(auditor, name=["ListingPublished", "ListingDrafted"]) == [
        "ListingDrafted", "ListingPublished", "ListingDrafted",
    ]  # fmt: skip
    now = clock.now()
    for params, many in (({"until": now}, 3), ({"since": now}, 0), ({"since": now - timedelta(hours=1)}, 3)):
        assert len(await names(auditor, **{name: value.isoformat() for name, value in params.items()})) == many
    [first, _] = (await auditor.get(URL, params={"record": made["id"]})).json()["items"]
    assert first["by"]["id"] == str(firm.id)
    assert first["record"] == made["id"]
    assert first["told"] == {"listing_id": made["id"], "kind": "problem"}


async def test_an_organisations_bookings_and_instruments_are_its_own(given, firm, auditor, session):
    lab = await given.person(Role.LAB_MANAGER, await given.organisation())
    instrument = await an_instrument(session, lab.organisation, confirmed_at_once=["other", "province_firm"])
    booked = await firm.post("/api/v1/bookings", wish(instrument, firm, day(3, 9)))
    assert booked.status_code == 201, booked.text
    found = await names(auditor, organisation=str(firm.organisation.id))
    assert set(found) & {"BookingConfirmed", "BookingRequested"}
    assert not set(await names(auditor, organisation=str(lab.organisation.id))) & set(found)


async def test_every_page_follows_the_one_before(firm, auditor):
    for _ in range(12):
        await PROBLEM.draft(firm)
    seen, cursor = [], None
    while True:
        page = (await auditor.get(URL, params={"limit": 5} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == len(seen) == 12


async def test_administrators_and_auditors_alone_read_it(given, client, firm, auditor):
    everybody = [await given.person(role, firm.organisation) for role in Role if role not in trail_roles()]
    for path in (URL, f"{URL}.csv", f"{URL}.xlsx"):
        assert (await client.get(path)).status_code == 401
        for somebody in (firm, *everybody, await given.person()):
            refused = await somebody.get(path)
            assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-for-you")
        for somebody in (auditor, await given.admin()):
            assert (await somebody.get(path)).status_code == 200


def trail_roles() -> set[Role]:
    return {Role.PLATFORM_ADMIN, Role.AUDITOR}


async def test_nothing_that_anybody_wrote_is_told(given, auditor, session):
    admin, firm = await given.admin(), await given.person()
    body = {"uscc": a_uscc("91"), "name": "某公司", "kinds": ["enterprise"], "region": "220100"}
    made = (await firm.post("/api/v1/organisations", body)).json()
    path = f"/api/v1/organisations/{made['id']}"
    assert (await firm.patch(path, {"introduction": "写下的介绍"}, version=1)).status_code == 200
    decided = {"decision": "suspend", "reason": "写下的理由"}
    assert (await admin.post(f"{path}/verification/decisions", decided)).status_code == 200
    shut = await admin.post(f"/api/v1/people/{firm.id}/suspension", {"reason": "写下的原因"})
    assert shut.status_code == 204
    for path in (URL, f"{URL}.csv"):
        answer = await auditor.get(path)
        assert "OrganisationEdited" in answer.text
        assert "PersonSuspended" in answer.text
        assert "写下的" not in answer.text
        assert firm.email not in answer.text
    edited = (await auditor.get(URL, params={"name": "OrganisationEdited"})).json()["items"][0]
    assert edited["told"] == {"organisation_id": made["id"], "fields": ["introduction"]}


async def test_the_files_hold_what_the_list_shows(firm, auditor):
    made = await PROBLEM.published(firm)
    comma = await auditor.get(f"{URL}.csv", params={"record": made["id"]})
    lines = list(csv.reader(io.StringIO(comma.content.decode("utf-8-sig"))))
    assert [line[2] for line in lines] == ["fact", "ListingDrafted", "ListingPublished"]
    assert lines[1][5] == made["id"]
    sheet = await auditor.get(f"{URL}.xlsx", params={"record": made["id"]})
    rows = CalamineWorkbook.from_filelike(io.BytesIO(sheet.content)).get_sheet_by_index(0).to_python()
    assert [row[2] for row in rows[2:]] == ["ListingDrafted", "ListingPublished"]


async def test_a_file_of_too_many_is_refused_and_says_what_to_do(firm, auditor, monkeypatch):
    monkeypatch.setattr(trail, "MOST", 1)
    await PROBLEM.published(firm)
    refused = await auditor.get(f"{URL}.csv")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-to-export")


def every_kind(of: type[Fact]):
    for kind in of.__subclasses__():
        yield kind
        yield from every_kind(kind)


def test_somebody_decided_of_every_field_of_every_fact_whether_it_is_told():
    fields = {
        name for kind in every_kind(Fact) if kind.__module__.startswith("marketplace.") for name in kind.__slots__
    }
    undecided = {name for name in fields if not name.endswith(("_id", "_ids"))} - trail.SHOWN - trail.WITHHELD
    assert undecided == set(), "name each in audit.trail.SHOWN or WITHHELD"
    assert not trail.SHOWN & trail.WITHHELD


def test_every_kind_of_fact_is_called_something_in_chinese():
    for name in fact_words.names():
        chinese, _, english = fact_words.called(name).partition(" · ")
        assert not any("a" <= letter.lower() <= "z" for letter in chinese), name
        assert english
