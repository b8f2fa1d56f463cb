"""`/api/v1/experts`."""

from typing import Annotated
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.experts import experts, publication, shapes, sheets
from marketplace.experts.models import Expert
from marketplace.kernel import etag
from marketplace.kernel.actor import Actor, Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.files import attached, binary
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, StaleVersion, VersionMissing, problems
from marketplace.kernel.sheets import XLSX
from marketplace.listings.publication import NotVerified, WrongState
from marketplace.listings.records import Incomplete, NotYourOrganisation, NotYourRecord
from marketplace.listings.shapes import fresh_for
from schemas.base import Page
from schemas.experts import ConsentNew, ExpertCard, ExpertFilter, ExpertNew, ExpertPatch, ExpertView
from schemas.identity import Permission

router = APIRouter(prefix="/api/v1", tags=["experts"], route_class=TransactionRoute)

OWN = (NotSignedIn, NotFound, NotYourRecord)
CSV = "text/csv; charset=utf-8"


async def _shown(session: AsyncSession, actor: Actor, expert: Expert, response: Response) -> ExpertView:
    etag.stamp(response, expert.version)
    return await shapes.view(session, actor, expert)


def _own(actor: Actor) -> frozenset[UUID]:
    return frozenset(actor.organisations_where(Permission.READ_OWN))


async def _stepped(session: AsyncSession, actor: Actor, expert: Expert, response: Response) -> ExpertView:
    """What a step is answered is not kept for repeats: each finds its work done, and a profile may have to be erased."""
    response.headers["Cache-Control"] = "no-store"
    return await _shown(session, actor, expert, response)


@router.get("/experts")
async def list_experts(
    wish: Annotated[ExpertFilter, Query()], session: Reading, actor: Anyone, paging: Paged, response: Response
) -> Page[ExpertCard]:
    """专家 · Published experts, newest first; with `mine` your organisations' own."""
    rows, marker = await experts.listed(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[ExpertCard].model_construct(items=[shapes.card(row) for row in rows], next_cursor=marker)


@router.get("/experts.xlsx", response_class=Response, responses=problems(sheets.TooManyToExport) | binary(XLSX))
async def workbook(wish: Annotated[ExpertFilter, Query()], session: Reading, actor: Anyone) -> Response:
    """专家（Excel） · The same as an Excel file, 5,000 at most."""
    rows = await sheets.chosen(session, actor, wish)
    return attached(await anyio.to_thread.run_sync(sheets.workbook, rows, _own(actor)), "专家.xlsx", XLSX)


@router.get("/experts.csv", response_class=Response, responses=problems(sheets.TooManyToExport) | binary(CSV))
async def table(wish: Annotated[ExpertFilter, Query()], session: Reading, actor: Anyone) -> Response:
    """专家（CSV） · The same as CSV, 5,000 at most."""
    rows = await sheets.chosen(session, actor, wish)
    return attached(await anyio.to_thread.run_sync(sheets.table, rows, _own(actor)), "专家.csv", CSV)


@router.post(
    "/experts", status_code=201, responses=problems(NotSignedIn, NotYourOrganisation, experts.NotTheirAchievement)
)
async def create(wish: ExpertNew, session: Writing, actor: SignedIn, response: Response) -> ExpertView:
    """新建草稿 · Write a draft. It is seen by its organisation alone until the person agrees to be shown."""
    expert = await experts.create(session, actor, wish)
    response.headers["Location"] = publication.WHERE.format(expert.id)
    return await _shown(session, actor, expert, response)


@router.get("/experts/{expert_id}", responses=problems(NotFound))
async def read(expert_id: UUID, session: Reading, actor: Anyone, response: Response) -> ExpertView:
    """一位专家 · One expert."""
    return await _shown(session, actor, await experts.read(session, actor, expert_id), response)


@router.patch(
    "/experts/{expert_id}",
    responses=problems(
        *OWN, experts.NotTheirAchievement, experts.AgreedByName, Incomplete, StaleVersion, VersionMissing
    ),
)
async def edit(
    expert_id: UUID, patch: ExpertPatch, session: Writing, actor: SignedIn, version: IfMatch, response: Response
) -> ExpertView:
    """修改 · Change some fields. What they said before is not kept."""
    return await _shown(session, actor, await experts.edit(session, actor, expert_id, version, patch), response)


@router.post("/experts/{expert_id}/consent", responses=problems(*OWN))
async def consent(
    expert_id: UUID, wish: ConsentNew, session: Writing, actor: SignedIn, response: Response
) -> ExpertView:
    """登记本人同意公开 · Record that the person agrees to be shown; without it nothing is published."""
    return await _stepped(session, actor, await publication.consent(session, actor, expert_id, wish), response)


@router.delete("/experts/{expert_id}/consent", responses=problems(*OWN))
async def end_consent(expert_id: UUID, session: Writing, actor: SignedIn, response: Response) -> ExpertView:
    """撤回同意 · The person takes consent back: the profile leaves every list and ranking at once.

    Its organisation's editors do it, and the platform's administrators when the person turns to them.
    """
    return await _stepped(session, actor, await publication.end_consent(session, actor, expert_id), response)


@router.post(
    "/experts/{expert_id}/publication", responses=problems(*OWN, NotVerified, publication.NoConsent, Incomplete)
)
async def publish(
    expert_id: UUID, session: Writing, actor: SignedIn, request: Request, response: Response
) -> ExpertView:
    """发布 · Show it to everybody and let it be ranked."""
    expert = await publication.publish(session, actor, expert_id, fresh_for=fresh_for(request))
    return await _stepped(session, actor, expert, response)


@router.post("/experts/{expert_id}/withdrawal", responses=problems(*OWN, WrongState))
async def withdraw(expert_id: UUID, session: Writing, actor: SignedIn, response: Response) -> ExpertView:
    """撤回 · Take it out of lists and rankings; it can be published again."""
    return await _stepped(session, actor, await publication.withdraw(session, actor, expert_id), response)


@router.post(
    "/experts/{expert_id}/confirmation",
    responses=problems(*OWN, WrongState, NotVerified, publication.NoConsent, Incomplete),
)
async def confirm(
    expert_id: UUID, session: Writing, actor: SignedIn, request: Request, response: Response
) -> ExpertView:
    """确认仍然有效 · Say that it still holds."""
    expert = await publication.confirm(session, actor, expert_id, fresh_for=fresh_for(request))
    return await _stepped(session, actor, expert, response)


@router.delete("/experts/{expert_id}", status_code=204, responses=problems(*OWN))
async def erase(expert_id: UUID, session: Writing, actor: SignedIn) -> None:
    """删除 · Erase the profile for good. Nothing of it is kept but that there was one."""
    await publication.erase(session, actor, expert_id)
