"""Those who come to an event, by where they are and what they work in: as a filter of rows, and as what is counted.

Both are said once, here, so that a figure counts exactly the rows of its address.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Select, SQLColumnExpression, exists, func, literal, or_, select, union
from sqlalchemy.orm import aliased

from marketplace.docking.registration_models import BroughtListing, Registration
from marketplace.identity.models import Organisation
from marketplace.listings.models import Listing
from schemas.event_extras import UNSTATED, GroupFilter

Side = SQLColumnExpression[UUID]


def _below(code: str) -> str:
    """What a region and all that is in it begin with: 22 00 00 is the province, 22 01 00 one of its cities."""
    while code.endswith("00"):
        code = code[:-2]
    return code


def _of_region(side: Side, code: str) -> ColumnElement[bool]:
    one, home = aliased(Registration), aliased(Organisation)
    there = select(one.id).join(home, home.id == one.organisation_id).where(one.id == side)
    if code == UNSTATED:
        return ~exists(there.where(home.region.is_not(None)))
    return exists(there.where(home.region.startswith(_below(code), autoescape=True)))


def _of_industry(side: Side, code: str) -> ColumnElement[bool]:
    brought, record = aliased(BroughtListing), aliased(Listing)
    there = (
        select(brought.listing_id).join(record, record.id == brought.listing_id).where(brought.registration_id == side)
    )
    if code == UNSTATED:
        return ~exists(there.where(func.cardinality(record.industries) > 0))
    return exists(there.where(record.facets.contains([f"i:{code}"])))


def among(wish: GroupFilter | None, *sides: Side) -> list[ColumnElement[bool]]:
    """The conditions of a filter, of which one of these sides fulfils each."""
    made = []
    if wish is not None and wish.region is not None:
        made.append(or_(*(_of_region(side, wish.region) for side in sides)))
    if wish is not None and wish.industry is not None:
        made.append(or_(*(_of_industry(side, wish.industry) for side in sides)))
    return made


# --- the same as rows of (registration, code), to be counted


def by_region(event_id: UUID) -> CTE:
    """Each registration of an event with its province."""
    code = func.coalesce(func.left(Organisation.region, 2) + "0000", UNSTATED).label("code")
    return (
        select(Registration.id.label("registration_id"), code)
        .outerjoin(Organisation, Organisation.id == Registration.organisation_id)
        .where(Registration.event_id == event_id)
        .cte("grouped")
    )


def by_industry(event_id: UUID) -> CTE:
    """Each registration of an event with every section and division of the industries that its records name."""
    facet = func.unnest(Listing.facets).table_valued("word").render_derived()
    named: Select[Any] = (
        select(Registration.id.label("registration_id"), func.substr(facet.c.word, 3).label("code"))
        .join(BroughtListing, BroughtListing.registration_id == Registration.id)
        .join(Listing, Listing.id == BroughtListing.listing_id)
        .join(facet, literal(True))
        .where(Registration.event_id == event_id, facet.c.word.regexp_match("^i:([A-Z]|[0-9]{2})$"))
    )
    silent = select(Registration.id, literal(UNSTATED)).where(
        Registration.event_id == event_id, _of_industry(Registration.id, UNSTATED)
    )
    return union(named, silent).cte("grouped")
