"""Who is proposed to whom and why, asking and answering, and the silence that a refusal keeps."""

import asyncio
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, update

from marketplace.docking import jobs, proposing, wish_news, wishes
from marketplace.docking.extra_models import WishNews
from marketplace.docking.models import Event, EventTable
from marketplace.docking.wish_models import Wish, WishRules
from marketplace.identity.models import Person
from marketplace.kernel import clock
from marketplace.kernel.jobs import Place
from marketplace.kernel.mail import Letter
from schemas.events import POSSIBLE, EventAct, EventState
from tests.given.docking import EVENTS, REGISTRATIONS, an_event, asked, registered

BOTH = ["problem", "achievement"]


@pytest.fixture
async def event(session, organizer):
    return await an_event(session, organizer.organisation, calls_for=BOTH)


async def listed(who, mine, **query) -> list[dict]:
    found = await who.get(f"{REGISTRATIONS}/{mine['id']}/wishes", params=query)
    assert found.status_code == 200, found.text
    return found.json()["items"]


async def answers(who, mine, other, answer, version=1):
    headers = {"If-Match": f'"{version}"'}
    return await who.put(f"{REGISTRATIONS}/{mine['id']}/wishes/{other['id']}", {"answer": answer}, headers=headers)


async def proposed(who, event, place: Place) -> dict:
    started = await who.post(f"{EVENTS}/{event.id}/proposals")
    assert started.status_code == 202, started.text
    args = {"operation_id": started.json()["id"], "event_id": str(event.id)}
    await proposing.run(place, args)
    # Delivered once more it finds its work done.
    await proposing.run(place, args)
    return (await who.get(started.headers["Location"])).json()


async def test_pairs_are_proposed_with_the_reasons_that_the_ranking_gives(
    organizer, firm, other_firm, given, event, database, settings, app
):
    university, place = await given.university(), Place(database, settings)
    achievement = await given.achievement(university)
    problem = await given.problem(firm)
    far = await given.problem(other_firm, title="隧道掘进机刀盘磨损", description="掘进机刀盘在硬岩中磨损过快。")
    theirs = await registered(university, event, records=[achievement["id"]], introduction="电池团队")
    mine = await registered(firm, event, records=[problem["id"]])
    others = await registered(other_firm, event, records=[far["id"]])
    done = await proposed(organizer, event, place)
    assert (done["state"], done["result"]["problems"], done["result"]["achievements"]) == ("done", 2, 1)

    (one,) = await listed(firm, mine, open="true")
    assert (one["other"]["registration_id"], one["other"]["introduction"]) == (theirs["id"], "电池团队")
    assert (one["proposed"], one["answer"], one["asked"], one["mutual"]) == (True, None, None, False)
    because = one["because"][0]
    assert (because["problem"]["id"], because["achievement"]["id"]) == (problem["id"], achievement["id"])
    await app.state.engine.load()
    ranked = await firm.get(f"/api/v1/problems/{problem['id']}/pairings")
    assert ranked.json()["items"][0]["score"] == pytest.approx(because["score"])
    assert because["score"] == one["score"] > 0
    assert "固态电解质" in {term["term"] for term in because["terms"]}
    theirs_terms = ranked.json()["items"][0]["reasons"]["terms"][: len(because["terms"])]
    assert because["terms"] == [
        {name: pytest.approx(term[name]) if name == "contribution" else term[name] for name in because["terms"][0]}
        for term in theirs_terms
    ], "the same terms, and which of them a synonym found"
    assert sum(term["contribution"] for term in because["terms"]) <= because["text"] + 1e-9
    assert one["id"] in {wish["id"] for wish in await listed(university, theirs)}
    assert [wish["id"] for wish in await listed(other_firm, others)] == []

    # What was answered stays, what is no longer public is no reason.
    assert (await answers(firm, mine, theirs, "must")).status_code == 200
    again = await proposed(organizer, event, place)
    assert again["result"] == done["result"]
    assert (await listed(firm, mine))[0]["answer"] == "must"
    taken_back = await university.post(f"/api/v1/achievements/{achievement['id']}/withdrawal")
    assert taken_back.status_code == 200
    assert (await listed(firm, mine))[0]["because"] == []


async def test_two_that_ask_for_each_other_agree_and_each_may_think_again(firm, other_firm, event):
    mine, theirs = await registered(firm, event), await registered(other_firm, event)
    seen = (await firm.get(f"{REGISTRATIONS}/{mine['id']}/participants")).json()["items"]
    assert [one["registration_id"] for one in seen] == [theirs["id"]]
    made = await asked(firm, mine, theirs, "must")
    assert (made["answer"], made["mutual"], made["expired"], made["asked"]) == ("must", False, False, None)
    (there,) = await listed(other_firm, theirs, asked="true", open="true")
    assert (there["asked"], there["answer"], there["version"]) == ("must", None, 2)
    assert (await answers(other_firm, theirs, mine, "meet", version=1)).status_code == 412
    agreed = (await answers(other_firm, theirs, mine, "meet", version=2)).json()
    assert (agreed["mutual"], agreed["expires_at"]) == (True, None)
    assert (await listed(firm, mine))[0]["asked"] == "meet"
    twice = await firm.post(f"{REGISTRATIONS}/{mine['id']}/wishes", {"other_id": theirs["id"], "answer": "meet"})
    assert twice.json()["type"] == "/problems/already-answered"
    gone = await other_firm.delete(f"{REGISTRATIONS}/{theirs['id']}/wishes/{mine['id']}", headers={"If-Match": '"3"'})
    assert gone.status_code == 204
    assert (await listed(firm, mine))[0]["mutual"] is False


async def test_a_refusal_looks_like_silence_to_everybody_but_its_maker(organizer, given, event, session):
    asker, refuser, silent = [await given.enterprise() for _ in range(3)]
    mine, no, nothing = [await registered(who, event) for who in (asker, refuser, silent)]
    await asker.client.put(
        f"{EVENTS}/{event.id}/wish-terms",
        json={"outstanding_most": 2},
        headers=organizer.headers | {"If-Match": '"0"'},
    )
    for other in (no, nothing):
        await asked(asker, mine, other, "meet")
    assert (await answers(refuser, no, mine, "no_thanks", version=2)).json()["answer"] == "no_thanks"

    def faceless(view: dict) -> dict:
        own = {"id", "other", "answered_at", "expires_at", "first", "second", "first_asks", "second_asks"}
        return {name: value for name, value in view.items() if name not in own}

    def alike(views: list[dict]) -> bool:
        return len(views) == 2 and faceless(views[0]) == faceless(views[1])

    assert alike(await listed(asker, mine))
    desk = (await organizer.get(f"{EVENTS}/{event.id}/wishes", params={"asked": "true"})).json()["items"]
    assert alike(desk)
    assert all({one["first_asks"], one["second_asks"]} == {"meet", None} for one in desk)
    # Neither of the two came back: both still count as open requests.
    third = await given.enterprise()
    more = await asker.post(
        f"{REGISTRATIONS}/{mine['id']}/wishes", {"other_id": (await registered(third, event))["id"], "answer": "meet"}
    )
    assert more.json()["type"] == "/problems/too-many-requests"
    # Both run out in the same way, too.
    await session.execute(update(Wish).values(first_until=clock.now()).where(Wish.first_until.is_not(None)))
    await session.execute(update(Wish).values(second_until=clock.now()).where(Wish.second_until.is_not(None)))
    await session.commit()
    assert alike(await listed(asker, mine))
    assert {one["expired"] for one in await listed(asker, mine)} == {True}
    assert [one["answer"] for one in await listed(silent, nothing)] == [None]
    # Whoever asked first may have been refused before: to say no unasked is no trace either.
    assert (await asker.get(f"{REGISTRATIONS}/{no['id']}/wishes")).status_code == 404


async def test_a_request_that_ran_out_makes_room_and_can_be_asked_anew(organizer, firm, given, event, session):
    mine = await registered(firm, event)
    others = [await registered(await given.enterprise(), event) for _ in range(2)]
    terms = f"{EVENTS}/{event.id}/wish-terms"
    assert (await firm.get(terms)).json() == {"outstanding_most": 10, "answer_hours": 168}
    rules = {"outstanding_most": 1, "answer_hours": 2}
    written = await organizer.put(terms, rules, headers={"If-Match": '"0"'})
    assert (written.status_code, written.headers["ETag"]) == (200, '"1"')
    assert (await organizer.put(terms, rules, headers={"If-Match": '"0"'})).status_code == 412
    first = await asked(firm, mine, others[0], "meet")
    url = f"{REGISTRATIONS}/{mine['id']}/wishes"
    assert (await firm.post(url, {"other_id": others[1]["id"], "answer": "must"})).status_code == 409
    unasked = await firm.post(url, {"other_id": others[1]["id"], "answer": "no_thanks"})
    assert unasked.status_code == 201, "to refuse needs no room"
    until = {"first_until": clock.now()} if mine["id"] < others[0]["id"] else {"second_until": clock.now()}
    await session.execute(update(Wish).where(Wish.id == first["id"]).values(**until))
    await session.commit()
    assert (await answers(firm, mine, others[1], "meet", version=2)).status_code == 200
    assert (await answers(firm, mine, others[0], "meet", version=2)).status_code == 409, "the room is taken again"


@pytest.mark.parametrize(
    ("whom", "code"),
    [("oneself", "oneself"), ("absent", "not_a_participant"), ("elsewhere", "not_a_participant"),
     ("unconfirmed", "not_a_participant"), ("hidden", "not_a_participant")],
)  # fmt: skip
async def test_nobody_asks_for_themselves_or_for_who_is_not_there(organizer, firm, other_firm, session, whom, code):
    event = await an_event(session, organizer.organisation, needs_approval=True)
    elsewhere = await an_event(session, organizer.organisation)
    mine, other = await registered(firm, event), await registered(other_firm, event, shown=whom != "hidden")
    for one in (mine, other) if whom == "hidden" else (mine,):
        assert (await organizer.post(f"{REGISTRATIONS}/{one['id']}/approval", {})).status_code == 200
    ids = {
        "oneself": mine["id"],
        "absent": "0" * 8 + "-0000-4000-8000-" + "0" * 12,
        "elsewhere": (await registered(other_firm, elsewhere))["id"],
        "unconfirmed": other["id"],
        "hidden": other["id"],
    }
    refused = await firm.post(f"{REGISTRATIONS}/{mine['id']}/wishes", {"other_id": ids[whom], "answer": "must"})
    assert refused.status_code == 422
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [("/other_id", code)]
    if whom == "unconfirmed":
        turned = await other_firm.post(
            f"{REGISTRATIONS}/{other['id']}/wishes", {"other_id": mine["id"], "answer": "meet"}
        )
        assert turned.json()["type"] == "/problems/not-coming"


async def test_one_wishes_only_while_the_event_says_so(firm, other_firm, event, session):
    mine, theirs = await registered(firm, event), await registered(other_firm, event)
    wish = await asked(firm, mine, theirs, "meet")
    for state in EventState:
        because = "停电" if state is EventState.CANCELLED else None
        await session.execute(update(Event).where(Event.id == event.id).values(state=state, cancelled_because=because))
        await session.commit()
        said = await answers(firm, mine, theirs, "must", wish["version"])
        assert said.status_code == (200 if state in POSSIBLE[EventAct.WISH] else 409)
        wish = said.json() if said.status_code == 200 else wish


async def test_the_desk_makes_a_visit_of_a_meeting(organizer, firm, other_firm, event, session):
    mine, theirs = await registered(firm, event), await registered(other_firm, event)
    wish = await asked(firm, mine, theirs, "must")
    table = await session.scalar(select(EventTable.id).where(EventTable.event_id == event.id).limit(1))
    url = f"{EVENTS}/{event.id}/wishes/{wish['id']}/visit"
    seen = await organizer.put(url, {"table_id": str(table), "slots": 2})
    assert seen.json()["visit"] == {"table_id": str(table), "slots": 2}
    refused = await organizer.put(url, {"table_id": wish["id"]})
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/table_id"]
    assert (await firm.put(url, {"table_id": str(table)})).status_code == 403
    assert (await organizer.delete(url)).json()["visit"] is None


async def test_the_cap_holds_however_many_requests_are_sent_at_once(real, monkeypatch):
    given = real.given
    firm = await given.enterprise()
    event = await an_event(given.session, (await given.university()).organisation)
    mine = await registered(firm, event)
    others = [await registered(await given.enterprise(), event) for _ in range(12)]
    await given.session.execute(
        WishRules.__table__.insert().values(event_id=event.id, outstanding_most=3, answer_hours=5)
    )
    await given.session.commit()

    async def storm(which) -> int:
        url = f"{REGISTRATIONS}/{mine['id']}/wishes"
        found = await asyncio.gather(*(firm.post(url, {"other_id": one["id"], "answer": "must"}) for one in which))
        assert {answer.status_code for answer in found} <= {201, 409}
        return sum(answer.status_code == 201 for answer in found)

    with monkeypatch.context() as naive:
        naive.setattr(wishes, "locks", SimpleNamespace(wait_for=lambda *_: select(1)))
        assert await storm(others) > 3, "this storm would not find who looks and then leaps"
    await given.session.execute(Wish.__table__.delete().where(Wish.event_id == event.id))
    await given.session.commit()
    assert await storm(others) == 3


async def test_news_of_wishes_come_in_one_letter_and_a_refusal_is_no_news(
    organizer, firm, other_firm, given, event, session, place, monkeypatch
):
    third, fourth = await given.enterprise(), await given.enterprise()
    await session.execute(update(Person).where(Person.id == third.id).values(locale="en"))
    everybody = (firm, other_firm, third, fourth)
    colleague = {"name": "Kollege", "email": "colleague@test.example", "languages": ["en"]}
    sides = [
        await registered(
            who, event, people=[{"name": "某人", "email": who.email}, *([colleague] if who is fourth else [])]
        )
        for who in everybody
    ]
    mine = sides[0]

    async def told() -> dict[str, str]:
        """What is written to whom some minutes later, each by one letter, however many workers look."""
        before = await session.scalar(select(func.count()).select_from(Letter)) or 0
        with monkeypatch.context() as later:
            soon = clock.now() + wish_news.QUIET
            later.setattr(clock, "now", lambda: soon)
            for _ in range(2):
                await jobs.tell_wishes(place, {})
        letters = (await session.scalars(select(Letter).order_by(Letter.at, Letter.id).offset(before))).all()
        found = {letter.to: f"{letter.subject}\n{letter.text}" for letter in letters}
        assert len(found) == len(letters)
        return found

    for number in (1, 2, 3):
        await asked(firm, mine, sides[number])
    await asked(third, sides[2], sides[1])
    await asked(fourth, sides[3], sides[2], "no_thanks")
    await jobs.tell_wishes(place, {})
    news = await told()
    assert set(news) == {other_firm.email, third.email, fourth.email, colleague["email"]}
    assert "有人想与您洽谈" in news[fourth.email]
    assert "Somebody wishes to meet you" in news[colleague["email"]], "each in their own language"
    assert all(who.organisation.name in news[other_firm.email] for who in (firm, third)), "two in one letter"
    assert "有人想与您洽谈" in news[other_firm.email]
    assert "Somebody wishes to meet you" in news[third.email]
    assert fourth.organisation.name not in news[third.email], "who refused is not spoken of"

    assert (await answers(other_firm, sides[1], mine, "meet", 2)).status_code == 200
    assert (await answers(third, sides[2], mine, "no_thanks", 2)).status_code == 200
    news = await told()
    assert set(news) == {firm.email}
    assert other_firm.organisation.name in news[firm.email]
    assert third.organisation.name not in news[firm.email]
    assert "对方也想与您洽谈" in news[firm.email]

    # Thought better of, and asked once more: nobody is told the same twice.
    for version, said in ((3, "no_thanks"), (4, "must")):
        assert (await answers(other_firm, sides[1], mine, said, version)).status_code == 200
    assert (await answers(firm, mine, sides[3], "no_thanks", 2)).status_code == 200
    assert (await answers(firm, mine, sides[3], "meet", 3)).status_code == 200
    assert await told() == {}

    # What was taken back, or whose event is over, before the letter is written is not told.
    await asked(fourth, sides[3], sides[1])
    taken = await fourth.delete(
        f"{REGISTRATIONS}/{sides[3]['id']}/wishes/{sides[1]['id']}", headers={"If-Match": '"2"'}
    )
    assert taken.status_code == 204
    assert (await answers(third, sides[2], mine, "must", 3)).status_code == 200
    await session.execute(update(Event).values(state=EventState.SCHEDULED))
    await session.commit()
    assert await told() == {}
    assert await session.scalar(select(func.count()).where(WishNews.due_at.is_not(None))) == 0
