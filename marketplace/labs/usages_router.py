"""`/api/v1/usages`, `/api/v1/usage-previews`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from marketplace.kernel import etag
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.labs import counting, shapes, usages
from marketplace.labs.instruments import NotItsKeeper
from schemas.base import Page
from schemas.bookings import (
    AdjustmentDecision,
    AdjustmentNew,
    AdjustmentView,
    EvidenceView,
    UsageEntered,
    UsageFilter,
    UsageNew,
    UsagePreview,
    UsageView,
    WithdrawalOfUse,
)

router = APIRouter(prefix="/api/v1", tags=["labs"], route_class=TransactionRoute)


@router.get("/usages", responses=problems(NotSignedIn))
async def list_usages(
    wish: Annotated[UsageFilter, Query()], session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[UsageView]:
    """机时记录 · What was used, latest first: yours, your organisations', and of the instruments you keep."""
    rows, marker = await usages.listed(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[UsageView].model_construct(items=[shapes.usage(row) for row in rows], next_cursor=marker)


@router.post(
    "/usages",
    status_code=201,
    responses=problems(
        NotSignedIn, NotFound, NotItsKeeper, counting.EnteredAlready, counting.MoreThanTheClock, usages.NotUsable
    ),
)
async def enter(wish: UsageNew, session: Writing, actor: SignedIn, response: Response) -> UsageEntered:
    """录入机时 · Write down what was used (keepers); `cuts` says what that took of other records."""
    usage = await usages.enter(session, actor, wish)
    response.headers["Location"] = f"/api/v1/usages/{usage.id}"
    return shapes.entered(usage, await usages.cuts(session, usage.id))


@router.post(
    "/usage-previews",
    responses=problems(
        NotSignedIn, NotFound, NotItsKeeper, counting.EnteredAlready, counting.MoreThanTheClock, usages.NotUsable
    ),
)
async def preview(wish: UsageNew, session: Writing, actor: SignedIn) -> UsagePreview:
    """录入前预览 · Which records entering this would cut, and by how much. Nothing is written."""
    return UsagePreview(cuts=await usages.would_cut(session, actor, wish))


@router.get("/usages/{usage_id}", responses=problems(NotSignedIn, NotFound))
async def read(usage_id: UUID, session: Reading, actor: SignedIn, response: Response) -> UsageView:
    """一条机时记录 · One record of use."""
    usage = await usages.read(session, actor, usage_id)
    etag.stamp(response, usage.version)
    return shapes.usage(usage)


@router.get("/usages/{usage_id}/cuts", responses=problems(NotSignedIn, NotFound, NotItsKeeper))
async def cuts(usage_id: UUID, session: Reading, actor: SignedIn) -> UsagePreview:
    """对其他记录的影响 · What other records lost, or got back, because of this one, latest first (keepers)."""
    return UsagePreview(cuts=[shapes.cut(*one) for one in await usages.cut_by(session, actor, usage_id)])


@router.post(
    "/usages/{usage_id}/withdrawal",
    status_code=201,
    responses=problems(NotSignedIn, NotFound, NotItsKeeper, usages.NothingToWithdraw),
)
async def withdraw(usage_id: UUID, wish: WithdrawalOfUse, session: Writing, actor: SignedIn) -> UsageEntered:
    """撤回录入 · Take back what keepers wrote down of it: what it cut has its time again (keepers)."""
    usage = await usages.withdraw(session, actor, usage_id, wish)
    return shapes.entered(usage, await usages.cuts(session, usage.id))


@router.get("/usages/{usage_id}/evidence", responses=problems(NotSignedIn, NotFound))
async def evidence(
    usage_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[EvidenceView]:
    """各来源的记录 · Everything that was told of this use, latest first, whether it counts or not."""
    rows, marker = await usages.evidence(session, actor, usage_id, paging)
    paging.link(response, marker)
    usage = await usages.read(session, actor, usage_id)
    corrected = await usages.corrected_by(session, usage_id)
    items = [shapes.evidence(row, usage, corrected) for row in rows]
    return Page[EvidenceView].model_construct(items=items, next_cursor=marker)


@router.get("/usages/{usage_id}/adjustments", responses=problems(NotSignedIn, NotFound))
async def adjustments(
    usage_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[AdjustmentView]:
    """更正记录 · Every correction that was asked for, latest first."""
    rows, marker = await usages.adjustments(session, actor, usage_id, paging)
    paging.link(response, marker)
    items = [shapes.adjustment(row) for row in rows]
    return Page[AdjustmentView].model_construct(items=items, next_cursor=marker)


@router.post(
    "/usages/{usage_id}/adjustments",
    status_code=201,
    responses=problems(NotSignedIn, NotFound, usages.NotYourUsage, usages.AskedAlready),
)
async def ask(usage_id: UUID, wish: AdjustmentNew, session: Writing, actor: SignedIn) -> AdjustmentView:
    """申请更正 · Say what it should have been, and why."""
    return shapes.adjustment(await usages.ask(session, actor, usage_id, wish))


@router.post(
    "/usages/{usage_id}/adjustments/{adjustment_id}/decision",
    responses=problems(NotSignedIn, NotFound, NotItsKeeper, usages.DecidedAlready, counting.MoreThanTheClock),
)
async def decide(
    usage_id: UUID, adjustment_id: UUID, wish: AdjustmentDecision, session: Writing, actor: SignedIn
) -> AdjustmentView:
    """处理更正申请 · Accept or decline it (keepers)."""
    return shapes.adjustment(await usages.decide(session, actor, usage_id, adjustment_id, wish))
