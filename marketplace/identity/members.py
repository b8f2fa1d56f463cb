"""Who belongs to an organisation, invited by its administrators."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from marketplace.identity import allowances, facts, organisations, people, tokens
from marketplace.identity.models import INVITATION_LASTS, Invitation, Membership, Organisation, Person
from marketplace.identity.policy import PERMISSIONS, invitations_managed_by, members_visible_to
from marketplace.kernel import clock, etag, mail
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, NotFound, refusing
from schemas.identity import InvitationNew, Permission, Role


class AlreadyInvited(Conflict):
    """已向此邮箱发出邀请，请先撤销旧的邀请。 · This address has an open invitation; revoke that one first."""


class AlreadyMember(Conflict):
    """此人已是本单位成员。 · This person belongs to the organisation already."""


class LastAdministrator(Conflict):
    """单位至少要有一名管理员，请先指定另一名。 · An organisation keeps at least one administrator; name another first."""


class NotTheInvited(Forbidden):
    """此邀请发给了另一个邮箱。 · This invitation was sent to another address."""


async def _managed(session: AsyncSession, actor: Actor, organisation_id: UUID, role: Role) -> Organisation:
    """The organisation, for whoever may invite somebody into this role.

    The platform invites administrators alone: where a stranger entered the organisation first, or its last administrator
    is gone, nobody else could.
    """
    organisation = await organisations.read(session, actor, organisation_id)
    by_platform = Permission.VERIFY_ORGANISATIONS in actor.platform and role is Role.ORGANISATION_ADMIN
    if not by_platform and organisation_id not in actor.organisations_where(Permission.MANAGE_MEMBERS):
        raise organisations.NotYours
    return organisation


async def listed(
    session: AsyncSession, actor: Actor, organisation_id: UUID, paging: Paging
) -> tuple[list[Membership], str | None]:
    """The members, newest first, for those who belong and for the platform."""
    await organisations.read(session, actor, organisation_id)
    if (
        organisation_id not in actor.organisations_where(Permission.READ_OWN)
        and Permission.READ_ALL not in actor.platform
    ):
        raise Forbidden("只有本单位成员可以查看。 · Only members may see this.")
    statement = (
        select(Membership)
        .join(Person)
        .options(contains_eager(Membership.person))
        .where(Membership.organisation_id == organisation_id, Membership.ended_at.is_(None), members_visible_to(actor))
    )
    by = tuple(zip((Membership.since, Membership.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker


async def reached(session: AsyncSession, organisation_id: UUID, permission: Permission) -> Sequence[Any]:
    """To whom a letter goes about what members with this permission look after: `email` and `locale` of each."""
    roles = [role for role, carries in PERMISSIONS.items() if permission in carries]
    found = await session.execute(
        select(Person.email, Person.locale)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.organisation_id == organisation_id,
            Membership.role.in_(roles),
            Membership.ended_at.is_(None),
            Person.suspended_at.is_(None),
        )
        .order_by(Person.email)
    )
    return found.all()


async def invite(
    session: AsyncSession, actor: Actor, organisation_id: UUID, wish: InvitationNew, *, public_url: str
) -> Invitation:
    """Invite an address; the letter's link is good for 14 days, for whoever owns that address."""
    organisation = await _managed(session, actor, organisation_id, wish.role)
    belongs = select(Membership.id).join(Person).where(Membership.organisation_id == organisation_id)
    if await session.scalar(belongs.where(Person.email == wish.email, Membership.ended_at.is_(None))) is not None:
        raise AlreadyMember
    most = {f"i:{wish.email}": people.LETTERS, f"p:{actor.person}": people.LETTERS_FROM}
    wait = await allowances.spend(session, most)
    if wait is not None:
        raise people.TooManyLetters(wait)
    now = clock.now()
    await session.execute(
        update(Invitation)
        .where(
            Invitation.organisation_id == organisation_id, Invitation.email == wish.email, Invitation.expires_at < now
        )
        .where(Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    text, hashed = tokens.new_secret("dji_")
    invitation = Invitation(
        organisation_id=organisation_id,
        email=wish.email,
        role=wish.role,
        hash=hashed,
        invited_by=actor.person,
        created_at=now,
        expires_at=now + INVITATION_LASTS,
    )
    session.add(invitation)
    with refusing(invitation_open_key=AlreadyInvited):
        await session.flush()
    await record(
        session,
        facts.MemberInvited(organisation_id, invitation.id, wish.role),
        subject=organisation_id,
        by=actor.person,
    )
    await mail.post(
        session,
        to=wish.email,
        subject=f"{organisation.name} 邀请您加入对接 · invites you to Duijie",
        text=(
            f"请用此邮箱注册或登录，然后在 14 天内打开以下链接加入 {organisation.name}：\n"
            f"Register or sign in with this address, then open this link within 14 days to join:\n"
            f"{public_url}/join?token={text}\n\n邀请码 · Code: {text}"
        ),
    )
    return invitation


async def invitations(
    session: AsyncSession, actor: Actor, organisation_id: UUID, paging: Paging
) -> tuple[list[Invitation], str | None]:
    """The invitations still open, newest first."""
    await _managed(session, actor, organisation_id, Role.ORGANISATION_ADMIN)
    statement = select(Invitation).where(
        Invitation.organisation_id == organisation_id,
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
        invitations_managed_by(actor),
    )
    by = tuple(zip((Invitation.created_at, Invitation.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker


async def revoke_invitation(session: AsyncSession, actor: Actor, organisation_id: UUID, invitation_id: UUID) -> None:
    await _managed(session, actor, organisation_id, Role.ORGANISATION_ADMIN)
    row = await session.execute(
        update(Invitation)
        .where(
            Invitation.id == invitation_id,
            Invitation.organisation_id == organisation_id,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
            invitations_managed_by(actor),
        )
        .values(revoked_at=clock.now())
        .returning(Invitation.id)
    )
    if row.one_or_none() is None:
        raise NotFound
    await record(
        session, facts.InvitationRevoked(organisation_id, invitation_id), subject=organisation_id, by=actor.person
    )


async def join(session: AsyncSession, actor: Actor, text: str) -> Membership:
    """Take up an invitation with the link that was mailed. Doing it again changes nothing."""
    invitation = await session.scalar(
        select(Invitation)
        .where(
            Invitation.hash == tokens.digest(text),
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > clock.now(),
        )
        .with_for_update()
    )
    if invitation is None:
        raise NotFound
    if invitation.email != actor.email:
        raise NotTheInvited
    known = await session.scalar(
        select(Membership).where(
            Membership.person_id == actor.person,
            Membership.organisation_id == invitation.organisation_id,
            Membership.ended_at.is_(None),
        )
    )
    if known is not None:
        if invitation.accepted_at is None:
            raise AlreadyMember
        return known
    if invitation.accepted_at is not None:
        raise NotFound
    invitation.accepted_at = clock.now()
    membership = Membership(
        person_id=actor.person,
        organisation_id=invitation.organisation_id,
        role=invitation.role,
        given_by=invitation.invited_by,
    )
    session.add(membership)
    with refusing(membership_live_key=AlreadyMember):
        await session.flush()
    await record(
        session,
        facts.MemberJoined(invitation.organisation_id, actor.person, invitation.role),
        subject=invitation.organisation_id,
        by=actor.person,
    )
    return membership


async def _member(session: AsyncSession, actor: Actor, organisation_id: UUID, membership_id: UUID) -> Membership:
    await organisations.read(session, actor, organisation_id, lock=True)
    membership = await session.scalar(
        select(Membership)
        .join(Person)
        .options(contains_eager(Membership.person))
        .where(
            Membership.id == membership_id,
            Membership.organisation_id == organisation_id,
            Membership.ended_at.is_(None),
            members_visible_to(actor),
        )
        .with_for_update(of=Membership)
        .execution_options(populate_existing=True)
    )
    if membership is None:
        raise NotFound
    return membership


async def person_of(session: AsyncSession, actor: Actor, organisation_id: UUID, membership_id: UUID) -> UUID:
    """Whose a membership is, where the actor may see it."""
    found = await session.scalar(
        select(Membership.person_id).where(
            Membership.id == membership_id,
            Membership.organisation_id == organisation_id,
            members_visible_to(actor),
        )
    )
    if found is None:
        raise NotFound
    return found


async def _keeps_an_administrator(session: AsyncSession, membership: Membership) -> None:
    """One who can act: an account that is shut administers nothing.

    The organisation's row is locked, so two administrators cannot leave at once and leave nobody.
    """
    if membership.role is not Role.ORGANISATION_ADMIN:
        return
    others = await session.scalar(
        select(func.count())
        .select_from(Membership)
        .join(Person)
        .where(
            Membership.organisation_id == membership.organisation_id,
            Membership.role == Role.ORGANISATION_ADMIN,
            Membership.ended_at.is_(None),
            Person.suspended_at.is_(None),
            Membership.id != membership.id,
        )
    )
    if not others:
        raise LastAdministrator


async def change_role(
    session: AsyncSession, actor: Actor, organisation_id: UUID, membership_id: UUID, version: int, role: Role
) -> Membership:
    membership = await _member(session, actor, organisation_id, membership_id)
    if organisation_id not in actor.organisations_where(Permission.MANAGE_MEMBERS):
        raise organisations.NotYours
    etag.check(version, membership.version)
    if role is not membership.role:
        await _keeps_an_administrator(session, membership)
        before, membership.role = membership.role, role
        membership.version += 1
        await session.flush()
        await record(
            session,
            facts.MemberRoleChanged(organisation_id, membership.person_id, before, role),
            subject=organisation_id,
            by=actor.person,
        )
    return membership


async def end(session: AsyncSession, actor: Actor, organisation_id: UUID, membership_id: UUID, version: int) -> None:
    """A member leaves, or is let go by an administrator; the row stays as history."""
    membership = await _member(session, actor, organisation_id, membership_id)
    managing = organisation_id in actor.organisations_where(Permission.MANAGE_MEMBERS)
    if not managing and membership.person_id != actor.person_id:
        raise organisations.NotYours
    etag.check(version, membership.version)
    await _keeps_an_administrator(session, membership)
    membership.ended_at = clock.now()
    membership.version += 1
    await session.flush()
    await record(
        session, facts.MemberLeft(organisation_id, membership.person_id), subject=organisation_id, by=actor.person
    )
