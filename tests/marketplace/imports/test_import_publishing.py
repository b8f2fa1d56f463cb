"""Importing and publishing in one go: what is shown, what waits as a draft, what is refused."""

from datetime import timedelta

import pytest

from marketplace.identity.models import Organisation
from marketplace.imports import jobs
from marketplace.kernel import clock
from marketplace.kernel.jobs import Place
from marketplace.settings import Review, Settings
from schemas.identity import Verification
from tests.marketplace.imports.conftest import TEXT, some_csv, some_jsonl
from tests.marketplace.imports.test_import_api import FILE, HEADER

pytestmark = pytest.mark.usefixtures("checked_here")


async def test_publishing_as_it_is_imported(given, importing, client, settings) -> None:
    me = await given.university()
    operation = await importing(me, FILE, "a.csv", publish=True)
    assert operation["result"]["created"] == 2
    shown = (await client.get("/api/v1/achievements")).json()["items"]
    assert [one["title"] for one in shown] == ["流延设备", "固态电池"]
    assert all(one["published_at"] and one["confirmed_until"] for one in shown)
    record = (await importing.listed(me))[0]
    until = clock.now() + timedelta(days=settings.freshness_days)
    assert abs((until - type(until).fromisoformat(record["confirmed_until"])).total_seconds()) < 60


async def test_drafts_of_the_file_are_published_and_other_states_left_alone(given, importing, session) -> None:
    me = await given.university()
    await importing(me, FILE, "a.csv")
    _, first = await importing.listed(me)
    await me.post(f"/api/v1/achievements/{first['id']}/publication")
    await me.post(f"/api/v1/achievements/{first['id']}/withdrawal")
    seen = await importing(me, FILE, "a.csv", publish=True, dry_run=True)
    operation = await importing(me, FILE, "a.csv", publish=True)
    assert operation["result"]["updated"] == seen["result"]["updated"] == 1
    second, first = await importing.listed(me)
    assert (first["state"], second["state"], second["version"]) == ("withdrawn", "published", 2)
    assert (await me.get(f"/api/v1/achievements/{second['id']}/revisions")).json()["items"] == []
    changed = FILE.replace(TEXT.encode(), b"other words entirely")
    await importing(me, changed, "a.csv")
    assert [one["version"] for one in await importing.listed(me)] == [3, 4]


async def test_a_draft_that_is_changed_and_published_at_once_has_one_new_version(given, importing) -> None:
    me = await given.university()
    await importing(me, FILE, "a.csv")
    await importing(me, FILE.replace(TEXT.encode(), b"other words entirely"), "a.csv", publish=True)
    assert [(one["state"], one["version"], one["description"]) for one in await importing.listed(me)] == [
        ("published", 2, "other words entirely")
    ] * 2


async def test_where_the_platform_reviews_records_they_go_to_review(given, importing, session) -> None:
    me = await given.university()
    old = importing.place
    importing.place = Place(old.database, Settings(**(old.settings.model_dump() | {"review": Review.PLATFORM})))
    await importing(me, FILE, "a.csv", publish=True)
    assert [(one["state"], one["published_at"]) for one in await importing.listed(me)] == [("in_review", None)] * 2


async def test_what_lacks_something_for_publishing_stays_a_draft_until_it_is_there(given, importing) -> None:
    me = await given.university()
    short = some_csv(HEADER, ("固态电池", TEXT, "", "A-1"), ("流延设备", "", "", "A-2"))
    (tried, done) = [await importing(me, short, "a.csv", publish=True, dry_run=dry_run) for dry_run in (True, False)]
    for operation in (tried, done):
        assert (operation["state"], operation["result"]["created"], operation["result"]["failed"]) == ("done", 2, 0)
        (notice,) = operation["result"]["notices"]
        assert (notice["row"], notice["field"], notice["code"]) == (3, "description", "kept_as_draft")
    drafts = [one for one in await importing.listed(me) if one["state"] == "draft"]
    assert [(one["title"], one["published_at"], one["confirmed_until"]) for one in drafts] == [("流延设备", None, None)]
    assert (await importing(me, short, "a.csv", publish=True))["result"]["unchanged"] == 2
    await importing(me, some_csv(HEADER, ("流延设备", TEXT, "", "A-2")), "a.csv", publish=True)
    assert {one["state"] for one in await importing.listed(me)} == {"published"}


async def test_a_row_that_is_short_by_itself_publishes_a_draft_that_has_the_rest(given, importing) -> None:
    me = await given.university()
    await importing(me, FILE, "a.csv")
    await importing(me, some_csv(("标题", "外部编号"), ("固态电池二", "A-1")), "a.csv", publish=True)
    assert {one["state"] for one in await importing.listed(me) if one["title"] == "固态电池二"} == {"published"}


async def test_what_is_shown_must_not_lose_what_publishing_asked_for(given, importing) -> None:
    me = await given.university()
    await importing(me, FILE, "a.csv", publish=True)
    rows = some_csv(HEADER, ("固态电池", "", "", "A-1"), ("流延设备二", TEXT, "", "A-2"))
    for dry_run in (True, False):
        operation = await importing(me, rows, "a.csv", dry_run=dry_run)
        (error,) = operation["result"]["errors"]
        assert (error["row"], error["field"], error["code"]) == (2, "description", "missing_for_publishing")
    assert operation["state"] == "failed"
    assert [one["version"] for one in await importing.listed(me)] == [1, 1]
    partly = await importing(me, rows, "a.csv", partial=True)
    assert (partly["state"], partly["result"]["updated"], partly["result"]["failed"]) == ("done", 1, 1)
    assert [one["description"] for one in await importing.listed(me)] == [TEXT, TEXT]


async def test_a_deadline_that_has_passed_already_keeps_no_other_change_back(given, importing, session) -> None:
    me = await given.enterprise()
    row = {"id": "1", "title": "锻模龟裂", "text": TEXT, "deadline": "2099-01-01"}
    await importing(me, some_jsonl(row), "a.jsonl", "problem", publish=True)
    answer = await importing.hand_in(me, some_jsonl(row | {"title": "锻模开裂"}), "a.jsonl", "problem")
    with clock.ahead(timedelta(days=80 * 365)):
        await jobs.run(importing.place, {"operation_id": answer.json()["id"]})
    operation = await importing.operation(me, answer)
    assert operation["result"]["updated"] == 1, operation


async def test_unverified_organisations_import_drafts_and_publish_nothing(given, importing) -> None:
    me = await given.editor(await given.organisation(verification=Verification.UNVERIFIED))
    refused = await importing.hand_in(me, FILE, "a.csv", publish=True)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-verified")
    assert (await importing(me, FILE, "a.csv"))["result"]["created"] == 2


async def test_verification_that_ends_in_between_ends_the_import(given, importing, session) -> None:
    me = await given.university()
    answer = await importing.hand_in(me, FILE, "a.csv", publish=True)
    organisation = await session.get(Organisation, me.organisation.id, populate_existing=True)
    organisation.verification = Verification.SUSPENDED
    await session.commit()
    await jobs.run(importing.place, {"operation_id": answer.json()["id"]})
    operation = await importing.operation(me, answer)
    assert (operation["state"], operation["result"]) == ("failed", None)
    assert "认证" in operation["error"]
