"""What the platform's administrators may do to people."""

import pytest
from rich.console import Console
from sqlalchemy import select

from marketplace import commands
from marketplace.identity.models import Person
from marketplace.kernel.facts import Recorded
from schemas.identity import Role


async def shut(who, whom, reason="违规"):
    return await who.post(f"/api/v1/people/{whom}/suspension", {"reason": reason})


async def test_a_suspended_account_is_shut_at_once_and_opens_again(given):
    admin, anna = await given.admin(), await given.person()
    assert (await shut(admin, anna.id)).status_code == 204
    assert (await anna.get("/api/v1/me")).status_code == 403
    back = await admin.post(f"/api/v1/people/{anna.id}/reinstatement", {"reason": "误判"})
    assert back.status_code == 204
    assert (await anna.get("/api/v1/me")).status_code == 200


async def test_suspending_twice_keeps_the_first_reason_and_one_record(given, session):
    admin, anna = await given.admin(), await given.person()
    await shut(admin, anna.id, "first")
    await shut(admin, anna.id, "second")
    assert await session.scalar(select(Person.suspended_because).where(Person.id == anna.id)) == "first"
    facts = await session.scalars(select(Recorded.body).where(Recorded.name == "PersonSuspended"))
    assert [body["reason"] for body in facts] == ["first"]


async def test_reinstating_who_is_not_suspended_changes_nothing(given, session):
    admin, anna = await given.admin(), await given.person()
    assert (await admin.post(f"/api/v1/people/{anna.id}/reinstatement", {"reason": "x"})).status_code == 204
    assert await session.scalar(select(Recorded.id).where(Recorded.name == "PersonReinstated")) is None


async def test_nobody_shuts_their_own_account(given):
    admin = await given.admin()
    assert (await shut(admin, admin.id)).status_code == 403


@pytest.mark.parametrize("role", [None, Role.AUDITOR, Role.ORGANISATION_ADMIN])
async def test_people_are_there_for_the_platforms_administrators_alone(role, given):
    organisation = await given.organisation() if role is Role.ORGANISATION_ADMIN else None
    somebody, anna = await given.person(role, organisation), await given.person()
    for verb in ("suspension", "reinstatement"):
        assert (await somebody.post(f"/api/v1/people/{anna.id}/{verb}", {"reason": "x"})).status_code == 404


async def test_a_person_who_is_not_there_cannot_be_suspended(given):
    assert (await shut(await given.admin(), "019aaaaa-0000-7000-8000-000000000000")).status_code == 404


@pytest.mark.parametrize("reason", ["", " ", None, "x" * 2001])
async def test_a_suspension_has_a_reason(reason, given):
    refused = await shut(await given.admin(), (await given.person()).id, reason)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/reason"


@pytest.fixture
def appoint(database):
    """What `duijie admin create` does."""

    async def made(email, password="a password of the terminal", **more):
        await commands.create_admin(
            database, email=email, name="x", password=password, console=Console(quiet=True), **more
        )

    return made


async def roles_with(client, email, password="a password of the terminal"):
    made = await client.post("/api/v1/sessions", json={"email": email, "password": password})
    assert made.status_code == 201, made.text
    me = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {made.json()['token']}"})
    return [one["role"] for one in me.json()["memberships"]]


async def test_an_auditor_who_is_made_administrator_is_one(appoint, given, client, session):
    auditor = await given.person(Role.AUDITOR)
    await appoint(auditor.email)
    assert await roles_with(client, auditor.email) == ["platform_admin"]
    await appoint(auditor.email, role=Role.AUDITOR)
    assert await roles_with(client, auditor.email) == ["auditor"]
    told = await session.scalars(
        select(Recorded.name)
        .where(Recorded.subject == auditor.id, Recorded.name.startswith("Member"))
        .order_by(Recorded.id)
    )
    assert told.all() == ["MemberLeft", "MemberJoined"] * 2


async def test_the_terminal_is_the_way_back_into_a_shut_account(appoint, given, client):
    last = await given.person(Role.PLATFORM_ADMIN, suspended=True)
    await appoint(last.email)
    assert await roles_with(client, last.email) == ["platform_admin"]


async def test_a_password_from_the_terminal_puts_everybody_else_out(appoint, given):
    admin = await given.admin()
    await appoint(admin.email)
    assert (await admin.get("/api/v1/me")).status_code == 401


async def test_the_terminal_makes_accounts_and_says_the_same_again(appoint, client):
    for _ in range(2):
        await appoint("Root@Test.Example", role=Role.AUDITOR)
        assert await roles_with(client, "root@test.example") == ["auditor"]
