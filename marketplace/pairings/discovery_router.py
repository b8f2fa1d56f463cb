"""`/api/v1/term-proposals`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotSignedIn, problems
from marketplace.lexicon import policy, proposals, terms
from marketplace.pairings import discovery
from schemas.base import Page
from schemas.lexicon import TermDecisions, TermProposalFilter, TermProposalView, TermsDecided
from schemas.operations import OperationView

router = APIRouter(prefix="/api/v1/term-proposals", tags=["matching"], route_class=TransactionRoute)

_KEEPS = (NotSignedIn, policy.NotTheirTerms)


@router.get("", responses=problems(NotSignedIn, policy.NotTheirsToDecide))
async def list_proposals(
    wish: Annotated[TermProposalFilter, Query()], session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[TermProposalView]:
    """新词提议 · Runs of characters that the open records suggest as terms, the best first (the platform's administrators
    and auditors)."""
    items, marker = await discovery.listed(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[TermProposalView].model_construct(items=items, next_cursor=marker)


@router.post("", status_code=202, responses=problems(*_KEEPS))
async def discover(session: Writing, actor: SignedIn, response: Response) -> OperationView:
    """发现新词 · Search the open records for new terms in the background; nothing is ranked by what comes of it."""
    operation = await discovery.start(session, actor)
    response.headers["Location"] = f"/api/v1/operations/{operation.id}"
    return OperationView.model_validate(operation)


@router.post("/decisions", responses=problems(*_KEEPS, terms.TooManyTerms))
async def decide(wish: TermDecisions, session: Writing, actor: SignedIn) -> TermsDecided:
    """收入、拒绝或恢复待定 · Accept some into the draft, reject some (they are not proposed again), open some again. Ids that
    are nobody's are passed over."""
    return await proposals.decide(session, actor, wish)
