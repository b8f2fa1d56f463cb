"""From draft to published and back, always with the person's consent; and erased for good.

draft → published → withdrawn | expired. Saying again what is already so changes nothing and answers the same.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.experts import experts, facts
from marketplace.experts.models import Expert
from marketplace.experts.policy import consent_ended_by
from marketplace.kernel import clock, idempotency
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.refusals import Conflict
from marketplace.listings import records
from marketplace.listings.publication import NotVerified, WrongState
from schemas.experts import ConsentNew, ExpertState
from schemas.identity import Verification

WHERE = "/api/v1/experts/{}"


class NoConsent(Conflict):
    """本人尚未同意公开：先征得同意并登记，再发布。 · The person has not agreed to be shown: ask them, record their consent, then publish."""


async def _step(
    session: AsyncSession, expert: Expert, to: ExpertState, fact: type[facts.OfExpert], *, by: UUID | None
) -> None:
    expert.state = to
    experts.touch(expert)
    await session.flush()
    await record(session, fact(expert.id), subject=expert.id, by=by)


def _require_publishable(expert: Expert) -> None:
    if expert.organisation.verification is not Verification.VERIFIED:
        raise NotVerified
    if expert.consented_at is None:
        raise NoConsent
    experts.require_complete(expert)


def _freshen(expert: Expert, fresh_for: timedelta) -> None:
    now = clock.now()
    expert.confirmed_at, expert.confirmed_until, expert.reminded_at = now, now + fresh_for, None


async def consent(session: AsyncSession, actor: Actor, expert_id: UUID, wish: ConsentNew) -> Expert:
    """Record that the person agrees to be shown, and how one can tell."""
    expert = await experts.own(session, actor, expert_id)
    if expert.consent_evidence == wish.evidence:
        return expert
    expert.consented_at, expert.consented_by = clock.now(), actor.person
    expert.consent_evidence = wish.evidence
    await _step(session, expert, expert.state, facts.ConsentGiven, by=actor.person)
    return expert


async def end_consent(session: AsyncSession, actor: Actor, expert_id: UUID) -> Expert:
    """Take consent back: the profile leaves every list and ranking with this transaction."""
    expert = await experts.read(session, actor, expert_id, lock=True)
    if not await session.scalar(select(Expert.id).where(Expert.id == expert_id, consent_ended_by(actor))):
        raise records.NotYourRecord
    if expert.consented_at is None:
        return expert
    expert.consented_at = expert.consented_by = expert.consent_evidence = None
    to = ExpertState.DRAFT if expert.state is ExpertState.DRAFT else ExpertState.WITHDRAWN
    await _step(session, expert, to, facts.ConsentWithdrawn, by=actor.person)
    return expert


async def publish(session: AsyncSession, actor: Actor, expert_id: UUID, *, fresh_for: timedelta) -> Expert:
    """Show it to everybody and let it be ranked."""
    expert = await experts.own(session, actor, expert_id)
    if expert.state is not ExpertState.PUBLISHED:
        _require_publishable(expert)
        await open_up(session, expert, fresh_for=fresh_for, by=actor.person)
    return expert


async def open_up(session: AsyncSession, expert: Expert, *, fresh_for: timedelta, by: UUID | None) -> None:
    """Publish a profile whose right to it was looked at."""
    expert.published_at = expert.published_at or clock.now()
    _freshen(expert, fresh_for)
    await _step(session, expert, ExpertState.PUBLISHED, facts.ExpertPublished, by=by)


async def confirm(session: AsyncSession, actor: Actor, expert_id: UUID, *, fresh_for: timedelta) -> Expert:
    """Say that it still holds: it stays in the ranking for another term. An expired one comes back."""
    expert = await experts.own(session, actor, expert_id)
    if expert.state not in {ExpertState.PUBLISHED, ExpertState.EXPIRED}:
        raise WrongState
    _require_publishable(expert)
    if expert.state is ExpertState.EXPIRED:
        await open_up(session, expert, fresh_for=fresh_for, by=actor.person)
    else:
        _freshen(expert, fresh_for)
        await _step(session, expert, expert.state, facts.ExpertConfirmed, by=actor.person)
    return expert


async def withdraw(session: AsyncSession, actor: Actor, expert_id: UUID) -> Expert:
    """Take it out of lists and rankings, kept for its owners; it can be published again."""
    expert = await experts.own(session, actor, expert_id)
    if expert.state is ExpertState.WITHDRAWN:
        return expert
    if expert.state is ExpertState.DRAFT:
        raise WrongState
    await _step(session, expert, ExpertState.WITHDRAWN, facts.ExpertWithdrawn, by=actor.person)
    return expert


async def erase(session: AsyncSession, actor: Actor, expert_id: UUID) -> None:
    """Delete a profile for good: what remains are facts, which name nobody."""
    expert = await experts.own(session, actor, expert_id)
    if expert.created_by is not None:
        # What making it was answered is kept for a day under its Idempotency-Key, and holds the whole profile.
        await idempotency.forget(session, expert.created_by, WHERE.format(expert_id))
    await session.execute(delete(Expert).where(Expert.id == expert_id))
    session.expunge(expert)
    await record(session, facts.ExpertErased(expert_id, expert.organisation_id), subject=expert_id, by=actor.person)


async def expire(session: AsyncSession, now: datetime, *, at_most: int = 500) -> int:
    """Retire profiles whose confirmation ran out. Answers how many; call until it answers 0."""
    due = await session.scalars(
        select(Expert)
        .where(Expert.state == ExpertState.PUBLISHED, Expert.confirmed_until <= now)
        .order_by(Expert.confirmed_until)
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    rows = due.all()
    for expert in rows:
        await _step(session, expert, ExpertState.EXPIRED, facts.ExpertExpired, by=None)
    return len(rows)
