"""From wishes to a published timetable: drafts, their proof, comparison, publication, undoing, planning anew."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from marketplace.docking import planning
from marketplace.docking.meeting_models import HOLDING, Meeting
from marketplace.docking.models import Event
from marketplace.docking.wish_models import Wish
from marketplace.kernel import clock
from marketplace.kernel.jobs import Place
from marketplace.kernel.operations import Operation
from schemas.events import POSSIBLE, EventAct, EventState
from schemas.identity import Role
from schemas.operations import OperationState
from tests.given.docking import (
    EVENTS,
    MEETINGS,
    REGISTRATIONS,
    SCHEDULES,
    agree,
    an_event,
    asked,
    computed,
    published,
    registered,
)
from tests.marketplace.docking.conftest import consistent, enters


@pytest.fixture
async def firms(given):
    return [await given.enterprise() for _ in range(4)]


async def wish_of(who, mine) -> dict:
    """The one wish on a list."""
    found = await who.get(f"{REGISTRATIONS}/{mine['id']}/wishes", headers={"Accept-Language": "en"})
    (one,) = found.json()["items"]
    return one


async def wish_on(who, mine, other) -> dict:
    """The wish on a list that is about the other."""
    found = (await who.get(f"{REGISTRATIONS}/{mine['id']}/wishes")).json()["items"]
    return next(one for one in found if one["other"]["registration_id"] == other["id"])


async def standing(session, event) -> set[tuple]:
    rows = await session.scalars(
        select(Meeting).where(Meeting.event_id == event.id, Meeting.state.in_(HOLDING)),
        execution_options={"populate_existing": True},
    )
    return {(one.first_id, one.second_id, one.slot_id, one.table_id) for one in rows.all()}


async def walked(who, url) -> list[dict]:
    seen, cursor = [], None
    while True:
        page = (await who.get(url, params={"limit": "1"} | ({"cursor": cursor} if cursor else {}))).json()
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return seen


async def test_wishes_become_a_timetable_that_is_proven_and_published(organizer, firms, session, place):
    event = await an_event(session, organizer.organisation)
    one, two, three, four = [await registered(firm, event) for firm in firms]
    await agree(firms[0], one, firms[1], two)
    await agree(firms[0], one, firms[2], three)
    await agree(firms[1], two, firms[2], three)
    await asked(firms[3], four, one, "must")
    too_early = await organizer.post(f"{EVENTS}/{event.id}/schedules", {})
    assert too_early.json()["type"] == "/problems/not-in-this-state"
    assert "open for registration" in too_early.json()["detail"]
    assert "“registration closed”, “scheduled”, “running”" in too_early.json()["detail"], "it says when it is possible"
    await enters(session, event, EventState.CLOSED)
    started = await organizer.post(f"{EVENTS}/{event.id}/schedules", {"name": "初稿", "seconds": 20})
    assert started.status_code == 202
    waiting = started.json()
    assert (waiting["state"], waiting["optimal"], waiting["published"]) == ("waiting", None, False)
    url = started.headers["Location"]
    assert (await organizer.get(f"{url}/meetings")).json()["type"] == "/problems/not-planned"
    assert (await organizer.post(f"{EVENTS}/{event.id}/schedules", {})).json()["type"] == "/problems/still-planning"
    args = {"operation_id": waiting["operation_id"], "schedule_id": waiting["id"]}
    await planning.run(place, args)
    await planning.run(place, args)
    draft = (await organizer.get(url)).json()
    assert (draft["state"], draft["progress"], draft["optimal"]) == ("done", 1.0, True)
    assert {level["objective"]: level["status"] for level in draft["levels"]}["value"] == "optimal"
    assert (draft["numbers"]["placed"], draft["numbers"]["wishes"], draft["numbers"]["meetings"]) == (3, 4, 3)
    planned = (await organizer.get(f"{url}/meetings")).json()["items"]
    begins = [one["place"]["starts_at"] for one in planned]
    assert begins == sorted(begins)
    assert len(set(begins)) > 1
    assert await walked(organizer, f"{url}/meetings") == planned, "the same in pages of one"
    assert len(planned) == 3
    assert {one["place"]["room"] for one in planned} == {"洽谈厅"}
    left = (await organizer.get(f"{url}/unplaced")).json()["items"]
    assert [(one["why"], one["instead"]) for one in left] == [("not_agreed", [])]
    assert (await firms[0].get(url)).status_code == 404
    assert await standing(session, event) == set(), "nothing holds before it is published"

    made = await published(organizer, draft, "final")
    assert (made["planned"], made["added"], made["moved"], made["dropped"]) == (3, 3, 0, 0)
    assert (await organizer.get(f"{EVENTS}/{event.id}")).json()["state"] == "scheduled"
    assert (await organizer.get(url)).json()["published"] is True
    assert len(await standing(session, event)) == 3
    await consistent(session)
    again = await published(organizer, draft, "preliminary", expect=409)
    assert again["type"] == "/problems/draft-outdated", "what holds is other than when it was computed"


@pytest.mark.usefixtures("solved_here")
async def test_a_wish_for_which_no_table_is_left_says_so(organizer, firms, session, place):
    event = await an_event(session, organizer.organisation, with_agenda=True, tables=1, slots=1, meetings_promised=0)
    sides = [await registered(firm, event) for firm in firms]
    await agree(firms[0], sides[0], firms[1], sides[1], "must", "must")
    await agree(firms[2], sides[2], firms[3], sides[3])
    await enters(session, event, EventState.CLOSED)
    draft = await computed(organizer, event, place)
    assert draft["numbers"]["placed"] == 1
    (left,) = (await organizer.get(f"{SCHEDULES}/{draft['id']}/unplaced")).json()["items"]
    assert left["why"] == "no_table_left"
    assert [(await wish_of(firms[n], sides[n]))["not_placed"] for n in (0, 2)] == [None, None], "it is a draft"
    await published(organizer, draft)
    assert [(await wish_of(firms[n], sides[n]))["not_placed"] for n in (0, 1)] == [None, None], "they meet"
    for n in (2, 3):
        told = (await wish_of(firms[n], sides[n]))["not_placed"]
        assert told["why"] == "no_table_left"
        assert "every table is taken" in told["told"]


@pytest.mark.usefixtures("solved_here")
async def test_a_promise_is_served_by_who_was_asked_then_by_what_fits_and_never_by_who_refused(
    organizer, firms, session, place, given
):
    event = await an_event(session, organizer.organisation, meetings_promised=1)
    one, two, three, four = [await registered(firm, event) for firm in firms]
    await asked(firms[0], one, two, "meet")
    await asked(firms[2], three, four, "must")
    refused = await firms[3].put(
        f"{REGISTRATIONS}/{four['id']}/wishes/{three['id']}", {"answer": "no_thanks"}, headers={"If-Match": '"2"'}
    )
    assert refused.status_code == 200
    await enters(session, event, EventState.CLOSED)
    problem, achievement = await given.problem(firms[0]), await given.achievement(await given.university())
    told = {name: {"id": one["id"], "kind": name, "title": one["title"]} for name, one in
            (("problem", problem), ("achievement", achievement))}  # fmt: skip
    because = [told | {"score": 0.6, "text": 0.5, "terms": [], "sentence": None}]
    for mine, other, fits in ((one, three, True), (two, four, False)):
        first, second = sorted(UUID(each["id"]) for each in (mine, other))
        session.add(
            Wish(event_id=event.id, first_id=first, second_id=second, score=0.6, fits=fits, because=because,
                 proposed_at=clock.now(), created_at=clock.now())
        )  # fmt: skip
    await session.flush()
    plain = await computed(organizer, event, place, fill=False)
    assert (plain["numbers"]["meetings"], plain["numbers"]["one_sided"], plain["fill"]) == (1, 1, False)
    draft = await computed(organizer, event, place)
    assert (draft["numbers"]["floor_reached"], draft["numbers"]["recommended"]) == (3, 1), "nothing that hardly fits"
    planned = (await organizer.get(f"{SCHEDULES}/{draft['id']}/meetings")).json()["items"]
    met = {each["ground"]: each for each in planned}
    assert {name: {each[side]["registration_id"] for side in ("first", "second")} for name, each in met.items()} == {
        "asked": {one["id"], two["id"]},
        "recommended": {one["id"], three["id"]},
    }
    assert [len(met[name]["because"]) for name in ("asked", "recommended")] == [0, 1]
    both = (await organizer.get(f"{SCHEDULES}/{plain['id']}/comparison/{draft['id']}")).json()
    assert (both["one_sided"], both["recommended"]) == ([1, 1], [0, 1])
    # A meeting that keeps a promise is worth nothing to the plan, and something to the two who have it.
    gain = {each["participant"]["registration_id"]: each["meetings"] for each in both["gain"]}
    assert gain.keys() == {one["id"], three["id"]}
    assert all(has == had + 1 for had, has in gain.values())
    assert both["lose"] == []
    left = (await organizer.get(f"{SCHEDULES}/{draft['id']}/unplaced")).json()["items"]
    assert [each["why"] for each in left] == ["not_agreed"]
    assert "no_thanks" not in str(left)
    await published(organizer, draft)
    (meeting,) = (await firms[2].get(f"{MEETINGS}?registration={three['id']}")).json()["items"]
    assert (meeting["ground"], meeting["because"][0]["problem"]["title"]) == ("recommended", problem["title"])
    page = await firms[2].get(f"/registrations/{three['id']}/meetings")
    assert "proposed by the system" in page.text
    told = await wish_on(firms[2], three, four)
    assert told["not_placed"]["why"] == "not_agreed", "the same as if they had said nothing"
    assert "no_thanks" not in str(told)
    assert (await wish_on(firms[3], four, three))["not_placed"] is None, "whoever refused asked for nothing"


@pytest.mark.usefixtures("solved_here")
async def test_planning_anew_keeps_what_was_published_or_moves_it_and_each_step_is_undone(
    organizer, firms, session, place, given
):
    event = await an_event(session, organizer.organisation)
    sides = [await registered(firm, event) for firm in firms]
    await agree(firms[0], sides[0], firms[1], sides[1])
    await enters(session, event, EventState.CLOSED)
    first = await computed(organizer, event, place)
    early = await published(organizer, first, "preliminary")
    before = await standing(session, event)
    ids = set((await session.scalars(select(Meeting.id).where(Meeting.event_id == event.id))).all())
    await agree(firms[0], sides[0], firms[2], sides[2], "must", "must")
    await agree(firms[1], sides[1], firms[3], sides[3])
    kept = await computed(organizer, event, place, planning="fixed")
    anew = await computed(organizer, event, place, planning="anew", seed=3)
    assert kept["numbers"]["placed"] == anew["numbers"]["placed"] == 3
    compared = (await organizer.get(f"{SCHEDULES}/{first['id']}/comparison/{kept['id']}")).json()
    assert (compared["added"], compared["dropped"], compared["moved"], compared["lose"]) == (2, 0, 0, [])
    assert len(compared["gain"]) == 4
    late = await published(organizer, kept, "final")
    assert before < await standing(session, event)
    assert (late["added"], late["moved"], late["dropped"]) == (2, 0, 0)
    await consistent(session)
    assert (await published(organizer, anew, "final", expect=409))["type"] == "/problems/draft-outdated"
    undo = f"{EVENTS}/{event.id}/publications"
    assert (await organizer.post(f"{undo}/{early['id']}/undoing")).json()["type"] == "/problems/not-the-latest"
    assert (await organizer.post(f"{undo}/{late['id']}/undoing")).status_code == 200
    assert await standing(session, event) == before
    await consistent(session)
    # As it was, so the draft that was computed from it fits again; whoever meets as before is in the same meeting.
    assert (await published(organizer, anew, "final"))["planned"] == 3
    assert ids < set((await session.scalars(select(Meeting.id).where(Meeting.event_id == event.id))).all())
    assert await session.scalar(select(func.count()).select_from(Meeting)) == 3
    await consistent(session)


@pytest.mark.usefixtures("solved_here")
async def test_who_comes_late_fills_what_is_empty_only_if_so_chosen(organizer, firms, session, place, given):
    event = await an_event(session, organizer.organisation)
    sides = [await registered(firm, event) for firm in firms[:2]]
    await agree(firms[0], sides[0], firms[1], sides[1])
    await enters(session, event, EventState.CLOSED)
    await published(organizer, await computed(organizer, event, place), "preliminary")
    await enters(session, event, EventState.OPEN)
    late = await registered(firms[2], event)
    await agree(firms[2], late, firms[0], sides[0], "must", "must")
    await enters(session, event, EventState.CLOSED)
    for chosen, expected in (("leave_out", 1), ("fill", 2), ("like_others", 2)):
        draft = await computed(organizer, event, place, late=chosen)
        assert draft["numbers"]["meetings"] == expected, chosen


async def test_an_agenda_that_cannot_be_says_what_to_change(organizer, firms, session, place):
    event = await an_event(session, organizer.organisation, with_agenda=False)
    await registered(firms[0], event)
    await enters(session, event, EventState.CLOSED)
    draft = await computed(organizer, event, place)
    assert draft["state"] == "failed"
    assert "Add at least one slot" in draft["error"]
    refused = await organizer.post(f"{SCHEDULES}/{draft['id']}/publications", {"kind": "final"})
    assert refused.json()["type"] == "/problems/not-planned"


async def test_a_draft_is_cancelled_while_it_is_computed(real, settings):
    given = real.given
    organizer = await given.university()
    people = [await given.enterprise() for _ in range(6)]
    admin = await given.person(Role.ORGANIZER, organizer.organisation)
    event = await an_event(given.session, organizer.organisation)
    sides = [await registered(who, event) for who in people]
    for n in range(1, 6):
        await agree(people[0], sides[0], people[n], sides[n])
    await enters(given.session, event, EventState.CLOSED)
    started = (await admin.post(f"{EVENTS}/{event.id}/schedules", {"seconds": 30})).json()
    work = asyncio.create_task(
        planning.run(
            Place(real.database, settings), {"operation_id": started["operation_id"], "schedule_id": started["id"]}
        )
    )
    url = f"/api/v1/operations/{started['operation_id']}"
    assert (await admin.post(f"{url}/cancellation")).status_code == 200
    await work
    assert (await admin.get(url)).json()["state"] == "cancelled"
    assert (await admin.get(f"{SCHEDULES}/{started['id']}/meetings")).json()["type"] == "/problems/not-planned"
    assert (await admin.post(f"{EVENTS}/{event.id}/schedules", {})).status_code == 202, "another may begin"


async def test_one_plans_only_while_the_event_says_so(organizer, session):
    event = await an_event(session, organizer.organisation)
    for state in EventState:
        values = {"state": state, "cancelled_because": "停电" if state is EventState.CANCELLED else None}
        await session.execute(update(Event).where(Event.id == event.id).values(**values))
        await session.execute(update(Operation).values(state=OperationState.CANCELLED))
        await session.commit()
        made = await organizer.post(f"{EVENTS}/{event.id}/schedules", {})
        assert made.status_code == (202 if state in POSSIBLE[EventAct.SCHEDULE] else 409)
