"""`/api/v1/vouchers` and `/api/v1/redemptions`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.money import claimed, vouchers
from schemas.base import Page
from schemas.charges import (
    ClaimCorrectionView,
    RedemptionDecision,
    RedemptionNew,
    RedemptionView,
    ReturnNew,
    VoucherFilter,
    VoucherMove,
    VoucherNew,
    VoucherView,
)

router = APIRouter(prefix="/api/v1", tags=["money"], route_class=TransactionRoute)


@router.get("/vouchers", responses=problems(NotSignedIn))
async def list_vouchers(
    wish: Annotated[VoucherFilter, Query()], session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[VoucherView]:
    """创新券 · Vouchers of your organisations, newest first, and what is left of each."""
    rows, marker = await vouchers.listed(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[VoucherView].model_construct(items=await vouchers.views(session, rows), next_cursor=marker)


@router.post(
    "/vouchers",
    status_code=201,
    responses=problems(NotSignedIn, NotFound, vouchers.NotTheProgramme, vouchers.NumberTaken),
)
async def issue(wish: VoucherNew, session: Writing, actor: SignedIn, response: Response) -> VoucherView:
    """发放创新券 · Issue a voucher (platform administrators)."""
    made = await vouchers.issue(session, actor, wish)
    response.headers["Location"] = f"/api/v1/vouchers/{made.id}"
    return (await vouchers.views(session, [made]))[0]


@router.get("/vouchers/{voucher_id}", responses=problems(NotSignedIn, NotFound))
async def read(voucher_id: UUID, session: Reading, actor: SignedIn) -> VoucherView:
    """一张创新券 · One voucher, and what is left of it."""
    return (await vouchers.views(session, [await vouchers.read(session, actor, voucher_id)]))[0]


@router.get("/vouchers/{voucher_id}/moves", responses=problems(NotSignedIn, NotFound))
async def moves(
    voucher_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[VoucherMove]:
    """创新券台账 · Every line of its ledger, latest first; they add up to what it says."""
    rows, marker = await vouchers.moves(session, actor, voucher_id, paging)
    paging.link(response, marker)
    items = [VoucherMove.model_validate(row) for row in rows]
    return Page[VoucherMove].model_construct(items=items, next_cursor=marker)


@router.get("/redemptions", responses=problems(NotSignedIn))
async def list_redemptions(
    session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[RedemptionView]:
    """兑付申请 · Claims of yours and on your vouchers, latest first."""
    rows, marker = await vouchers.redemptions(session, actor, paging)
    paging.link(response, marker)
    items = [claimed.view(row) for row in rows]
    return Page[RedemptionView].model_construct(items=items, next_cursor=marker)


@router.post(
    "/redemptions",
    status_code=201,
    responses=problems(
        NotSignedIn, NotFound, vouchers.NotYoursToRedeem, vouchers.NothingToRedeem, vouchers.ClaimedAlready
    ),
)
async def redeem(wish: RedemptionNew, session: Writing, actor: SignedIn) -> RedemptionView:
    """申请兑付 · Ask for what a voucher bears of a charge: the firm (通用) or the lab (通兑)."""
    return await vouchers.redeem(session, actor, wish)


@router.post(
    "/redemptions/{redemption_id}/decision",
    responses=problems(
        NotSignedIn, NotFound, vouchers.NotTheProgramme, vouchers.DecidedAlready, vouchers.NothingToRedeem
    ),
)
async def decide(redemption_id: UUID, wish: RedemptionDecision, session: Writing, actor: SignedIn) -> RedemptionView:
    """处理兑付申请 · Pay it, or say why not (platform administrators)."""
    return await vouchers.decide(session, actor, redemption_id, wish)


@router.post(
    "/redemptions/{redemption_id}/return",
    status_code=201,
    responses=problems(NotSignedIn, NotFound, vouchers.NotTheProgramme, vouchers.NothingOwed),
)
async def confirm_return(
    redemption_id: UUID, wish: ReturnNew, session: Writing, actor: SignedIn
) -> ClaimCorrectionView:
    """确认退回 · What was owed since a charge was corrected came back (platform administrators)."""
    return ClaimCorrectionView.model_validate(await vouchers.returned(session, actor, redemption_id, wish))


@router.get("/redemptions/{redemption_id}/corrections", responses=problems(NotSignedIn, NotFound))
async def corrections(
    redemption_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[ClaimCorrectionView]:
    """兑付更正记录 · What is owed back of a claim that was paid, and what came back, latest first."""
    rows, marker = await vouchers.corrections(session, actor, redemption_id, paging)
    paging.link(response, marker)
    items = [ClaimCorrectionView.model_validate(row) for row in rows]
    return Page[ClaimCorrectionView].model_construct(items=items, next_cursor=marker)
