"""`/charges`: what was charged and how it came to that, disputes, statements and vouchers."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity import people
from marketplace.kernel import validation
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import Refusal
from marketplace.labs import instruments
from marketplace.money import charges, charging, claimed, statements, vouchers
from marketplace.portal import forms, say
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.charges import ChargeFilter, DisputeAnswer, DisputeNew, DisputeState, VoucherFilter, as_lines
from schemas.identity import Permission

router = APIRouter(prefix="/charges", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
FEW: Final = 6
ASKED: Final = 50
_FILTER: Final = ("organisation", "instrument", "year", "kept", "disputed")


def _paging(request: Request) -> Paging:
    return Paging(request, request.query_params.get("cursor"), PAGE)


async def _rows(
    visit: Visit, session: AsyncSession, wish: ChargeFilter, paging: Paging
) -> tuple[list[tuple[Any, bool]], str | None]:
    """A page of charges, each with whether a dispute about it is open.

    The disputed ones are the same list narrowed: from the same place on, they cannot begin after this page ends.
    """
    actor = visit.actor
    rows, marker = await charges.listed(session, actor, wish, paging)
    narrowed = wish.model_copy(update={"disputed": True})
    disputed = {row[0].id for row in (await charges.listed(session, actor, narrowed, paging))[0]}
    return [(row, row[0].id in disputed) for row in rows], marker


@router.get("", response_class=Response)
async def listed(visit: Visited, session: Reading) -> Response:
    request, actor = visit.request, visit.require()
    typed = request.query_params
    wish, wrong = ChargeFilter(), []
    rows: list[tuple[Any, bool]] = []
    marker = None
    try:
        wish = ChargeFilter.model_validate({name: typed[name] for name in _FILTER if typed.get(name)})
    except ValidationError as error:
        wrong = [told(one.detail) for one in validation.as_refusal(error).errors]
    else:
        rows, marker = await _rows(visit, session, wish, _paging(request))
    first = Paging(request, None, ASKED)
    asked, _ = await charges.listed(session, actor, ChargeFilter(kept=True, disputed=True), first)
    kept, _ = await charges.listed(session, actor, ChargeFilter(kept=True), Paging(request, None, 1))
    few = Paging(request, None, FEW)
    months, more_months = await statements.listed(session, actor, few)
    given, more_given = await vouchers.listed(session, actor, VoucherFilter(), few)
    memberships = (await people.read_me(session, actor))[1]
    return visit.page(
        "charges.html",
        422 if wrong else 200,
        rows=rows,
        marker=marker,
        wish=wish,
        wrong=wrong,
        later="cursor" in typed,
        asked=asked,
        places=[organisation for _, organisation in memberships if organisation is not None],
        keeper=visit.may(Permission.MANAGE_LABS) or bool(kept),
        months=months,
        more_months=more_months,
        given=await vouchers.views(session, given),
        more_given=more_given,
    )


@router.get("/statements", response_class=Response)
async def months(visit: Visited, session: Reading) -> Response:
    rows, marker = await statements.listed(session, visit.require(), _paging(visit.request))
    return visit.page("money_list.html", rows=rows, marker=marker, later=_later(visit))


def _later(visit: Visit) -> bool:
    return "cursor" in visit.request.query_params


async def _page(
    visit: Visit,
    session: AsyncSession,
    charge_id: UUID,
    *,
    typed: Typed | None = None,
    wrong: list[str] | None = None,
    status: int = 200,
) -> Response:
    """One charge: its sums, every step with its lines, and what was said against it; a refused form comes back filled."""
    request, actor = visit.request, visit.require()
    row = await charges.read(session, actor, charge_id)
    charge = row[0]
    paging = _paging(request) if request.method in {"GET", "HEAD"} else Paging(request, None, PAGE)
    steps, marker = await charges.entries(session, actor, charge_id, paging)
    said, _ = await charges.disputes(session, actor, charge_id, Paging(request, None, ASKED))
    return visit.page(
        "charge.html",
        status,
        row=row,
        charge=charge,
        steps=[
            (one, charging.reason_of(one), as_lines(one.lines), f"{one.at.astimezone(BEIJING):%Y-%m}") for one in steps
        ],
        marker=marker,
        later=_later(visit),
        disputes=said,
        open_one=next((one for one in said if one.state is DisputeState.OPEN), None),
        pays=charge.organisation_id in actor.organisations_where(Permission.READ_OWN),
        keeps=await instruments.keeps(session, actor, charge.instrument_id),
        claimable=await vouchers.claimable(session, actor, charge),
        claims=await claimed.of_charge(session, charge_id),
        typed={name: values[0] for name, values in (typed or {}).items()},
        wrong=wrong or [],
        here=f"/charges/{charge_id}",
    )


@router.get("/{charge_id:uuid}", response_class=Response)
async def one(charge_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, charge_id)


async def _act(
    visit: Visit, session: AsyncSession, charge_id: UUID, typed: Typed, work: Callable[[], Awaitable[Any]], said: str
) -> Response:
    """One act on a charge; refused, its page says why and keeps what was typed."""
    try:
        async with session.begin_nested():
            await work()
    except ValidationError as error:
        wrong = [
            f"{say.t(_FIELDS.get(one.pointer, '异议 · dispute'))}：{told(one.detail)}"
            for one in validation.as_refusal(error).errors
        ]
        return await _page(visit, session, charge_id, typed=typed, wrong=wrong, status=422)
    except Refusal as refusal:
        if refusal.status not in {409, 422}:
            raise
        wrong = [told(one.detail) for one in refusal.errors] or [told(refusal.detail or refusal.title())]
        return await _page(visit, session, charge_id, typed=typed, wrong=wrong, status=refusal.status)
    return visit.go(f"/charges/{charge_id}", said)


@router.post("/{charge_id:uuid}/disputes", response_class=Response)
async def dispute(charge_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> None:
        wish = DisputeNew.model_validate({"reason": forms.first(typed, "reason")})
        await charges.dispute(session, actor, charge_id, wish)

    return await _act(visit, session, charge_id, typed, work, "disputed")


@router.post("/{charge_id:uuid}/disputes/{dispute_id:uuid}/answer", response_class=Response)
async def answer(charge_id: UUID, dispute_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> None:
        told_sum = forms.first(typed, "comes_to").strip()
        accept = forms.first(typed, "accept") == "1"
        body = {"accept": accept, "answer": forms.first(typed, "answer")}
        wish = DisputeAnswer.model_validate(body | ({"comes_to": told_sum} if accept and told_sum else {}))
        await charges.answer(session, actor, charge_id, dispute_id, wish)

    return await _act(visit, session, charge_id, typed, work, "answered")


_FIELDS: Final = {
    "/reason": "理由 · reason",
    "/answer": "答复 · answer",
    "/comes_to": "新的总额 · new sum",
}
