"""Which version is changed is said and checked; of several at once exactly one wins; nothing that was written is lost."""

import asyncio

import pytest
from sqlalchemy import func, select, text

from marketplace.listings.models import Attachment, Confidential, Listing, Revision
from schemas.identity import Role
from tests.given.kinds import NOTHING, PROBLEM


async def test_a_change_without_a_version_is_refused(kind, owner):
    made = await kind.draft(owner)
    refused = await owner.client.patch(kind.at(made), json={"title": "二"}, headers=owner.headers)
    assert (refused.status_code, refused.json()["type"]) == (428, "/problems/version-missing")
    put = await owner.put(kind.at(made, "confidential"), {"text": "密"})
    assert (put.status_code, put.json()["type"]) == (428, "/problems/version-missing")


@pytest.mark.parametrize(
    "version", ['"2"', '"0"', '"999999999"', '"1000000000000"', "1", "*", '"one"', '"1", "2"', '""', "''"]
)
async def test_a_change_of_another_version_is_refused_and_changes_nothing(version, kind, owner):
    made = await kind.draft(owner)
    headers = owner.headers | {"If-Match": version}
    refused = await owner.client.patch(kind.at(made), json={"title": "二"}, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (412, "/problems/stale-version")
    assert (await owner.get(kind.at(made))).json() == made


@pytest.mark.parametrize("version", ['"1"', 'W/"1"', ' "1" '])
async def test_the_etag_is_taken_as_it_was_given(version, kind, owner):
    made = await kind.draft(owner)
    headers = owner.headers | {"If-Match": version}
    changed = await owner.client.patch(kind.at(made), json={"title": "二"}, headers=headers)
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')


async def test_who_may_not_change_it_hears_that_before_anything_about_versions(kind, owner, stranger, client, given):
    made = await kind.published(owner)
    viewer = await given.person(Role.VIEWER, owner.organisation)
    assert (await client.patch(kind.at(made), json={})).status_code == 401
    for who in (viewer, stranger, await given.admin(), await given.person(Role.AUDITOR)):
        refused = await who.patch(kind.at(made), {"title": "二"}, version=99)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-your-record")
    draft = await kind.draft(owner)
    assert (await stranger.patch(kind.at(draft), {"title": "二"}, version=1)).status_code == 404


async def test_a_record_is_not_found_under_the_other_kinds_address(kind, owner):
    from tests.given.kinds import KINDS

    made = await kind.published(owner)
    [other] = [one for one in KINDS if one is not kind]
    assert (await owner.get(other.at(made))).status_code == 404
    assert (await owner.patch(other.at(made), {"title": "二"}, version=made["version"])).status_code == 404
    assert (await owner.post(other.at(made, "withdrawal"))).status_code == 404


async def test_every_edit_keeps_what_the_record_said_before_in_the_words_of_the_wire(kind, owner, given):
    colleague = await given.editor(owner.organisation)
    made = await kind.draft(owner, **kind.every_field)
    empty = {name: NOTHING.get(name) for name in kind.every_field if name != "title"} | {"title": "空"}
    assert (await owner.patch(kind.at(made), empty, version=1)).status_code == 200
    assert (await colleague.patch(kind.at(made), {"title": "三"}, version=2)).status_code == 200
    found = (await owner.get(kind.at(made, "revisions"))).json()
    assert [(one["version"], one["by"]) for one in found["items"]] == [(2, str(colleague.id)), (1, str(owner.id))]
    assert found["items"][0]["body"] == empty
    assert found["items"][1]["body"] == kind.every_field
    assert found["next_cursor"] is None


async def test_history_is_walked_page_by_page(kind, owner):
    made = await kind.draft(owner)
    for version in range(1, 6):
        await owner.patch(kind.at(made), {"title": f"第{version}次"}, version=version)
    seen, cursor = [], {}
    for _ in range(3):
        page = (await owner.get(kind.at(made, "revisions"), params={"limit": 2} | cursor)).json()
        seen += [one["version"] for one in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert seen == [5, 4, 3, 2, 1]
    assert page["next_cursor"] is None


async def test_history_is_the_owners(kind, owner, stranger, client, given):
    made = await kind.published(owner)
    await owner.patch(kind.at(made), {"title": "二"}, version=made["version"])
    url = kind.at(made, "revisions")
    assert (await client.get(url)).status_code == 401
    assert len((await (await given.person(Role.VIEWER, owner.organisation)).get(url)).json()["items"]) == 1
    for who in (stranger, await given.admin(), await given.person(Role.AUDITOR)):
        assert (await who.get(url)).json()["type"] == "/problems/not-your-record"
    draft = await kind.draft(owner)
    assert (await stranger.get(kind.at(draft, "revisions"))).status_code == 404


async def test_a_removed_file_and_an_earlier_confidential_text_are_kept(kind, owner, session):
    made = await kind.with_secret(owner, "第一稿", nda="约定一")
    await owner.put(kind.at(made, "confidential"), {"text": "", "nda": None}, headers={"If-Match": '"1"'})
    for part in ("public", "confidential"):
        added = await owner.client.post(
            kind.at(made, "attachments", part), files={"file": ("原件.txt", part.encode())}, headers=owner.headers
        )
        gone = await owner.delete(kind.at(made, "attachments", added.json()["id"]))
        assert gone.status_code == 204
        assert (await owner.get(kind.at(made, "attachments", added.json()["id"]))).status_code == 404
    kept = await session.execute(select(Confidential.text, Confidential.nda).order_by(Confidential.version))
    assert kept.all() == [("第一稿", "约定一"), ("", None)]
    files = await session.execute(select(Attachment.name, Attachment.content, Attachment.part))
    assert {(name, bytes(content)) for name, content, _ in files} == {
        ("原件.txt", b"public"),
        ("原件.txt", b"confidential"),
    }
    old = await owner.get(kind.at(made, "confidential"), params={"version": 1})
    assert (old.json()["text"], old.json()["nda"], old.headers["ETag"]) == ("第一稿", "约定一", '"1"')


@pytest.mark.parametrize("rivals", [2, 8])
async def test_of_edits_with_the_same_etag_exactly_one_wins(rivals, kind, live):
    owner = await live.given.university()
    made = await kind.draft(owner)
    answers = await asyncio.gather(
        *(owner.patch(kind.at(made), {"title": f"第{n}人"}, version=1) for n in range(rivals))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * (rivals - 1)
    [winner] = [answer.json() for answer in answers if answer.status_code == 200]
    assert (await owner.get(kind.at(made))).json() == winner
    assert winner["version"] == 2
    assert await live.session.scalar(select(func.count()).select_from(Revision)) == 1


async def test_of_confidential_texts_with_the_same_etag_exactly_one_wins(kind, live):
    owner = await live.given.university()
    made = await kind.published(owner)
    answers = await asyncio.gather(
        *(owner.put(kind.at(made, "confidential"), {"text": f"第{n}稿"}, headers={"If-Match": '"0"'}) for n in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5
    assert await live.session.scalar(select(func.count()).select_from(Confidential)) == 1


async def test_steps_taken_at_once_end_in_one_of_their_outcomes(live):
    """Solve, close, confirm and edit the same problem side by side: each sees what the one before it did."""
    owner = await live.given.enterprise()
    made = await PROBLEM.published(owner)
    answers = await asyncio.gather(
        owner.post(PROBLEM.at(made, "solution")),
        owner.post(PROBLEM.at(made, "withdrawal")),
        owner.post(PROBLEM.at(made, "confirmation")),
        owner.post(PROBLEM.at(made, "talks")),
        owner.patch(PROBLEM.at(made), {"title": "改"}, version=made["version"]),
    )
    assert {answer.status_code for answer in answers} <= {200, 409, 412}
    done = [answer.json()["version"] for answer in answers if answer.status_code == 200]
    assert len(set(done)) == len(done)
    end = (await owner.get(PROBLEM.at(made))).json()
    assert end["version"] == max(done) == made["version"] + len(done)
    assert end["state"] in {"solved", "closed"}


async def test_the_same_external_id_created_at_once_is_one_record(kind, live):
    owner = await live.given.university()
    answers = await asyncio.gather(*(kind.post(owner, title=str(n), source="库", external_id="1") for n in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert await live.session.scalar(select(func.count()).select_from(Listing)) == 1


async def test_the_database_itself_keeps_the_states_of_each_kind(kind, owner, session):
    from sqlalchemy.exc import IntegrityError

    made = await kind.published(owner)
    foreign = {"achievement": "solved", "problem": "withdrawn"}[kind.name]
    for wrong in (f"state = '{foreign}'", "confirmed_until = null", "trl = 10", "price_low = 2, price_high = 1"):
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                await session.execute(text(f"update listing set {wrong} where id = :id"), {"id": made["id"]})
