"""Visits of instruments at an event: the desk names the place, the plan takes the instrument, nobody else can have it."""

from datetime import datetime, timedelta

import pytest

from marketplace.docking import planning
from marketplace.docking.meeting_models import Schedule
from schemas.events import EventState
from schemas.identity import Role
from tests.given.docking import agree, an_event, registered
from tests.given.labs import an_instrument, wish
from tests.marketplace.docking.conftest import enters
from tests.portal.reader import audit

pytestmark = pytest.mark.usefixtures("solved_here")
BOOKINGS = "/api/v1/bookings"
SLOTS = 4


@pytest.fixture
async def organizer(given):
    return await given.person(Role.ORGANIZER, await given.organisation())


@pytest.fixture
async def event(organizer, session):
    return await an_event(session, organizer.organisation, slots=SLOTS)


def half_hour(at: str) -> datetime:
    """The beginning of the half hour on the instrument's grid."""
    moment = datetime.fromisoformat(at)
    return moment.replace(minute=moment.minute // 30 * 30, second=0)


async def slots_of(who, event) -> list[dict]:
    told = (await who.get(f"/api/v1/events/{event.id}/agenda")).json()
    return [slot for part in told["sessions"] for slot in part["slots"]]


async def test_a_lab_is_visited_for_two_slots_and_nobody_books_it_meanwhile(
    organizer, event, given, visitor, session, place
):
    firm, university = await given.enterprise(), await given.university()
    lab = await an_instrument(session, university.organisation, name="高频疲劳试验机")
    desk, home = visitor(organizer), f"/events/{event.id}/desk"
    page = await desk.page(f"{home}/tables?q=疲劳")
    assert audit(page) == []
    sent = page.form(f"{home}/tables")
    first, second = sent["shown"]
    assert str(lab.id) in {node.attrs["value"] for node in page.all("option")}
    all_day = sent[f"{second}.there"]
    assert len(all_day) == SLOTS
    # One place is for visits, the other table is away in the first slot.
    onward = await desk.sent(
        f"{home}/tables", sent | {f"{first}.instrument": [str(lab.id)], f"{second}.there": all_day[1:]}
    )
    assert onward.endswith("said=saved")
    page = await desk.page(onward)
    assert "参观点" in page.text
    assert "1 场不开放" in page.text
    assert (page.form(f"{home}/tables")[f"{first}.instrument"], page.form(f"{home}/tables")[f"{second}.there"]) == (
        [str(lab.id)],
        all_day[1:],
    )
    # Writing the agenda again keeps what its form does not show.
    await desk.sent(f"{home}/agenda", (await desk.page(f"{home}/agenda")).form(f"{home}/agenda"))
    assert "1 场不开放" in (await desk.page(f"{home}/tables")).text
    await desk.again(f"{home}/tables", sent, 412)
    fresh = (await desk.page(f"{home}/tables")).form(f"{home}/tables")
    assert (
        "没有您可以看到的这台仪器"
        in (await desk.again(f"{home}/tables", fresh | {f"{first}.instrument": [str(event.id)]})).text
    )
    await desk.again(f"{home}/tables", fresh | {f"{first}.instrument": ["x"]})
    assert (await visitor(firm).get(f"{home}/tables")).status_code == 403

    mine, theirs = await registered(firm, event), await registered(university, event, kind="academic")
    await agree(firm, mine, university, theirs)
    pair = (await organizer.get(f"/api/v1/events/{event.id}/wishes")).json()["items"][0]
    await desk.sent(f"{home}/wishes/{pair['id']}/visit", {"table_id": first, "slots": "2"})
    slots = await slots_of(organizer, event)
    # Somebody has the instrument in the first half hour: the visit comes after it.
    begins = half_hour(slots[0]["starts_at"])
    taken = await university.post(BOOKINGS, wish(lab, university, begins, hours=0.5))
    assert taken.status_code == 201, taken.text
    await enters(session, event, EventState.CLOSED)
    timetable = f"{home}/timetable"
    at = (await desk.sent(timetable, (await desk.page(timetable)).form(timetable))).partition("?")[0]
    draft = await session.get_one(Schedule, at.rpartition("/")[2])
    await planning.run(place, {"operation_id": str(draft.operation_id), "schedule_id": str(draft.id)})
    await desk.sent(f"{at}/publication", {"kind": "preliminary"})
    (visit,) = (await firm.get("/api/v1/meetings", params={"event": str(event.id)})).json()["items"]
    since, until = (datetime.fromisoformat(visit["place"][name]) for name in ("starts_at", "ends_at"))
    assert visit["place"]["table_id"] == first
    assert since >= begins + timedelta(minutes=30)
    assert until - since > timedelta(minutes=20), "two slots and what is between them"

    # What the event holds is held in the lab's calendar too.
    meanwhile = await university.post(BOOKINGS, wish(lab, university, half_hour(since.isoformat()), hours=0.5))
    assert [one["code"] for one in meanwhile.json()["errors"]] == ["slot_taken"], meanwhile.text
    after = half_hour(until.isoformat()) + timedelta(minutes=30)
    assert (await university.post(BOOKINGS, wish(lab, university, after, hours=0.5))).status_code == 201


async def test_an_event_without_tables_says_where_to_write_them(organizer, session, visitor):
    event = await an_event(session, organizer.organisation, with_agenda=False, state=EventState.PUBLISHED)
    page = await visitor(organizer).page(f"/events/{event.id}/desk/tables")
    assert "还没有桌子" in page.text
    assert page.all("a", href=f"/events/{event.id}/desk/agenda")
    assert (await visitor(organizer).post(f"/events/{event.id}/desk/tables", {"version": "1"})).status_code == 404
