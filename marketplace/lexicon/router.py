"""`/api/v1/synonyms`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.lexicon import synonyms
from schemas.base import Page
from schemas.lexicon import SynonymFilter, SynonymView, SynonymWritten

router = APIRouter(prefix="/api/v1/synonyms", tags=["matching"], route_class=TransactionRoute)


@router.get("")
async def list_synonyms(
    wish: Annotated[SynonymFilter, Query()], session: Reading, actor: Anyone, paging: Paged, response: Response
) -> Page[SynonymView]:
    """同义词 · Spellings that the matching takes for the same, latest first."""
    rows, marker = await synonyms.listed(session, paging, wish)
    paging.link(response, marker)
    items = [SynonymView.model_validate(row) for row in rows]
    return Page[SynonymView].model_construct(items=items, next_cursor=marker)


@router.post(
    "",
    status_code=201,
    responses=problems(
        NotSignedIn, synonyms.NotTheirLexicon, synonyms.AlreadyKnown, synonyms.LexiconFull, synonyms.NoSpelling
    ),
)
async def add_synonym(wish: SynonymWritten, session: Writing, actor: SignedIn) -> SynonymView:
    """添加一组同义词 · From now on a question that uses one of these spellings asks for the others too."""
    return SynonymView.model_validate(await synonyms.add(session, actor, wish))


@router.delete("/{synonym_id}", status_code=204, responses=problems(NotSignedIn, NotFound, synonyms.NotTheirLexicon))
async def remove_synonym(synonym_id: UUID, session: Writing, actor: SignedIn) -> None:
    """删除一组同义词 · From now on each of its spellings stands for itself."""
    await synonyms.remove(session, actor, synonym_id)
