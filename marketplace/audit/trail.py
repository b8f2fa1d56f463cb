"""What was done, latest first, narrowed by who, where, what and when."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.audit.policy import facts_readable_by
from marketplace.docking.models import Event
from marketplace.docking.registration_models import Registration
from marketplace.identity.models import Organisation, Person
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import Recorded
from marketplace.kernel.paging import Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden
from marketplace.labs.booking_models import Booking
from marketplace.labs.models import Instrument
from marketplace.listings.models import Listing
from schemas.audit import Doer, FactFilter, FactView
from schemas.identity import Permission

MOST: Final = 10_000
BY: Final = ((Recorded.at, datetime), (Recorded.id, int))

# What a fact tells beside who, when and where: names of records, states, counts. Facts hold next to nothing that somebody
# wrote, and of that nothing is shown: a field that is not named here, or not of these kinds, stays where it is.
SHOWN: Final = frozenset(
    {
        "accepted", "after", "approved", "before", "better", "changed", "day", "decision", "fields", "follows", "found",
        "grade", "kind", "late", "many", "new", "number", "paid", "pairs", "rejected", "reopened", "role", "scope", "slots",
        "state", "tables", "terms", "to", "verification", "version",
    }
)  # fmt: skip
WITHHELD: Final = frozenset({"reason", "misleading", "spellings", "term", "door"})


class NotForYou(Forbidden):
    """操作记录只给平台管理员和审计员查看。 · What was done is read by the platform's administrators and auditors."""


class TooManyToExport(Conflict):
    """一次最多导出 10000 条，请缩小筛选范围。 · At most 10,000 can be exported at once; narrow the filter."""


def _narrowed(actor: Actor, wish: FactFilter) -> Select[*tuple[Any, ...]]:
    if Permission.READ_AUDIT not in actor.platform:
        raise NotForYou
    statement: Select[*tuple[Any, ...]] = (
        select(Recorded, Person.name).outerjoin(Person, Person.id == Recorded.by).where(facts_readable_by(actor))
    )
    if wish.name:
        statement = statement.where(Recorded.name.in_(wish.name))
    if wish.by is not None:
        statement = statement.where(Recorded.by == wish.by)
    if wish.record is not None:
        statement = statement.where(Recorded.subject == wish.record)
    if wish.organisation is not None:
        statement = statement.where(Recorded.subject.in_(_records_of(wish.organisation)))
    if wish.since is not None:
        statement = statement.where(Recorded.at >= wish.since)
    if wish.until is not None:
        statement = statement.where(Recorded.at < wish.until)
    return statement


def _records_of(organisation: UUID) -> Any:
    """The organisation and what is its own."""
    own = (
        select(table.id).where(table.organisation_id == organisation)
        for table in (Listing, Instrument, Booking, Event, Registration)
    )
    return union_all(select(literal(organisation)), *own)


async def listed(
    session: AsyncSession, actor: Actor, wish: FactFilter, paging: Paging
) -> tuple[list[FactView], str | None]:
    rows, marker = await page(session, _narrowed(actor, wish), BY, paging)
    return [_view(*row) for row in rows], marker


async def exported(session: AsyncSession, actor: Actor, wish: FactFilter) -> Sequence[FactView]:
    """What the list would show under this filter, all of it, the oldest first."""
    rows = (await session.execute(_narrowed(actor, wish).order_by(*(one for one, _ in BY)).limit(MOST + 1))).all()
    if len(rows) > MOST:
        raise TooManyToExport
    return [_view(*row) for row in rows]


async def meant(session: AsyncSession, actor: Actor, who: str) -> UUID | None:
    """The person with this address or id, or the organisation with this code."""
    if Permission.READ_AUDIT not in actor.platform:
        raise NotForYou
    try:
        return UUID(who)
    except ValueError:
        pass
    person = await session.scalar(select(Person.id).where(Person.email == who.lower()))
    return person or await session.scalar(select(Organisation.id).where(Organisation.uscc == who.upper()))


def _view(fact: Recorded, name: str | None) -> FactView:
    return FactView(
        id=fact.id,
        name=fact.name,
        at=fact.at,
        by=Doer(id=fact.by, name=name) if fact.by is not None else None,
        record=fact.subject,
        told=_told(fact.body),
    )


def _told(body: Mapping[str, Any]) -> dict[str, bool | int | str | list[str] | None]:
    shown = {name: value for name, value in body.items() if name in SHOWN or name.endswith(("_id", "_ids"))}
    told = {name: value for name, value in shown.items() if not isinstance(value, dict)}
    if isinstance(body.get("after"), dict):
        # What an organisation says of itself: which of it was changed, not to what.
        told["fields"] = sorted(body["after"])
    return told
