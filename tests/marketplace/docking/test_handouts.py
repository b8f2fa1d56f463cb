"""Calendars, table plan and door list, and the letters that those who meet are written."""

import io

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from marketplace.docking import jobs
from marketplace.kernel.mail import Letter
from schemas.events import EventState
from tests.given.calendars import calendar_entries
from tests.given.docking import EVENTS, MEETINGS, REGISTRATIONS, agree, an_event, computed, published, registered
from tests.given.pdf import drawn_in
from tests.given.pdf import written as pdf_text
from tests.marketplace.docking.conftest import enters

pytestmark = pytest.mark.usefixtures("solved_here")


@pytest.fixture
async def firms(given):
    return [await given.enterprise() for _ in range(3)]


@pytest.fixture
async def event(organizer, session):
    return await an_event(session, organizer.organisation, slots=4)


async def entries(who, url, **query) -> list[dict[str, str]]:
    found = await who.get(url, params=query)
    assert found.status_code == 200, found.text
    assert found.headers["content-type"].startswith("text/calendar")
    return calendar_entries(found.text)


async def paper(who, url, **query) -> str:
    """What a PDF draws, whose writer says that it is one."""
    found = await who.get(url, params=query, headers={"Accept-Language": "zh"})
    assert found.headers["content-type"] == "application/pdf", found.text
    assert found.content.startswith(b"%PDF-")
    return drawn_in(found.content)


async def printed(organizer, event, firms, sides) -> None:
    """The same on paper: for the tables, for the door, for everybody, and for each list of their own."""
    plan = await paper(organizer, f"{EVENTS}/{event.id}/table-plan.pdf")
    assert all(pdf_text(text) in plan for text in ("桌位表", "1 号桌", "2 号桌", firms[2].organisation.name))
    doors = await paper(organizer, f"{EVENTS}/{event.id}/door-list.pdf")
    assert doors.count(pdf_text("同事1")) == 1
    assert pdf_text("洽谈厅") in doors
    everybody = await paper(organizer, f"{EVENTS}/{event.id}/schedules.pdf")
    assert everybody.count(pdf_text(f"{event.title} 洽谈日程")) == 4, "a page each"
    mine = f"{REGISTRATIONS}/{sides[0]['id']}/meetings.pdf"
    own = await paper(firms[0], mine)
    assert pdf_text(firms[1].organisation.name) in own
    assert pdf_text(firms[2].organisation.name) not in own
    english = await firms[0].get(mine, headers={"Accept-Language": "en"})
    assert pdf_text("Schedule of meetings") in drawn_in(english.content)
    (idle,) = [
        one for one in sides[0]["people"] if pdf_text("没有洽谈") in await paper(firms[0], mine, person=one["id"])
    ]
    assert idle in sides[0]["people"]
    assert (await firms[0].get(f"{EVENTS}/{event.id}/table-plan.pdf")).status_code == 403
    assert (await firms[2].get(mine)).status_code == 404


async def test_what_has_no_tables_and_no_people_is_printed_as_that(organizer, session):
    event = await an_event(session, organizer.organisation, with_agenda=False, state=EventState.PUBLISHED)
    for name, said in (("table-plan", "没有洽谈桌"), ("door-list", "共 0 人"), ("schedules", "没有洽谈")):
        assert pdf_text(said) in await paper(organizer, f"{EVENTS}/{event.id}/{name}.pdf")


async def letters(session) -> list[Letter]:
    return list((await session.scalars(select(Letter).order_by(Letter.id))).all())


async def test_what_is_published_is_in_calendars_lists_and_letters_and_follows_each_change(
    organizer, firms, event, session, place
):
    need = {"accessibility": "轮椅，请排靠门的桌"}
    sides = [
        await registered(firm, event, come=2 if firm is firms[0] else 1, **(need if firm is firms[2] else {}))
        for firm in firms
    ]
    await agree(firms[0], sides[0], firms[1], sides[1])
    await agree(firms[1], sides[1], firms[2], sides[2])
    await enters(session, event, EventState.CLOSED)
    publication = await published(organizer, await computed(organizer, event, place))
    mine = f"{REGISTRATIONS}/{sides[0]['id']}/meetings.ics"
    (one,) = await entries(firms[0], mine)
    assert (one["SEQUENCE"], one["STATUS"]) == ("0", "CONFIRMED")
    assert one["SUMMARY"] == f"{event.title}：{firms[1].organisation.name}"
    assert one["LOCATION"].startswith("会展中心 洽谈厅 ")
    people = [person["id"] for person in sides[0]["people"]]
    assert sorted([len(await entries(firms[0], mine, person=who)) for who in people]) == [0, 1]
    assert (await firms[2].get(mine)).status_code == 404
    whole = await entries(organizer, f"{EVENTS}/{event.id}/meetings.ics")
    assert len(whole) == 2
    assert (await firms[0].get(f"{EVENTS}/{event.id}/meetings.ics")).status_code == 403

    plan = (await organizer.get(f"{EVENTS}/{event.id}/table-plan")).json()
    assert [day["table"] for day in plan["tables"]] == ["1 号桌", "2 号桌"]
    assert sum(len(day["meetings"]) for day in plan["tables"]) == 2
    doors = (await organizer.get(f"{EVENTS}/{event.id}/door-list")).json()
    assert sorted(len(row["meetings"]) for row in doors["people"]) == [0, 1, 1, 2]
    book = await organizer.get(f"{EVENTS}/{event.id}/table-plan.xlsx")
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(book.content))
    rows = [sheets.get_sheet_by_name(name).to_python() for name in sheets.sheet_names]
    assert [len(each) for each in rows] == [2 + 2, 2 + 4]
    assert firms[2].organisation.name in {cell for row in rows[0] for cell in row}
    # Who sets up the tables reads what is needed there; it is on no paper that others see.
    assert plan["needs"] == [{"registration_id": sides[2]["id"], "name": firms[2].organisation.name} | need]
    assert [row[-1] for row in rows[0][2:]].count(f"{firms[2].organisation.name}：{need['accessibility']}") == 1
    assert pdf_text(need["accessibility"]) not in await paper(organizer, f"{EVENTS}/{event.id}/table-plan.pdf")

    await printed(organizer, event, firms, sides)
    feed = (await firms[0].post("/api/v1/calendars", {"kind": "person"})).json()["url"].partition(":8000")[2]
    assert await entries(firms[0], feed) == [one], "the secret calendar has the same entry"
    nobody = (await organizer.post("/api/v1/calendars", {"kind": "person"})).json()["url"].partition(":8000")[2]
    assert await entries(organizer, nobody) == []

    before = len(await letters(session))
    for _ in range(2):
        await jobs.tell_schedule(place, {"publication_id": publication["id"]})
    told = (await letters(session))[before:]
    assert len(told) == 3, "each of those who meet, once"
    told = {letter.to: letter for letter in told}
    assert told[firms[1].email].text.count("洽谈厅") == 2

    meeting = (await firms[0].get(MEETINGS)).json()["items"][0]
    gone = await firms[0].post(
        f"{MEETINGS}/{meeting['id']}/cancellation", {"note": "出差"}, headers={"If-Match": '"1"'}
    )
    assert gone.status_code == 200
    before = len(await letters(session))
    for _ in range(2):
        await jobs.tell_meeting(place, {"meeting_id": meeting["id"]})
    told = (await letters(session))[before:]
    assert len(told) == 2
    assert all("METHOD:CANCEL" in letter.calendar and one["UID"] in letter.calendar for letter in told)
    (after,) = await entries(firms[0], mine)
    assert (after["UID"], after["SEQUENCE"], after["STATUS"]) == (one["UID"], "1", "CANCELLED")
    assert after["DTSTART"] == one["DTSTART"]
    assert await entries(firms[0], feed) == [after]
