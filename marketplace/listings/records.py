"""What can be done with a listing, whatever its kind."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from marketplace.identity.models import Organisation
from marketplace.kernel import clock, etag
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.refusals import Conflict, Forbidden, Invalid, NotFound, refusing
from marketplace.listings import derived, facts
from marketplace.listings.models import OPEN_STATES, Attachment, Listing, Revision
from marketplace.listings.policy import listing_open, listing_owned_by, listing_visible_to
from schemas.base import FieldError
from schemas.identity import Permission, Verification
from schemas.listings import Completeness, ListingFilter, ListingKind, ListingState, Part, ReviewDecision

L = TypeVar("L", bound=Listing)


class NotYourRecord(Forbidden):
    """只有所属单位的编辑可以这样做。 · Only editors of the owning organisation may do that."""


class NotYourOrganisation(Forbidden):
    """您不是该单位的编辑，不能以它的名义填写。 · You are not an editor of that organisation and cannot write in its name."""


class NotVerified(Conflict):
    """单位尚未通过认证，可以写草稿，不能发布。 · The organisation is not verified: it can write drafts, not publish."""


class Incomplete(Invalid):
    """发布前还缺少内容。 · Something is still missing before this can be published."""


class WrongState(Conflict):
    """记录当前的状态不允许这一步。 · The record's state does not allow this step."""


class AlreadyImported(Conflict):
    """此来源的同一外部编号已存在，请修改那条记录。 · A record with this source and external id exists; change that one."""


def chosen(cls: type[L]) -> Select[L]:
    """Listings of a kind beside their organisation, which every rule looks at."""
    return (
        select(cls).join(Organisation, Organisation.id == cls.organisation_id).options(contains_eager(cls.organisation))
    )


async def read(session: AsyncSession, actor: Actor, cls: type[L], listing_id: UUID, *, lock: bool = False) -> L:
    """One listing that the actor may see; to everybody else it does not exist."""
    statement = chosen(cls).where(cls.id == listing_id, listing_visible_to(actor))
    if lock:
        statement = statement.with_for_update(of=Listing).execution_options(populate_existing=True)
    found = await session.scalar(statement)
    if found is None:
        raise NotFound
    return found


async def own(session: AsyncSession, actor: Actor, cls: type[L], listing_id: UUID) -> L:
    """One listing that the actor may change, locked."""
    listing = await read(session, actor, cls, listing_id, lock=True)
    if listing.organisation_id not in actor.organisations_where(Permission.WRITE_RECORDS):
        raise NotYourRecord
    return listing


def narrowed(statement: Select[*tuple[Any, ...]], actor: Actor, wish: ListingFilter) -> Select[*tuple[Any, ...]]:
    """The rows of a list that a filter and the actor's rights leave."""
    if wish.mine:
        statement = statement.where(listing_owned_by(actor))
    elif wish.state is None or wish.state in OPEN_STATES:
        statement = statement.where(listing_open())
    else:
        statement = statement.where(listing_visible_to(actor))
    if wish.state is not None:
        statement = statement.where(Listing.state == wish.state)
    if wish.organisation is not None:
        statement = statement.where(Listing.organisation_id == wish.organisation)
    for letter, values in (("r", wish.region), ("i", wish.industry), ("d", wish.discipline), ("m", wish.mode)):
        if values:
            statement = statement.where(Listing.facets.overlap(derived.wanted(letter, values)))
    for word in derived.folded(wish.q or "").split():
        statement = statement.where(Listing.words.contains(word, autoescape=True))
    return statement


async def create(
    session: AsyncSession,
    actor: Actor,
    cls: type[L],
    organisation_id: UUID,
    values: Mapping[str, Any],
    *,
    source: str | None = None,
    external_id: str | None = None,
) -> L:
    """A draft in the name of an organisation that the actor edits for."""
    if organisation_id not in actor.organisations_where(Permission.WRITE_RECORDS):
        raise NotYourOrganisation
    now = clock.now()
    listing = cls(
        **values,
        organisation_id=organisation_id,
        created_by=actor.person,
        source=source,
        external_id=external_id,
        created_at=now,
        updated_at=now,
        listed_at=now,
        version=1,
    )
    derive(listing)
    session.add(listing)
    with refusing(listing_source_key=AlreadyImported):
        await session.flush()
    await record(session, facts.ListingDrafted(listing.id, listing.kind), subject=listing.id, by=actor.person)
    return await read(session, actor, cls, listing.id)


def derive(listing: Listing) -> None:
    """Bring what is kept beside the record (facets, searched text) up to what it says."""
    values = {name: getattr(listing, name, None) for name in type(listing).__mapper__.columns.keys()}  # noqa: SIM118
    listing.facets, listing.words = derived.facets(values), derived.words(values)


NOT_CONTENT = frozenset(
    {
        "id", "kind", "organisation_id", "created_by", "state", "state_note", "source", "external_id", "listed_at",
        "published_at", "confirmed_at", "confirmed_until", "reminded_at", "confidential_part", "facets", "words",
        "version", "created_at", "updated_at",
    }
)  # fmt: skip


def content(listing: Listing) -> dict[str, Any]:
    """What the owner wrote, as JSON."""
    kept = {
        name: getattr(listing, name)
        for name in type(listing).__mapper__.columns.keys()  # noqa: SIM118 -- a mapper's columns are no dict
        if name not in NOT_CONTENT
    }
    jsonable: dict[str, Any] = to_jsonable_python(kept)
    return jsonable


async def edit(
    session: AsyncSession, actor: Actor, cls: type[L], listing_id: UUID, version: int, values: Mapping[str, Any]
) -> L:
    """Change what a listing says; what it said before is kept. A published record stays published."""
    listing = await own(session, actor, cls, listing_id)
    etag.check(version, listing.version)
    changed = sorted(name for name, value in values.items() if getattr(listing, name) != value)
    if not changed:
        return listing
    await apply(session, listing, values, by=actor.person)
    await record(session, facts.ListingEdited(listing.id, listing.kind, changed), subject=listing.id, by=actor.person)
    return listing


async def apply(session: AsyncSession, listing: Listing, values: Mapping[str, Any], *, by: UUID | None) -> None:
    """Put new values into a locked row, and the old ones into its history."""
    session.add(Revision(listing_id=listing.id, version=listing.version, body=content(listing), by=by))
    for name, value in values.items():
        setattr(listing, name, value)
    derive(listing)
    touch(listing)
    await session.flush()


def touch(listing: Listing) -> None:
    listing.version += 1
    listing.updated_at = clock.now()


async def revisions(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, *, below: int | None, limit: int
) -> Sequence[Revision]:
    """What the record said before, latest first; for its owners."""
    listing = await read(session, actor, cls, listing_id)
    if not actor.may(Permission.READ_OWN, listing.organisation_id):
        raise NotYourRecord
    statement = select(Revision).where(Revision.listing_id == listing_id).order_by(Revision.version.desc()).limit(limit)
    if below is not None:
        statement = statement.where(Revision.version < below)
    return (await session.scalars(statement)).all()


async def publish(
    session: AsyncSession,
    actor: Actor,
    cls: type[L],
    listing_id: UUID,
    *,
    complete: Completeness,
    reviewed_first: bool,
    fresh_for: timedelta,
) -> L:
    """Show it to everybody and let it be ranked, or hand it to the platform's review where that is asked for."""
    listing = await own(session, actor, cls, listing_id)
    if listing.state in {ListingState.PUBLISHED, ListingState.IN_REVIEW}:
        return listing
    if listing.state is ListingState.SOLVED:
        raise WrongState
    if listing.organisation.verification is not Verification.VERIFIED:
        raise NotVerified
    lacking = [item for item in complete.missing if item.required]
    if lacking:
        raise Incomplete(
            errors=[FieldError(pointer=f"/{item.field}", code="missing", detail=item.advice) for item in lacking]
        )
    if reviewed_first and listing.state is not ListingState.IN_TALKS:
        listing.state = ListingState.IN_REVIEW
        touch(listing)
        await session.flush()
        await record(session, facts.ListingSubmitted(listing.id, listing.kind), subject=listing.id, by=actor.person)
        return listing
    await open_up(session, listing, fresh_for=fresh_for, by=actor.person)
    return listing


async def open_up(session: AsyncSession, listing: Listing, *, fresh_for: timedelta, by: UUID | None) -> None:
    now = clock.now()
    listing.state, listing.state_note = ListingState.PUBLISHED, None
    if listing.published_at is None:
        listing.published_at = listing.listed_at = now
    _freshen(listing, now, fresh_for)
    touch(listing)
    await session.flush()
    await record(session, facts.ListingPublished(listing.id, listing.kind), subject=listing.id, by=by)


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
) -> L:
    """The platform's look before publication: let it through, or give it back with a note."""
    listing = await read(session, actor, cls, listing_id, lock=True)
    if Permission.REVIEW_RECORDS not in actor.platform:
        raise Forbidden("只有平台管理员可以审核。 · Only a platform administrator reviews records.")
    if listing.state is not ListingState.IN_REVIEW:
        raise WrongState
    if decision.approve:
        await open_up(session, listing, fresh_for=fresh_for, by=actor.person)
        return listing
    listing.state, listing.state_note = ListingState.DRAFT, decision.note
    touch(listing)
    await session.flush()
    await record(session, facts.ListingReturned(listing.id, listing.kind), subject=listing.id, by=actor.person)
    return listing


async def confirm(session: AsyncSession, actor: Actor, cls: type[L], listing_id: UUID, *, fresh_for: timedelta) -> L:
    """Say that it still holds: it stays in the ranking for another term. An expired record comes back."""
    listing = await own(session, actor, cls, listing_id)
    if listing.state is ListingState.EXPIRED:
        if listing.organisation.verification is not Verification.VERIFIED:
            raise NotVerified
        await open_up(session, listing, fresh_for=fresh_for, by=actor.person)
        return listing
    if listing.state not in OPEN_STATES:
        raise WrongState
    _freshen(listing, clock.now(), fresh_for)
    touch(listing)
    await session.flush()
    await record(session, facts.ListingConfirmed(listing.id, listing.kind), subject=listing.id, by=actor.person)
    return listing


async def withdraw(session: AsyncSession, actor: Actor, cls: type[L], listing_id: UUID) -> L:
    """Take it back: out of lists and rankings, kept for its owners. A problem that is taken back is closed."""
    listing = await own(session, actor, cls, listing_id)
    if listing.state is ListingState.IN_REVIEW:
        target = ListingState.DRAFT
    elif listing.state in OPEN_STATES or listing.state is ListingState.EXPIRED:
        target = ListingState.WITHDRAWN if listing.kind is ListingKind.ACHIEVEMENT else ListingState.CLOSED
    elif listing.state in {ListingState.WITHDRAWN, ListingState.CLOSED}:
        return listing
    else:
        raise WrongState
    listing.state = target
    touch(listing)
    await session.flush()
    await record(session, facts.ListingWithdrawn(listing.id, listing.kind), subject=listing.id, by=actor.person)
    return listing


async def attachments(session: AsyncSession, listing_id: UUID, part: Part) -> Sequence[Attachment]:
    """The files of one part, oldest first."""
    found = await session.scalars(
        select(Attachment)
        .where(Attachment.listing_id == listing_id, Attachment.part == part, Attachment.removed_at.is_(None))
        .order_by(Attachment.created_at, Attachment.id)
    )
    return found.all()


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
        listing.state = ListingState.EXPIRED
        touch(listing)
    await session.flush()
    for listing in rows:
        await record(session, facts.ListingExpired(listing.id, listing.kind), subject=listing.id)
    return len(rows)


async def count_open(session: AsyncSession, kind: ListingKind) -> int:
    """How many are open. It reads the partial index of open listings, which holds nothing else."""
    found = await session.scalar(
        select(func.count()).select_from(Listing).join(Organisation).where(Listing.kind == kind, listing_open())
    )
    return found or 0
