"""`/api/v1/charges`."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.labs.instruments import NotItsKeeper
from marketplace.money import charges, charging, claimed
from marketplace.money.models import ChargeEntry
from schemas.base import Page
from schemas.bookings import InstrumentBrief
from schemas.charges import (
    AdjustmentOfCharge,
    ChargeCard,
    ChargeFilter,
    ChargeView,
    DisputeAnswer,
    DisputeNew,
    DisputeView,
    EntryView,
    WaiverNew,
    as_lines,
)
from schemas.identity import OrganisationCard
from schemas.tariffs import SUMS, Cover

router = APIRouter(prefix="/api/v1/charges", tags=["money"], route_class=TransactionRoute)


def _values(row: Any) -> dict[str, Any]:
    charge = row[0]
    shown = {name: getattr(charge, name) for name in ChargeCard.model_fields if name in type(charge).__mapper__.columns}
    return shown | {
        **{name: getattr(row, name) for name in SUMS},
        "instrument": InstrumentBrief(id=charge.instrument.id, name=charge.instrument.name),
        "organisation": OrganisationCard.model_validate(charge.organisation),
    }


def _entry(row: ChargeEntry) -> EntryView:
    shown = {name: getattr(row, name) for name in EntryView.model_fields if name not in {"lines", "reason"}}
    return EntryView(**shown, reason=charging.reason_of(row), lines=as_lines(row.lines))


@router.get("", responses=problems(NotSignedIn))
async def list_charges(
    wish: Annotated[ChargeFilter, Query()], session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[ChargeCard]:
    """费用 · What was charged, the latest use first: your organisations', and of the instruments you keep."""
    rows, marker = await charges.listed(session, actor, wish, paging)
    paging.link(response, marker)
    items = [ChargeCard(**_values(row)) for row in rows]
    return Page[ChargeCard].model_construct(items=items, next_cursor=marker)


@router.get("/{charge_id}", responses=problems(NotSignedIn, NotFound))
async def read(charge_id: UUID, session: Reading, actor: SignedIn) -> ChargeView:
    """一笔费用 · One charge as it stands: the sums of its entries."""
    row = await charges.read(session, actor, charge_id)
    covers = (await charging.standing(session, charge_id)).covers
    shown = [Cover(voucher_id=purse.voucher_id, amount=amount) for purse, amount in covers]
    claims = [claimed.view(one) for one in await claimed.of_charge(session, charge_id)]
    return ChargeView(**_values(row), covers=shown, claims=claims, disputed=row.disputed)


@router.get("/{charge_id}/entries", responses=problems(NotSignedIn, NotFound))
async def entries(
    charge_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[EntryView]:
    """费用明细与变更 · How it came to that: every sum with its lines, and every change with its reason, latest first."""
    rows, marker = await charges.entries(session, actor, charge_id, paging)
    paging.link(response, marker)
    return Page[EntryView].model_construct(items=[_entry(row) for row in rows], next_cursor=marker)


@router.post(
    "/{charge_id}/adjustments",
    status_code=201,
    responses=problems(NotSignedIn, NotFound, NotItsKeeper),
)
async def adjust(charge_id: UUID, wish: AdjustmentOfCharge, session: Writing, actor: SignedIn) -> EntryView:
    """调整费用 · Put a charge right, with the reason (keepers)."""
    return _entry(await charges.adjust(session, actor, charge_id, wish))


@router.post(
    "/{charge_id}/waiver",
    status_code=201,
    responses=problems(NotSignedIn, NotFound, charges.OnlyThePlatform, charges.NothingLeft),
)
async def waive(charge_id: UUID, wish: WaiverNew, session: Writing, actor: SignedIn) -> EntryView:
    """减免 · Let a charge go (platform administrators)."""
    return _entry(await charges.waive(session, actor, charge_id, wish))


@router.get("/{charge_id}/disputes", responses=problems(NotSignedIn, NotFound))
async def disputes(
    charge_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[DisputeView]:
    """异议记录 · What the payer said against it and how it was answered, latest first."""
    rows, marker = await charges.disputes(session, actor, charge_id, paging)
    paging.link(response, marker)
    items = [DisputeView.model_validate(row) for row in rows]
    return Page[DisputeView].model_construct(items=items, next_cursor=marker)


@router.post(
    "/{charge_id}/disputes",
    status_code=201,
    responses=problems(NotSignedIn, NotFound, charges.NotThePayer, charges.DisputedAlready),
)
async def dispute(charge_id: UUID, wish: DisputeNew, session: Writing, actor: SignedIn) -> DisputeView:
    """提出异议 · Say what is wrong with it (the payer)."""
    return DisputeView.model_validate(await charges.dispute(session, actor, charge_id, wish))


@router.post(
    "/{charge_id}/disputes/{dispute_id}/answer",
    responses=problems(NotSignedIn, NotFound, NotItsKeeper, charges.DisputeOver),
)
async def answer(
    charge_id: UUID, dispute_id: UUID, wish: DisputeAnswer, session: Writing, actor: SignedIn
) -> DisputeView:
    """答复异议 · Accept it with the new sum, or decline it and say why (keepers)."""
    return DisputeView.model_validate(await charges.answer(session, actor, charge_id, dispute_id, wish))
