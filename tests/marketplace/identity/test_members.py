"""Members: invited by letter, given roles, let go; an organisation is never left without an administrator."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from marketplace.identity.models import Invitation, Membership, Person, Token
from marketplace.kernel import clock
from schemas.identity import Role
from tests.given.letters import code_for, letters_to

JOIN = "/api/v1/me/memberships"
GUEST = "guest@test.example"


@pytest.fixture
async def place(given):
    """An organisation with an administrator and an editor."""
    organisation = await given.organisation()
    return SimpleNamespace(
        url=f"/api/v1/organisations/{organisation.id}",
        organisation=organisation,
        admin=await given.person(Role.ORGANISATION_ADMIN, organisation),
        editor=await given.person(Role.EDITOR, organisation),
    )


@pytest.fixture
async def guest(given, session):
    somebody = await given.person()
    await session.execute(update(Person).where(Person.id == somebody.id).values(email=GUEST))
    await session.commit()
    return somebody


async def invite(place, email=GUEST, role="editor", by=None):
    return await (by or place.admin).post(f"{place.url}/invitations", {"email": email, "role": role})


async def membership_of(place, somebody) -> dict:
    items = (await place.admin.get(f"{place.url}/members")).json()["items"]
    return next(item for item in items if item["person_id"] == str(somebody.id))


async def test_an_invited_person_joins_with_the_code_from_the_letter(place, guest, session):
    invited = await invite(place, role="lab_manager")
    assert invited.status_code == 201
    assert "token" not in invited.text.replace("tokens", "")
    joined = await guest.post(JOIN, {"token": await code_for(session, GUEST)})
    assert joined.status_code == 201
    assert joined.json()["role"] == "lab_manager"
    assert (await membership_of(place, guest))["role"] == "lab_manager"


async def test_joining_twice_with_one_code_is_joining_once(place, guest, session):
    await invite(place)
    code = await code_for(session, GUEST)
    first, second = await guest.post(JOIN, {"token": code}), await guest.post(JOIN, {"token": code})
    assert (first.status_code, first.json()) == (second.status_code, second.json())


async def test_an_invitation_is_for_the_address_it_was_sent_to(place, given, session):
    await invite(place)
    other = await given.person()
    refused = await other.post(JOIN, {"token": await code_for(session, GUEST)})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-the-invited")


async def test_an_invitation_is_good_for_a_fortnight(place, guest, session):
    await invite(place)
    code = await code_for(session, GUEST)
    await session.execute(update(Token).values(expires_at=clock.now() + timedelta(days=30)))
    await session.commit()
    with clock.ahead(timedelta(days=14, seconds=1)):
        assert (await guest.post(JOIN, {"token": code})).status_code == 404
    with clock.ahead(timedelta(days=13, hours=23)):
        assert (await guest.post(JOIN, {"token": code})).status_code == 201


async def test_an_expired_invitation_makes_way_for_a_new_one(place, guest, session):
    await invite(place)
    await session.execute(update(Invitation).values(expires_at=clock.now() - timedelta(seconds=1)))
    await session.commit()
    assert (await invite(place)).status_code == 201
    assert (await guest.post(JOIN, {"token": await code_for(session, GUEST)})).status_code == 201


async def test_an_address_has_one_open_invitation_at_a_time(place):
    await invite(place)
    refused = await invite(place, role="viewer")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/already-invited")


async def test_a_member_is_not_invited_again(place):
    refused = await invite(place, place.editor.email)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/already-member")


async def test_who_joined_meanwhile_by_another_way_is_told_so(place, guest, session):
    await invite(place)
    session.add(Membership(person_id=guest.id, organisation_id=place.organisation.id, role=Role.VIEWER))
    await session.commit()
    refused = await guest.post(JOIN, {"token": await code_for(session, GUEST)})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/already-member")


async def test_a_revoked_invitation_opens_nothing(place, guest, session):
    invitation = (await invite(place)).json()
    url = f"{place.url}/invitations/{invitation['id']}"
    assert (await place.admin.delete(url)).status_code == 204
    assert (await place.admin.delete(url)).status_code == 404
    assert (await guest.post(JOIN, {"token": await code_for(session, GUEST)})).status_code == 404
    assert (await place.admin.get(f"{place.url}/invitations")).json()["items"] == []


async def test_who_left_does_not_come_back_with_the_old_code(place, guest, session):
    await invite(place)
    code = await code_for(session, GUEST)
    await guest.post(JOIN, {"token": code})
    mine = await membership_of(place, guest)
    left = await guest.delete(f"{place.url}/members/{mine['id']}", headers={"If-Match": '"1"'})
    assert left.status_code == 204
    assert (await guest.post(JOIN, {"token": code})).status_code == 404


@pytest.mark.parametrize("code", ["dji_" + "A" * 43, "x", "' or true --"])
async def test_a_code_that_is_none_joins_nothing(code, guest):
    assert (await guest.post(JOIN, {"token": code})).status_code == 404


async def test_nobody_is_showered_with_invitations(place, session):
    for _ in range(3):
        invitation = (await invite(place)).json()
        await place.admin.delete(f"{place.url}/invitations/{invitation['id']}")
    assert (await invite(place)).status_code == 429

    assert len(await letters_to(session, GUEST)) == 3


async def test_nobody_invites_one_address_after_the_other(place):
    url = f"{place.url}/invitations"
    for number in range(60):
        made = await place.admin.post(url, {"email": f"person{number}@elsewhere.example", "role": "viewer"})
        assert made.status_code == 201
    refused = await place.admin.post(url, {"email": "one-more@elsewhere.example", "role": "viewer"})
    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-letters")
    assert 0 < int(refused.headers["Retry-After"]) <= 900


@pytest.mark.parametrize("role", ["platform_admin", "auditor", "owner", "", None])
async def test_an_organisation_gives_no_role_that_is_not_its_own(role, place):
    refused = await invite(place, role=role)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/role"
    editor = await membership_of(place, place.editor)
    changed = await place.admin.patch(f"{place.url}/members/{editor['id']}", {"role": role}, version=1)
    assert changed.status_code == 422


async def test_members_and_invitations_are_managed_by_administrators_alone(place, given):
    await invite(place)
    auditor, stranger = await given.person(Role.AUDITOR), await given.person()
    editor = await membership_of(place, place.editor)
    member = f"{place.url}/members/{editor['id']}"
    for somebody, reads in ((place.editor, 200), (auditor, 200), (stranger, 403)):
        assert (await somebody.get(f"{place.url}/members")).status_code == reads
        assert (await somebody.get(f"{place.url}/invitations")).status_code == 403
        assert (await invite(place, "other@test.example", by=somebody)).status_code == 403
        assert (await somebody.patch(member, {"role": "viewer"}, version=1)).status_code in {403, 404}
    for somebody in (auditor, stranger):
        assert (await somebody.delete(member, headers={"If-Match": '"1"'})).status_code in {403, 404}


async def test_the_administrator_of_another_organisation_is_a_stranger_here(place, given):
    other = await given.person(Role.ORGANISATION_ADMIN, await given.organisation())
    editor = await membership_of(place, place.editor)
    member = f"{place.url}/members/{editor['id']}"
    assert (await other.get(f"{place.url}/members")).status_code == 403
    assert (await other.patch(member, {"role": "viewer"}, version=1)).status_code == 404
    assert (await other.delete(member, headers={"If-Match": '"1"'})).status_code == 404


async def test_a_member_of_one_organisation_is_not_found_at_another(place, given):
    elsewhere = await given.organisation()
    theirs = await given.person(Role.ORGANISATION_ADMIN, elsewhere)
    editor = await membership_of(place, place.editor)
    url = f"/api/v1/organisations/{elsewhere.id}/members/{editor['id']}"
    assert (await theirs.patch(url, {"role": "viewer"}, version=1)).status_code == 404


async def test_a_role_changes_what_its_holder_may_do_from_the_next_request_on(place):
    editor = await membership_of(place, place.editor)
    changed = await place.admin.patch(f"{place.url}/members/{editor['id']}", {"role": "organisation_admin"}, version=1)
    assert changed.status_code == 200
    assert (changed.headers["ETag"], changed.json()["version"]) == ('"2"', 2)
    assert (await place.editor.get(f"{place.url}/invitations")).status_code == 200


async def test_a_role_is_changed_by_who_saw_what_it_is(place):
    editor = await membership_of(place, place.editor)
    url = f"{place.url}/members/{editor['id']}"
    missing = await place.admin.client.patch(url, json={"role": "viewer"}, headers=place.admin.headers)
    assert missing.status_code == 428
    assert (await place.admin.patch(url, {"role": "viewer"}, version=1)).status_code == 200
    assert (await place.admin.patch(url, {"role": "broker"}, version=1)).status_code == 412
    assert (await place.admin.delete(url, headers={"If-Match": '"1"'})).status_code == 412
    assert (await place.admin.delete(url)).status_code == 428


async def test_the_same_role_again_changes_nothing(place):
    editor = await membership_of(place, place.editor)
    same = await place.admin.patch(f"{place.url}/members/{editor['id']}", {"role": "editor"}, version=1)
    assert (same.status_code, same.json()["version"]) == (200, 1)


async def test_who_was_let_go_is_a_stranger_from_the_next_request_on(place):
    editor = await membership_of(place, place.editor)
    gone = await place.admin.delete(f"{place.url}/members/{editor['id']}", headers={"If-Match": '"1"'})
    assert gone.status_code == 204
    assert (await place.editor.get(f"{place.url}/members")).status_code == 403
    assert (await place.editor.get("/api/v1/me")).json()["memberships"] == []


@pytest.mark.parametrize("way", ["leaves", "becomes a viewer", "is let go by another who leaves first"])
async def test_the_last_administrator_stays(way, place, given):
    mine = await membership_of(place, place.admin)
    url = f"{place.url}/members/{mine['id']}"
    if way == "becomes a viewer":
        refused = await place.admin.patch(url, {"role": "viewer"}, version=1)
    elif way == "leaves":
        refused = await place.admin.delete(url, headers={"If-Match": '"1"'})
    else:
        second = await given.person(Role.ORGANISATION_ADMIN, place.organisation)
        hers = await membership_of(place, second)
        assert (
            await second.delete(f"{place.url}/members/{hers['id']}", headers={"If-Match": '"1"'})
        ).status_code == 204
        refused = await place.admin.delete(url, headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/last-administrator")
    assert (await place.admin.get(f"{place.url}/invitations")).status_code == 200


async def test_an_administrator_whose_account_is_shut_does_not_count(place, given):
    await given.person(Role.ORGANISATION_ADMIN, place.organisation, suspended=True)
    mine = await membership_of(place, place.admin)
    refused = await place.admin.delete(f"{place.url}/members/{mine['id']}", headers={"If-Match": '"1"'})
    assert refused.status_code == 409


async def test_a_member_who_left_stays_on_record(place, session):
    editor = await membership_of(place, place.editor)
    await place.editor.delete(f"{place.url}/members/{editor['id']}", headers={"If-Match": '"1"'})
    ended = await session.scalar(select(Membership.ended_at).where(Membership.id == editor["id"]))
    assert ended is not None


async def test_members_are_listed_page_by_page(place, given):
    for _ in range(5):
        await given.person(Role.VIEWER, place.organisation)
    seen, cursor = [], {}
    while cursor is not None:
        page = (await place.editor.get(f"{place.url}/members", params={"limit": 3} | cursor)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert len(seen) == len(set(seen)) == 7
