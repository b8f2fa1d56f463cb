"""Meetings that were published: seen, moved, swapped, called off, made on the spot, and what became of them."""

import asyncio
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import delete, select

from marketplace.docking import events
from marketplace.docking.meeting_models import Meeting
from marketplace.docking.models import EventSlot, EventTable, TableClosure
from marketplace.docking.registration_models import Absence, Attendee
from marketplace.kernel import clock
from marketplace.kernel.jobs import Place
from marketplace.reservations import claims
from schemas.events import EventState
from schemas.identity import OrganisationKind, Role
from tests.given.docking import EVENTS, MEETINGS, REGISTRATIONS, agree, an_event, computed, published, registered
from tests.marketplace.docking.conftest import TWICE, consistent, enters

pytestmark = pytest.mark.usefixtures("solved_here")


@pytest.fixture
async def firms(given):
    return [await given.enterprise() for _ in range(4)]


@pytest.fixture
async def event(organizer, session):
    return await an_event(session, organizer.organisation, slots=4, tables=3)


async def slots_of(session, event) -> list:
    return (
        await session.scalars(select(EventSlot).where(EventSlot.event_id == event.id).order_by(EventSlot.starts_at))
    ).all()


async def tables(session, event) -> list:
    return (
        await session.scalars(
            select(EventTable.id).where(EventTable.event_id == event.id).order_by(EventTable.position)
        )
    ).all()


async def two_meetings(organizer, firms, event, session, place) -> tuple[list, list]:
    """The first meets the second, the third the fourth; both published."""
    sides = [await registered(firm, event) for firm in firms]
    await agree(firms[0], sides[0], firms[1], sides[1])
    await agree(firms[2], sides[2], firms[3], sides[3])
    await enters(session, event, EventState.CLOSED)
    await published(organizer, await computed(organizer, event, place))
    found = (await organizer.get(MEETINGS, params={"event": str(event.id)})).json()["items"]
    found.sort(
        key=lambda one: sides[0]["id"] not in {one["first"]["registration_id"], one["second"]["registration_id"]}
    )
    return sides, found


async def changed(who, meeting, wish, version=None):
    return await who.patch(f"{MEETINGS}/{meeting['id']}", wish, version=version or meeting["version"])


async def test_a_meeting_is_seen_by_its_sides_and_moved_by_the_desk(organizer, firms, event, session, place):
    _, (one, other) = await two_meetings(organizer, firms, event, session, place)
    mine = (await firms[0].get(MEETINGS)).json()["items"]
    assert [each["id"] for each in mine] == [one["id"]]
    assert {mine[0]["first_person"], mine[0]["second_person"]} == {"某人"}
    assert (await firms[0].get(f"{MEETINGS}/{other['id']}")).status_code == 404
    assert (await changed(firms[0], one, {"table_id": one["place"]["table_id"]})).status_code == 403

    spots, there = await tables(session, event), await slots_of(session, event)
    last = str(there[-1].id)
    # Two slots in which nobody has a meeting, before or after.
    shut, away = [
        slot.id for slot in there[:-1] if slot.starts_at.isoformat()[:19] != other["place"]["starts_at"][:19]
    ][:2]
    moved = await changed(organizer, one, {"slot_id": last, "table_id": str(spots[2])})
    assert (moved.status_code, moved.json()["version"]) == (200, 2)
    assert moved.json()["place"]["table_id"] == str(spots[2])
    assert (await changed(organizer, one, {"slot_id": last})).status_code == 412
    taken = await changed(organizer, other, {"slot_id": last, "table_id": str(spots[2])})
    assert taken.json()["type"] == "/problems/taken"
    session.add(TableClosure(event_id=event.id, table_id=spots[0], slot_id=shut))
    person = await session.scalar(select(Attendee.id).where(Attendee.email == firms[0].email))
    session.add(Absence(event_id=event.id, attendee_id=person, slot_id=away))
    await session.commit()
    for wish, code in (
        ({"slot_id": str(shut), "table_id": str(spots[0])}, "closed"),
        ({"slot_id": str(away)}, "absent"),
        ({"slot_id": one["id"]}, "no_slot_fits"),
        ({"table_id": one["id"]}, "unknown"),
    ):
        refused = await changed(organizer, one, wish, 2)
        assert [error["code"] for error in refused.json()["errors"]] == [code]
    assert (await changed(organizer, one, {}, 2)).status_code == 422
    await consistent(session)

    before = {each["id"]: each["place"] for each in (moved.json(), other)}
    swapped = await organizer.post(f"{MEETINGS}/{one['id']}/swap", {"other_id": other["id"]})
    assert swapped.status_code == 200, swapped.text
    after = {key: (await organizer.get(f"{MEETINGS}/{key}")).json()["place"] for key in before}
    assert after == {one["id"]: before[other["id"]], other["id"]: before[one["id"]]}
    alone = await organizer.post(f"{MEETINGS}/{one['id']}/swap", {"other_id": one["id"]})
    assert alone.json()["errors"][0]["pointer"] == "/other_id"
    await consistent(session)


async def test_what_is_called_off_is_not_planned_once_more(organizer, firms, event, session, place):
    sides, (one, other) = await two_meetings(organizer, firms, event, session, place)
    url = f"{MEETINGS}/{one['id']}/cancellation"
    assert (await firms[2].post(url, {}, headers={"If-Match": '"1"'})).status_code == 404
    assert (await firms[0].post(url, {})).status_code == 428
    called_off = await firms[0].post(url, {"note": "出差"}, headers={"If-Match": '"1"'})
    assert (called_off.json()["state"], called_off.json()["note"]) == ("cancelled", "出差")
    assert (await changed(organizer, one, {"slot_id": one["id"]}, 2)).json()["type"] == "/problems/meeting-over"
    draft = await computed(organizer, event, place, planning="anew")
    assert draft["numbers"]["meetings"] == 1
    # Whoever does not come leaves nobody waiting; nor does an event that is called off.
    gone = await firms[2].post(f"{REGISTRATIONS}/{sides[2]['id']}/cancellation", {"note": "改期"})
    assert gone.status_code == 200
    assert (await firms[3].get(f"{MEETINGS}/{other['id']}")).json()["state"] == "cancelled"
    await consistent(session)


async def test_nobody_waits_for_who_left_or_for_an_event_that_is_called_off(organizer, firms, event, session, place):
    sides, (one, _) = await two_meetings(organizer, firms, event, session, place)
    people = [{"name": "接替者", "email": "instead@test.example"}]
    edited = await firms[0].patch(f"{REGISTRATIONS}/{sides[0]['id']}", {"people": people}, version=1)
    assert edited.status_code == 200, edited.text
    assert (await firms[1].get(f"{MEETINGS}/{one['id']}")).json()["state"] == "cancelled"
    again = await computed(organizer, event, place)
    assert again["numbers"]["placed"] == 2, "they are to meet whoever comes instead"
    await published(organizer, again)
    there = (await organizer.get(f"{MEETINGS}/{one['id']}")).json()
    assert (there["state"], {there["first_person"], there["second_person"]}) == ("planned", {"某人", "接替者"})
    told = (await organizer.get(f"{EVENTS}/{event.id}")).headers["ETag"]
    stopped = await organizer.post(
        f"{EVENTS}/{event.id}/state", {"to": "cancelled", "reason": "停电"}, headers={"If-Match": told}
    )
    assert stopped.status_code == 200, stopped.text
    assert {each["state"] for each in (await organizer.get(MEETINGS)).json()["items"]} == {"cancelled"}
    await consistent(session)


async def test_on_the_day_people_come_or_do_not_and_others_meet_on_the_spot(
    organizer, firms, session, place, monkeypatch
):
    now = clock.now()
    event = await an_event(
        session, organizer.organisation, starts_at=now + timedelta(minutes=5), slots=2, tables=2,
    )  # fmt: skip
    later = (await slots_of(session, event))[1].id
    session.add_all(
        TableClosure(event_id=event.id, table_id=one, slot_id=later) for one in await tables(session, event)
    )
    await session.commit()
    sides, (one, other) = await two_meetings(organizer, firms, event, session, place)
    await session.execute(delete(TableClosure).where(TableClosure.event_id == event.id))
    await enters(session, event, EventState.RUNNING)
    confirm = f"{MEETINGS}/{one['id']}/confirmation"
    assert (await organizer.post(confirm)).json()["type"] == "/problems/not-begun"
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=75))
    assert (await organizer.post(confirm)).json()["state"] == "held"
    assert (await organizer.post(confirm)).json()["version"] == 2, "said twice it is the same"
    missed = f"{MEETINGS}/{other['id']}/no-show"
    stranger = await organizer.post(missed, {"absent": [sides[0]["id"]]})
    assert stranger.json()["errors"][0]["code"] == "not_a_side"
    assert (await organizer.post(missed, {"absent": [sides[3]["id"]]})).json()["absent"] == [sides[3]["id"]]
    await consistent(session)

    slot = (await slots_of(session, event))[0]
    walk_in = {"first_id": sides[2]["id"], "second_id": sides[0]["id"], "slot_id": str(slot.id)}
    url = f"{EVENTS}/{event.id}/meetings"
    busy = await organizer.post(url, walk_in)
    assert busy.json()["type"] == "/problems/nobody-free", "the first is at a table"
    made = await organizer.post(url, walk_in | {"slot_id": str((await slots_of(session, event))[1].id)})
    assert (made.status_code, made.json()["source"]) == (201, "walk_in")
    twice = await organizer.post(url, walk_in)
    assert twice.json()["type"] == "/problems/meet-already"
    for wish, field, code in (
        ({"second_id": sides[2]["id"]}, "/second_id", "oneself"),
        ({"first_id": one["id"]}, "/first_id", "not_a_participant"),
        ({"slot_id": one["id"]}, "/slot_id", "unknown"),
        ({"table_id": one["id"]}, "/table_id", "unknown"),
    ):
        refused = await organizer.post(url, walk_in | wish)
        assert (field, code) in [(each["pointer"], each["code"]) for each in refused.json()["errors"]]
    # Whoever was waited for came after all.
    late = await organizer.post(f"{MEETINGS}/{other['id']}/confirmation")
    assert (late.json()["state"], late.json()["absent"]) == ("held", [])
    await consistent(session)


async def test_nobody_is_at_two_events_at_once(organizer, firms, given, session, place):
    desk = await given.person(Role.ORGANIZER, await given.organisation(kinds=(OrganisationKind.ORGANIZER,)))
    for runs in (organizer, desk):
        event = await an_event(session, runs.organisation, slots=1, tables=2)
        sides = [await registered(firm, event) for firm in firms[:2]]
        await agree(firms[0], sides[0], firms[1], sides[1])
        await enters(session, event, EventState.CLOSED)
        draft = await computed(runs, event, place)
        assert draft["numbers"]["placed"] == (1 if runs is organizer else 0)
        await published(runs, draft)
    left = (await desk.get(f"/api/v1/schedules/{draft['id']}/unplaced")).json()["items"]
    assert [one["why"] for one in left] == ["no_common_slot"]
    slot = (await slots_of(session, event))[0]
    walk_in = {"first_id": sides[0]["id"], "second_id": sides[1]["id"], "slot_id": str(slot.id)}
    assert (await desk.post(f"{EVENTS}/{event.id}/meetings", walk_in)).json()["type"] == "/problems/nobody-free"
    await consistent(session)


# --- storms


@asynccontextmanager
async def naive(monkeypatch):
    """Who looks and then leaps: no lock on the event, nothing claimed."""

    async def nothing(*_, **__):
        return None

    with monkeypatch.context() as patched:
        patched.setattr(events, "alone", nothing)
        for name in ("claim_each", "move", "take_turns"):
            patched.setattr(claims, name, nothing)
        yield


async def a_hall(real, settings, *, slots=3, tables=3, people=8, wishes=True):
    given = real.given
    home = await given.organisation(kinds=(OrganisationKind.ORGANIZER,))
    desks = [await given.person(Role.ORGANIZER, home) for _ in range(3)]
    firms = [await given.enterprise() for _ in range(people)]
    event = await an_event(given.session, home, slots=slots, tables=tables)
    sides = [await registered(firm, event) for firm in firms]
    for n in range(people if wishes else 0):
        for m in range(n + 1, min(n + 3, people)):
            await agree(firms[n], sides[n], firms[m], sides[m])
    await enters(given.session, event, EventState.CLOSED)
    return SimpleNamespace(
        desks=desks, firms=firms, event=event, sides=sides, place=Place(real.database, settings),
        slots=[str(one.id) for one in await slots_of(given.session, event)],
    )  # fmt: skip


async def test_a_table_is_given_once_however_many_ask_for_it_at_once(real, settings, monkeypatch):
    for twin in (True, False):
        hall = await a_hall(real, settings, slots=1, tables=1, wishes=False)
        url = f"{EVENTS}/{hall.event.id}/meetings"
        async with naive(monkeypatch) if twin else nullcontext():
            found = await asyncio.gather(
                *(
                    hall.desks[n % 3].post(
                        url,
                        {
                            "first_id": hall.sides[n]["id"],
                            "second_id": hall.sides[n + 1]["id"],
                            "slot_id": hall.slots[0],
                        },
                    )
                    for n in range(0, 8, 2)
                )
            )
        assert {answer.status_code for answer in found} <= {201, 409}
        async with real.database.writing.begin() as session:
            if twin:
                assert await session.scalar(TWICE) > 0, "this storm would not find who looks and then leaps"
                await session.execute(Meeting.__table__.delete())
            else:
                assert [answer.status_code for answer in found].count(201) == 1
                await consistent(session)


async def test_planning_anew_moving_and_cancelling_at_once_seat_nobody_twice(real, settings):
    hall = await a_hall(real, settings)
    desk = hall.desks[0]
    await published(desk, await computed(desk, hall.event, hall.place, seconds=1), "preliminary")
    for round_ in range(2):
        standing = (await desk.get(MEETINGS, params={"event": str(hall.event.id), "limit": 100})).json()["items"]
        standing = [one for one in standing if one["state"] == "planned"]
        spots = [one["place"]["table_id"] for one in standing]
        draft = await computed(
            desk, hall.event, hall.place, planning=("anew", "fewest_moves")[round_], seed=round_, seconds=1
        )
        calls = [desk.post(f"/api/v1/schedules/{draft['id']}/publications", {"kind": "preliminary"}) for _ in range(2)]
        for n, one in enumerate(standing):
            url, who = f"{MEETINGS}/{one['id']}", hall.desks[n % 3]
            version = {"If-Match": f'"{one["version"]}"'}
            if (n + round_) % 3 == 0:
                wish = {"slot_id": hall.slots[n % 3], "table_id": spots[-n]}
                calls.append(who.patch(url, wish, version=one["version"]))
            elif (n + round_) % 3 == 1:
                calls.append(who.post(f"{url}/cancellation", {}, headers=version))
            else:
                calls.append(who.post(f"{url}/swap", {"other_id": standing[n - 1]["id"]}))
        calls.append(
            hall.firms[round_].post(f"{REGISTRATIONS}/{hall.sides[round_]['id']}/cancellation", {"note": "改期"})
        )
        found = await asyncio.gather(*calls)
        assert {answer.status_code for answer in found} <= {200, 201, 403, 409, 412, 422}
        made = {answer.json()["id"] for answer in found if answer.status_code == 201}
        assert len(made) <= 1, "a draft is published once, or is out of date"
        async with real.database.reading() as session:
            await consistent(session)
