"""`/platform/synonyms`: spellings that mean the same, looked for, tried on a text, added, changed and removed."""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.lexicon import synonyms
from marketplace.lexicon.policy import lexicon_kept_by
from marketplace.portal import acting, forms
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.narrowing import searched
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from matching.text import normalise
from schemas.lexicon import SynonymFilter, SynonymWritten

router = APIRouter(prefix="/platform/synonyms", route_class=PageRoute, include_in_schema=False)

HOME: Final = "/platform/synonyms"
PAGE: Final = 50
TRIED: Final = 5000
_APART: Final = re.compile(r"[,，、;；=＝\n]")


def _spellings(typed: Typed) -> list[str]:
    return [word.strip() for word in _APART.split(forms.first(typed, "spellings")) if word.strip()]


def _undoing(visit: Visit) -> dict[str, object] | None:
    """How what was just done is undone, as its answer wrote it into the address."""
    query = visit.request.query_params
    back, of = query.getlist("back")[:8], query.get("of")
    try:
        undone = UUID(of) if of else None
    except ValueError:
        return None
    return {"back": back, "of": undone} if back or undone else None


async def _page(
    visit: Visit,
    session: AsyncSession,
    *,
    status: int = 200,
    wrong: list[str] | None = None,
    typed: Typed | None = None,
    changing: UUID | None = None,
) -> Response:
    looking = visit.request.method in {"GET", "HEAD"}
    query = visit.request.query_params if looking else {}
    asked, said = query.get("q", "").strip(), list(wrong or [])
    wish, unread = searched(SynonymFilter, asked)
    if unread:
        status, said = 422, unread
    paging = Paging(visit.request, query.get("cursor"), PAGE)
    rows, marker = await synonyms.listed(session, paging, wish)
    tried = query.get("try", "")[:TRIED]
    found = visit.request.app.state.engine.synonyms.widened(normalise(tried)) if tried.strip() else []
    return visit.page(
        "synonyms.html",
        status,
        here=HOME,
        rows=rows,
        marker=marker,
        later=paging.cursor,
        asked=asked,
        tried=tried,
        found=found,
        keeps=lexicon_kept_by(visit.actor),
        undoing=_undoing(visit) if looking else None,
        wrong=said,
        typed=typed or {},
        changing=changing,
        first=forms.first,
    )


@router.get("", response_class=Response)
async def home(visit: Visited, session: Reading) -> Response:
    return await _page(visit, session)


async def _done(
    visit: Visit, session: AsyncSession, typed: Typed, said: str, work: Callable[[], Awaitable[str]],
    changing: UUID | None = None,
) -> Response:  # fmt: skip
    return await acting.act(
        visit, session, work, said, partial(_page, visit, session, typed=typed, changing=changing), {}
    )


@router.post("", response_class=Response)
async def add(visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> str:
        wish = SynonymWritten.model_validate({"spellings": _spellings(typed)})
        return f"{HOME}?{urlencode({'of': (await synonyms.add(session, actor, wish)).id})}"

    return await _done(visit, session, typed, "synonym", work)


@router.post("/{synonym_id:uuid}", response_class=Response)
async def change(synonym_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> str:
        before = list((await synonyms.read(session, synonym_id)).spellings)
        wish = SynonymWritten.model_validate({"spellings": _spellings(typed)})
        made = await synonyms.change(session, actor, synonym_id, wish)
        return f"{HOME}?{urlencode({'of': made.id, 'back': before}, doseq=True)}"

    return await _done(visit, session, typed, "synonym", work, synonym_id)


@router.post("/{synonym_id:uuid}/remove", response_class=Response)
async def remove(synonym_id: UUID, visit: Visited, session: Writing) -> Response:
    actor = visit.require()

    async def work() -> str:
        before = list((await synonyms.read(session, synonym_id)).spellings)
        await synonyms.remove(session, actor, synonym_id)
        return f"{HOME}?{urlencode({'back': before}, doseq=True)}"

    return await _done(visit, session, {}, "synonym-off", work)
