"""`/api/v1/instruments/{id}/tariffs`, `/quotes` and `/free-quotas`."""

from uuid import UUID

from fastapi import APIRouter, Response

from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.labs.bookings import NotOfYours
from marketplace.labs.instruments import NotItsKeeper
from marketplace.money import quotas, quotes, tariffs
from schemas.base import Page
from schemas.tariffs import FreeQuotaNew, FreeQuotaView, Quote, QuoteAsk, TariffNew, TariffView

router = APIRouter(prefix="/api/v1/instruments/{instrument_id}", tags=["money"], route_class=TransactionRoute)


@router.get("/tariffs", responses=problems(NotFound))
async def list_tariffs(
    instrument_id: UUID, session: Reading, actor: Anyone, paging: Paged, response: Response
) -> Page[TariffView]:
    """收费标准 · What it costs, the furthest ahead first; what held before is kept."""
    rows, marker = await tariffs.listed(session, actor, instrument_id, paging)
    paging.link(response, marker)
    return Page[TariffView].model_construct(items=[tariffs.view(row) for row in rows], next_cursor=marker)


@router.post("/tariffs", status_code=201, responses=problems(NotSignedIn, NotFound, NotItsKeeper, tariffs.Backdated))
async def publish(instrument_id: UUID, wish: TariffNew, session: Writing, actor: SignedIn) -> TariffView:
    """公布收费标准 · Say what it costs from a day on (keepers)."""
    return tariffs.view(await tariffs.publish(session, actor, instrument_id, wish))


@router.post("/quotes", responses=problems(NotSignedIn, NotFound, NotOfYours))
async def quote(instrument_id: UUID, wish: QuoteAsk, session: Writing, actor: SignedIn) -> Quote:
    """报价 · What a use would cost, line by line, and who would bear it. Nothing is held by asking."""
    return await quotes.quote(session, actor, instrument_id, wish)


@router.get("/free-quotas", responses=problems(NotFound))
async def list_quotas(
    instrument_id: UUID, session: Reading, actor: Anyone, paging: Paged, response: Response
) -> Page[FreeQuotaView]:
    """免费机时 · What share of each year is given free, latest declaration first, and what is left of it."""
    rows, marker = await quotas.listed(session, actor, instrument_id, paging)
    paging.link(response, marker)
    return Page[FreeQuotaView].model_construct(items=await quotas.views(session, rows), next_cursor=marker)


@router.post(
    "/free-quotas", status_code=201, responses=problems(NotSignedIn, NotFound, NotItsKeeper, quotas.GivenAlready)
)
async def declare(instrument_id: UUID, wish: FreeQuotaNew, session: Writing, actor: SignedIn) -> FreeQuotaView:
    """声明免费机时 · Give a share of a year's hours free (keepers). Declared anew, the difference is granted or taken back."""
    made = await quotas.declare(session, actor, instrument_id, wish)
    return (await quotas.views(session, [made]))[0]
