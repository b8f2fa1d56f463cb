"""What an instrument costs: published by its keepers, from a day on, never backwards."""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import Paging, page
from marketplace.kernel.refusals import Invalid
from marketplace.labs import instruments
from marketplace.money import facts
from marketplace.money.models import Tariff
from schemas.base import FieldError
from schemas.tariffs import PriceList, PriceWindow, TariffNew, TariffView


class Backdated(Invalid):
    """新标准最早次日生效（首个标准可当日生效）；已发生的使用按当时的标准计费。 · A new tariff holds from tomorrow at the earliest (the first one from today): the past keeps its own."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/effective_from", code="backdated", detail=self.title())])


async def listed(
    session: AsyncSession, actor: Actor, instrument_id: UUID, paging: Paging
) -> tuple[list[Tariff], str | None]:
    """Every tariff of an instrument that one may see, the furthest ahead first."""
    await instruments.read(session, actor, instrument_id)
    by = ((Tariff.effective_from, date), (Tariff.id, UUID))
    rows, marker = await page(session, select(Tariff).where(Tariff.instrument_id == instrument_id), by, paging)
    return [row[0] for row in rows], marker


async def publish(session: AsyncSession, actor: Actor, instrument_id: UUID, wish: TariffNew) -> Tariff:
    """A keeper says what it costs from a day on."""
    await instruments.kept(session, actor, instrument_id)
    today = clock.today()
    first = await valid(session, instrument_id, today) is None
    earliest = today if first else today + timedelta(days=1)
    if wish.effective_from < earliest:
        raise Backdated
    tariff = Tariff(
        instrument_id=instrument_id, effective_from=wish.effective_from, created_by=actor.person, created_at=clock.now(),
        **wish.model_dump(mode="json", include={"prices", "windows"}),
        late_cancel_percent=wish.late_cancel_percent, accepts_vouchers=wish.accepts_vouchers,
    )  # fmt: skip
    session.add(tariff)
    await session.flush()
    await record(session, facts.TariffPublished(tariff.id, instrument_id), subject=tariff.id, by=actor.person)
    return tariff


async def valid(session: AsyncSession, instrument_id: UUID, day: date) -> Tariff | None:
    """The tariff that holds on a day."""
    found: Tariff | None = await session.scalar(
        select(Tariff)
        .where(Tariff.instrument_id == instrument_id, Tariff.effective_from <= day)
        .order_by(Tariff.effective_from.desc(), Tariff.id.desc())
        .limit(1)
    )
    return found


def prices(tariff: Tariff) -> PriceList:
    return PriceList.model_validate(tariff.prices)


def windows(tariff: Tariff) -> list[PriceWindow]:
    return [PriceWindow.model_validate(one) for one in tariff.windows]


def view(tariff: Tariff) -> TariffView:
    return TariffView(
        id=tariff.id, instrument_id=tariff.instrument_id, effective_from=tariff.effective_from, prices=prices(tariff),
        windows=windows(tariff), late_cancel_percent=tariff.late_cancel_percent,
        accepts_vouchers=tariff.accepts_vouchers, created_at=tariff.created_at,
    )  # fmt: skip
