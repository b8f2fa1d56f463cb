"""`/api/v1/matching-models` and `/api/v1/misleading-terms`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.tuning import policy, terms, tunings
from schemas.base import Page
from schemas.tuning import MisleadingTermFilter, MisleadingTermView, ModelView, StrikingOut

router = APIRouter(prefix="/api/v1", tags=["matching"], route_class=TransactionRoute)

READS = (NotSignedIn, policy.NotTheirsToRead)
KEEPS = (NotSignedIn, NotFound, policy.NotTheirTuning)


@router.get("/matching-models", responses=problems(*READS))
async def list_models(session: Reading, actor: SignedIn, paging: Paged, response: Response) -> Page[ModelView]:
    """匹配权重的版本 · Versions of the signals' weights, latest first, each with what it was learnt from and how it did
    (the platform's administrators and auditors)."""
    rows, marker = await tunings.listed(session, actor, paging)
    paging.link(response, marker)
    return Page[ModelView].model_construct(items=[tunings.shown(row) for row in rows], next_cursor=marker)


@router.get("/matching-models/{model_id}", responses=problems(*READS, NotFound))
async def read_model(model_id: UUID, session: Reading, actor: SignedIn) -> ModelView:
    """一个版本 · One of them."""
    return tunings.shown(await tunings.read(session, actor, model_id))


@router.post(
    "/matching-models/{model_id}/activation",
    responses=problems(*KEEPS, tunings.NotBetter, tunings.ComparedWithAnother),
)
async def activate(model_id: UUID, session: Writing, actor: SignedIn) -> ModelView:
    """启用或退回 · Rank by this version from now on, in every process within a second. A new one has to be better offline;
    to one that was active before the way back is always open."""
    return tunings.shown(await tunings.activate(session, actor, model_id))


@router.get("/misleading-terms", responses=problems(*READS))
async def list_terms(
    wish: Annotated[MisleadingTermFilter, Query()], session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[MisleadingTermView]:
    """误导的词 · Terms that people called misleading, latest first."""
    rows, marker = await terms.listed(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[MisleadingTermView].model_construct(items=[terms.shown(row) for row in rows], next_cursor=marker)


@router.post("/misleading-terms/{term_id}/striking-out", responses=problems(*KEEPS, terms.StruckOutAlready))
async def strike_out(term_id: UUID, wish: StrikingOut, session: Writing, actor: SignedIn) -> MisleadingTermView:
    """划去 · It counts fully again, whatever later verdicts say."""
    return terms.shown(await terms.strike_out(session, actor, term_id, wish))


@router.post("/misleading-terms/{term_id}/restoration", responses=problems(*KEEPS, terms.NotStruckOut))
async def restore(term_id: UUID, session: Writing, actor: SignedIn) -> MisleadingTermView:
    """恢复 · It is lowered again, as long as verdicts support it."""
    return terms.shown(await terms.restore(session, actor, term_id))
