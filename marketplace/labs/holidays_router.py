"""`/api/v1/holidays`."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.labs import holidays
from schemas.base import Page
from schemas.holidays import HolidayView, HolidayWritten
from schemas.text import Day

router = APIRouter(prefix="/api/v1/holidays", tags=["labs"], route_class=TransactionRoute)

OfDay = Annotated[Day, Path(json_schema_extra={"format": "date"})]


@router.get("")
async def list_holidays(session: Reading, actor: Anyone, paging: Paged, response: Response) -> Page[HolidayView]:
    """节假日与调休 · Days off and days worked in their place, latest first."""
    rows, marker = await holidays.listed(session, paging)
    paging.link(response, marker)
    items = [HolidayView.model_validate(row) for row in rows]
    return Page[HolidayView].model_construct(items=items, next_cursor=marker)


@router.put("/{day}", responses=problems(NotSignedIn, holidays.NotTheirCalendar))
async def put(day: OfDay, wish: HolidayWritten, session: Writing, actor: SignedIn) -> HolidayView:
    """写入节假日 · Write a day down; an instrument's own exception for that day comes before it."""
    return HolidayView.model_validate(await holidays.put(session, actor, day, wish))


@router.delete("/{day}", status_code=204, responses=problems(NotSignedIn, NotFound, holidays.NotTheirCalendar))
async def remove(day: OfDay, session: Writing, actor: SignedIn) -> None:
    """删除节假日 · From now on the day follows its weekday."""
    await holidays.remove(session, actor, day)
