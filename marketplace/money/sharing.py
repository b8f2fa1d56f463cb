"""开放共享考核: hours, share rate, whom it served, income. Every figure names the list of the rows behind it."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, cast, false, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation, Person
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, NotFound
from marketplace.labs import counting, outputs, ratings, usages
from marketplace.labs.booking_models import Booking, Usage
from marketplace.labs.models import Instrument, Qualification
from marketplace.labs.output_models import Output
from marketplace.labs.policy import instrument_kept_by
from marketplace.labs.rating_models import Rating
from marketplace.money import pricing
from marketplace.money.charges import of_year
from marketplace.money.models import Charge, ChargeEntry
from schemas.identity import Permission
from schemas.labs import CustomerClass, InstrumentState
from schemas.reports import (
    Grouping,
    RowsFilter,
    ServedView,
    SharingFilter,
    SharingRow,
)

GENERAL_HOURS: Final = 1400
SPECIAL_HOURS: Final = 800
MOST_ROWS: Final = 5000
_FOUR: Final = Decimal("0.0001")
_MINUTES: Final = Usage.preparation_minutes + Usage.run_minutes + Usage.processing_minutes
_EXTERNAL: Final = Usage.customer_class != CustomerClass.INTERNAL


class TooManyForAFile(Conflict):
    """仪器过多，无法生成文件；请按单位导出。 · Too many instruments for one file; export them by organisation."""


def reported_to(actor: Actor) -> ColumnElement[bool]:
    """The keepers of an instrument, its owner's members, and whoever reads everything. The statement joins `Instrument`."""
    if Permission.READ_ALL in actor.platform:
        return true()
    own = actor.organisations_where(Permission.READ_OWN)
    return or_(instrument_kept_by(actor), Instrument.organisation_id.in_(own) if own else false())


def rate(part: int, whole: int) -> Decimal:
    return (Decimal(part) / whole).quantize(_FOUR, ROUND_HALF_UP) if whole else Decimal("0.0000")


def _used(year: int) -> Any:
    return (
        select(
            Usage.instrument_id,
            func.count().label("usages"),
            func.sum(_MINUTES).label("effective"),
            func.coalesce(func.sum(_MINUTES).filter(_EXTERNAL), 0).label("external"),
        )
        .where(of_year(Usage.starts_at, year), counting.counts())
        .group_by(Usage.instrument_id)
        .subquery("used")
    )


def _earned(year: int) -> Any:
    external = Charge.customer_class != CustomerClass.INTERNAL
    return (
        select(
            Charge.instrument_id,
            func.sum(ChargeEntry.payable + _borne_by_programme()).label("income"),
            func.coalesce(func.sum(ChargeEntry.payable + _borne_by_programme()).filter(external), 0).label("outside"),
        )
        .join(ChargeEntry, ChargeEntry.charge_id == Charge.id)
        .where(of_year(Charge.used_at, year))
        .group_by(Charge.instrument_id)
        .subquery("earned")
    )


def _borne_by_programme() -> Any:
    """What the lab redeems itself: vouchers, less the part that firms advance."""
    return ChargeEntry.voucher_amount - (ChargeEntry.payable - ChargeEntry.payer_amount)


_KEYS: Final[dict[Grouping, tuple[Any, ...]]] = {
    Grouping.INSTRUMENT: (Instrument.id,),
    Grouping.LAB: (Instrument.organisation_id, Instrument.lab),
    Grouping.ORGANISATION: (Instrument.organisation_id,),
}


def _chosen(actor: Actor, wish: SharingFilter) -> Select[Any]:
    used, earned = _used(wish.year), _earned(wish.year)
    whole: tuple[Any, ...] = (
        # uuids have no least one: the first of a group by its text stands for it in pages and links.
        func.min(cast(Instrument.id, Text)).label("first"),
        func.min(cast(Instrument.organisation_id, Text)).label("organisation_id"),
        func.min(Organisation.name).label("organisation"),
        *(func.min(getattr(Instrument, name)).label(name) for name in ("lab", "name", "model", "class_code")),
        func.sum(Instrument.value).label("value"),
        func.count().label("instruments"),
        *(func.coalesce(func.sum(used.c[name]), 0).label(name) for name in ("usages", "effective", "external")),
        *(func.coalesce(func.sum(earned.c[name]), 0).label(name) for name in ("income", "outside")),
        func.array_agg(Instrument.id).label("ids"),
    )
    groups = (
        select(*whole)
        .select_from(Instrument)
        .join(Organisation, Organisation.id == Instrument.organisation_id)
        .outerjoin(used, used.c.instrument_id == Instrument.id)
        .outerjoin(earned, earned.c.instrument_id == Instrument.id)
        .where(reported_to(actor), or_(Instrument.state != InstrumentState.DRAFT, used.c.usages > 0))
        .group_by(*_KEYS[wish.by])
    )
    if wish.organisation is not None:
        groups = groups.where(Instrument.organisation_id == wish.organisation)
    found = groups.subquery("found")
    served = (
        select(func.count(Usage.organisation_id.distinct()))
        .where(
            Usage.instrument_id == func.any(found.c.ids),
            _EXTERNAL,
            of_year(Usage.starts_at, wish.year),
            counting.counts(),
        )
        .scalar_subquery()
    )
    qualified = (
        select(func.count(Qualification.email.distinct()))
        .where(
            Qualification.instrument_id == func.any(found.c.ids),
            Qualification.revoked_at.is_(None),
            or_(Qualification.expires_on.is_(None), Qualification.expires_on >= clock.today()),
        )
        .scalar_subquery()
    )
    columns: tuple[Any, ...] = (
        *found.c, served.label("served"), qualified.label("qualified"), _rated(found, wish.year).label("rated"),
        _led_to(found, wish.year).label("outputs"),
    )  # fmt: skip
    return select(*columns)


def _rated(found: Any, year: int) -> Any:
    """The mean of what users say of the year's use."""
    return (
        select(func.avg(Rating.stars))
        .join(Booking, Booking.id == Rating.booking_id)
        .join(Person, Person.id == Rating.by)
        .where(Rating.instrument_id == func.any(found.c.ids), of_year(Booking.starts_at, year), ratings.shown())
        .scalar_subquery()
    )


def _led_to(found: Any, year: int) -> Any:
    """What use led to, once however many of the group's instruments took part."""
    number = func.concat(Output.kind, " ", Output.number)
    return (
        select(func.count(number.distinct()))
        .where(Output.instrument_id == func.any(found.c.ids), Output.year == year, outputs.stands())
        .scalar_subquery()
    )


def _row(row: Any, wish: SharingFilter) -> SharingRow:
    single = wish.by is Grouping.INSTRUMENT
    at = f"/api/v1/reports/open-sharing/{row.first}"
    # A group's rows are its instruments; an instrument's are its uses and charges.
    within = f"/api/v1/reports/open-sharing?year={wish.year}&by=instrument&organisation={row.organisation_id}"
    return SharingRow(
        id=UUID(row.first), organisation_id=UUID(row.organisation_id), organisation=row.organisation,
        lab=None if wish.by is Grouping.ORGANISATION else row.lab, instrument=row.name if single else None,
        model=row.model if single else None, class_code=row.class_code if single else None, value=row.value,
        instruments=row.instruments, usages=row.usages, effective_minutes=row.effective,
        external_minutes=row.external, share_rate=rate(row.external, row.effective),
        of_general_quota=rate(row.effective, GENERAL_HOURS * 60 * row.instruments),
        of_special_quota=rate(row.effective, SPECIAL_HOURS * 60 * row.instruments),
        organisations_served=row.served, qualified_users=row.qualified, income=pricing.cents(Decimal(row.income)),
        external_income=pricing.cents(Decimal(row.outside)),
        satisfaction=None if row.rated is None else Decimal(row.rated).quantize(_FOUR, ROUND_HALF_UP),
        outputs=row.outputs,
        usage_rows=f"{at}/usages?year={wish.year}" if single else within,
        external_rows=f"{at}/usages?year={wish.year}&external=true" if single else within,
        organisation_rows=f"{at}/organisations?year={wish.year}" if single else within,
        charge_rows=f"/api/v1/charges?instrument={row.first}&year={wish.year}" if single else within,
        rating_rows=f"/api/v1/instruments/{row.first}/ratings" if single else within,
        output_rows=f"/api/v1/instruments/{row.first}/outputs?year={wish.year}" if single else within,
    )  # fmt: skip


async def report(
    session: AsyncSession, actor: Actor, wish: SharingFilter, paging: Paging
) -> tuple[list[SharingRow], str | None]:
    """The year of each instrument, lab or organisation that one answers for."""
    found = _chosen(actor, wish).subquery()
    columns: tuple[Any, ...] = tuple(found.c)
    by: Any = ((found.c.first, str),)
    rows, marker = await page(session, select(*columns), by, paging)
    return [_row(row, wish) for row in rows], marker


async def whole(session: AsyncSession, actor: Actor, wish: SharingFilter) -> list[SharingRow]:
    """All of it, for a file."""
    statement = _chosen(actor, wish).order_by("organisation", "lab", "first").limit(MOST_ROWS + 1)
    rows = (await session.execute(statement)).all()
    if len(rows) > MOST_ROWS:
        raise TooManyForAFile
    return [_row(row, wish) for row in rows]


async def reported(session: AsyncSession, actor: Actor, instrument_id: UUID) -> None:
    found = await session.scalar(select(Instrument.id).where(Instrument.id == instrument_id, reported_to(actor)))
    if found is None:
        raise NotFound


async def used(
    session: AsyncSession, actor: Actor, instrument_id: UUID, wish: RowsFilter, paging: Paging
) -> tuple[list[Usage], str | None]:
    """The uses behind the hours of a year."""
    await reported(session, actor, instrument_id)
    statement = usages.chosen().where(
        Usage.instrument_id == instrument_id, of_year(Usage.starts_at, wish.year), counting.counts()
    )
    if wish.external:
        statement = statement.where(_EXTERNAL)
    by = tuple(zip((Usage.starts_at, Usage.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker


async def served(
    session: AsyncSession, actor: Actor, instrument_id: UUID, year: int, paging: Paging
) -> tuple[list[ServedView], str | None]:
    """The external organisations behind that number, and how much each used."""
    await reported(session, actor, instrument_id)
    columns: tuple[Any, ...] = (
        Usage.organisation_id, func.min(Organisation.name).label("name"), func.count().label("usages"),
        func.sum(_MINUTES).label("effective_minutes"),
    )  # fmt: skip
    found = (
        select(*columns)
        .join(Organisation, Organisation.id == Usage.organisation_id)
        .where(Usage.instrument_id == instrument_id, _EXTERNAL, of_year(Usage.starts_at, year), counting.counts())
        .group_by(Usage.organisation_id)
        .subquery()
    )
    by: Any = ((found.c.organisation_id, UUID),)
    everything: tuple[Any, ...] = tuple(found.c)
    rows, marker = await page(session, select(*everything), by, paging)
    return [ServedView.model_validate(row) for row in rows], marker
