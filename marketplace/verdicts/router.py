"""`/api/v1/{problems|achievements}/{id}/pairings/{other}/verdict`, `/api/v1/verdicts`, and what is learnt from them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from marketplace.kernel import clock, etag
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.files import attached, binary
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, StaleVersion, VersionMissing, problems
from marketplace.kernel.sheets import XLSX
from marketplace.listings import records
from marketplace.listings.models import Achievement, Listing, Problem
from marketplace.pairings import pairings
from marketplace.tuning import policy as tuning
from marketplace.tuning import terms
from marketplace.verdicts import lessons, sheet, verdicts
from schemas.base import Page
from schemas.operations import OperationView
from schemas.verdicts import VerdictBody, VerdictFilter, VerdictListed, VerdictView

router = APIRouter(prefix="/api/v1", tags=["matching"], route_class=TransactionRoute)

OWN = (NotSignedIn, NotFound, records.NotYourRecord)
CHANGED = (*OWN, StaleVersion, VersionMissing)


def _verdict_routes(cls: type[Listing], path: str, of: str) -> None:
    async def read(
        listing_id: UUID, other_id: UUID, session: Reading, actor: SignedIn, response: Response
    ) -> VerdictView:
        row = await verdicts.read(session, actor, cls, listing_id, other_id)
        etag.stamp(response, row.version)
        return VerdictView.model_validate(row)

    async def say(
        listing_id: UUID,
        other_id: UUID,
        body: VerdictBody,
        session: Writing,
        actor: SignedIn,
        version: IfMatch,
        request: Request,
        response: Response,
    ) -> VerdictView:
        engine = request.app.state.engine
        row = await verdicts.say(session, engine, actor, cls, listing_id, other_id, version, body)
        etag.stamp(response, row.version)
        return VerdictView.model_validate(row)

    async def withdraw(listing_id: UUID, other_id: UUID, session: Writing, actor: SignedIn, version: IfMatch) -> None:
        await verdicts.withdraw(session, actor, cls, listing_id, other_id, version)

    at = f"/{path}/{{listing_id}}/pairings/{{other_id}}/verdict"
    router.add_api_route(
        at,
        read,
        name=f"verdict_of_{of}",
        description="本方评价 · What your side says of this pairing; the other side never sees it.",
        responses=problems(*OWN),
    )
    router.add_api_route(
        at,
        say,
        methods=["PUT"],
        name=f"say_verdict_of_{of}",
        description="给出或修改评价 · Say what your side thinks of this pairing, and which terms of its reasons mislead"
        ' (`If-Match: "0"` while there is no verdict). The other side is not told.',
        responses=problems(*CHANGED, verdicts.NotAShownTerm, pairings.RankingLoading),
    )
    router.add_api_route(
        at,
        withdraw,
        methods=["DELETE"],
        status_code=204,
        name=f"withdraw_verdict_of_{of}",
        description="撤回评价 · Take it back, as if nothing had been said.",
        responses=problems(*CHANGED),
    )


_verdict_routes(Problem, "problems", "problem")
_verdict_routes(Achievement, "achievements", "achievement")


@router.get("/verdicts", responses=problems(NotSignedIn))
async def list_verdicts(
    wish: Annotated[VerdictFilter, Query()], session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[VerdictListed]:
    """评价 · Your organisations' verdicts, latest first; all of them for the platform's administrators and auditors."""
    items, marker = await verdicts.listed(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[VerdictListed].model_construct(items=items, next_cursor=marker)


@router.get(
    "/verdicts.xlsx", response_class=Response, responses=problems(NotSignedIn, sheet.TooManyToExport) | binary(XLSX)
)
async def workbook(wish: Annotated[VerdictFilter, Query()], session: Reading, actor: SignedIn) -> Response:
    """评价（Excel） · The same as an Excel file."""
    rows = await sheet.chosen(session, actor, wish)
    return attached(sheet.workbook(rows, clock.now()), "匹配评价.xlsx", XLSX)


@router.get("/misleading-terms/{term_id}/verdicts", responses=problems(NotSignedIn, NotFound, tuning.NotTheirsToRead))
async def behind(
    term_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[VerdictListed]:
    """背后的评价 · The verdicts that called a term misleading, in problems of its kind."""
    row = await terms.read(session, actor, term_id)
    wish = VerdictFilter.model_construct(term=row.term)
    items, marker = await verdicts.listed(session, actor, wish, paging, industry=row.kind)
    paging.link(response, marker)
    return Page[VerdictListed].model_construct(items=items, next_cursor=marker)


@router.post("/matching-models", status_code=202, responses=problems(NotSignedIn, tuning.NotTheirTuning))
async def learn(session: Writing, actor: SignedIn, response: Response) -> OperationView:
    """从评价中学习 · Learn from all verdicts given so far: a candidate version of the weights, which ranks nothing until it
    is activated, and the misleading terms, which are lowered at once."""
    operation = await lessons.start(session, actor)
    response.headers["Location"] = f"/api/v1/operations/{operation.id}"
    return OperationView.model_validate(operation)
