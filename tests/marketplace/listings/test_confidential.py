"""The confidential part: who is let in, on which terms, and that every reading leaves a trace."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from marketplace.kernel import clock
from marketplace.kernel.facts import Recorded
from marketplace.listings.models import Admission, Confidential, NdaAcceptance
from schemas.identity import Role, Scope

SECRET = "甲组分 3 份，乙组分 7 份\n\t升温至 450 ℃"
NDA = "一、不得外传。\n二、不得用于其他目的。"


@pytest.fixture
async def made(kind, owner):
    return await kind.with_secret(owner, SECRET)


@pytest.fixture
async def under_nda(kind, owner):
    return await kind.with_secret(owner, SECRET, nda=NDA)


async def admit(kind, owner, made, who):
    admitted = await owner.post(kind.at(made, "readers"), {"email": who.email})
    assert (admitted.status_code, admitted.json()["state"]) == (201, "admitted")
    return admitted.json()


async def facts_of(session, made, *names):
    rows = await session.execute(
        select(Recorded.name, Recorded.by, Recorded.body)
        .where(Recorded.subject == made["id"], Recorded.name.in_(names))
        .order_by(Recorded.id)
    )
    return [(name, by, {k: v for k, v in body.items() if k not in {"listing_id", "kind"}}) for name, by, body in rows]


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
    from tests.given.kinds import KINDS

    [other] = [one for one in KINDS if one is not kind]
    for path in ("confidential", "confidential/terms", "readers"):
        assert (await owner.get(other.at(made, path))).status_code == 404


async def test_a_request_is_answered_and_the_door_shut_again(kind, owner, made, stranger, session):
    asked = await stranger.post(kind.at(made, "admission-requests"), {"message": "想了解 <配方>"})
    told = asked.json()
    assert (asked.status_code, told["email"], told["state"], told["message"]) == (
        201,
        stranger.email,
        "requested",
        "想了解 <配方>",
    )
    again = await stranger.post(kind.at(made, "admission-requests"), {"message": "再请"})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-asked")
    decision = kind.at(made, "readers", told["id"], "decision")
    let_in = await owner.post(decision, {"admit": True, "note": "仅供评估"})
    assert (let_in.status_code, let_in.json()["state"], let_in.json()["note"]) == (200, "admitted", "仅供评估")
    assert (await owner.post(decision, {"admit": True, "note": "仅供评估"})).json() == let_in.json()
    assert (await owner.post(decision, {"admit": False})).json()["type"] == "/problems/already-decided"
    assert (await stranger.get(kind.at(made, "confidential"))).json()["text"] == SECRET
    assert (await stranger.post(kind.at(made, "admission-requests"), {"message": "又"})).status_code == 409
    door = kind.at(made, "readers", told["id"])
    assert (await owner.delete(door)).json()["state"] == "revoked"
    assert (await owner.delete(door)).json()["state"] == "revoked"
    assert (await stranger.get(kind.at(made, "confidential"))).status_code == 403
    assert (await owner.post(decision, {"admit": True})).json()["type"] == "/problems/already-decided"
    once_more = await stranger.post(kind.at(made, "admission-requests"), {"message": "再来"})
    assert once_more.status_code == 201
    refused = kind.at(made, "readers", once_more.json()["id"])
    assert (await owner.delete(refused)).json()["type"] == "/problems/not-yet-admitted"
    assert (await owner.post(f"{refused}/decision", {"admit": False})).json()["state"] == "refused"
    assert (await owner.delete(refused)).json()["type"] == "/problems/not-yet-admitted"
    listed = (await owner.get(kind.at(made, "readers"))).json()["items"]
    assert [one["state"] for one in listed] == ["refused", "revoked"]
    names = ("AdmissionAsked", "ReaderAdmitted", "AdmissionRevoked", "AdmissionRefused")
    assert [name for name, _, _ in await facts_of(session, made, *names)] == [
        "AdmissionAsked",
        "ReaderAdmitted",
        "AdmissionRevoked",
        "AdmissionAsked",
        "AdmissionRefused",
    ]


async def test_admitting_answers_an_open_request_and_is_done_once(kind, owner, made, stranger, session):
    asked = (await stranger.post(kind.at(made, "admission-requests"), {"message": "请"})).json()
    first = await admit(kind, owner, made, stranger)
    assert first["id"] == asked["id"]
    assert await admit(kind, owner, made, stranger) == first
    assert await session.scalar(select(func.count()).select_from(Admission)) == 1


async def test_admission_is_by_address_whether_or_not_it_has_an_account(kind, owner, made):
    nobody = await owner.post(kind.at(made, "readers"), {"email": "Nobody.Here@Test.Example"})
    assert (nobody.status_code, nobody.json()["email"]) == (201, "nobody.here@test.example")
    assert set(nobody.json()) == set((await owner.post(kind.at(made, "readers"), {"email": owner.email})).json())


@pytest.mark.parametrize("wish", [{}, {"email": "x"}, {"email": None}, {"email": "a@b.c", "note": "x"}])
async def test_an_address_that_is_none_is_refused(wish, kind, owner, made):
    refused = await owner.post(kind.at(made, "readers"), wish)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] in {"/email", "/note"}


async def test_there_is_nothing_to_ask_for_where_nothing_is_confidential(kind, owner, stranger):
    made = await kind.published(owner)
    assert (await stranger.post(kind.at(made, "admission-requests"), {"message": "请"})).status_code == 404


async def test_who_reads_by_role_need_not_ask(kind, owner, made, client, given):
    colleague = await given.editor(owner.organisation)
    asked = await colleague.post(kind.at(made, "admission-requests"), {"message": "请"})
    assert (asked.status_code, asked.json()["type"]) == (409, "/problems/already-asked")
    viewer = await given.person(Role.VIEWER, owner.organisation)
    assert (await viewer.post(kind.at(made, "admission-requests"), {"message": "请"})).status_code == 201
    assert (await client.post(kind.at(made, "admission-requests"), json={"message": "请"})).status_code == 401


async def test_only_the_owners_editors_see_and_decide_about_readers(kind, owner, made, stranger, client, given):
    asked = (await stranger.post(kind.at(made, "admission-requests"), {"message": "请"})).json()
    door = kind.at(made, "readers", asked["id"])
    assert (await client.get(kind.at(made, "readers"))).status_code == 401
    for who in (
        stranger,
        await given.person(Role.VIEWER, owner.organisation),
        await given.admin(),
        await given.person(Role.AUDITOR),
    ):
        for refused in (
            await who.get(kind.at(made, "readers")),
            await who.post(kind.at(made, "readers"), {"email": who.email}),
            await who.post(f"{door}/decision", {"admit": True}),
            await who.delete(door),
        ):
            assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-your-record")


async def test_a_request_is_found_only_under_its_own_record(kind, owner, made, stranger):
    other = await kind.with_secret(owner)
    asked = (await stranger.post(kind.at(made, "admission-requests"), {"message": "请"})).json()
    for record, admission in ((other, asked["id"]), (made, made["id"])):
        door = kind.at(record, "readers", admission)
        assert (await owner.post(f"{door}/decision", {"admit": True})).status_code == 404
        assert (await owner.delete(door)).status_code == 404


async def test_readers_are_listed_latest_first_page_by_page(kind, owner, made):
    for number in range(5):
        await owner.post(kind.at(made, "readers"), {"email": f"r{number}@test.example"})
    first = (await owner.get(kind.at(made, "readers"), params={"limit": 3})).json()
    second = (await owner.get(kind.at(made, "readers"), params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [one["email"][1] for one in first["items"] + second["items"]] == ["4", "3", "2", "1", "0"]


async def test_asked_and_admitted_at_once_is_one_row(kind, live):
    owner, reader = await live.given.university(), await live.given.enterprise()
    made = await kind.with_secret(owner)
    answers = await asyncio.gather(
        *(owner.post(kind.at(made, "readers"), {"email": reader.email}) for _ in range(3)),
        *(reader.post(kind.at(made, "admission-requests"), {"message": "请"}) for _ in range(3)),
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    rows = (await live.session.scalars(select(Admission.state).where(Admission.email == reader.email))).all()
    assert len(rows) == 1


# --- terms -------------------------------------------------------------------------------------------------------


async def accept(kind, who, made, nda):
    return await who.post(kind.at(made, "confidential", "acceptances"), {"nda": nda})


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
