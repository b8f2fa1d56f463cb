"""Two at once, on two connections that really commit."""

import asyncio

import pytest
from sqlalchemy import func, select

from marketplace.identity import allowances, passwords
from marketplace.identity.models import Membership, Person, SignInTry
from marketplace.kernel.mail import Letter
from schemas.identity import Role
from tests.given.letters import code_for
from tests.given.people import a_uscc


async def both_leave(place, one, other) -> list[int]:
    """Two administrators leave at the same moment."""
    url = f"/api/v1/organisations/{one.organisation.id}/members"
    mine = {item["person_id"]: item["id"] for item in (await one.get(url)).json()["items"]}
    leaving = [who.delete(f"{url}/{mine[str(who.id)]}", headers={"If-Match": '"1"'}) for who in (one, other)]
    return sorted(answer.status_code for answer in await asyncio.gather(*leaving))


async def administrators_left(place, organisation) -> int:
    async with place.database.reading() as session:
        return await session.scalar(
            select(func.count()).where(
                Membership.organisation_id == organisation.id,
                Membership.role == Role.ORGANISATION_ADMIN,
                Membership.ended_at.is_(None),
            )
        )


async def test_of_two_administrators_who_leave_at_once_one_stays(real):
    for _ in range(10):
        organisation = await real.given.organisation()
        two = [await real.given.person(Role.ORGANISATION_ADMIN, organisation) for _ in range(2)]
        assert await both_leave(real, *two) == [204, 409]
        assert await administrators_left(real, organisation) == 1


async def test_the_same_race_without_the_lock_is_lost(real, monkeypatch):
    """The naive twin: the count is looked at without holding the organisation."""
    from marketplace.identity import organisations

    honest = organisations.read
    meet = asyncio.Barrier(2)

    async def unlocked(session, actor, organisation_id, *, lock=False):
        found = await honest(session, actor, organisation_id)
        if lock:
            await meet.wait()  # both are past the place where the lock would have been
        return found

    monkeypatch.setattr(organisations, "read", unlocked)
    organisation = await real.given.organisation()
    two = [await real.given.person(Role.ORGANISATION_ADMIN, organisation) for _ in range(2)]
    monkeypatch.setattr("marketplace.identity.members._keeps_an_administrator", _counting_and_then(meet))
    assert await both_leave(real, *two) == [204, 204]
    assert await administrators_left(real, organisation) == 0


def _counting_and_then(meet):
    from marketplace.identity import members

    honest = members._keeps_an_administrator

    async def count(session, membership):
        await honest(session, membership)
        await meet.wait()

    return count


async def test_of_two_platform_administrators_who_shut_each_other_out_one_stays(real):
    for _ in range(5):
        one, other = await real.given.admin(), await real.given.admin()

        def shut(who, whom):
            return who.post(f"/api/v1/people/{whom.id}/suspension", {"reason": "x"})

        answers = await asyncio.gather(shut(one, other), shut(other, one))
        assert sorted(answer.status_code for answer in answers) == [204, 403]


async def test_an_organisation_that_twenty_enter_at_once_is_entered_once(real):
    body = {"uscc": a_uscc(), "name": "某公司", "kinds": ["enterprise"], "region": "220100"}
    people = [await real.given.person() for _ in range(20)]
    answers = await asyncio.gather(*(somebody.post("/api/v1/organisations", body) for somebody in people))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19


async def test_a_code_that_is_used_five_times_at_once_opens_one_session(real, monkeypatch):
    monkeypatch.setattr(passwords, "AT_ONCE", 4)
    await real.client.post("/api/v1/people", json={"email": "rush@test.example", "name": "急"})
    async with real.database.reading() as session:
        code = await code_for(session, "rush@test.example")
    wish = {"token": code, "password": "a password for tests"}
    answers = await asyncio.gather(*(real.client.post("/api/v1/people/confirmations", json=wish) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 4


async def test_an_invitation_that_is_taken_up_five_times_at_once_is_one_membership(real):
    organisation = await real.given.organisation()
    admin = await real.given.person(Role.ORGANISATION_ADMIN, organisation)
    guest = await real.given.person()
    url = f"/api/v1/organisations/{organisation.id}/invitations"
    await admin.post(url, {"email": guest.email, "role": "viewer"})
    async with real.database.reading() as session:
        code = await code_for(session, guest.email)
    answers = await asyncio.gather(*(guest.post("/api/v1/me/memberships", {"token": code}) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def guess(place, email, times) -> list[int]:
    wish = {"email": email, "password": "a guess"}
    answers = await asyncio.gather(*(place.client.post("/api/v1/sessions", json=wish) for _ in range(times)))
    return sorted(answer.status_code for answer in answers)


async def test_thirty_guesses_at_once_are_counted_like_thirty_in_a_row(real):
    assert await guess(real, "target@test.example", 30) == [401] * 10 + [429] * 20
    async with real.database.reading() as session:
        counted = await session.scalar(select(func.count()).where(SignInTry.key == "e:target@test.example"))
    assert counted == 10


async def test_without_taking_turns_more_guesses_get_through(real, monkeypatch):
    """The naive twin: eight count, then eight write down. The second eight all see the first, and none of each other."""
    together = asyncio.Barrier(8)
    honest = allowances.spend

    async def naive(session, most):
        wait = await honest(session, most)
        await together.wait()
        return wait

    monkeypatch.setattr(allowances.locks, "wait_for", lambda *_: select(1))
    monkeypatch.setattr(allowances, "spend", naive)
    for _ in range(2):
        assert await guess(real, "victim@test.example", 8) == [401] * 8
    async with real.database.reading() as session:
        counted = await session.scalar(select(func.count()).where(SignInTry.key == "e:victim@test.example"))
    assert counted == 16


async def test_a_guess_at_the_current_password_counts_although_it_is_refused(real):
    somebody = await real.given.person()
    wish = {"current": "a guess", "new": "another good one"}
    answers = [(await somebody.post("/api/v1/me/password", wish)).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]


async def test_twenty_letters_asked_for_at_once_are_three(real):
    wish = {"email": "flood@test.example", "name": "x"}
    answers = await asyncio.gather(*(real.client.post("/api/v1/people", json=wish) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    async with real.database.reading() as session:
        assert await session.scalar(select(func.count()).where(Letter.to == "flood@test.example")) == 3
        assert await session.scalar(select(func.count()).where(Person.email == "flood@test.example")) == 1


async def test_twenty_who_sign_in_at_once_hold_no_connection_while_they_wait(real, monkeypatch):
    """With a pool of ten and each password held up until all twenty are there, a held connection would show."""
    arrived = asyncio.Event()
    inside = []

    async def slow(password, kept):
        inside.append(password)
        if len(inside) == 20:
            arrived.set()
        await asyncio.wait_for(arrived.wait(), 30)
        return False

    monkeypatch.setattr(passwords, "matches", slow)
    wishes = [{"email": f"office{n}@test.example", "password": "x"} for n in range(20)]
    transport = real.client._transport
    transport.client = ("198.51.100.7", 1)
    answers = await asyncio.gather(*(real.client.post("/api/v1/sessions", json=wish) for wish in wishes))
    assert {answer.status_code for answer in answers} == {401}


@pytest.fixture(autouse=True)
async def _fresh_address(real):
    """Tries from this address by other tests are not this test's."""
    async with real.database.writing.begin() as session:
        await session.execute(SignInTry.__table__.delete())
