"""Who may: every role's permissions as a table to read, and every rule asked of the database."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from marketplace.identity import policy, tokens
from marketplace.identity.models import Invitation, Membership, Organisation
from marketplace.kernel import clock
from marketplace.kernel.actor import NOBODY
from marketplace.kernel.refusals import NotSignedIn
from schemas.identity import Permission, Role, Verification

TABLE = {
    Role.VIEWER: {Permission.READ_OWN},
    Role.EDITOR: {Permission.READ_OWN, Permission.WRITE_RECORDS, Permission.READ_CONFIDENTIAL},
    Role.ORGANISATION_ADMIN: {
        Permission.READ_OWN, Permission.WRITE_RECORDS, Permission.READ_CONFIDENTIAL, Permission.MANAGE_MEMBERS, Permission.EDIT_ORGANISATION,
    },
    Role.LAB_MANAGER: {Permission.READ_OWN, Permission.MANAGE_LABS},
    Role.ORGANIZER: {Permission.READ_OWN, Permission.MANAGE_EVENTS},
    Role.BROKER: {Permission.READ_OWN, Permission.BROKER_DEALS},
    Role.PLATFORM_ADMIN: {Permission.VERIFY_ORGANISATIONS, Permission.REVIEW_RECORDS, Permission.SUSPEND_PEOPLE, Permission.READ_ALL,
                          Permission.READ_AUDIT,
                          Permission.MANAGE_VOUCHERS, Permission.KEEP_HOLIDAYS, Permission.KEEP_LEXICON,
                          Permission.RUN_REMATCHES, Permission.TUNE_RANKING},
    Role.AUDITOR: {Permission.READ_ALL, Permission.READ_AUDIT},
}  # fmt: skip


@pytest.mark.parametrize("role", Role)
def test_a_role_carries_what_the_table_says(role):
    assert policy.PERMISSIONS[role] == TABLE[role]


@pytest.mark.parametrize("role", Role)
def test_no_role_of_the_platform_opens_confidential_text_or_writes_for_an_organisation(role):
    if role in {Role.PLATFORM_ADMIN, Role.AUDITOR}:
        assert not policy.PERMISSIONS[role] & {
            Permission.READ_CONFIDENTIAL,
            Permission.WRITE_RECORDS,
            Permission.MANAGE_MEMBERS,
            Permission.READ_OWN,
        }


def test_an_auditor_changes_nothing():
    assert policy.PERMISSIONS[Role.AUDITOR] == {Permission.READ_ALL, Permission.READ_AUDIT}


def test_roles_add_up_and_each_holds_where_it_was_given():
    here, there, person = uuid4(), uuid4(), uuid4()
    actor = tokens.actor_with([(Role.VIEWER, here), (Role.EDITOR, there), (Role.AUDITOR, None)], person_id=person)
    assert actor.person == person
    assert actor.may(Permission.READ_OWN, here)
    assert not actor.may(Permission.WRITE_RECORDS, here)
    assert actor.may(Permission.WRITE_RECORDS, there)
    assert actor.may(Permission.READ_ALL, here)
    assert actor.platform == {Permission.READ_ALL, Permission.READ_AUDIT}


def test_nobody_is_no_person():
    with pytest.raises(NotSignedIn):
        _ = NOBODY.person


@pytest.fixture
async def rows(given, session):
    """Two organisations, one verified, each with a member and an invitation."""
    kept = {}
    for name, state in (("known", Verification.VERIFIED), ("new", Verification.UNVERIFIED)):
        organisation = await given.organisation(verification=state)
        admin = await given.person(Role.ORGANISATION_ADMIN, organisation)
        session.add(
            Invitation(
                organisation_id=organisation.id,
                email="guest@test.example",
                role=Role.VIEWER,
                hash=name.encode(),
                invited_by=admin.id,
                created_at=clock.now(),
                expires_at=clock.now(),
            )
        )
        kept[name] = (organisation.id, admin)
    await session.commit()
    return kept


def acting(role, place=None):
    return tokens.actor_with([(role, place)], person_id=uuid4())


async def seen(session, column, rule):
    return set((await session.scalars(select(column).where(rule))).all())


async def test_an_organisation_is_seen_by_everybody_once_verified_and_by_its_own_before(rows, session):
    known, new = rows["known"][0], rows["new"][0]
    see = policy.organisation_visible_to
    for actor, expected in (
        (NOBODY, {known}),
        (acting(Role.VIEWER, new), {known, new}),
        (acting(Role.ORGANISATION_ADMIN, known), {known}),
        (acting(Role.AUDITOR), {known, new}),
        (acting(Role.PLATFORM_ADMIN), {known, new}),
    ):
        assert await seen(session, Organisation.id, see(actor)) == expected


async def test_members_are_seen_by_members_and_by_the_platform(rows, session):
    known, new = rows["known"][0], rows["new"][0]
    for actor, expected in (
        (NOBODY, set()),
        (acting(Role.VIEWER, new), {new}),
        (acting(Role.AUDITOR), {known, new}),
    ):
        assert await seen(session, Membership.organisation_id, policy.members_visible_to(actor)) == expected


async def test_invitations_are_seen_by_who_manages_members(rows, session):
    known, new = rows["known"][0], rows["new"][0]
    for actor, expected in (
        (NOBODY, set()),
        (acting(Role.EDITOR, new), set()),
        (acting(Role.ORGANISATION_ADMIN, new), {new}),
        (acting(Role.ORGANISATION_ADMIN, known), {known}),
        (acting(Role.AUDITOR), set()),
        (acting(Role.PLATFORM_ADMIN), {known, new}),
    ):
        assert await seen(session, Invitation.organisation_id, policy.invitations_managed_by(actor)) == expected
