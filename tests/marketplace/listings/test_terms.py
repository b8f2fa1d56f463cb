"""The terms before a confidential part: accepted as they were shown, kept for good, accepted anew when they change."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from marketplace.kernel import clock
from marketplace.listings.models import Confidential, NdaAcceptance
from schemas.identity import Role
from tests.given.confidential import NDA, SECRET, accept, admit, facts_of


@pytest.fixture
async def made(kind, owner):
    return await kind.with_secret(owner, SECRET)


@pytest.fixture
async def under_nda(kind, owner):
    return await kind.with_secret(owner, SECRET, nda=NDA)


async def test_the_terms_come_before_the_text_and_are_kept_word_for_word(kind, owner, under_nda, stranger, session):
    admission = await admit(kind, owner, under_nda, stranger)
    secret = kind.at(under_nda, "confidential")
    before = await stranger.get(secret)
    assert (before.status_code, before.json()["type"]) == (403, "/problems/nda-not-accepted")
    terms = (await stranger.get(kind.at(under_nda, "confidential", "terms"))).json()
    assert terms == {"nda": NDA, "version": 1}
    accepted = await accept(kind, stranger, under_nda, terms["nda"])
    assert (accepted.status_code, accepted.json()["id"]) == (201, admission["id"])
    assert accepted.json()["nda_accepted_at"]
    assert (await stranger.get(secret)).json()["text"] == SECRET
    assert (await accept(kind, stranger, under_nda, NDA)).json() == accepted.json()
    rows = await session.execute(
        select(Confidential.nda, NdaAcceptance.by, NdaAcceptance.at).join(
            Confidential,
            (Confidential.listing_id == NdaAcceptance.listing_id) & (Confidential.version == NdaAcceptance.version),
        )
    )
    [(words, by, at)] = rows.all()
    assert (words, by) == (NDA, stranger.id)
    assert abs(at - clock.now()) < timedelta(minutes=5)
    assert await facts_of(session, under_nda, "NdaAccepted") == [
        ("NdaAccepted", stranger.id, {"admission_id": admission["id"], "version": 1})
    ]


async def test_new_terms_are_accepted_anew_and_the_old_acceptance_is_kept(kind, owner, under_nda, stranger, session):
    await admit(kind, owner, under_nda, stranger)
    await accept(kind, stranger, under_nda, NDA)
    secret = kind.at(under_nda, "confidential")
    await owner.put(secret, {"text": "新配方", "nda": "新约定"}, headers={"If-Match": '"1"'})
    assert (await stranger.get(secret)).json()["type"] == "/problems/nda-not-accepted"
    stale = await accept(kind, stranger, under_nda, NDA)
    assert (stale.status_code, stale.json()["type"]) == (409, "/problems/nda-changed")
    assert (await accept(kind, stranger, under_nda, "新约定")).status_code == 201
    assert (await stranger.get(secret)).json()["text"] == "新配方"
    assert (await session.scalars(select(NdaAcceptance.version).order_by(NdaAcceptance.version))).all() == [1, 2]


async def test_a_new_text_under_the_same_terms_needs_no_new_word(kind, owner, under_nda, stranger):
    await admit(kind, owner, under_nda, stranger)
    await accept(kind, stranger, under_nda, NDA)
    secret = kind.at(under_nda, "confidential")
    await owner.put(secret, {"text": "新配方", "nda": NDA}, headers={"If-Match": '"1"'})
    assert (await stranger.get(secret)).json()["text"] == "新配方"


async def test_terms_are_accepted_anew_after_a_revocation(kind, owner, under_nda, stranger):
    door = await admit(kind, owner, under_nda, stranger)
    await accept(kind, stranger, under_nda, NDA)
    await owner.delete(kind.at(under_nda, "readers", door["id"]))
    assert (await accept(kind, stranger, under_nda, NDA)).json()["type"] == "/problems/not-admitted"
    await admit(kind, owner, under_nda, stranger)
    assert (await stranger.get(kind.at(under_nda, "confidential"))).json()["type"] == "/problems/nda-not-accepted"


async def test_terms_stand_before_confidential_files_too(kind, owner, under_nda, stranger):
    added = await owner.client.post(
        kind.at(under_nda, "attachments", "confidential"), files={"file": ("a.txt", b"text")}, headers=owner.headers
    )
    file = kind.at(under_nda, "attachments", added.json()["id"])
    await admit(kind, owner, under_nda, stranger)
    assert (await stranger.get(file)).json()["type"] == "/problems/nda-not-accepted"
    await accept(kind, stranger, under_nda, NDA)
    assert (await stranger.get(file)).content == b"text"


async def test_nobody_else_sees_or_accepts_the_terms(kind, owner, under_nda, stranger, client, given):
    await stranger.post(kind.at(under_nda, "admission-requests"), {"message": "请"})
    for who in (stranger, await given.admin(), await given.person(Role.VIEWER, owner.organisation)):
        assert (await who.get(kind.at(under_nda, "confidential", "terms"))).status_code == 403
        assert (await accept(kind, who, under_nda, NDA)).json()["type"] == "/problems/not-admitted"
    assert (await client.post(kind.at(under_nda, "confidential", "acceptances"), json={"nda": NDA})).status_code == 401
    # The owner's own editors read without terms, and have no admission to keep a word with.
    assert (await owner.get(kind.at(under_nda, "confidential"))).status_code == 200
    assert (await accept(kind, owner, under_nda, NDA)).json()["type"] == "/problems/not-admitted"


async def test_there_are_no_terms_to_accept_where_none_were_set(kind, owner, made, stranger):
    await admit(kind, owner, made, stranger)
    assert (await stranger.get(kind.at(made, "confidential"))).status_code == 200
    assert (await accept(kind, stranger, made, NDA)).json()["type"] == "/problems/nda-changed"


async def test_a_file_alone_is_read_without_terms(kind, owner, stranger):
    made = await kind.published(owner)
    await owner.client.post(
        kind.at(made, "attachments", "confidential"), files={"file": ("a.txt", b"text")}, headers=owner.headers
    )
    await admit(kind, owner, made, stranger)
    read = (await stranger.get(kind.at(made, "confidential"))).json()
    assert (read["text"], read["nda"], read["version"], read["updated_at"]) == ("", None, 0, None)
    assert [file["name"] for file in read["attachments"]] == ["a.txt"]
    assert (await stranger.get(kind.at(made, "confidential", "terms"))).json() == {"nda": None, "version": 0}
