"""From draft to published and back: what each step asks for, and what it brings about.

draft → in review → published → in talks (problems) → withdrawn (achievements) | closed, solved (problems) | expired.
Saying again what is already so changes nothing and answers the same.
"""

from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock, etag
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.refusals import Conflict, Forbidden
from marketplace.listings import completeness, facts, records
from marketplace.listings.models import OPEN_STATES, Listing
from schemas.identity import Permission, Verification
from schemas.listings import ListingKind, ListingState, ReviewDecision

L = TypeVar("L", bound=Listing)


class NotVerified(Conflict):
    """单位尚未通过认证，可以写草稿，不能发布。 · The organisation is not verified: it can write drafts, not publish."""


class WrongState(Conflict):
    """记录当前的状态不允许这一步。 · The record's state does not allow this step."""


async def _step(
    session: AsyncSession, listing: Listing, to: ListingState, fact: type[facts.OfListing], *, by: UUID | None
) -> None:
    listing.state = to
    records.touch(listing)
    await session.flush()
    await record(session, fact(listing.id, listing.kind), subject=listing.id, by=by)


def _require_publishable(listing: Listing) -> None:
    if listing.organisation.verification is not Verification.VERIFIED:
        raise NotVerified
    records.require(completeness.required(listing.kind, listing))


async def publish(
    session: AsyncSession,
    actor: Actor,
    cls: type[L],
    listing_id: UUID,
    *,
    reviewed_first: bool,
    fresh_for: timedelta,
) -> L:
    """Show it to everybody and let it be ranked, or hand it to the platform's review where that is asked for."""
    listing = await records.own(session, actor, cls, listing_id)
    if listing.state in {ListingState.PUBLISHED, ListingState.IN_REVIEW}:
        return listing
    if listing.state is ListingState.SOLVED:
        raise WrongState
    _require_publishable(listing)
    if reviewed_first and listing.state is not ListingState.IN_TALKS:
        listing.state_note = None
        await _step(session, listing, ListingState.IN_REVIEW, facts.ListingSubmitted, by=actor.person)
    else:
        await open_up(session, listing, fresh_for=fresh_for, by=actor.person)
    return listing


async def open_up(session: AsyncSession, listing: Listing, *, fresh_for: timedelta, by: UUID | None) -> None:
    """Publish a row whose right to it was looked at."""
    now = clock.now()
    listing.state_note = None
    if listing.published_at is None:
        listing.published_at = listing.listed_at = now
    _freshen(listing, now, fresh_for)
    await _step(session, listing, ListingState.PUBLISHED, facts.ListingPublished, by=by)


def _freshen(listing: Listing, now: datetime, fresh_for: timedelta) -> None:
    listing.confirmed_at, listing.confirmed_until, listing.reminded_at = now, now + fresh_for, None


async def review(
    session: AsyncSession,
    actor: Actor,
    cls: type[L],
    listing_id: UUID,
    decision: ReviewDecision,
    *,
    fresh_for: timedelta,
    version: int,
) -> L:
    """The platform's look before publication: let it through, or give it back with a note.

    It holds for the version that was looked at, so that nobody changes it meanwhile.
    """
    listing = await records.read(session, actor, cls, listing_id, lock=True)
    if Permission.REVIEW_RECORDS not in actor.platform:
        raise Forbidden("只有平台管理员可以审核。 · Only a platform administrator reviews records.")
    if listing.state is not ListingState.IN_REVIEW:
        raise WrongState
    etag.check(version, listing.version)
    if decision.approve:
        _require_publishable(listing)
        await open_up(session, listing, fresh_for=fresh_for, by=actor.person)
    else:
        listing.state_note = decision.note
        await _step(session, listing, ListingState.DRAFT, facts.ListingReturned, by=actor.person)
    reviewed = facts.ListingReviewed(listing.id, listing.kind, decision.approve, listing.version)
    await record(session, reviewed, subject=listing.id, by=actor.person)
    return listing


async def confirm(session: AsyncSession, actor: Actor, cls: type[L], listing_id: UUID, *, fresh_for: timedelta) -> L:
    """Say that it still holds: it stays in the ranking for another term. An expired record comes back."""
    listing = await records.own(session, actor, cls, listing_id)
    if listing.state is ListingState.EXPIRED:
        _require_publishable(listing)
        await open_up(session, listing, fresh_for=fresh_for, by=actor.person)
        return listing
    if listing.state not in OPEN_STATES:
        raise WrongState
    records.require(completeness.required(listing.kind, listing))
    _freshen(listing, clock.now(), fresh_for)
    await _step(session, listing, listing.state, facts.ListingConfirmed, by=actor.person)
    return listing


async def withdraw(session: AsyncSession, actor: Actor, cls: type[L], listing_id: UUID) -> L:
    """Take it back: out of lists and rankings, kept for its owners. A problem that is taken back is closed."""
    listing = await records.own(session, actor, cls, listing_id)
    if listing.state in {ListingState.WITHDRAWN, ListingState.CLOSED}:
        return listing
    if listing.state is ListingState.IN_REVIEW:
        target = ListingState.DRAFT
    elif listing.state in OPEN_STATES or listing.state is ListingState.EXPIRED:
        target = ListingState.WITHDRAWN if listing.kind is ListingKind.ACHIEVEMENT else ListingState.CLOSED
    else:
        raise WrongState
    await _step(session, listing, target, facts.ListingWithdrawn, by=actor.person)
    return listing


async def advance(
    session: AsyncSession,
    actor: Actor,
    cls: type[L],
    listing_id: UUID,
    *,
    to: ListingState,
    fact: type[facts.OfListing],
) -> L:
    """The next step of a record that is open: talks begin, it is solved."""
    listing = await records.own(session, actor, cls, listing_id)
    if listing.state is to:
        return listing
    if listing.state not in OPEN_STATES:
        raise WrongState
    await _step(session, listing, to, fact, by=actor.person)
    return listing


async def expire(session: AsyncSession, now: datetime, *, at_most: int = 500) -> int:
    """Retire open records whose confirmation ran out. Answers how many; call until it answers 0."""
    due = await session.scalars(
        select(Listing)
        .where(Listing.state.in_(OPEN_STATES), Listing.confirmed_until <= now)
        .order_by(Listing.confirmed_until)
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    rows = due.all()
    for listing in rows:
        await _step(session, listing, ListingState.EXPIRED, facts.ListingExpired, by=None)
    return len(rows)
