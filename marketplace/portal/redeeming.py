"""`/charges/redemptions` and the issuing of vouchers: what vouchers bore is asked for, and paid by the programme."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.labs import usage_log
from marketplace.money import vouchers
from marketplace.portal import forms, trying
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from marketplace.portal.use import NobodyOfThatName
from schemas.charges import RedemptionDecision, RedemptionNew, ReturnNew, Settlement, VoucherFilter, VoucherNew
from schemas.identity import Permission

router = APIRouter(prefix="/charges", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
_FIELDS: Final = {
    "organisation_id": "单位 · organisation",
    "number": "券编号 · number",
    "amount": "面额 · amount",
    "share_percent": "抵扣比例 · share",
    "settlement": "结算方式 · settlement",
    "valid_until": "有效至 · valid until",
    "programme": "项目 · programme",
    "note": "说明 · note",
}


def _paging(visit: Visit) -> Paging:
    request = visit.request
    return Paging(request, request.query_params.get("cursor") if request.method == "GET" else None, PAGE)


async def _page(
    visit: Visit, session: AsyncSession, *, typed: Typed | None = None, wrong: Sequence[str] = (), status: int = 200
) -> Response:
    rows, marker = await vouchers.redemptions(session, visit.require(), _paging(visit))
    return visit.page(
        "redemptions.html", status, rows=rows, marker=marker, later="cursor" in visit.request.query_params,
        pays=Permission.MANAGE_VOUCHERS in visit.actor.platform, typed=typed or {}, wrong=list(wrong),
        here="/charges/redemptions",
    )  # fmt: skip


@router.get("/redemptions", response_class=Response)
async def claims(visit: Visited, session: Reading) -> Response:
    """What was asked for, and what the programme answered."""
    return await _page(visit, session)


@router.post("/redemptions", response_class=Response)
async def redeem(visit: Visited, session: Writing, typed: Sent) -> Response:
    """Ask for what a voucher bears of a charge: the firm (通用) or the lab (通兑)."""
    actor = visit.require()

    async def work() -> None:
        wish = {name: trying.said(typed, name) for name in ("voucher_id", "charge_id")}
        await vouchers.redeem(session, actor, RedemptionNew.model_validate(wish))

    refused = await trying.to(session, work, _FIELDS)
    if refused is None:
        return visit.go("/charges/redemptions", "claimed")
    return await _page(visit, session, wrong=refused.wrong, status=refused.status)


@router.post("/redemptions/{redemption_id:uuid}/decision", response_class=Response)
async def decide(redemption_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Pay it, or say why not (the platform)."""
    actor = visit.require()

    async def work() -> None:
        wish = {"pay": trying.said(typed, "pay") == "1", "note": trying.said(typed, "note") or None}
        await vouchers.decide(session, actor, redemption_id, RedemptionDecision.model_validate(wish))

    refused = await trying.to(session, work, _FIELDS)
    if refused is None:
        return visit.go("/charges/redemptions", "claim-decided")
    return await _page(visit, session, typed=typed, wrong=refused.wrong, status=refused.status)


@router.post("/redemptions/{redemption_id:uuid}/return", response_class=Response)
async def confirm_return(redemption_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """What was owed since a charge was corrected came back (the platform)."""
    actor = visit.require()

    async def work() -> None:
        wish = ReturnNew.model_validate({"note": trying.said(typed, "note") or None})
        await vouchers.returned(session, actor, redemption_id, wish)

    refused = await trying.to(session, work, _FIELDS)
    if refused is None:
        return visit.go("/charges/redemptions", "claim-returned")
    return await _page(visit, session, typed=typed, wrong=refused.wrong, status=refused.status)


async def _vouchers_page(
    visit: Visit, session: AsyncSession, *, typed: Typed | None = None, wrong: Sequence[str] = (), status: int = 200
) -> Response:
    actor = visit.require()
    rows, marker = await vouchers.listed(session, actor, VoucherFilter(), _paging(visit))
    return visit.page(
        "vouchers.html", status, rows=await vouchers.views(session, rows), marker=marker,
        later="cursor" in visit.request.query_params, issues=Permission.MANAGE_VOUCHERS in actor.platform,
        settlements=list(Settlement), typed=typed or {}, wrong=list(wrong), here="/charges/vouchers",
    )  # fmt: skip


@router.get("/vouchers", response_class=Response)
async def given(visit: Visited, session: Reading) -> Response:
    return await _vouchers_page(visit, session)


@router.post("/vouchers", response_class=Response)
async def issue(visit: Visited, session: Writing, typed: Sent) -> Response:
    """Issue a voucher (the platform)."""
    actor = visit.require()

    async def work() -> None:
        name = trying.said(typed, "organisation")
        found = (await usage_log.organisations_named(session, actor, {name})).get(name, [])
        if len(found) != 1:
            raise NobodyOfThatName
        wish: dict[str, Any] = {name: trying.said(typed, name) for name in ("number", "settlement", "valid_until")}
        wish |= trying.given(typed, "share_percent") | {"organisation_id": str(found[0].id)}
        wish |= {
            "amount": forms.amount(trying.said(typed, "amount")),
            "programme": trying.said(typed, "programme") or None,
        }
        await vouchers.issue(session, actor, VoucherNew.model_validate(wish))

    refused = await trying.to(session, work, _FIELDS)
    if refused is None:
        return visit.go("/charges/vouchers", "issued")
    return await _vouchers_page(visit, session, typed=typed, wrong=refused.wrong, status=refused.status)
