"""Registering, the desk's word, the line of those who wait, the doors, and the letters."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from marketplace.docking import announcements, badges, jobs, notices, waiting
from marketplace.docking.models import Event, EventCapacity
from marketplace.docking.registration_models import Attendee, Registration
from marketplace.kernel import clock
from marketplace.kernel.jobs import Place
from marketplace.kernel.mail import Letter
from schemas.events import POSSIBLE, EventAct, EventState
from schemas.identity import Role
from tests.given.docking import EVENTS, REGISTRATIONS, a_registration, an_event, registered
from tests.given.labs import day

FEW = [{"kind": "enterprise", "seats": 2}, {"kind": "academic", "seats": None}]


def codes(answer) -> list[str]:
    return [error["code"] for error in answer.json()["errors"]]


def kind_of(answer) -> str | None:
    return answer.json().get("type")


async def taken(session, event) -> dict[str, int]:
    rows = await session.execute(
        select(EventCapacity.kind, EventCapacity.taken).where(EventCapacity.event_id == event.id)
    )
    return {row.kind.value: row.taken for row in rows}


async def decide(who, registration, what, **more):
    return await who.post(f"{REGISTRATIONS}/{registration['id']}/{what}", more or None)


async def states(session, *rows) -> list[str]:
    found = await session.execute(select(Registration.id, Registration.state))
    known = {str(row.id): row.state.value for row in found}
    return [known[row["id"]] for row in rows]


async def slots_of(who, event) -> list[str]:
    told = (await who.get(f"{EVENTS}/{event.id}/agenda")).json()
    return [slot["id"] for one in told["sessions"] for slot in one["slots"]]


async def test_people_register_for_an_organisation_and_everything_comes_back(organizer, firm, given, session):
    event = await an_event(session, organizer.organisation, calls_for=["problem"], questions=[{"text": "融资？"}])
    question = (await firm.get(f"{EVENTS}/{event.id}")).json()["questions"][0]["id"]
    problem = await given.problem(firm)
    absent = (await slots_of(firm, event))[:2]
    told = {
        "people": [
            {"name": "王某", "email": firm.email, "phone": "+86 431 1", "job": "总工", "languages": ["zh", "en"],
             "meetings_most": 3, "absent": sorted(absent)},
            {"name": "同事", "email": "colleague@test.example", "phone": None, "job": None, "languages": [],
             "meetings_most": None, "absent": []},
        ],
        "introduction": "电池企业。", "wanted": "电解质团队。", "accessibility": "轮椅通道。", "meetings_most": 5,
        "shown": False,
    }  # fmt: skip
    answers = [{"question_id": question, "text": "需要", "number": None, "yes": None, "chosen": None, "day": None}]
    made = await registered(firm, event, **told, answers=answers, records=[problem["id"]])
    assert made["state"] == "confirmed"
    read = (await firm.get(f"{REGISTRATIONS}/{made['id']}")).json()
    for one in read["people"]:
        assert (one.pop("checked_in_at"), len(one.pop("id"))) == (None, 36)
    assert {name: read[name] for name in told} == told
    assert read["answers"] == answers
    assert [(one["id"], one["kind"]) for one in read["records"]] == [(problem["id"], "problem")]
    assert [one["id"] for one in (await firm.get(REGISTRATIONS)).json()["items"]] == [made["id"]]
    assert await taken(session, event) == {"enterprise": 2, "academic": 0}


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        ({"kind": "expert"}, [("/kind", "kind_not_invited")]),
        ({"people": [{"name": "某", "email": "a@b.example"}] * 2}, [("/people", "email_twice")]),
        (
            {"people": [{"name": "某", "email": f"a{n}@b.example"} for n in range(6)]},
            [("/people", "too_many_people")],
        ),
        (
            {"people": [{"name": "某", "email": "a@b.example", "absent": ["0198c5c2-0000-7000-8000-000000000000"]}]},
            [("/people/0/absent", "unknown")],
        ),
        ({"records": ["0198c5c2-0000-7000-8000-000000000000"]}, [("/records/0", "not_to_be_brought")]),
        ({"answers": []}, [("/answers", "answer_missing")]),
    ],
    ids=["kind", "address twice", "too many", "no such slot", "no such record", "nothing answered"],
)
async def test_what_cannot_be_taken_is_refused_at_the_field_that_has_to_change(organizer, firm, session, wish, found):
    event = await an_event(
        session, organizer.organisation, calls_for=["problem"],
        questions=[{"text": "来过吗？", "kind": "yes_no", "required": True}],
    )  # fmt: skip
    question = (await firm.get(f"{EVENTS}/{event.id}")).json()["questions"][0]["id"]
    right = {"answers": [{"question_id": question, "yes": True}]}
    refused = await firm.post(f"{EVENTS}/{event.id}/registrations", a_registration(firm, **(right | wish)))
    assert refused.status_code == 422
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == found
    assert await taken(session, event) == {"enterprise": 0, "academic": 0}


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("line", [{"text": "一行"}], [{"text": "两\n行"}, {"yes": True}]),
        ("text", [{"text": "两\n行"}], [{"number": 3}]),
        ("number", [{"number": 0}, {"number": -5}], [{"text": "3"}]),
        ("yes_no", [{"yes": False}], [{"text": "否"}]),
        ("choice", [{"chosen": ["甲"]}], [{"chosen": ["丁"]}, {"chosen": ["甲", "乙"]}, {"chosen": []}]),
        ("choices", [{"chosen": ["乙", "甲"]}], [{"chosen": ["甲", "甲"]}, {"chosen": ["甲", "丁"]}]),
        ("day", [{"day": "2027-01-31"}], [{"text": "2027-01-31"}]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_answer_fits_the_kind_of_its_question(organizer, firm, session, kind, right, wrong):
    options = ["甲", "乙", "丙"] if kind.startswith("choice") else []
    event = await an_event(
        session, organizer.organisation, questions=[{"text": "？", "kind": kind, "options": options}]
    )
    question = (await firm.get(f"{EVENTS}/{event.id}")).json()["questions"][0]["id"]
    url = f"{EVENTS}/{event.id}/registrations"
    for answer in wrong:
        wish = a_registration(firm, answers=[answer | {"question_id": question}])
        refused = await firm.post(url, wish)
        assert codes(refused) == ["answer_does_not_fit"], answer
    made = await registered(firm, event, answers=[right[0] | {"question_id": question}])
    for answer in right:
        patch = {"answers": [answer | {"question_id": question}]}
        version = (await firm.get(f"{REGISTRATIONS}/{made['id']}")).json()["version"]
        edited = await firm.patch(f"{REGISTRATIONS}/{made['id']}", patch, version=version)
        assert edited.status_code == 200, edited.text
        name, value = next(iter(answer.items()))
        assert edited.json()["answers"][0][name] == value


async def test_records_that_are_brought_are_ones_own_and_of_a_kind_that_is_called_for(
    organizer, firm, other_firm, given, session
):
    event = await an_event(session, organizer.organisation, calls_for=["problem"], records_most=1)
    own, others = await given.problem(firm), await given.problem(other_firm)
    draft, achievement = await given.problem(firm, published=False), await given.achievement(firm)
    url = f"{EVENTS}/{event.id}/registrations"
    for one in (others, draft, achievement):
        refused = await firm.post(url, a_registration(firm, records=[one["id"]]))
        assert codes(refused) == ["not_to_be_brought"]
    many = await firm.post(url, a_registration(firm, records=[own["id"], others["id"]]))
    assert codes(many) == ["too_many_records"]
    assert (await registered(firm, event, records=[own["id"]]))["records"][0]["title"] == own["title"]


async def test_nobody_comes_twice_and_only_in_the_name_of_ones_own(organizer, firm, other_firm, session):
    event = await an_event(session, organizer.organisation)
    url = f"{EVENTS}/{event.id}/registrations"
    await registered(firm, event)
    assert kind_of(await firm.post(url, a_registration(firm))) == "/problems/already-registered"
    foreign = a_registration(other_firm) | {"organisation_id": str(firm.organisation.id)}
    assert kind_of(await other_firm.post(url, foreign)) == "/problems/not-in-their-name"
    alone = await registered(other_firm, event, organisation_id=None)
    assert alone["organisation"] is None
    assert await taken(session, event) == {"enterprise": 2, "academic": 0}


@pytest.mark.parametrize("state", [one for one in EventState if one is not EventState.DRAFT])
async def test_one_registers_and_changes_only_while_the_event_says_so(organizer, firm, other_firm, session, state):
    event = await an_event(session, organizer.organisation, needs_approval=True)
    mine = await registered(firm, event)
    because = "停电" if state is EventState.CANCELLED else None
    await session.execute(update(Event).where(Event.id == event.id).values(state=state, cancelled_because=because))
    await session.commit()

    def expected(act, good):
        return good if state in POSSIBLE[act] else 409

    late = await other_firm.post(f"{EVENTS}/{event.id}/registrations", a_registration(other_firm))
    assert late.status_code == expected(EventAct.REGISTER, 201)
    changed = await firm.patch(f"{REGISTRATIONS}/{mine['id']}", {"wanted": "专家"}, version=1)
    assert changed.status_code == expected(EventAct.CHANGE_REGISTRATION, 200)
    approved = await decide(organizer, mine, "approval", note="欢迎")
    assert approved.status_code == expected(EventAct.DECIDE, 200)


async def test_registration_ends_by_its_own_time(organizer, firm, session):
    event = await an_event(session, organizer.organisation, registration_closes_at=day(3))
    with clock.ahead(timedelta(days=5)):
        late = await firm.post(f"{EVENTS}/{event.id}/registrations", a_registration(firm))
    assert kind_of(late) == "/problems/registration-over"


async def test_the_desk_approves_refuses_and_everybody_is_told_once(
    organizer, firm, other_firm, given, session, settings
):
    event = await an_event(session, organizer.organisation, needs_approval=True, capacities=FEW)
    first, second = await registered(firm, event), await registered(other_firm, event, come=2)
    assert (first["state"], await taken(session, event)) == ("requested", {"enterprise": 0, "academic": 0})
    assert (await decide(firm, first, "approval", note="我")).status_code == 403
    assert (await decide(organizer, first, "approval")).status_code == 422, "an answer has a body"
    approved = await decide(organizer, first, "approval", note="欢迎")
    assert (approved.json()["state"], approved.json()["note"]) == ("confirmed", "欢迎")
    again = await decide(organizer, first, "approval", note="再次")
    assert again.json()["version"] == approved.json()["version"], "approving again changes nothing"
    assert kind_of(await decide(organizer, second, "approval", note="?")) == "/problems/full"
    refused = await decide(organizer, second, "refusal", note="名额已满。")
    assert (refused.json()["state"], len(refused.json()["people"])) == ("refused", 2), "the desk still sees who asked"
    assert kind_of(await decide(organizer, second, "refusal", note="?")) == "/problems/registration-ended"
    assert (await registered(other_firm, event))["state"] == "requested", "who was refused may ask once more"
    for _ in range(2):
        for one in (first, second):
            await notices.tell(session, (await session.get(Registration, one["id"])).id, settings)
    await session.commit()
    letters = (await session.execute(select(Letter.to, Letter.text).order_by(Letter.id))).all()
    assert [to for to, _ in letters] == [firm.email, other_firm.email]
    assert "报名已确认" in letters[0].text
    assert "名额已满。" in letters[1].text


async def test_who_waits_longest_is_offered_what_comes_free_until_it_runs_out(organizer, given, session):
    event = await an_event(session, organizer.organisation, capacities=FEW, offer_hours=4)
    people = [await given.enterprise() for _ in range(5)]
    first = await registered(people[0], event, come=2)
    url = f"{EVENTS}/{event.id}/registrations"
    assert kind_of(await people[1].post(url, a_registration(people[1]))) == "/problems/full"
    group = await registered(people[1], event, come=2, wait=True)
    second, third = [await registered(one, event, wait=True) for one in people[2:4]]
    assert await states(session, group, second, third) == ["waiting"] * 3
    assert await waiting.promote(session, event.id, clock.now()) == 0, "nothing is free"

    # One place is free: the group of two is passed over, whoever comes after it is not.
    fewer = {"people": a_registration(people[0])["people"]}
    assert (await people[0].patch(f"{REGISTRATIONS}/{first['id']}", fewer, version=1)).status_code == 200
    newcomer = await people[4].post(url, a_registration(people[4]))
    assert kind_of(newcomer) == "/problems/full", "nobody passes those who wait"
    assert await waiting.promote(session, event.id, clock.now()) == 1
    await session.commit()
    assert await states(session, group, second, third) == ["waiting", "offered", "waiting"]
    assert await taken(session, event) == {"enterprise": 2, "academic": 0}
    assert kind_of(await decide(people[3], third, "acceptance")) == "/problems/no-place-offered"

    # It runs out and goes to the next; whoever takes theirs in time comes.
    late = clock.now() + timedelta(hours=4, minutes=1)
    assert await waiting.expire_offers(session, clock.now()) == 0
    assert await waiting.expire_offers(session, late) == 1
    assert await waiting.promote(session, event.id, clock.now()) == 1
    await session.commit()
    assert await states(session, group, second, third) == ["waiting", "expired", "offered"]
    accepted = await decide(people[3], third, "acceptance")
    assert (accepted.status_code, accepted.json()["state"]) == (200, "confirmed")
    assert (await decide(people[3], third, "acceptance")).status_code == 200, "taking it again changes nothing"
    # The line is free for the group when both places are.
    for who, one in ((people[0], first), (people[3], third)):
        assert (await decide(who, one, "cancellation", note="改期")).json()["state"] == "cancelled"
    assert await waiting.promote(session, event.id, clock.now()) == 1
    await session.commit()
    declined = await decide(people[1], group, "cancellation", note="不去了")
    assert declined.json()["state"] == "declined"
    assert await taken(session, event) == {"enterprise": 0, "academic": 0}


async def test_what_frees_places_wakes_the_job_that_offers_them(
    organizer, firm, other_firm, session, database, settings
):
    event = await an_event(session, organizer.organisation, capacities=[{"kind": "enterprise", "seats": 1}])
    mine = await registered(firm, event)
    theirs = await registered(other_firm, event, wait=True)
    await decide(firm, mine, "cancellation", note="改期")
    queued = await session.scalars(
        text("select convert_from(payload, 'utf8') from pgqueuer where entrypoint = 'docking.promote'")
    )
    assert any(str(event.id) in one for one in queued)
    place = Place(database, settings)
    await jobs.promote(place, {"event_id": str(event.id)})
    assert await states(session, theirs) == ["offered"]
    await jobs.tell(place, {"registration_id": theirs["id"]})
    letter = (await session.scalars(select(Letter.text).where(Letter.to == other_firm.email))).one()
    assert "有名额了" in letter
    more = {"capacities": [{"kind": "enterprise", "seats": None}]}
    assert (await organizer.patch(f"{EVENTS}/{event.id}", more, version=1)).status_code == 200
    with clock.ahead(timedelta(days=2)):
        await jobs.expire_offers(place, {})
    assert await states(session, theirs) == ["expired"]


async def test_people_are_changed_and_those_who_stay_stay_who_they_are(organizer, firm, session):
    event = await an_event(session, organizer.organisation, capacities=FEW)
    made = await registered(firm, event, come=2)
    one, other = made["people"]
    url = f"{REGISTRATIONS}/{made['id']}"
    three = [{"name": "新名字", "email": one["email"]}, {"name": "新人", "email": "new@test.example"}]
    edited = (await firm.patch(url, {"people": three}, version=1)).json()
    assert [person["id"] == one["id"] for person in edited["people"]] == [True, False]
    assert other["id"] not in {person["id"] for person in edited["people"]}
    full = await firm.patch(url, {"people": [*three, {"name": "又一人", "email": "x@test.example"}]}, version=2)
    assert kind_of(full) == "/problems/full"
    assert (await firm.patch(url, {"wanted": "x"}, version=1)).status_code == 412
    counted = await session.execute(
        select(Registration.seats, select(Attendee.id).where(
            Attendee.registration_id == Registration.id, Attendee.left_at.is_(None)
        ).with_only_columns(text("count(*)")).scalar_subquery())
    )  # fmt: skip
    assert [seats == people for seats, people in counted] == [True]


async def test_a_registration_is_seen_by_its_people_their_organisation_and_the_desk(
    organizer, firm, other_firm, given, session
):
    event = await an_event(session, organizer.organisation)
    guest = await given.person()
    made = await registered(
        firm, event, accessibility="轮椅", come=1, shown=True,
    )  # fmt: skip
    people = [{"name": "某人", "email": firm.email}, {"name": "客人", "email": guest.email}]
    await firm.patch(f"{REGISTRATIONS}/{made['id']}", {"people": people}, version=1)
    colleague = await given.person(Role.VIEWER, firm.organisation)
    auditor = await given.person(Role.AUDITOR)
    url = f"{REGISTRATIONS}/{made['id']}"
    seen = {}
    for name, who in {
        "maker": firm, "guest": guest, "colleague": colleague, "desk": organizer, "auditor": auditor,
        "stranger": other_firm,
    }.items():  # fmt: skip
        answer = await who.get(url)
        seen[name] = (answer.status_code, answer.json().get("accessibility"))
    assert seen == {
        "maker": (200, "轮椅"), "guest": (200, "轮椅"), "colleague": (200, "轮椅"), "desk": (200, "轮椅"),
        "auditor": (200, None), "stranger": (404, None),
    }  # fmt: skip
    assert (await guest.patch(url, {"wanted": "x"}, version=2)).status_code == 403
    assert (await firm.get(f"{EVENTS}/{event.id}/registrations")).status_code == 403
    found = await organizer.get(f"{EVENTS}/{event.id}/registrations", params={"q": "客人", "state": "confirmed"})
    assert [one["id"] for one in found.json()["items"]] == [made["id"]]


async def test_a_badge_opens_every_door_once_and_its_bearer_is_counted_once(organizer, firm, other_firm, session, app):
    event = await an_event(session, organizer.organisation, state=EventState.OPEN)
    mine = await registered(firm, event, come=2)
    key = app.state.signing_key
    people = (await session.scalars(select(Attendee).order_by(Attendee.position))).all()
    code, other = (badges.code(key, one) for one in people)
    at = f"{EVENTS}/{event.id}/check-ins"
    early = await organizer.post(at, {"code": code})
    assert kind_of(early) == "/problems/not-in-this-state"
    await session.execute(update(Event).where(Event.id == event.id).values(state=EventState.RUNNING))
    await session.commit()
    first = await organizer.post(at, {"code": code, "door": "东门"})
    again = await organizer.post(at, {"code": f" {code.lower()} ", "door": "东门"})
    west = await organizer.post(at, {"code": code, "door": "西门"})
    assert [one.status_code for one in (first, again, west)] == [200, 200, 200]
    assert [one.json()["before"] for one in (first, again, west)] == [False, True, False]
    assert first.json()["at"] == again.json()["at"]
    assert (await firm.post(at, {"code": code})).status_code == 403
    presence = (await organizer.get(f"{EVENTS}/{event.id}/presence")).json()
    assert presence == {"confirmed": 2, "present": 1}
    listed = (await organizer.get(at)).json()["items"]
    assert [one["door"] for one in listed] == ["西门", "东门"]
    facts = await session.scalar(text("select count(*) from fact where name = 'AttendeeCheckedIn'"))
    assert facts == 2

    # A lost badge opens nothing any more; a forged one never did.
    renewed = await firm.post(f"{REGISTRATIONS}/{mine['id']}/people/{people[1].id}/badge")
    assert renewed.status_code == 204
    forged = other[:-1] + ("A" if other[-1] != "A" else "B")
    for bad in (other, forged, "A" * 45, "短", code[:-1]):
        assert kind_of(await organizer.post(at, {"code": bad})) == "/problems/no-such-badge", bad
    fresh = await session.get_one(Attendee, people[1].id, populate_existing=True)
    assert (await organizer.post(at, {"code": badges.code(key, fresh)})).status_code == 200

    elsewhere = await an_event(session, organizer.organisation, state=EventState.RUNNING)
    wrong = await organizer.post(f"{EVENTS}/{elsewhere.id}/check-ins", {"code": code})
    assert kind_of(wrong) == "/problems/no-such-badge"
    await session.execute(
        update(Registration).where(Registration.id == people[0].registration_id).values(state="requested")
    )
    await session.commit()
    assert kind_of(await organizer.post(at, {"code": code})) == "/problems/not-confirmed"


async def test_an_announcement_reaches_each_of_those_it_is_for_once(organizer, given, session):
    event = await an_event(session, organizer.organisation)
    people = [await given.enterprise() for _ in range(3)]
    made = [await registered(one, event, come=2) for one in people]
    await decide(people[2], made[2], "cancellation", note="改期")
    wish = {"subject": "停车", "text": "请停北区。"}
    answer = await organizer.post(f"{EVENTS}/{event.id}/announcements", wish)
    assert (answer.status_code, answer.json()["letters"]) == (201, 0)
    one = await session.scalar(text("select id from announcement"))
    posted = []
    while count := await announcements.deliver(session, one, "http://test", at_most=3):
        posted.append(count)
    await announcements.deliver(session, one, "http://test")
    await session.commit()
    assert posted == [3, 1]
    to = (await session.scalars(select(Letter.to).where(Letter.subject.contains("停车")))).all()
    assert sorted(to) == sorted(f"{prefix}{who.email}" for who in people[:2] for prefix in ("", "colleague1."))
    told = (await organizer.get(f"{EVENTS}/{event.id}/announcements")).json()["items"][0]
    assert (told["letters"], told["done_at"] is not None) == (4, True)
    assert (await people[0].get(f"{EVENTS}/{event.id}/announcements")).status_code == 403


async def test_when_an_event_is_cancelled_all_who_hoped_to_come_are_told_why(organizer, firm, other_firm, session):
    event = await an_event(session, organizer.organisation, capacities=[{"kind": "enterprise", "seats": 1}])
    await registered(firm, event)
    await registered(other_firm, event, wait=True)
    wish = {"to": "cancelled", "reason": "场地停电。"}
    step = await organizer.post(f"{EVENTS}/{event.id}/state", wish, headers={"If-Match": '"1"'})
    assert step.json()["cancelled_because"] == "场地停电。"
    one = await session.scalar(text("select id from announcement"))
    assert await announcements.deliver(session, one, "http://test") == 2
    await session.commit()
    letters = (await session.scalars(select(Letter.text).order_by(Letter.id))).all()
    assert all("场地停电。" in one for one in letters)
    assert await waiting.expire_offers(session, day(30)) == 0
    assert await waiting.promote(session, event.id, clock.now()) == 0
