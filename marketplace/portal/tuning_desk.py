"""`/platform/matching`: versions of the ranking's weights, and the terms that people called misleading."""

from functools import partial
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotSignedIn
from marketplace.portal import acting, forms
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent
from marketplace.tuning import terms, tunings
from marketplace.verdicts import lessons, verdicts
from schemas.tuning import MisleadingTermFilter, StrikingOut
from schemas.verdicts import VerdictFilter

router = APIRouter(prefix="/platform/matching", route_class=PageRoute, include_in_schema=False)

HOME: Final = "/platform/matching"
VERSIONS: Final = 10
TERMS: Final = 50
BEHIND: Final = 20
_FIELDS: Final = {"/reason": "理由 · reason"}


async def _page(
    visit: Visit, session: AsyncSession, *, status: int = 200, wrong: list[str] | None = None, typed: Any = None
) -> Response:
    actor, request = visit.actor, visit.request
    if not visit.signed_in:
        raise NotSignedIn
    query = request.query_params if request.method in {"GET", "HEAD"} else {}
    models, more_models = await tunings.listed(session, actor, Paging(request, query.get("before"), VERSIONS))
    lowering = query.get("lowering") == "1"
    found, more_terms = await terms.listed(
        session, actor, MisleadingTermFilter(lowering=True if lowering else None),
        Paging(request, query.get("cursor"), TERMS),
    )  # fmt: skip
    return visit.page(
        "matching.html",
        status,
        models=[tunings.shown(one) for one in models],
        more_models=more_models,
        active=await tunings.active(session),
        terms=[terms.shown(one) for one in found],
        more_terms=more_terms,
        lowering=lowering,
        work=await acting.work_named(visit, session),
        at=f"{HOME}/work",
        wrong=wrong or [],
        typed=typed or {},
    )


@router.get("", response_class=Response)
async def home(visit: Visited, session: Reading) -> Response:
    return await _page(visit, session)


@router.get("/work", response_class=Response)
async def progress(visit: Visited, session: Reading) -> Response:
    """How far the learning is; when it is done, the whole page again."""
    return await acting.progress(visit, session, HOME)


@router.get("/terms/{term_id:uuid}", response_class=Response)
async def behind(term_id: UUID, visit: Visited, session: Reading) -> Response:
    """The verdicts that called a term misleading."""
    if not visit.signed_in:
        raise NotSignedIn
    row = await terms.read(session, visit.actor, term_id)
    paging = Paging(visit.request, visit.request.query_params.get("cursor"), BEHIND)
    wish = VerdictFilter.model_construct(term=row.term)
    found, more = await verdicts.listed(session, visit.actor, wish, paging, industry=row.kind)
    return visit.page("matching_term.html", one=terms.shown(row), verdicts=found, more=more, later=paging.cursor)


@router.post("/learn", response_class=Response)
async def learn(visit: Visited, session: Writing) -> Response:
    actor = visit.require()

    async def work() -> str:
        return f"{HOME}?work={(await lessons.start(session, actor)).id}"

    return await acting.act(visit, session, work, "learning", partial(_page, visit, session), {})


@router.post("/{model_id:uuid}/activate", response_class=Response)
async def activate(model_id: UUID, visit: Visited, session: Writing) -> Response:
    actor = visit.require()

    async def work() -> str:
        await tunings.activate(session, actor, model_id)
        return HOME

    return await acting.act(visit, session, work, "activated", partial(_page, visit, session), {})


@router.post("/terms/{term_id:uuid}/strike", response_class=Response)
async def strike_out(term_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> str:
        wish = StrikingOut.model_validate({"reason": forms.first(typed, "reason")})
        await terms.strike_out(session, actor, term_id, wish)
        return f"{HOME}#terms"

    return await acting.act(
        visit, session, work, "struck-out", partial(_page, visit, session, typed={term_id: typed}), _FIELDS
    )


@router.post("/terms/{term_id:uuid}/restore", response_class=Response)
async def restore(term_id: UUID, visit: Visited, session: Writing) -> Response:
    actor = visit.require()

    async def work() -> str:
        await terms.restore(session, actor, term_id)
        return f"{HOME}#terms"

    return await acting.act(visit, session, work, "restored", partial(_page, visit, session), {})
