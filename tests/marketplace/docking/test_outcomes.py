"""What came of meetings: said by each side for itself, become interests, and counted in the report."""

import io
from datetime import timedelta

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import update

from marketplace.docking import proposing
from marketplace.docking.meeting_models import Meeting
from marketplace.docking.models import Event
from marketplace.kernel import clock
from schemas.events import POSSIBLE, EventAct, EventState
from tests.given.docking import EVENTS, MEETINGS, REGISTRATIONS, agree, an_event, computed, published, registered
from tests.marketplace.docking.conftest import enters

pytestmark = pytest.mark.usefixtures("solved_here")
SAID = {"result": "agreement_reached", "stars": 5, "signed_yuan": "120000.00", "note": "试制一批。"}


@pytest.fixture
async def met(organizer, firm, given, session, place):
    """A firm and a university met over a problem of the one and an achievement of the other; a third came to nothing."""
    university, third = await given.university(), await given.enterprise()
    event = await an_event(session, organizer.organisation, calls_for=["problem", "achievement"])
    problem = await given.problem(firm, industry="3841")
    achievement = await given.achievement(university, industries=["C"])
    mine = await registered(firm, event, records=[problem["id"]])
    theirs = await registered(university, event, records=[achievement["id"]])
    started = (await organizer.post(f"{EVENTS}/{event.id}/proposals")).json()
    await proposing.run(place, {"operation_id": started["id"], "event_id": str(event.id)})
    for who, one, other in ((firm, mine, theirs), (university, theirs, mine)):
        versions = {"If-Match": '"1"' if who is firm else '"2"'}
        said = await who.put(f"{REGISTRATIONS}/{one['id']}/wishes/{other['id']}", {"answer": "must"}, headers=versions)
        assert said.status_code == 200, said.text
    idle = await registered(third, event)
    await agree(third, idle, university, theirs)
    await enters(session, event, EventState.CLOSED)
    await published(organizer, await computed(organizer, event, place))
    meeting = (await firm.get(MEETINGS)).json()["items"][0]
    return event, (firm, mine, problem), (university, theirs, achievement), third, meeting


def outcome(mine, meeting, stage="right_after"):
    return f"{REGISTRATIONS}/{mine['id']}/meetings/{meeting['id']}/outcomes/{stage}"


def figures_of(groups) -> list[dict]:
    return [figure for one in groups for figure in one["figures"]]


async def test_each_side_says_for_itself_and_every_figure_counts_its_rows(organizer, met, session, monkeypatch):
    event, (firm, mine, problem), (university, theirs, achievement), third, meeting = met
    first = {"If-Match": '"0"'}
    before = await firm.put(outcome(mine, meeting), SAID, headers=first)
    assert before.json()["type"] == "/problems/not-in-this-state"
    await enters(session, event, EventState.RUNNING)
    assert (await firm.put(outcome(mine, meeting), SAID, headers=first)).json()["type"] == "/problems/nothing-to-tell"
    day = event.starts_at + timedelta(hours=5)
    monkeypatch.setattr(clock, "now", lambda: day)
    said = await firm.put(outcome(mine, meeting), SAID, headers=first)
    assert (said.status_code, said.json()["version"]) == (200, 1), said.text
    assert {name: said.json()[name] for name in SAID} == SAID
    assert (await firm.put(outcome(mine, meeting), SAID, headers=first)).status_code == 412
    unsigned = SAID | {"result": "valuable_contact"}
    refused = await firm.put(outcome(mine, meeting), unsigned, headers={"If-Match": '"1"'})
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/signed_yuan"]
    again = await firm.put(outcome(mine, meeting), SAID | {"stars": 4}, headers={"If-Match": '"1"'})
    assert (again.json()["stars"], again.json()["version"]) == (4, 2)
    early = await firm.put(outcome(mine, meeting, "later"), SAID, headers=first)
    assert early.json()["type"] == "/problems/too-early"
    assert (await third.put(outcome(mine, meeting), SAID, headers=first)).status_code == 404
    answer = {"result": "negotiation_started"}
    assert (await university.put(outcome(theirs, meeting), answer, headers=first)).status_code == 200
    assert [one["result"] for one in (await university.get("/api/v1/outcomes")).json()["items"]] == [answer["result"]]
    assert len((await organizer.get("/api/v1/outcomes", params={"event": str(event.id)})).json()["items"]) == 2

    url = f"{REGISTRATIONS}/{mine['id']}/meetings/{meeting['id']}/interest"
    interest = (await firm.post(url, {"note": "联合开发。"})).json()
    assert (interest["problem_id"], interest["achievement_id"]) == (problem["id"], achievement["id"])
    assert (interest["wish_id"], interest["meeting_id"]) == (meeting["wish_id"], meeting["id"])
    assert interest["to_organisation_id"] == str(university.organisation.id)
    assert (await firm.post(url, {})).json()["type"] == "/problems/interest-there"
    assert [one["id"] for one in (await university.get("/api/v1/interests")).json()["items"]] == [interest["id"]]
    assert (await third.get("/api/v1/interests")).json()["items"] == []

    report = await organizer.get(f"{EVENTS}/{event.id}/report")
    assert report.status_code == 200, report.text
    report = report.json()
    figures = {one["name"]: one for one in report["figures"]}
    groups = report["regions"] + report["industries"]
    for one in (*report["figures"], *({**each, "value": each["outcomes"]} for each in groups), *figures_of(groups)):
        rows = await organizer.get(one["rows"])
        assert rows.status_code == 200, one
        assert len(rows.json()["items"]) == one["value"], one
    assert {name: figures[name]["value"] for name in ("registered", "mutual", "planned", "agreements", "interests")} == {
        "registered": 3, "mutual": 2, "planned": 2, "agreements": 1, "interests": 1,
    }  # fmt: skip
    assert figures["agreements"]["yuan"] == "120000.00"
    assert [(one["code"], one["level"], one["outcomes"], one["signed_yuan"]) for one in report["regions"]] == [
        ("220000", "province", 2, "120000.00")
    ]
    counted = {one["code"]: {each["name"]: each["value"] for each in one["figures"]} for one in groups}
    names = ("registered", "mutual", "planned", "outcomes", "interests")
    assert [[counted[code][name] for name in names] for code in ("C", "38", "none")] == [
        # The firm's problem is of 38, the university's achievement of some kind of C: of C they are one pair that meets.
        [2, 2, 2, 2, 1], [1, 1, 1, 1, 1], [1, 1, 1, 0, 0],
    ]  # fmt: skip
    book = CalamineWorkbook.from_filelike(io.BytesIO((await organizer.get(f"{EVENTS}/{event.id}/report.xlsx")).content))
    told = book.get_sheet_by_name(book.sheet_names[0]).to_python()
    assert [row[1] for row in told[2:]] == [one["value"] for one in report["figures"]]
    assert [len(book.get_sheet_by_name(name).to_python()) for name in book.sheet_names[1:3]] == [2 + 1, 2 + 3]
    details = book.get_sheet_by_name(book.sheet_names[4]).to_python()
    assert [row[0] for row in details[2:] if row[2] == "interests"] == ["38", "C"]
    assert (await firm.get(f"{EVENTS}/{event.id}/report")).status_code == 403
    # What the other side brings is for the desk; where it is, everybody knows.
    mine_of = {"event": str(event.id)}
    assert len((await firm.get(MEETINGS, params=mine_of | {"region": "220000"})).json()["items"]) == 1
    assert (await firm.get(MEETINGS, params=mine_of | {"industry": "C"})).json()["items"] == []
    unknown = await organizer.get(MEETINGS, params=mine_of | {"industry": "C99", "region": "999999"})
    assert {one["code"] for one in unknown.json()["errors"]} == {"unknown_industry", "unknown_region"}

    # The other side speaks of the same contract, and the first of it once more half a year later: it counts once.
    both = SAID | {"signed_yuan": "150000.00"}
    assert (await university.put(outcome(theirs, meeting), both, headers={"If-Match": '"1"'})).status_code == 200
    more = (await organizer.get(f"{EVENTS}/{event.id}/report")).json()
    figure = next(one for one in more["figures"] if one["name"] == "agreements")
    assert (figure["value"], figure["yuan"]) == (2, "150000.00")
    assert more["regions"][0]["signed_yuan"] == "150000.00"


async def test_half_a_year_later_one_is_asked_again_in_every_state_that_allows_it(met, session):
    event, (firm, mine, _), _, _, meeting = met
    half_a_year = timedelta(days=180)
    long_ago = {"starts_at": Meeting.starts_at - half_a_year, "ends_at": Meeting.ends_at - half_a_year}
    await session.execute(update(Meeting).values(**long_ago), execution_options={"synchronize_session": False})
    version = 0
    for state in EventState:
        because = "停电" if state is EventState.CANCELLED else None
        await session.execute(update(Event).where(Event.id == event.id).values(state=state, cancelled_because=because))
        await session.commit()
        said = await firm.put(outcome(mine, meeting, "later"), SAID, headers={"If-Match": f'"{version}"'})
        assert said.status_code == (200 if state in POSSIBLE[EventAct.FOLLOW_UP] else 409)
        version += said.status_code == 200
