"""Organisations: registered by a person, verified by the platform."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity import facts
from marketplace.identity.models import Membership, Organisation
from marketplace.identity.policy import organisation_visible_to
from marketplace.kernel import clock, etag, searching
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, NotFound, refusing
from schemas.codes import REGIONS
from schemas.identity import (
    OrganisationKind,
    OrganisationNew,
    OrganisationPatch,
    Permission,
    Role,
    Verification,
    VerificationDecision,
    VerificationRequest,
    VerificationWish,
)


class OrganisationKnown(Conflict):
    """此统一社会信用代码已登记，请联系该单位的管理员邀请您加入；不是本单位登记的，请联系平台。 · An organisation with this code is registered already; ask its administrator to invite you, or the platform, if it was not yours to register it."""


class NotYours(Forbidden):
    """只有本单位管理员可以这样做。 · Only an administrator of this organisation may do that."""


class WrongStep(Conflict):
    """认证状态不允许这一步。 · The state of the verification does not allow this step."""


async def register(session: AsyncSession, actor: Actor, wish: OrganisationNew) -> Organisation:
    """Enter a new organisation; whoever does becomes its administrator."""
    now = clock.now()
    organisation = Organisation(
        uscc=wish.uscc,
        name=wish.name,
        name_en=wish.name_en,
        kinds=sorted(set(wish.kinds)),
        region=wish.region,
        introduction=wish.introduction,
        created_at=now,
        updated_at=now,
        version=1,
    )
    session.add(organisation)
    with refusing(organisation_uscc_key=OrganisationKnown):
        await session.flush()
    session.add(
        Membership(
            person_id=actor.person, organisation_id=organisation.id, role=Role.ORGANISATION_ADMIN, given_by=actor.person
        )
    )
    await record(session, facts.OrganisationRegistered(organisation.id), subject=organisation.id, by=actor.person)
    return organisation


async def read(session: AsyncSession, actor: Actor, organisation_id: UUID, *, lock: bool = False) -> Organisation:
    statement = select(Organisation).where(Organisation.id == organisation_id, organisation_visible_to(actor))
    if lock:
        # Rows that refer to it may still be added meanwhile.
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    organisation = await session.scalar(statement)
    if organisation is None:
        raise NotFound
    return organisation


async def listed(
    session: AsyncSession,
    actor: Actor,
    paging: Paging,
    *,
    kind: OrganisationKind | None,
    region: Sequence[str],
    verification: Verification | None,
    q: str | None,
    mine: bool,
) -> tuple[list[Organisation], str | None]:
    """The organisations the actor may see, newest first."""
    statement = select(Organisation).where(organisation_visible_to(actor))
    if kind is not None:
        statement = statement.where(Organisation.kinds.contains([kind]))
    if region:
        places = {place for code in region for place in (code, *REGIONS.descendants(code))}
        statement = statement.where(Organisation.region.in_(places))
    if verification is not None:
        statement = statement.where(Organisation.verification == verification)
    if q:
        statement = statement.where(searching.holds_in_any_case(Organisation.name, q))
    if mine:
        statement = statement.where(Organisation.id.in_(actor.organisations_where(Permission.READ_OWN)))
    by = tuple(zip((Organisation.created_at, Organisation.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker


async def _own(session: AsyncSession, actor: Actor, organisation_id: UUID) -> Organisation:
    organisation = await read(session, actor, organisation_id, lock=True)
    if organisation_id not in actor.organisations_where(Permission.EDIT_ORGANISATION):
        raise NotYours
    return organisation


async def edit(
    session: AsyncSession, actor: Actor, organisation_id: UUID, version: int, patch: OrganisationPatch
) -> Organisation:
    """Change what the organisation says of itself; its code never changes.

    Another name, kind or province asks for a new verification: by them it is known, let in and charged.
    """
    organisation = await _own(session, actor, organisation_id)
    etag.check(version, organisation.version)
    wishes = patch.model_dump(exclude_unset=True)
    if "kinds" in wishes:
        wishes["kinds"] = sorted(set(wishes["kinds"]))
    changes = {name: value for name, value in wishes.items() if getattr(organisation, name) != value}
    if not changes:
        return organisation
    before = {name: getattr(organisation, name) for name in changes}
    vouched_for = _vouched_for(organisation)
    for name, value in changes.items():
        setattr(organisation, name, value)
    if _vouched_for(organisation) != vouched_for:
        # What the platform looked at is no more, whatever happens to the organisation before it looks again.
        organisation.verified_at = None
        if organisation.verification is Verification.VERIFIED:
            organisation.verification = Verification.SUBMITTED
    _touch(organisation)
    await session.flush()
    await record(
        session, facts.OrganisationEdited(organisation.id, before, changes), subject=organisation.id, by=actor.person
    )
    return organisation


def _vouched_for(organisation: Organisation) -> tuple[str, tuple[str, ...], str]:
    """What the platform's word stands for. Prices and doors go by the kinds and the province (its first two digits)."""
    return organisation.name, tuple(organisation.kinds), organisation.region[:2]


async def ask_verification(
    session: AsyncSession, actor: Actor, organisation_id: UUID, wish: VerificationRequest
) -> Organisation:
    organisation = await _own(session, actor, organisation_id)
    if organisation.verification not in {Verification.UNVERIFIED, Verification.SUBMITTED}:
        raise WrongStep
    organisation.verification, organisation.evidence = Verification.SUBMITTED, wish.evidence
    _touch(organisation)
    await session.flush()
    await record(session, facts.VerificationRequested(organisation.id), subject=organisation.id, by=actor.person)
    return organisation


_STEPS = {
    VerificationWish.VERIFY: ({Verification.UNVERIFIED, Verification.SUBMITTED}, Verification.VERIFIED),
    VerificationWish.REFUSE: ({Verification.SUBMITTED}, Verification.UNVERIFIED),
    VerificationWish.SUSPEND: (
        {Verification.UNVERIFIED, Verification.SUBMITTED, Verification.VERIFIED},
        Verification.SUSPENDED,
    ),
    VerificationWish.REINSTATE: ({Verification.SUSPENDED}, Verification.VERIFIED),
}


async def decide_verification(
    session: AsyncSession,
    actor: Actor,
    organisation_id: UUID,
    decision: VerificationDecision,
    *,
    version: int | None = None,
) -> Organisation:
    """The platform's word on who this is: by whom, when, for what reason, on what evidence.

    With `version` it holds for that version only, so that nobody renames himself under the eyes of the platform.
    """
    organisation = await read(session, actor, organisation_id, lock=True)
    if Permission.VERIFY_ORGANISATIONS not in actor.platform:
        raise Forbidden("只有平台管理员可以认证单位。 · Only a platform administrator verifies organisations.")
    if version is not None:
        etag.check(version, organisation.version)
    sources, target = _STEPS[decision.decision]
    if organisation.verification not in sources:
        raise WrongStep
    now = clock.now()
    if decision.decision is VerificationWish.REINSTATE and organisation.verified_at is None:
        target = Verification.SUBMITTED if organisation.evidence else Verification.UNVERIFIED
    organisation.verification = target
    organisation.decision_reason, organisation.decided_by = decision.reason, actor.person
    if decision.decision is VerificationWish.VERIFY:
        organisation.verified_at = now
    _touch(organisation)
    await session.flush()
    await record(
        session,
        facts.VerificationDecided(organisation.id, decision.decision, target, decision.reason, organisation.version),
        subject=organisation.id,
        by=actor.person,
    )
    return organisation


def _touch(organisation: Organisation) -> None:
    organisation.version += 1
    organisation.updated_at = clock.now()
