"""Those who come are reminded before, after, and half a year later; each letter once, nothing of what was cancelled."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from marketplace.docking import jobs
from marketplace.docking.meeting_models import Meeting
from marketplace.docking.outcome_models import Outcome
from marketplace.identity.models import Person
from marketplace.kernel import clock
from marketplace.kernel.jobs import Place
from marketplace.kernel.mail import Letter
from schemas.events import EventState
from schemas.identity import OrganisationKind, Role
from schemas.outcomes import OutcomeStage, Result
from tests.given.docking import EVENTS, MEETINGS, REGISTRATIONS, agree, an_event, computed, published, registered
from tests.given.labs import day
from tests.marketplace.docking.conftest import enters


@pytest.fixture
def at(monkeypatch):
    """The clock, to be set."""
    return lambda moment: monkeypatch.setattr(clock, "now", lambda: moment)


@pytest.fixture
def reminded(session, place):
    """What the clock's job posts when it is run twice, by whom it is for."""

    async def run() -> dict[str, Letter]:
        before = await session.scalar(select(func.count()).select_from(Letter)) or 0
        for _ in range(2):
            await jobs.remind(place, {})
        letters = (await session.scalars(select(Letter).order_by(Letter.at, Letter.id).offset(before))).all()
        found = {letter.to: letter for letter in letters}
        assert len(found) == len(letters), "one letter each"
        return found

    return run


@pytest.mark.usefixtures("solved_here")
async def test_from_the_day_before_to_half_a_year_later_each_is_reminded_once(
    organizer, given, session, place, at, reminded
):
    firms = [await given.enterprise() for _ in range(4)]
    online = {"format": "hybrid", "online_url": "https://meet.example/room"}
    event = await an_event(session, organizer.organisation, slots=4, title_en="Matchmaking day", **online)
    await session.execute(update(Person).where(Person.id == firms[1].id).values(locale="en"))
    sides = [await registered(firm, event) for firm in firms[:3]]
    await agree(firms[0], sides[0], firms[1], sides[1])
    await agree(firms[1], sides[1], firms[2], sides[2])
    await enters(session, event, EventState.CLOSED)
    await published(organizer, await computed(organizer, event, place))
    meeting = (await firms[0].get(MEETINGS)).json()["items"][0]
    gone = (await firms[2].get(MEETINGS)).json()["items"][0]
    assert (
        await firms[2].post(f"{MEETINGS}/{gone['id']}/cancellation", {"note": "出差"}, headers={"If-Match": '"1"'})
    ).status_code == 200

    at(event.starts_at - timedelta(hours=25))
    assert await reminded() == {}, "too early"
    at(event.starts_at - timedelta(hours=23))
    told = await reminded()
    assert set(told) == {firm.email for firm in firms[:3]}, "those who come, and nobody else"
    assert firms[1].organisation.name in told[firms[0].email].text
    assert told[firms[0].email].subject.startswith(f"{event.title}：活动提醒")
    assert "Reminder" in told[firms[1].email].subject
    assert told[firms[1].email].subject.startswith("Matchmaking day: Reminder")
    assert "No meetings" not in told[firms[1].email].text
    assert "Online: https://meet.example/room" in told[firms[1].email].text
    assert firms[2].organisation.name not in told[firms[1].email].text, "it was called off"
    assert "没有安排洽谈" in told[firms[2].email].text

    await enters(session, event, EventState.ENDED)
    at(event.ends_at + timedelta(minutes=5))
    url = f"{REGISTRATIONS}/{sides[0]['id']}/meetings/{meeting['id']}/outcomes/right_after"
    said = await firms[0].put(url, {"result": "valuable_contact"}, headers={"If-Match": '"0"'})
    assert said.status_code == 200, said.text
    told = await reminded()
    assert set(told) == {firms[1].email}, "who met and has not said yet"
    assert firms[0].organisation.name in told[firms[1].email].text
    at(event.ends_at + timedelta(days=20))
    assert await reminded() == {}

    at(event.ends_at + timedelta(days=183))
    said = {"stage": OutcomeStage.LATER, "result": Result.VALUABLE_CONTACT, "by": firms[1].id}
    session.add(
        Outcome(event_id=event.id, meeting_id=UUID(meeting["id"]), registration_id=UUID(sides[1]["id"]), **said)
    )
    await session.commit()
    told = await reminded()
    assert set(told) == {firms[0].email}
    assert "半年" in told[firms[0].email].subject
    # It leads to where the question is answered.
    assert told[firms[0].email].text.endswith(f"/registrations/{sides[0]['id']}/meetings")
    at(event.ends_at + timedelta(days=400))
    assert await reminded() == {}


async def test_the_desk_says_which_reminders_go_out_and_days_that_follow_have_their_own(
    organizer, given, session, place, at, reminded
):
    firms = [await given.enterprise() for _ in range(2)]
    event = await an_event(session, organizer.organisation, starts_at=day(7, 9), slots=4)
    url = f"{EVENTS}/{event.id}/reminder-terms"
    assert (await organizer.get(url)).json() == {"before_hours": 24, "rate_after": True, "half_year_after": True}
    wish = {"before_hours": 2, "rate_after": False, "half_year_after": False}
    assert (await firms[0].put(url, wish, headers={"If-Match": '"0"'})).status_code == 403
    assert (await organizer.put(url, wish, headers={"If-Match": '"0"'})).status_code == 200
    assert (await organizer.put(url, wish, headers={"If-Match": '"0"'})).status_code == 412
    wrong = await organizer.put(url, wish | {"before_hours": 0}, headers={"If-Match": '"1"'})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/before_hours")
    sides = [await registered(firm, event) for firm in firms]
    other = await an_event(session, organizer.organisation, starts_at=day(20, 9))
    await registered(firms[0], other)
    await enters(session, event, EventState.CLOSED)
    slot = (await organizer.get(f"{EVENTS}/{event.id}/agenda")).json()["sessions"][1]["slots"][0]
    made = await organizer.post(
        f"{EVENTS}/{event.id}/meetings",
        {"first_id": sides[0]["id"], "second_id": sides[1]["id"], "slot_id": slot["id"], "table_id": None},
    )
    assert made.status_code == 201, made.text
    # The meeting is on the second day of an event of two.
    next_day = {"starts_at": Meeting.starts_at + timedelta(days=1), "ends_at": Meeting.ends_at + timedelta(days=1)}
    await session.execute(update(Meeting).values(**next_day), execution_options={"synchronize_session": False})
    event.ends_at += timedelta(days=1)
    await session.commit()

    at(event.starts_at - timedelta(hours=3))
    assert await reminded() == {}
    at(event.starts_at - timedelta(hours=1))
    first = await reminded()
    assert set(first) == {firm.email for firm in firms}
    assert all("没有安排洽谈" in letter.text for letter in first.values())
    at(event.starts_at + timedelta(days=1))
    second = await reminded()
    assert set(second) == {firm.email for firm in firms}
    assert firms[1].organisation.name in second[firms[0].email].text
    await session.execute(update(Meeting).values(state="held"))
    await enters(session, event, EventState.ENDED)
    for later in (timedelta(hours=1), timedelta(days=183)):
        at(event.ends_at + later)
        assert await reminded() == {}, "the desk does not want it"

    at(other.starts_at - timedelta(hours=1))
    because = {"state": EventState.CANCELLED, "cancelled_because": "停电"}
    await session.execute(update(type(other)).where(type(other).id == other.id).values(**because))
    await session.commit()
    assert await reminded() == {}, "nobody is reminded of what was cancelled"


async def test_several_workers_at_once_write_to_each_of_them_once(real, settings):
    organizer = await real.given.person(
        Role.ORGANIZER, await real.given.organisation(kinds=(OrganisationKind.ORGANIZER,))
    )
    event = await an_event(real.given.session, organizer.organisation, starts_at=clock.now() + timedelta(hours=5))
    people = [await real.given.enterprise() for _ in range(6)]
    for who in people:
        await registered(who, event, come=3)
    place = Place(real.database, settings)
    await asyncio.gather(*(jobs.remind(place, {}) for _ in range(4)))
    async with real.database.reading() as session:
        rows = await session.execute(
            select(Letter.to, func.count()).where(Letter.subject.contains("活动提醒")).group_by(Letter.to)
        )
    told = {row[0]: row[1] for row in rows if any(row[0].endswith(who.email) for who in people)}
    assert len(told) == 18
    assert set(told.values()) == {1}
