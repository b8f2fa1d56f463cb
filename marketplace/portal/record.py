"""`/problems/{id}` and `/achievements/{id}`: the record, what fits it and why, and the way to its confidential part."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import event_rankings
from marketplace.kernel import validation
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotSignedIn, Unavailable
from marketplace.listings import attachments, bodies, confidential, desk, duplicates, records
from marketplace.listings.models import Achievement, Listing, Problem
from marketplace.pairings import instruments, pairings, rematches, similar
from marketplace.portal import judging, kinds, say, why, writing
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.kinds import Kind
from marketplace.portal.narrowing import RANKED_BY, Asked
from marketplace.portal.routes import LoggedPageRoute, PageRoute
from schemas.event_rankings import EventRankingQuery
from schemas.identity import Permission
from schemas.listings import AdmissionRequest, AdmissionState, ListingState, NdaAcceptance, NearDuplicate, Part
from schemas.pairings import RankedPage, RankingQuery, RegionQuery
from schemas.rematches import SharedFilter

RANKED: Final = 8


async def _ranked_by(
    visit: Visit, names: Sequence[str], rank: Callable[[RankingQuery, Paging], Awaitable[RankedPage]]
) -> dict[str, Any]:
    """A page of a ranking narrowed by its address, or why there is none at this moment; and where nothing fits within the
    filters, what there would be without."""
    narrow = Asked(visit.request).narrowed(names)
    paging = Paging(visit.request, visit.request.query_params.get("cursor"), RANKED)
    ranking, beyond, waiting = None, None, None
    if (wish := narrow.read(RankingQuery)) is not None:
        try:
            ranking = await rank(wish, paging)
            if narrow.wish and not ranking.fits and paging.cursor is None:
                beyond = await rank(RankingQuery(), Paging(visit.request, None, 1))
        except Unavailable as refusal:
            waiting = say.t(refusal.detail or refusal.title())
    return {
        "ranking": ranking,
        "beyond": beyond,
        "waiting": waiting,
        "narrow": narrow,
        "names": names,
        "later": paging.cursor is not None,
    }


async def _ranking(kind: Kind, visit: Visit, session: AsyncSession, listing_id: UUID) -> dict[str, Any]:
    """The ranking of a record."""
    rank = partial(pairings.for_listing, session, visit.request.app.state.engine, visit.actor, kind.cls, listing_id)
    return await _ranked_by(visit, RANKED_BY[kind.wanted], rank) | {"shared": None}


async def _by_capacity(kind: Kind, visit: Visit, session: AsyncSession, listing_id: UUID) -> dict[str, Any]:
    """In the place of the ranking: what the newest rematch proposes."""
    paging = Paging(visit.request, visit.request.query_params.get("cursor"), RANKED)
    engine = visit.request.app.state.engine
    found = await rematches.shared(session, engine, visit.actor, kind.cls, listing_id, SharedFilter(), paging)
    return {"ranking": None, "shared": found, "later": paging.cursor is not None}


async def _shown(kind: Kind, listing_id: UUID, visit: Visit, session: AsyncSession) -> Response:
    actor = visit.actor
    listing: Any = await records.read(session, actor, kind.cls, listing_id)
    by_capacity = visit.request.query_params.get("view") == "shared"
    ranking = await (_by_capacity if by_capacity else _ranking)(kind, visit, session, listing_id)
    if by_capacity:
        found = [one.pairing for one in ranking["shared"].items if one.pairing]
    else:
        found = ranking["ranking"].items if ranking["ranking"] else []
    ranking["said_of"] = await judging.beside(session, actor, listing, found)
    if visit.partly:
        part = "parts/shared.html" if by_capacity else "parts/ranking.html"
        return visit.page(part, kind=kind, listing=listing, **ranking)
    admission = await desk.own_admission(session, actor, listing_id) if visit.signed_in else None
    editor = listing.organisation_id in actor.organisations_where(Permission.WRITE_RECORDS)
    reviewer = Permission.REVIEW_RECORDS in actor.platform and listing.state is ListingState.IN_REVIEW
    alike: list[NearDuplicate] = []
    if editor or reviewer:
        alike, _ = await duplicates.of(session, actor, kind.cls, listing_id, Paging(visit.request, None, writing.ALIKE))
    reader = listing.organisation_id in actor.organisations_where(Permission.READ_CONFIDENTIAL)
    return visit.page(
        "record.html",
        kind=kind,
        listing=listing,
        price=bodies.parts(listing, "price") if isinstance(listing, Achievement) else None,
        budget=bodies.parts(listing, "budget") if isinstance(listing, Problem) else None,
        files=await records.attachments(session, listing_id, Part.PUBLIC),
        editor=editor,
        reader=reader or (admission is not None and admission.state is AdmissionState.ADMITTED),
        reviewer=reviewer,
        alike=alike,
        admission=admission,
        **ranking,
    )


async def _one(kind: Kind, listing_id: UUID, other_id: UUID, visit: Visit, session: AsyncSession) -> Response:
    """The sum behind one pairing's score."""
    pairing = await pairings.one(session, visit.request.app.state.engine, visit.actor, kind.cls, listing_id, other_id)
    listing, said_of = None, None
    if not visit.partly:
        listing = await records.read(session, visit.actor, kind.cls, listing_id)
        said_of = await judging.beside(session, visit.actor, listing, [pairing])
    rows, total = why.rows(pairing)
    template = "parts/sum.html" if visit.partly else "pairing.html"
    return visit.page(template, kind=kind, listing=listing, pairing=pairing, rows=rows, total=total, said_of=said_of)


async def _similar(kind: Kind, listing_id: UUID, visit: Visit, session: AsyncSession) -> Response:
    """The records of its own kind that are like one."""
    listing = await records.read(session, visit.actor, kind.cls, listing_id)
    rank = partial(similar.of, session, visit.request.app.state.engine, visit.actor, kind.cls, listing_id)
    ranked = await _ranked_by(visit, RANKED_BY[kind.name], rank)
    return visit.page("similar.html", 422 if ranked["narrow"].wrong else 200, kind=kind, listing=listing, **ranked)


async def _instruments(problem_id: UUID, visit: Visit, session: AsyncSession) -> Response:
    """What could be used for a problem, and when."""
    problem = await records.read(session, visit.actor, Problem, problem_id)
    paging = Paging(visit.request, visit.request.query_params.get("cursor"), RANKED)
    ranking, waiting, engine = None, None, visit.request.app.state.engine
    narrow = Asked(visit.request).narrowed(RANKED_BY["instrument"])
    narrow.plain("minutes")
    if (wish := narrow.read(RegionQuery)) is not None:
        try:
            ranking = await instruments.for_problem(session, engine, visit.actor, problem_id, wish, paging)
        except Unavailable as refusal:
            waiting = say.t(refusal.detail or refusal.title())
    return visit.page(
        "problem_instruments.html",
        422 if narrow.wrong else 200,
        listing=problem,
        ranking=ranking,
        waiting=waiting,
        later=paging.cursor is not None,
        narrow=narrow,
        names=RANKED_BY["instrument"],
    )


async def _events(kind: Kind, listing_id: UUID, visit: Visit, session: AsyncSession) -> Response:
    """The events to come that a record could be brought to."""
    listing = await records.read(session, visit.actor, kind.cls, listing_id)
    state = visit.request.app.state

    async def rank(wish: RankingQuery, paging: Paging) -> RankedPage:
        asked = EventRankingQuery(region=wish.region, industry=wish.industry)
        return await event_rankings.for_listing(
            session, state.engine, state.upcoming, visit.actor, kind.cls, listing_id, asked, paging
        )

    ranked = await _ranked_by(visit, RANKED_BY["event"], rank)
    return visit.page(
        "record_events.html", 422 if ranked["narrow"].wrong else 200, kind=kind, listing=listing, **ranked
    )


async def _confidential(
    kind: Kind, listing_id: UUID, visit: Visit, session: AsyncSession, *, status: int = 200, **more: Any
) -> Response:
    """What the visitor may see of it: the text, the terms to accept first, or the form to ask with."""
    if not visit.signed_in:
        raise NotSignedIn
    actor = visit.actor
    listing = await records.read(session, actor, kind.cls, listing_id)
    values: dict[str, Any] = {"text": None, "terms": None, "files": (), "step": "ask"}
    try:
        found = await confidential.read(session, actor, kind.cls, listing_id)
        values |= {
            "step": "read",
            "text": found.text if found else "",
            "terms": found.nda if found else None,
            "files": await records.attachments(session, listing_id, Part.CONFIDENTIAL),
        }
    except confidential.NdaNotAccepted:
        values |= {"step": "accept", "terms": await confidential.terms(session, actor, kind.cls, listing_id)}
    except confidential.NotAdmitted:
        pass
    admission = await desk.own_admission(session, actor, listing_id)
    return visit.page(
        "confidential.html", status, kind=kind, listing=listing, admission=admission, **(values | {"wrong": []} | more)
    )


async def _ask(kind: Kind, listing_id: UUID, visit: Visit, session: AsyncSession, message: str) -> Response:
    actor = visit.require()
    try:
        wish = AdmissionRequest.model_validate({"message": message})
        async with session.begin_nested():
            await confidential.ask(session, actor, kind.cls, listing_id, wish)
    except ValidationError as error:
        wrong = [say.t(one.detail) for one in validation.as_refusal(error).errors]
        return await _confidential(kind, listing_id, visit, session, status=422, wrong=wrong, message=message)
    except confidential.AlreadyAsked as refusal:
        wrong = [say.t(refusal.title())]
        return await _confidential(kind, listing_id, visit, session, status=409, wrong=wrong, message=message)
    return visit.go(f"/{kind.plural}/{listing_id}/confidential", "asked")


async def _accept(kind: Kind, listing_id: UUID, visit: Visit, session: AsyncSession, nda: str) -> Response:
    actor = visit.require()
    try:
        wish = NdaAcceptance.model_validate({"nda": nda})
        async with session.begin_nested():
            await confidential.accept_terms(session, actor, kind.cls, listing_id, wish.nda)
    except (ValidationError, confidential.NdaChanged):
        wrong = [say.t(confidential.NdaChanged.title())]
        return await _confidential(kind, listing_id, visit, session, status=409, wrong=wrong)
    return visit.go(f"/{kind.plural}/{listing_id}/confidential", "accepted")


async def _download(
    cls: type[Listing], listing_id: UUID, attachment_id: UUID, visit: Visit, session: AsyncSession
) -> Response:
    file = await attachments.fetch(session, visit.actor, cls, listing_id, attachment_id)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "no-store",
    }
    return Response(file.content, media_type=file.media_type, headers=headers)


def _routes(kind: Kind) -> tuple[APIRouter, APIRouter]:
    """The pages of one kind; those whose reading is written down come second."""
    router = APIRouter(prefix=f"/{kind.plural}", route_class=PageRoute, include_in_schema=False)
    logged = APIRouter(prefix=f"/{kind.plural}", route_class=LoggedPageRoute, include_in_schema=False)

    @router.get("/{listing_id:uuid}", response_class=Response)
    async def shown(listing_id: UUID, visit: Visited, session: Reading) -> Response:
        return await _shown(kind, listing_id, visit, session)

    @router.get("/{listing_id:uuid}/pairings/{other_id:uuid}", response_class=Response)
    async def one(listing_id: UUID, other_id: UUID, visit: Visited, session: Reading) -> Response:
        return await _one(kind, listing_id, other_id, visit, session)

    @router.get("/{listing_id:uuid}/similar", response_class=Response)
    async def alike(listing_id: UUID, visit: Visited, session: Reading) -> Response:
        return await _similar(kind, listing_id, visit, session)

    @router.get("/{listing_id:uuid}/events", response_class=Response)
    async def suiting(listing_id: UUID, visit: Visited, session: Reading) -> Response:
        return await _events(kind, listing_id, visit, session)

    @logged.get("/{listing_id:uuid}/confidential", response_class=Response)
    async def read_confidential(listing_id: UUID, visit: Visited, session: Writing) -> Response:
        return await _confidential(kind, listing_id, visit, session)

    @router.post("/{listing_id:uuid}/confidential/request", response_class=Response)
    async def ask(listing_id: UUID, visit: Visited, session: Writing, message: Annotated[str, Form()] = "") -> Response:
        return await _ask(kind, listing_id, visit, session, message)

    @router.post("/{listing_id:uuid}/confidential/acceptance", response_class=Response)
    async def accept(listing_id: UUID, visit: Visited, session: Writing, nda: Annotated[str, Form()] = "") -> Response:
        return await _accept(kind, listing_id, visit, session, nda)

    @logged.get("/{listing_id:uuid}/attachments/{attachment_id:uuid}", response_class=Response)
    async def download(listing_id: UUID, attachment_id: UUID, visit: Visited, session: Writing) -> Response:
        return await _download(kind.cls, listing_id, attachment_id, visit, session)

    return router, logged


_PROBLEMS: Final = APIRouter(prefix="/problems", route_class=PageRoute, include_in_schema=False)


@_PROBLEMS.get("/{problem_id:uuid}/instruments", response_class=Response)
async def for_problem(problem_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _instruments(problem_id, visit, session)


ROUTERS: Final = (*(router for kind in kinds.KINDS.values() for router in _routes(kind)), _PROBLEMS)
