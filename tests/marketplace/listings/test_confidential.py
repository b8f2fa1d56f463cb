"""The confidential part: written by its owners, read by the admitted, and every reading leaves a trace."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from marketplace.kernel import clock
from marketplace.kernel.facts import Recorded
from marketplace.listings.models import Confidential
from schemas.identity import Role, Scope
from tests.given.confidential import NDA, SECRET, admit, facts_of
from tests.given.kinds import KINDS


@pytest.fixture
async def made(kind, owner):
    return await kind.with_secret(owner, SECRET)


@pytest.fixture
async def under_nda(kind, owner):
    return await kind.with_secret(owner, SECRET, nda=NDA)


# --- writing -----------------------------------------------------------------------------------------------------


async def test_the_confidential_part_comes_back_exactly_and_is_shown_to_exist(kind, owner, client):
    made = await kind.published(owner)
    assert made["confidential_part"] is False
    before = await owner.get(kind.at(made, "confidential"))
    assert (before.json()["text"], before.json()["version"], before.headers["ETag"]) == ("", 0, '"0"')
    put = await owner.put(kind.at(made, "confidential"), {"text": SECRET, "nda": NDA}, headers={"If-Match": '"0"'})
    assert (put.status_code, put.json(), put.headers["ETag"]) == (200, {"nda": NDA, "version": 1}, '"1"')
    read = await owner.get(kind.at(made, "confidential"))
    told = read.json()
    assert (told["text"], told["nda"], told["version"], told["attachments"]) == (SECRET, NDA, 1, [])
    assert read.headers["ETag"] == '"1"'
    assert (await client.get(kind.at(made))).json()["confidential_part"] is True
    assert (await client.get(kind.url)).json()["items"][0]["confidential_part"] is True


async def test_nothing_confidential_is_for_a_cache(kind, owner, made):
    for answer in (
        await owner.get(kind.at(made, "confidential")),
        await owner.get(kind.at(made, "confidential", "terms")),
        await owner.put(kind.at(made, "confidential"), {"text": "新"}, headers={"If-Match": '"1"'}),
    ):
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"


async def test_writing_the_same_again_is_no_new_version(kind, owner, made, session):
    same = await owner.put(kind.at(made, "confidential"), {"text": SECRET, "nda": None}, headers={"If-Match": '"0"'})
    assert (same.status_code, same.json()["version"]) == (200, 1)
    assert await session.scalar(select(func.count()).select_from(Confidential)) == 1


async def test_the_mark_goes_when_text_and_files_are_gone(kind, owner, made):
    file = {"file": ("a.txt", b"text")}
    added = await owner.client.post(kind.at(made, "attachments", "confidential"), files=file, headers=owner.headers)
    await owner.put(kind.at(made, "confidential"), {"text": ""}, headers={"If-Match": '"1"'})
    assert (await owner.get(kind.at(made))).json()["confidential_part"] is True
    await owner.delete(kind.at(made, "attachments", added.json()["id"]))
    assert (await owner.get(kind.at(made))).json()["confidential_part"] is False


async def test_only_the_owners_editors_write_it(kind, owner, made, stranger, client, given):
    wish, headers = {"text": "改"}, {"If-Match": '"1"'}
    await admit(kind, owner, made, stranger)
    assert (await client.put(kind.at(made, "confidential"), json=wish, headers=headers)).status_code == 401
    for who in (
        stranger,
        await given.person(Role.VIEWER, owner.organisation),
        await given.admin(),
        await given.person(Role.AUDITOR),
    ):
        refused = await who.put(kind.at(made, "confidential"), wish, headers=headers)
        assert refused.json()["type"] == "/problems/not-your-record"
    assert (await owner.get(kind.at(made, "confidential"))).json()["text"] == SECRET


async def test_an_earlier_version_is_its_owners_to_see(kind, owner, made, stranger):
    await admit(kind, owner, made, stranger)
    await owner.put(kind.at(made, "confidential"), {"text": "第二稿"}, headers={"If-Match": '"1"'})
    url = kind.at(made, "confidential")
    assert (await owner.get(url, params={"version": 1})).json()["text"] == SECRET
    assert (await owner.get(url, params={"version": 3})).status_code == 404
    assert (await stranger.get(url)).json()["text"] == "第二稿"
    assert (await stranger.get(url, params={"version": 1})).json()["type"] == "/problems/not-your-record"


# --- who is let in -----------------------------------------------------------------------------------------------


async def test_only_the_owners_editors_and_the_admitted_read(kind, owner, made, stranger, client, given):
    added = await owner.client.post(
        kind.at(made, "attachments", "confidential"), files={"file": ("a.txt", b"text")}, headers=owner.headers
    )
    secret, terms = kind.at(made, "confidential"), kind.at(made, "confidential", "terms")
    file = kind.at(made, "attachments", added.json()["id"])
    for url, status in ((secret, 401), (terms, 401), (file, 404)):
        assert (await client.get(url)).status_code == status
    admitted, requested, refused, revoked = [await given.editor() for _ in range(4)]
    await admit(kind, owner, made, admitted)
    await requested.post(kind.at(made, "admission-requests"), {"message": "请"})
    asked = (await refused.post(kind.at(made, "admission-requests"), {"message": "请"})).json()
    await owner.post(kind.at(made, "readers", asked["id"], "decision"), {"admit": False})
    door = await admit(kind, owner, made, revoked)
    await owner.delete(kind.at(made, "readers", door["id"]))
    for who in (
        stranger,
        requested,
        refused,
        revoked,
        await given.person(),
        await given.person(Role.VIEWER, owner.organisation),
        await given.person(Role.LAB_MANAGER, owner.organisation),
        await given.admin(),
        await given.person(Role.AUDITOR),
    ):
        for url in (secret, terms):
            no = await who.get(url)
            assert (no.status_code, no.json()["type"]) == (403, "/problems/not-admitted")
            assert SECRET[:3] not in no.text
        no = await who.get(file)
        assert (no.status_code, no.json()["type"]) == (404, "/problems/not-found")
    administrator = await given.person(Role.ORGANISATION_ADMIN, owner.organisation)
    for who in (owner, administrator, admitted):
        assert (await who.get(secret)).json()["text"] == SECRET
        assert (await who.get(terms)).json() == {"nda": None, "version": 1}
        assert (await who.get(file)).content == b"text"
    reading = await given.person(Role.EDITOR, owner.organisation, scope=Scope.READ)
    assert (await reading.get(secret)).status_code == 200
    suspended = await given.person(Role.EDITOR, owner.organisation, suspended=True)
    assert (await suspended.get(secret)).json()["type"] == "/problems/account-suspended"


async def test_a_record_that_is_not_seen_has_no_confidential_part(kind, owner, stranger, session):
    made = await kind.with_secret(owner)
    await admit(kind, owner, made, stranger)
    for state in kind.states:
        await kind.set_state(session, made, state)
        status = 200 if state in {"published", "in_talks"} else 404
        assert (await stranger.get(kind.at(made, "confidential"))).status_code == status
        assert (await owner.get(kind.at(made, "confidential"))).status_code == 200


async def test_the_confidential_part_of_one_kind_is_not_under_the_others_address(kind, owner, made):
    [other] = [one for one in KINDS if one is not kind]
    for path in ("confidential", "confidential/terms", "readers"):
        assert (await owner.get(other.at(made, path))).status_code == 404


# --- the trace ---------------------------------------------------------------------------------------------------


async def test_every_reading_is_written_down_with_who_and_when(kind, owner, made, stranger, session):
    added = await owner.client.post(
        kind.at(made, "attachments", "confidential"), files={"file": ("a.txt", b"text")}, headers=owner.headers
    )
    await admit(kind, owner, made, stranger)
    for _ in range(2):
        await stranger.get(kind.at(made, "confidential"))
    await stranger.get(kind.at(made, "attachments", added.json()["id"]))
    await owner.get(kind.at(made, "confidential"), params={"version": 1})
    text = {"version": 1, "attachment_id": None}
    assert await facts_of(session, made, "ConfidentialRead") == [
        ("ConfidentialRead", stranger.id, text),
        ("ConfidentialRead", stranger.id, text),
        ("ConfidentialRead", stranger.id, {"version": None, "attachment_id": added.json()["id"]}),
        ("ConfidentialRead", owner.id, text),
    ]
    at = await session.scalar(select(func.max(Recorded.at)).where(Recorded.name == "ConfidentialRead"))
    assert abs(at - clock.now()) < timedelta(minutes=5)


async def test_a_reading_that_was_refused_is_no_reading(kind, owner, under_nda, stranger, session):
    await stranger.get(kind.at(under_nda, "confidential"))
    await admit(kind, owner, under_nda, stranger)
    await stranger.get(kind.at(under_nda, "confidential"))
    await owner.get(kind.at(under_nda, "confidential"), params={"version": 9})
    assert await facts_of(session, under_nda, "ConfidentialRead") == []


async def test_a_public_file_leaves_no_trace_of_its_readers(kind, owner, made, client, session):
    added = await owner.client.post(
        kind.at(made, "attachments", "public"), files={"file": ("a.txt", b"text")}, headers=owner.headers
    )
    assert (await client.get(kind.at(made, "attachments", added.json()["id"]))).content == b"text"
    assert await facts_of(session, made, "ConfidentialRead") == []
