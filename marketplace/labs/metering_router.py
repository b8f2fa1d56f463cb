"""`/api/v1/meters/{id}/events`: where devices hand in what they measured."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request

from marketplace.kernel.db import TransactionRoute, Writing
from marketplace.kernel.refusals import problems
from marketplace.labs import metering
from marketplace.labs.device_models import Device
from schemas.devices import MeterReceipt, MeterReport, MeterResult

router = APIRouter(prefix="/api/v1/meters", tags=["labs"], route_class=TransactionRoute)

Stamp = Annotated[
    str | None,
    Header(
        alias="Metering-Timestamp", max_length=20, description="Unix 秒 · seconds since 1970, within 5 minutes of ours"
    ),
]
Signature = Annotated[
    str | None,
    Header(
        alias="Metering-Signature",
        max_length=100,
        description='v1=HMAC-SHA256(密钥, 时间戳 + "." + 正文)，十六进制'
        ' · v1= and the hex of HMAC-SHA256(key, timestamp + "." + body)',
    ),
]


async def _signed(
    device_id: UUID, session: Writing, request: Request, stamp: Stamp = None, signature: Signature = None
) -> Device:
    key = request.app.state.signing_key
    return await metering.admitted(session, device_id, stamp, signature, await request.body(), key)


@router.post(
    "/{device_id}/events",
    responses=problems(metering.SignatureWrong, metering.ClockOff, metering.EventIdReused, metering.NotThen),
)
async def report(wish: MeterReport, session: Writing, device: Annotated[Device, Depends(_signed)]) -> MeterReceipt:
    """计量上报 · Hand in what a meter measured, signed with its key. An event that is sent again changes nothing."""
    heard = await metering.enter(session, device, wish.events)
    return MeterReceipt(
        results=[MeterResult(id=one.event.id, outcome=one.outcome, usage_id=one.usage_id) for one in heard]
    )
