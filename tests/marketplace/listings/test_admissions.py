"""Who is let in to a confidential part: asked, answered, revoked, one person at a time."""

import asyncio

import pytest
from sqlalchemy import func, select

from marketplace.listings.models import Admission
from schemas.identity import Role
from tests.given.confidential import SECRET, admit, facts_of


@pytest.fixture
async def made(kind, owner):
    return await kind.with_secret(owner, SECRET)


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
