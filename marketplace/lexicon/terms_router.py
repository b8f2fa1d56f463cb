"""`/api/v1/terms`, `/api/v1/lexicon-draft` and `/api/v1/lexicon-versions`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.lexicon import lexicons, policy, terms
from schemas.base import Page
from schemas.lexicon import (
    ImportReport,
    LexiconDraftView,
    LexiconVersionNew,
    LexiconVersionView,
    TermFilter,
    TermsImported,
    TermView,
    TermWritten,
    VersionTermView,
)

router = APIRouter(prefix="/api/v1", tags=["matching"], route_class=TransactionRoute)

KEEPS = (NotSignedIn, policy.NotTheirTerms)
Number = Annotated[int, Path(ge=0, le=2**31 - 1)]


@router.get("/terms")
async def list_terms(
    wish: Annotated[TermFilter, Query()], session: Reading, actor: Anyone, paging: Paged, response: Response
) -> Page[TermView]:
    """术语草稿 · Terms that count whole once the draft is put to use, latest first."""
    rows, marker = await terms.listed(session, paging, wish)
    paging.link(response, marker)
    items = [TermView.model_validate(row) for row in rows]
    return Page[TermView].model_construct(items=items, next_cursor=marker)


@router.post(
    "/terms", status_code=201, responses=problems(*KEEPS, terms.AlreadyATerm, terms.TooManyTerms, terms.NoTerm)
)
async def add_term(wish: TermWritten, session: Writing, actor: SignedIn) -> TermView:
    """添加术语 · Into the draft. Rankings change once the draft is put to use."""
    return TermView.model_validate(await terms.add(session, actor, wish))


@router.post("/term-imports", responses=problems(*KEEPS, terms.TooManyTerms))
async def import_terms(wish: TermsImported, session: Writing, actor: SignedIn) -> ImportReport:
    """导入术语 · A list, one term a line, into the draft; with `dry_run` only what would become of it."""
    return await terms.take_in(session, actor, wish)


@router.get("/terms.csv", response_class=Response)
async def export_terms(session: Reading, actor: Anyone) -> Response:
    """导出术语草稿 · The draft as CSV, as it can be imported again."""
    headers = {"Content-Disposition": 'attachment; filename="terms.csv"', "Cache-Control": "no-store"}
    return Response(await terms.exported(session), media_type="text/csv; charset=utf-8", headers=headers)


@router.delete("/terms/{lexicon_term_id}", status_code=204, responses=problems(*KEEPS, NotFound))
async def remove_term(lexicon_term_id: UUID, session: Writing, actor: SignedIn) -> None:
    """删除术语 · From the draft. Rankings change once the draft is put to use."""
    await terms.remove(session, actor, lexicon_term_id)


@router.get("/lexicon-draft")
async def read_draft(session: Reading, actor: Anyone) -> LexiconDraftView:
    """草稿与在用版本的差别 · How the draft differs from the version in use."""
    return await lexicons.draft(session)


@router.get("/lexicon-versions")
async def list_versions(session: Reading, actor: Anyone, paging: Paged, response: Response) -> Page[LexiconVersionView]:
    """术语表的版本 · Versions of the lexicon, latest first."""
    rows, marker = await lexicons.listed(session, paging)
    paging.link(response, marker)
    items = [LexiconVersionView.model_validate(row) for row in rows]
    return Page[LexiconVersionView].model_construct(items=items, next_cursor=marker)


@router.post("/lexicon-versions", status_code=201, responses=problems(*KEEPS, lexicons.NothingChanged))
async def put_to_use(wish: LexiconVersionNew, session: Writing, actor: SignedIn) -> LexiconVersionView:
    """启用草稿 · Make the draft the next version. Each process reads all records with it and goes over to it when that is
    done; until then it ranks with the one before."""
    return LexiconVersionView.model_validate(await lexicons.put_to_use(session, actor, wish))


@router.get("/lexicon-versions/{lexicon_number}", responses=problems(NotFound))
async def read_version(lexicon_number: Number, session: Reading, actor: Anyone) -> LexiconVersionView:
    """一个版本 · One of them."""
    return LexiconVersionView.model_validate(await lexicons.read(session, lexicon_number))


@router.get("/lexicon-versions/{lexicon_number}/terms", responses=problems(NotFound))
async def list_terms_of_version(
    lexicon_number: Number, session: Reading, actor: Anyone, paging: Paged, response: Response
) -> Page[VersionTermView]:
    """一个版本的术语 · Its terms, in the order of their spelling."""
    rows, marker = await lexicons.terms_of(session, lexicon_number, paging)
    paging.link(response, marker)
    items = [VersionTermView.model_validate(row) for row in rows]
    return Page[VersionTermView].model_construct(items=items, next_cursor=marker)


@router.post("/lexicon-versions/{lexicon_number}/activation", responses=problems(*KEEPS, NotFound))
async def activate(lexicon_number: Number, session: Writing, actor: SignedIn) -> LexiconVersionView:
    """启用旧版本 · Rank with a version that was made before; 0 has no terms. The draft stays as it is."""
    return LexiconVersionView.model_validate(await lexicons.activate(session, actor, lexicon_number))


@router.post("/lexicon-versions/{lexicon_number}/draft", responses=problems(*KEEPS, NotFound, terms.TooManyTerms))
async def draft_from(lexicon_number: Number, session: Writing, actor: SignedIn) -> LexiconDraftView:
    """以此版本为草稿 · Make the draft what this version has. Rankings do not change."""
    return await lexicons.draft_from(session, actor, lexicon_number)
