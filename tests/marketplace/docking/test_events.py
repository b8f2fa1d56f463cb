"""An event is written, shown, moved on and ends; what its state makes impossible is refused."""

from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from marketplace.docking import events, steps
from marketplace.docking.models import Event
from marketplace.kernel import clock
from schemas.events import NEXT, POSSIBLE, EventAct, EventState
from schemas.identity import Role, Verification
from tests.given.docking import (
    EVENTS,
    EVERY_FIELD_OF_AN_EVENT,
    PLAIN,
    an_agenda,
    an_event,
    between,
    registered,
    written,
)
from tests.given.labs import an_instrument, day
from tests.marketplace.docking.test_documents import PDF, brought


async def drafted(organizer, **fields) -> dict:
    wish = PLAIN | between(day(7, 9), 480) | fields | {"organisation_id": str(organizer.organisation.id)}
    made = await organizer.post(EVENTS, wish)
    assert made.status_code == 201, made.text
    return made.json()


async def stepped(who, event: dict, to: str, **more):
    read = (await who.get(f"{EVENTS}/{event['id']}")).json()
    return await who.post(
        f"{EVENTS}/{event['id']}/state", {"to": to} | more, headers={"If-Match": f'"{read["version"]}"'}
    )


async def titles(who, **asked) -> list[str]:
    found = await who.get(EVENTS, params=asked)
    assert found.status_code == 200, found.text
    return [item["title"] for item in found.json()["items"]]


def codes(answer) -> list[str]:
    return [error["code"] for error in answer.json()["errors"]]


async def test_an_event_is_written_published_found_and_comes_to_its_end(organizer, firm):
    made = await drafted(organizer)
    assert await titles(firm) == []
    assert (await firm.get(f"{EVENTS}/{made['id']}")).status_code == 404
    assert await titles(organizer, mine="true") == [PLAIN["title"]]
    for to in ("published", "open", "closed", "running", "ended", "followed_up"):
        answer = await stepped(organizer, made, to)
        assert (answer.status_code, answer.json().get("state")) == (200, to), answer.text
        assert (await stepped(organizer, made, to)).status_code == 200, "saying it again changes nothing"
        assert await titles(firm, q="产学研", region="220000") == [PLAIN["title"]]
    assert await titles(firm, state="open") == []
    assert (await firm.get(f"{EVENTS}/{made['id']}")).json()["run_by_you"] is False


async def test_every_field_comes_back_as_it_was_written(organizer):
    made = await drafted(organizer, **EVERY_FIELD_OF_AN_EVENT)
    read = (await organizer.get(f"{EVENTS}/{made['id']}")).json()
    for one in read["questions"]:
        del one["id"]
    for one in read["capacities"]:
        assert one.pop("taken") == 0
    assert {name: read[name] for name in EVERY_FIELD_OF_AN_EVENT} == EVERY_FIELD_OF_AN_EVENT
    patched = await organizer.patch(f"{EVENTS}/{made['id']}", {"place": None, "questions": []}, version=1)
    assert (patched.json()["place"], patched.json()["questions"], patched.json()["version"]) == (None, [], 2)
    assert (await organizer.patch(f"{EVENTS}/{made['id']}", {"place": "x"}, version=1)).status_code == 412


@pytest.mark.parametrize(
    ("wrong", "pointer", "code"),
    [
        ({"ends_at": written(day(7, 9))}, "/ends_at", "period_order"),
        ({"ends_at": written(day(60, 9))}, "/ends_at", "period_length"),
        ({"registration_closes_at": written(day(8, 9))}, "/registration_closes_at", "window_late"),
        ({"registration_opens_at": written(day(8, 9))}, "/registration_opens_at", "window_late"),
        (
            {"registration_opens_at": written(day(5)), "registration_closes_at": written(day(4))},
            "/registration_closes_at",
            "window_order",
        ),
        ({"time_zone": "UTC+8"}, "/time_zone", "unknown_time_zone"),
        ({"meetings_promised": 5, "meetings_most": 3}, "/meetings_promised", "promise_over_most"),
        ({"capacities": [{"kind": "expert"}, {"kind": "expert", "seats": 3}]}, "/capacities", "kind_twice"),
        ({"questions": [{"text": "?", "kind": "choice", "options": ["a"]}]}, "/questions/0/options", "options_missing"),
        ({"questions": [{"text": "?", "options": ["a", "b"]}]}, "/questions/0/options", "options_unused"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_cannot_be_is_refused_at_the_field_that_has_to_change(organizer, wrong, pointer, code):
    wish = PLAIN | between(day(7, 9), 480) | wrong | {"organisation_id": str(organizer.organisation.id)}
    refused = await organizer.post(EVENTS, wish)
    assert (refused.status_code, codes(refused)) == (422, [code])
    assert refused.json()["errors"][0]["pointer"] == pointer
    made = await drafted(organizer)
    patched = await organizer.patch(f"{EVENTS}/{made['id']}", wrong, version=1)
    assert (patched.status_code, codes(patched)) == (422, [code]), "the same when it is changed"
    if code == "promise_over_most":
        one_by_one = [await organizer.patch(f"{EVENTS}/{made['id']}", {name: wrong[name]}, version=n)
                      for n, name in enumerate(wrong, 1)]  # fmt: skip
        assert [answer.status_code for answer in one_by_one] == [200, 422]


@pytest.mark.parametrize("before", list(EventState))
async def test_a_step_is_possible_if_and_only_if_the_table_of_transitions_has_it(organizer, session, before):
    found = {}
    for to in EventState:
        event = await an_event(session, organizer.organisation, state=before)
        answer = await stepped(organizer, {"id": str(event.id)}, to.value, reason="场地停电。")
        assert answer.status_code in {200, 409}, answer.text
        found[to] = answer.status_code == 200
        if answer.status_code == 409:
            assert answer.json()["type"] == "/problems/not-in-this-state"
    assert {to for to, possible in found.items() if possible} == NEXT[before] | {before}


def test_the_way_leads_forward_and_nothing_is_possible_at_its_end():
    reachable, seen = {EventState.DRAFT}, set()
    while reachable:
        state = reachable.pop()
        seen.add(state)
        reachable |= NEXT[state] - seen
    assert seen == set(EventState)
    assert set(POSSIBLE) == set(EventAct)
    over = {EventState.ENDED, EventState.FOLLOWED_UP, EventState.CANCELLED}
    late = {EventAct.ANNOUNCE, EventAct.FOLLOW_UP}
    assert not [act for act, state in product(set(EventAct) - late, over) if state in POSSIBLE[act]]


async def test_what_the_state_makes_impossible_is_refused(organizer, session):
    wishes = {
        EventAct.EDIT: {"title": "另一个名字"},
        EventAct.EDIT_QUESTIONS: {"questions": [{"text": "从哪里得知？"}]},
    }
    for (act, patch), state in product(wishes.items(), EventState):
        event = await an_event(session, organizer.organisation, state=state, with_agenda=False)
        answer = await organizer.patch(f"{EVENTS}/{event.id}", patch, version=1)
        possible = state in POSSIBLE[act] & POSSIBLE[EventAct.EDIT]
        assert answer.status_code == (200 if possible else 409), (act, state)
    for state in EventState:
        event = await an_event(session, organizer.organisation, state=state)
        body = an_agenda(event.starts_at, tables=3)
        answer = await organizer.put(f"{EVENTS}/{event.id}/agenda", body, headers={"If-Match": '"1"'})
        assert answer.status_code == (200 if state in POSSIBLE[EventAct.EDIT_AGENDA] else 409), state


async def test_publishing_asks_for_what_readers_need_and_a_verified_host(organizer, given, session):
    made = await drafted(organizer, format="hybrid", place=None, region=None, summary=None)
    lacking = await stepped(organizer, made, "published")
    pointers = [error["pointer"] for error in lacking.json()["errors"]]
    assert pointers == ["/summary", "/place", "/region", "/online_url"]
    fresh = await given.organisation(verification=Verification.UNVERIFIED)
    newcomer = await given.person(Role.ORGANIZER, fresh)
    refused = await stepped(newcomer, await drafted(newcomer), "published")
    assert refused.json()["type"] == "/problems/not-verified"
    reasonless = await stepped(organizer, made, "cancelled")
    assert codes(reasonless) == ["reason_missing"]
    bare = await an_event(session, organizer.organisation, state=EventState.CLOSED, with_agenda=False)
    unplanned = await stepped(organizer, {"id": str(bare.id)}, "scheduled")
    assert unplanned.json()["type"] == "/problems/nothing-to-schedule"
    past = await an_event(session, organizer.organisation, state=EventState.PUBLISHED, starts_at=day(-1))
    assert (await stepped(organizer, {"id": str(past.id)}, "open")).json()["type"] == "/problems/registration-over"


async def test_the_clock_opens_closes_begins_and_ends(organizer, session):
    now = clock.now()
    opens, closes = now + timedelta(hours=1), now + timedelta(hours=2)
    begins = now + timedelta(hours=3)
    window = {"registration_opens_at": opens, "registration_closes_at": closes}
    event = await an_event(session, organizer.organisation, state=EventState.PUBLISHED, starts_at=begins, **window)
    bare = await an_event(
        session, organizer.organisation, state=EventState.PUBLISHED, starts_at=begins, place=None, **window
    )

    async def at(moment) -> list[str]:
        while await steps.keep_time(session, moment):
            pass
        rows = [await session.get_one(Event, one.id, populate_existing=True) for one in (event, bare)]
        return [row.state for row in rows]

    assert await at(now) == ["published", "published"]
    assert await at(opens) == ["open", "published"], "what could not be opened by hand does not open by itself"
    assert await at(closes) == ["closed", "published"]
    assert await at(begins) == ["running", "published"]
    assert await at(begins + timedelta(hours=8)) == ["ended", "published"]
    done = await session.scalars(
        text("select body ->> 'to' from fact where name = 'EventStepped' and subject = :id order by id"),
        {"id": event.id},
    )
    assert done.all() == ["open", "closed", "running", "ended"]


async def test_places_are_not_cut_below_what_is_taken_and_a_registered_kind_stays(organizer, firm, session):
    event = await an_event(session, organizer.organisation, capacities=[{"kind": "enterprise", "seats": 5}])
    await registered(firm, event, come=3)

    async def cut(*wished) -> tuple[int, str | None]:
        version = (await organizer.get(f"{EVENTS}/{event.id}")).json()["version"]
        answer = await organizer.patch(f"{EVENTS}/{event.id}", {"capacities": wished}, version=version)
        return answer.status_code, answer.json().get("type")

    assert await cut({"kind": "enterprise", "seats": 2}) == (409, "/problems/places-taken")
    assert await cut({"kind": "expert"}) == (409, "/problems/kind-registered")
    assert await cut({"kind": "enterprise", "seats": 3}, {"kind": "expert", "seats": 1}) == (200, None)
    read = (await organizer.get(f"{EVENTS}/{event.id}")).json()["capacities"]
    assert [(one["kind"], one["seats"], one["taken"]) for one in read] == [("enterprise", 3, 3), ("expert", 1, 0)]
    with pytest.raises(IntegrityError, match="counted by registrations alone"):
        await session.execute(text("update event_capacity set taken = 0 where event_id = :id"), {"id": event.id})


async def test_a_co_organizer_sees_the_draft_and_runs_the_desk_only_if_it_was_said(organizer, given):
    partner = await given.person(Role.ORGANIZER, await given.organisation())
    made = await drafted(organizer)
    url = f"{EVENTS}/{made['id']}"
    assert (await partner.get(url)).status_code == 404
    named = f"{url}/organizers/{partner.organisation.id}"
    assert (await organizer.put(named, {"role": "supporter"})).status_code == 200
    assert (await partner.get(url)).json()["run_by_you"] is False
    assert (await partner.patch(url, {"title": "改名"}, version=1)).status_code == 403
    told = await organizer.put(named, {"role": "host", "runs_desk": True})
    assert [(one["role"], one["runs_desk"]) for one in told.json()["organizers"]] == [("host", True)]
    assert (await partner.patch(url, {"title": "改名"}, version=1)).status_code == 200
    assert (await organizer.delete(named)).status_code == 204
    assert (await partner.get(url)).status_code == 404
    itself = await organizer.put(f"{url}/organizers/{organizer.organisation.id}", {"role": "host"})
    assert itself.json()["type"] == "/problems/names-itself"


async def test_a_clone_is_the_same_event_at_another_time_without_its_people(organizer, firm, session):
    event = await an_event(
        session, organizer.organisation, needs_approval=False, questions=[{"text": "从哪里得知？"}],
        capacities=[{"kind": "enterprise", "seats": 9}], registration_closes_at=day(6),
    )  # fmt: skip
    await registered(firm, event)
    later = event.starts_at + timedelta(days=364)
    wish = {"title": "第二届", "starts_at": written(later)}
    terms = {"before_hours": 48, "rate_after": True, "half_year_after": False}
    assert (
        await organizer.put(f"{EVENTS}/{event.id}/reminder-terms", terms, headers={"If-Match": '"0"'})
    ).status_code == 200
    added = await brought(organizer, event, "desk")
    assert added.status_code == 201, added.text
    made = await organizer.post(f"{EVENTS}/{event.id}/clones", wish)
    assert made.status_code == 201, made.text
    new = made.json()
    assert (new["state"], new["title"], new["cloned_from_id"]) == ("draft", "第二届", str(event.id))
    assert new["registration_closes_at"] == written(day(6) + timedelta(days=364))
    assert new["capacities"] == [{"kind": "enterprise", "seats": 9, "taken": 0}]
    assert [one["text"] for one in new["questions"]] == ["从哪里得知？"]
    agendas = [(await organizer.get(f"{EVENTS}/{one}/agenda")).json() for one in (event.id, new["id"])]
    names = [[table["name"] for table in one["venues"][0]["rooms"][0]["tables"]] for one in agendas]
    assert names[0] == names[1]
    starts = [[slot["starts_at"] for one in told["sessions"] for slot in one["slots"]] for told in agendas]
    assert len(starts[0]) == 3
    assert not set(starts[0]) & set(starts[1])
    assert (await firm.post(f"{EVENTS}/{event.id}/clones", wish)).status_code == 403
    assert (await organizer.get(f"{EVENTS}/{new['id']}/reminder-terms")).json() == terms
    # Documents come along, and stay when they are taken off where they came from.
    first = added.json()
    assert (await organizer.delete(f"{EVENTS}/{event.id}/documents/{first['id']}")).status_code == 204
    again = (await organizer.post(f"{EVENTS}/{new['id']}/clones", wish)).json()
    for one in (new, again):
        (document,) = (await organizer.get(f"{EVENTS}/{one['id']}/documents")).json()["items"]
        assert (document["name"], document["audience"]) == ("邀请函.pdf", "desk")
        assert (await organizer.get(f"{EVENTS}/{one['id']}/documents/{document['id']}")).content == PDF


async def test_where_to_meet_online_is_told_to_those_who_come(organizer, firm, other_firm, session, client):
    url = "https://meet.example/room"
    event = await an_event(session, organizer.organisation, format="hybrid", online_url=url)
    await registered(firm, event)
    at = f"{EVENTS}/{event.id}"
    told = [(await who.get(at)).json()["online_url"] for who in (organizer, firm, other_firm)]
    assert told == [url, url, None]
    assert (await client.get(at)).json()["online_url"] is None


async def test_an_agenda_comes_back_as_it_was_written_and_what_stays_keeps_its_id(organizer, session):
    event = await an_event(session, organizer.organisation)
    at = f"{EVENTS}/{event.id}/agenda"
    lab = await an_instrument(session, organizer.organisation)
    before = (await organizer.get(at)).json()
    body = an_agenda(event.starts_at, tables=3, slots=4)
    tables = body["venues"][0]["rooms"][0]["tables"]
    tables[0]["closed"] = [between(event.starts_at + timedelta(hours=1), 20)]
    tables[2] |= {"instrument_id": str(lab.id), "url": "https://meet.example/t3"}
    answer = await organizer.put(at, body, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    after = answer.json()

    def plain(told):
        if isinstance(told, list):
            return [plain(one) for one in told]
        if isinstance(told, dict):
            return {name: plain(value) for name, value in told.items() if name not in {"id", "slots"}}
        return told

    assert {name: plain(after[name]) for name in body} == body

    def ids(agenda, kind):
        rows = [slot for one in agenda["sessions"] for slot in one["slots"]]
        if kind == "table":
            rows = agenda["venues"][0]["rooms"][0]["tables"]
        return {(row.get("name") or row["starts_at"]): row["id"] for row in rows}

    for kind, most in (("slot", 4), ("table", 3)):
        old, new = ids(before, kind), ids(after, kind)
        assert len(new) == most
        assert old.items() <= new.items()
    # The session is another one now, its slots are those that they were.
    assert before["sessions"][1]["id"] != after["sessions"][1]["id"]
    await session.execute(text("set constraints all immediate"))
    assert (await organizer.put(at, body, headers={"If-Match": '"1"'})).status_code == 412


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda body, _: body.update(venues=[]), [("/venues", "tables_missing")]),
        (lambda body, _: body["sessions"].pop(), [("/sessions", "slots_missing")]),
        (
            lambda body, at: body["sessions"][1].update(between(at + timedelta(minutes=50), 60)),
            [("/sessions", "sessions_overlap")],
        ),
        (lambda body, _: body["sessions"][1].update(slot_minutes=90), [("/sessions/1/slot_minutes", "no_slot_fits")]),
        (
            lambda body, _: body["sessions"][1].update(slot_minutes=None),
            [("/sessions/1/slot_minutes", "slots_missing")],
        ),
        (lambda body, _: body["sessions"][0].update(slot_minutes=10), [("/sessions/0/slot_minutes", "slots_unused")]),
        (
            # Nine o'clock in the morning, sent as if China's clocks showed Greenwich's time.
            lambda body, at: body["sessions"][1].update(between(at + timedelta(hours=8), 75)),
            [("/sessions/1/ends_at", "outside_event")],
        ),
        (lambda body, _: body["venues"][0].update(rooms=[]), [("/venues/0/rooms", "too_short")]),
        (lambda body, _: body["venues"][0]["rooms"].append({"name": "洽谈厅"}), [("/venues", "named_twice")]),
        (
            lambda body, at: [one.update(closed=[between(at, 300)]) for one in body["venues"][0]["rooms"][0]["tables"]],
            [("/venues", "nothing_open")],
        ),
        (
            lambda body, _: body["venues"][0].update(tables=body["venues"][0]["rooms"].pop()["tables"]),
            [("/venues/0/rooms", "too_short"), ("/venues/0/tables", "extra_forbidden")],
        ),
        (
            lambda body, at: body["venues"][0]["rooms"][0]["tables"][1].update(
                closed=[between(at, 10)], instrument_id="0198c5c2-0000-7000-8000-000000000000"
            ),
            [
                ("/venues/0/rooms/0/tables/1/instrument_id", "unknown"),
                ("/venues/0/rooms/0/tables/1/closed/0", "no_slot_then"),
            ],
        ),
    ],
    ids=[
        "no table", "no slot", "overlapping", "slots too long", "length missing", "length unused", "wrong offset",
        "venue without room", "one name twice", "every table closed", "tables without a room", "no such instrument, closed when nothing is",
    ],
)  # fmt: skip
async def test_an_impossible_agenda_is_refused_with_what_to_change(organizer, session, spoil, found):
    event = await an_event(session, organizer.organisation)
    body = an_agenda(event.starts_at)
    spoil(body, event.starts_at)
    before = (await organizer.get(f"{EVENTS}/{event.id}/agenda")).json()
    refused = await organizer.put(f"{EVENTS}/{event.id}/agenda", body, headers={"If-Match": '"1"'})
    assert refused.status_code == 422
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == found
    assert (await organizer.get(f"{EVENTS}/{event.id}/agenda")).json() == before


async def test_an_event_is_not_moved_away_from_its_agenda(organizer, session):
    event = await an_event(session, organizer.organisation)
    moved = await organizer.patch(f"{EVENTS}/{event.id}", between(day(8, 9), 480), version=1)
    assert moved.json()["type"] == "/problems/agenda-outside"
    empty = await organizer.put(
        f"{EVENTS}/{event.id}/agenda", {"venues": [], "sessions": []}, headers={"If-Match": '"1"'}
    )
    assert empty.status_code == 200
    moved = await organizer.patch(f"{EVENTS}/{event.id}", between(day(8, 9), 480), version=2)
    assert moved.status_code == 200


async def test_a_table_with_a_host_is_not_taken_out_of_the_agenda(organizer, firm, session):
    event = await an_event(session, organizer.organisation)
    mine = await registered(firm, event)
    told = (await organizer.get(f"{EVENTS}/{event.id}/agenda")).json()
    table = told["venues"][0]["rooms"][0]["tables"][1]["id"]
    await session.execute(
        text("update registration set table_id = :table where id = :id"), {"table": table, "id": mine["id"]}
    )
    await session.commit()
    fewer = an_agenda(event.starts_at, tables=1)
    refused = await organizer.put(f"{EVENTS}/{event.id}/agenda", fewer, headers={"If-Match": '"1"'})
    assert refused.json()["type"] == "/problems/agenda-in-use"


async def test_an_unverified_hosts_events_are_not_public(organizer, firm, session):
    event = await an_event(session, organizer.organisation)
    assert (await firm.get(f"{EVENTS}/{event.id}")).status_code == 200
    await session.execute(
        update(type(organizer.organisation))
        .where(type(organizer.organisation).id == organizer.organisation.id)
        .values(verification=Verification.SUSPENDED)
    )
    await session.commit()
    assert (await firm.get(f"{EVENTS}/{event.id}")).status_code == 404
    assert (await organizer.get(f"{EVENTS}/{event.id}")).status_code == 200
    assert events.chosen() is not None
