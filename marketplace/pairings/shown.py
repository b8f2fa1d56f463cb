"""Records as a ranking shows them: read as the database has them now, by statements that are written once.

A page of twenty is the most asked-for read of the house; as objects of the ORM its rows cost more than their ranking.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Select, Uuid, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.prepared import Prepared, PreparedFor
from marketplace.kernel.refusals import NotFound
from marketplace.listings.models import Listing
from marketplace.listings.policy import listing_open, listing_visible_to
from schemas.listings import ListingKind


class Shown(NamedTuple):
    """What ``reading`` reads of a record of either kind, and whose it is. What the other kind has is None."""

    kind: ListingKind
    id: UUID
    title: str
    description: str | None
    keywords: list[str]
    industries: list[str]
    disciplines: list[str]
    region: str | None
    cooperation_modes: list[str]
    confirmed_at: datetime | None
    confirmed_until: datetime | None
    summary: str | None
    trl: int | None
    stage: str | None
    price_low: Decimal | None
    price_high: Decimal | None
    background: str | None
    indicators: list[dict[str, Any]] | None
    tried: str | None
    budget_low: Decimal | None
    budget_high: Decimal | None
    organisation_id: UUID
    organisation_name: str
    organisation_verification: str


_OF_ORGANISATION: Final = "organisation_"


def _chosen() -> Select[Any]:
    """Listings of either kind beside their organisation, which every rule looks at. One table holds both kinds."""
    table = Listing.__table__.c
    columns = [
        getattr(Organisation, name.removeprefix(_OF_ORGANISATION)).label(name)
        if name.startswith(_OF_ORGANISATION)
        else table[name]
        for name in Shown._fields
    ]
    return select(*columns).join(Organisation, Organisation.id == table.organisation_id)


def _of(row: Any) -> Shown:
    return Shown(ListingKind(row[0]), *list(row.values())[1:])


_OPEN: Final = Prepared(
    _chosen().where(
        Listing.id == any_(bindparam("ids", type_=ARRAY(Uuid))),
        Listing.kind == bindparam("kind"),
        listing_open(),
        Listing.confirmed_until > bindparam("now"),
    )
)


async def shown(session: AsyncSession, kind: ListingKind, ids: Sequence[UUID]) -> dict[UUID, Shown]:
    """The records as they are now: what was taken back a moment ago, or ran out, is not among them."""
    if not ids:
        return {}
    rows = await _OPEN.fetch(session, ids=list(ids), kind=kind, now=clock.now())
    return {row["id"]: _of(row) for row in rows}


def _seen(actor: Actor) -> Select[Any]:
    return _chosen().where(
        Listing.id == bindparam("listing"), Listing.kind == bindparam("kind"), listing_visible_to(actor)
    )


_SEEN: Final = PreparedFor(_seen)


async def asking(session: AsyncSession, actor: Actor, kind: ListingKind, listing_id: UUID) -> Shown:
    """One record that the actor may see, to ask with; to everybody else it does not exist."""
    row = await _SEEN.first(session, actor, listing=listing_id, kind=kind)
    if row is None:
        raise NotFound
    return _of(row)
