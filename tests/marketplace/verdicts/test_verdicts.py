"""Each side says what it thinks of a pairing; nobody else hears it, and what was said before is kept."""

import asyncio
import io

from python_calamine import CalamineWorkbook
from sqlalchemy import select

from marketplace.kernel.facts import Recorded
from marketplace.verdicts.models import Verdict, VerdictRevision
from schemas.identity import Role
from tests.given import listings
from tests.marketplace.verdicts.conftest import FITS, NEED


async def test_a_side_says_replaces_and_withdraws(market, say, session):
    _, enterprise, need, _, misled, _ = market
    at = f"/api/v1/problems/{need.id}/pairings/{misled.id}"
    assert (await enterprise.get(f"{at}/verdict")).status_code == 404
    pairing = (await enterprise.get(at)).json()
    shown = [term["term"] for term in pairing["reasons"]["terms"]]
    assert "无损检测" in shown

    given = await say(enterprise, need, misled, grade=0, misleading=["无损检测"], note="对象完全不同。")
    assert given.status_code == 200, given.text
    assert given.headers["ETag"] == '"1"'
    body = given.json()
    assert (body["kind"], body["grade"], body["industries"]) == ("problem", 0, ["34"])
    said = body["said"]
    assert (said["title"], said["other_title"], said["model"], said["rank"]) == (need.title, misled.title, 0, 2)
    assert abs(said["score"] - pairing["score"]) < 1e-3, "what the matcher says is kept with it"
    assert {one["name"]: one["value"] for one in said["signals"]}["region"] == 0.0
    assert [one["term"] for one in said["terms"]] == shown

    assert (await say(enterprise, need, misled, grade=1)).status_code == 412, "somebody said something already"
    again = await say(enterprise, need, misled, version=1, grade=1, misleading=["无损检测", "无损检测"])
    assert (again.headers["ETag"], again.json()["misleading"]) == ('"2"', ["无损检测"])
    assert (await enterprise.get(f"{at}/verdict")).json() == again.json()
    assert (await enterprise.delete(f"{at}/verdict", headers={"If-Match": '"1"'})).status_code == 412
    assert (await enterprise.delete(f"{at}/verdict")).status_code == 428
    assert (await enterprise.delete(f"{at}/verdict", headers={"If-Match": '"2"'})).status_code == 204
    assert (await enterprise.get(f"{at}/verdict")).status_code == 404
    assert (await enterprise.delete(f"{at}/verdict", headers={"If-Match": '"3"'})).status_code == 404
    assert (await enterprise.get("/api/v1/verdicts")).json()["items"] == []

    anew = await say(enterprise, need, misled, grade=2)
    assert (anew.status_code, anew.headers["ETag"]) == (200, '"4"')
    key = body["id"]
    kept = await session.scalars(
        select(VerdictRevision).where(VerdictRevision.verdict_id == key).order_by(VerdictRevision.version)
    )
    history = [(one.version, one.body["grade"], one.body["note"], one.body["withdrawn"]) for one in kept]
    assert history == [(1, 0, "对象完全不同。", False), (2, 1, None, False), (3, 1, None, True)]
    names = await session.scalars(select(Recorded.name).where(Recorded.subject == key).order_by(Recorded.id))
    assert names.all() == ["VerdictGiven", "VerdictGiven", "VerdictWithdrawn", "VerdictGiven"]


async def test_what_cannot_be_said_is_named(market, say):
    university, enterprise, need, _, misled, _ = market
    answer = await say(enterprise, need, misled, grade=0, misleading=["无损检测", "糖度"])
    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("/misleading/1", "not_a_shown_term")]
    assert (await say(enterprise, need, need, grade=1)).status_code == 404, "one does not judge oneself"
    assert (await say(university, need, misled, grade=1)).status_code == 403, "it is not their problem"
    given = await say(enterprise, need, misled, grade=0, misleading=["无损检测"])
    assert given.status_code == 200


async def test_neither_side_hears_the_other_and_the_platform_hears_both(market, say, given, client):
    university, enterprise, need, fits, misled, _ = market
    assert (await say(enterprise, need, fits, grade=3, note="=1+1")).status_code == 200
    assert (await say(university, fits, need, grade=1, note="太急")).status_code == 200
    assert (await say(enterprise, need, misled, grade=0, misleading=["无损检测"])).status_code == 200
    at = "/api/v1/verdicts"

    async def grades(who, **wish) -> list[int]:
        page = await who.get(at, params=wish)
        assert page.status_code == 200, page.text
        return [one["grade"] for one in page.json()["items"]]

    assert await grades(enterprise) == [0, 3]
    assert await grades(university) == [1]
    for reader in (await given.admin(), await given.person(Role.AUDITOR)):
        assert await grades(reader) == [0, 1, 3]
        assert await grades(reader, kind="achievement") == [1]
        assert await grades(reader, term="无损检测") == [0]
        assert await grades(reader, grade="3", listing=str(need.id)) == [3]
    assert (await client.get(at)).status_code == 401
    # Not even where both look at one pairing.
    for who, listing, other in ((university, fits, need), (enterprise, need, fits)):
        kind = "achievements" if who is university else "problems"
        found = await who.get(f"/api/v1/{kind}/{listing.id}/pairings/{other.id}")
        assert "grade" not in found.text

    first = (await enterprise.get(at, params={"limit": 1})).json()
    rest = (await enterprise.get(at, params={"limit": 1, "cursor": first["next_cursor"]})).json()
    assert [one["grade"] for one in first["items"] + rest["items"]] == [0, 3]
    file = await enterprise.get(f"{at}.xlsx")
    lines = CalamineWorkbook.from_filelike(io.BytesIO(file.content)).get_sheet_by_index(0).to_python()
    assert [(line[4], line[6]) for line in lines[2:]] == [(3, "'=1+1"), (0, "")], "a note is never run as a formula"
    assert all(0 < line[9] <= line[8] for line in lines[2:]), "scores are numbers"


async def test_a_list_says_who_said_it_and_what_has_become_of_the_two_records(market, say, given, app):
    university, enterprise, need, fits, misled, _ = market
    colleague = await given.editor(enterprise.organisation)
    assert (await say(enterprise, need, fits, grade=3)).status_code == 200
    assert (await say(colleague, need, misled, grade=0, misleading=["无损检测"])).status_code == 200

    async def found(who, **wish):
        items = (await who.get("/api/v1/verdicts", params=wish)).json()["items"]
        return [(one["grade"], one["standing"], one["by"] == str(enterprise.id)) for one in items]

    assert await found(enterprise) == [(0, "open", False), (3, "open", True)]
    assert await found(enterprise, mine="true") == [(3, "open", True)]
    assert await found(enterprise, mine="false") == await found(colleague, mine="true") == [(0, "open", False)]
    assert (await enterprise.get("/api/v1/verdicts")).json()["items"][0]["by_name"]
    assert (await university.post(f"/api/v1/achievements/{misled.id}/withdrawal")).status_code == 200
    assert await found(enterprise) == [(0, "theirs_closed", False), (3, "open", True)]
    assert (await enterprise.post(f"/api/v1/problems/{need.id}/withdrawal")).status_code == 200
    assert await found(enterprise) == [(0, "theirs_closed", False), (3, "ours_closed", True)]


async def test_who_changes_a_verdict_may_name_what_was_before_them(market, say, app, session):
    """The reasons of a pairing change with every record that comes; a page that was opened before is not refused for it."""
    university, enterprise, need, _, misled, _ = market
    assert (await say(enterprise, need, misled, grade=1)).status_code == 200
    changed = {"title": "水果糖度近红外分析", "description": "苹果的糖度分析与检测。"}
    at = f"/api/v1/achievements/{misled.id}"
    answer = await university.patch(at, changed, version=1)
    assert answer.status_code == 200, answer.text
    await app.state.engine.load()
    assert (await say(enterprise, need, misled, version=1, grade=0, misleading=["无损检测"])).status_code == 200
    assert (await say(enterprise, need, misled, version=2, grade=0, misleading=["人参"])).status_code == 422


async def test_of_many_who_speak_at_once_for_one_side_one_is_heard(standing, given_there, say):
    university, enterprise = await given_there.university(), await given_there.enterprise()
    fits = (await listings.achievements(given_there.session, university.organisation, FITS))[0]
    need = (await listings.problems(given_there.session, enterprise.organisation, NEED))[0]
    await standing.engine.load()
    answers = await asyncio.gather(*(say(enterprise, need, fits, grade=grade) for grade in (3, 1, 0, 2)))
    assert sorted(one.status_code for one in answers) == [200, 412, 412, 412]
    (heard,) = (one.json()["grade"] for one in answers if one.status_code == 200)
    async with standing.session() as session:
        assert (await session.scalars(select(Verdict.grade))).all() == [heard]


async def test_what_left_the_ranking_can_still_be_taken_back(market, say, app):
    university, enterprise, need, fits, *_ = market
    assert (await say(enterprise, need, fits, grade=3)).status_code == 200
    assert (await university.post(f"/api/v1/achievements/{fits.id}/withdrawal")).status_code == 200
    await app.state.engine.load()
    at = f"/api/v1/problems/{need.id}/pairings/{fits.id}/verdict"
    assert (await say(enterprise, need, fits, version=1, grade=1)).status_code == 404, "it is ranked no more"
    assert (await enterprise.get(at)).json()["grade"] == 3
    assert (await enterprise.delete(at, headers={"If-Match": '"1"'})).status_code == 204
