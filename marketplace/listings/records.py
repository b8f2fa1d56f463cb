"""Records of either kind: found, listed, written, edited, with their history."""

from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final, TypeVar
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from marketplace.identity.models import Organisation
from marketplace.kernel import clock, etag, searching
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, Invalid, NotFound, refusing
from marketplace.listings import completeness, derived, facts
from marketplace.listings.models import OPEN_STATES, Attachment, Listing, Revision
from marketplace.listings.policy import listing_open, listing_owned_by, listing_visible_to
from schemas.base import FieldError
from schemas.identity import Permission
from schemas.listings import CompletenessItem, ListingFilter, ListingKind, ListingState, Part

L = TypeVar("L", bound=Listing)

# What it says now is, or is about to be, before everybody's eyes.
SHOWN_STATES: Final = (ListingState.IN_REVIEW, *OPEN_STATES)


class NotYourRecord(Forbidden):
    """只有所属单位的编辑可以这样做。 · Only editors of the owning organisation may do that."""


class NotYourOrganisation(Forbidden):
    """您不是该单位的编辑，不能以它的名义填写。 · You are not an editor of that organisation and cannot write in its name."""


class Incomplete(Invalid):
    """发布前还缺少内容。 · Something is still missing before this can be published."""


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
    return statement.where(*searching.holds_all(Listing.words, derived.asked(wish.q)))


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
    with refusing(listing_source_key=AlreadyImported):
        async with session.begin_nested():
            session.add(listing)
    await record(session, facts.ListingDrafted(listing.id, listing.kind), subject=listing.id, by=actor.person)
    return await read(session, actor, cls, listing.id)


def _columns(listing: Listing) -> dict[str, Any]:
    return {name: getattr(listing, name, None) for name in type(listing).__mapper__.columns.keys()}  # noqa: SIM118 -- no dict


def derive(listing: Listing) -> None:
    """Bring what is kept beside a record up to what it says now."""
    for name, value in derived.kept(_columns(listing)).items():
        setattr(listing, name, value)


NOT_CONTENT = frozenset(
    {
        "id", "kind", "organisation_id", "created_by", "state", "state_note", "source", "external_id", "listed_at",
        "published_at", "confirmed_at", "confirmed_until", "reminded_at", "confidential_part", "facets", "words",
        "sketch",
        "version", "created_at", "updated_at",
    }
)  # fmt: skip


def content(listing: Listing) -> dict[str, Any]:
    """What the owner wrote, as JSON."""
    jsonable: dict[str, Any] = to_jsonable_python(
        {name: value for name, value in _columns(listing).items() if name not in NOT_CONTENT}
    )
    return jsonable


async def edit(
    session: AsyncSession, actor: Actor, cls: type[L], listing_id: UUID, version: int, values: Mapping[str, Any]
) -> L:
    """Change what a listing says; what it said before is kept. A published record stays published, and publishable."""
    listing = await own(session, actor, cls, listing_id)
    etag.check(version, listing.version)
    changed = sorted(name for name, value in values.items() if getattr(listing, name) != value)
    if not changed:
        return listing
    if listing.state in SHOWN_STATES:
        lacked = completeness.required(listing.kind, listing)
        after = SimpleNamespace(**(_columns(listing) | dict(values)))
        require(item for item in completeness.required(listing.kind, after) if item not in lacked)
    await apply(session, listing, values, by=actor.person)
    await record(session, facts.ListingEdited(listing.id, listing.kind, changed), subject=listing.id, by=actor.person)
    return listing


def require(lacking: Iterable[CompletenessItem]) -> None:
    """Refuse what readers could not use, naming every field that is missing."""
    errors = [FieldError(pointer=f"/{item.field}", code="missing", detail=item.advice) for item in lacking]
    if errors:
        raise Incomplete(errors=errors)


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
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, paging: Paging
) -> tuple[list[Revision], str | None]:
    """What the record said before, latest first; for its owners."""
    listing = await read(session, actor, cls, listing_id)
    if listing.organisation_id not in actor.organisations_where(Permission.READ_OWN):
        raise NotYourRecord
    statement = select(Revision).where(Revision.listing_id == listing_id)
    rows, marker = await page(session, statement, ((Revision.version, int),), paging)
    return [row[0] for row in rows], marker


async def attachments(session: AsyncSession, listing_id: UUID, part: Part) -> Sequence[Attachment]:
    """The files of one part, oldest first."""
    found = await session.scalars(
        select(Attachment)
        .where(Attachment.listing_id == listing_id, Attachment.part == part, Attachment.removed_at.is_(None))
        .order_by(Attachment.created_at, Attachment.id)
    )
    return found.all()


async def count_open(session: AsyncSession, kind: ListingKind) -> int:
    """How many are open. It reads the partial index of open listings, which holds nothing else."""
    found = await session.scalar(
        select(func.count()).select_from(Listing).join(Organisation).where(Listing.kind == kind, listing_open())
    )
    return found or 0
