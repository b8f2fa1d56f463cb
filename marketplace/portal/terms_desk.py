"""`/platform/terms`: the draft of the lexicon, what discovery proposes, and the versions that rankings can be read with."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotFound
from marketplace.lexicon import lexicons, proposals, terms
from marketplace.lexicon.policy import lexicon_kept_by, proposals_read_by
from marketplace.pairings import discovery
from marketplace.portal import acting, forms
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.narrowing import searched
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.lexicon import (
    ImportReport,
    LexiconVersionNew,
    ProposalState,
    TermDecisions,
    TermFilter,
    TermProposalFilter,
    TermsImported,
    TermWritten,
)

router = APIRouter(prefix="/platform/terms", route_class=PageRoute, include_in_schema=False)

HOME: Final = "/platform/terms"
PAGE: Final = 30
VERSIONS: Final = 5
_FIELDS: Final = {"/text": "术语 · term", "/note": "说明 · note"}


def _ids(values: list[str]) -> list[UUID]:
    """Those that are ids at all; a form of ours sends no others."""
    found = []
    for value in values[:100]:
        try:
            found.append(UUID(value))
        except ValueError:
            continue
    return found


async def _page(
    visit: Visit,
    session: AsyncSession,
    *,
    status: int = 200,
    wrong: list[str] | None = None,
    typed: Typed | None = None,
    report: ImportReport | None = None,
) -> Response:
    looking = visit.request.method in {"GET", "HEAD"}
    query = visit.request.query_params if looking else {}
    asked, said = query.get("q", "").strip(), list(wrong or [])
    wish, unread = searched(TermFilter, asked)
    if unread:
        status, said = 422, unread
    paging = Paging(visit.request, query.get("cursor"), PAGE)
    rows, marker = await terms.listed(session, paging, wish)
    reads, state = proposals_read_by(visit.actor), query.get("state", ProposalState.PROPOSED)
    proposed: list[Any] = []
    more = None
    if reads:
        known = ProposalState(state) if state in set(ProposalState) else ProposalState.PROPOSED
        proposed, more = await discovery.listed(
            session, visit.actor, TermProposalFilter(state=known), Paging(visit.request, query.get("from"), PAGE)
        )
        state = known
    versions, earlier = await lexicons.listed(session, Paging(visit.request, query.get("before"), VERSIONS))
    engine = visit.request.app.state.engine
    return visit.page(
        "terms.html",
        status,
        here=HOME,
        rows=rows,
        marker=marker,
        asked=asked,
        draft=await lexicons.draft(session),
        versions=versions,
        earlier=earlier,
        ranked_with=engine.lexicon.version,
        records_read=engine.records_read,
        reads=reads,
        state=state,
        proposed=proposed,
        more=more,
        undo=[str(one) for one in _ids(visit.request.query_params.getlist("undo"))] if looking else [],
        keeps=lexicon_kept_by(visit.actor),
        work=await acting.work_named(visit, session) if looking else None,
        at=f"{HOME}/work",
        wrong=said,
        typed=typed or {},
        report=report,
        first=forms.first,
    )


@router.get("", response_class=Response)
async def home(visit: Visited, session: Reading) -> Response:
    return await _page(visit, session)


@router.get("/work", response_class=Response)
async def progress(visit: Visited, session: Reading) -> Response:
    """How far the discovery is; when it is done, the whole page again."""
    return await acting.progress(visit, session, HOME, "#proposals")


@router.get("/versions/{number:int}", response_class=Response)
async def version(number: int, visit: Visited, session: Reading) -> Response:
    """The terms of a version."""
    if number > 2**31 - 1:
        raise NotFound
    paging = Paging(visit.request, visit.request.query_params.get("cursor"), 100)
    rows, marker = await lexicons.terms_of(session, number, paging)
    return visit.page(
        "terms_version.html", one=await lexicons.read(session, number), rows=rows, marker=marker, later=paging.cursor
    )


async def _done(
    visit: Visit, session: AsyncSession, said: str, work: Callable[[], Awaitable[str]], typed: Typed | None = None
) -> Response:
    return await acting.act(visit, session, work, said, partial(_page, visit, session, typed=typed), _FIELDS)


@router.post("", response_class=Response)
async def add(visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> str:
        wish = TermWritten.model_validate({"text": forms.first(typed, "text"), "note": acting.one_of(typed, "note")})
        await terms.add(session, actor, wish)
        return HOME

    return await _done(visit, session, "term", work, typed)


@router.post("/import", response_class=Response)
async def take_in(visit: Visited, session: Writing, typed: Sent) -> Response:
    """A list: looked at first, and added when that is wanted."""
    actor, report = visit.require(), list[ImportReport]()

    async def work() -> str:
        wish = TermsImported.model_validate(
            {"text": forms.first(typed, "list"), "dry_run": not forms.first(typed, "really")}
        )
        report.append(await terms.take_in(session, actor, wish))
        return HOME

    onward = await _done(visit, session, "terms-in", work, typed)
    if not report or (not report[0].dry_run and not report[0].wrong):
        return onward
    return await _page(visit, session, typed=typed, report=report[0])


@router.post("/{term_id:uuid}/remove", response_class=Response)
async def remove(term_id: UUID, visit: Visited, session: Writing) -> Response:
    actor = visit.require()

    async def work() -> str:
        await terms.remove(session, actor, term_id)
        return HOME

    return await _done(visit, session, "term-off", work)


@router.post("/discover", response_class=Response)
async def discover(visit: Visited, session: Writing) -> Response:
    actor = visit.require()

    async def work() -> str:
        return f"{HOME}?work={(await discovery.start(session, actor)).id}#proposals"

    return await _done(visit, session, "discovering", work)


@router.post("/decide", response_class=Response)
async def decide(visit: Visited, session: Writing, typed: Sent) -> Response:
    """What becomes of the proposals that were ticked."""
    actor, chosen = visit.require(), _ids(typed.get("one", []))

    async def work() -> str:
        what = forms.first(typed, "what")
        wish = TermDecisions.model_validate({what: chosen} if what in TermDecisions.model_fields else {})
        await proposals.decide(session, actor, wish)
        undo = {} if what == "reopen" else {"undo": [str(one) for one in chosen]}
        return f"{HOME}{'?' if undo else ''}{urlencode(undo, doseq=True)}#proposals"

    return await _done(visit, session, "terms-decided", work)


@router.post("/use", response_class=Response)
async def put_to_use(visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> str:
        await lexicons.put_to_use(session, actor, LexiconVersionNew(note=acting.one_of(typed, "about")))
        return f"{HOME}#versions"

    return await _done(visit, session, "lexicon-used", work, typed)


@router.post("/versions/{number:int}/use", response_class=Response)
async def go_back(number: int, visit: Visited, session: Writing) -> Response:
    actor = visit.require()

    async def work() -> str:
        await lexicons.activate(session, actor, min(number, 2**31 - 1))
        return f"{HOME}#versions"

    return await _done(visit, session, "lexicon-used", work)


@router.post("/versions/{number:int}/draft", response_class=Response)
async def draft_from(number: int, visit: Visited, session: Writing) -> Response:
    actor = visit.require()

    async def work() -> str:
        await lexicons.draft_from(session, actor, min(number, 2**31 - 1))
        return HOME

    return await _done(visit, session, "lexicon-draft", work)
