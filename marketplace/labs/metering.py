"""What a meter beside an instrument measured, handed in over a signed request and turned into usage records."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Invalid, Refusal
from marketplace.labs import counting, devices, instruments, runs, usages
from marketplace.labs.booking_models import HOLDING_STATES, Booking, Usage
from marketplace.labs.device_models import Device, Metered
from marketplace.labs.models import Instrument
from marketplace.reservations import claims
from schemas.base import FieldError
from schemas.bookings import LONGEST, BookingState, UsageSource
from schemas.devices import OLDEST, SKEW, DeviceKind, MeterEvent, MeterKind, MeterOutcome
from schemas.labs import CustomerClass

STAMP: Final = re.compile(r"[0-9]{1,11}")
SIGNATURE: Final = re.compile(r"v1=([0-9a-f]{64})")


class SignatureWrong(Refusal):
    """签名不对，或终端已撤销。签名为 v1=HMAC-SHA256(密钥, 时间戳 + "." + 正文) 的十六进制。 · The signature is wrong, or the device was revoked. It is v1= and the hex of HMAC-SHA256(key, timestamp + "." + body)."""

    status = 401

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "HMAC-SHA256"})


class ClockOff(Refusal):
    """设备时钟与服务器相差超过 5 分钟，请校时后重新签名。 · The device's clock is more than 5 minutes off; set it and sign anew."""

    status = 401

    def __init__(self, now: datetime) -> None:
        here = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        super().__init__(
            f"服务器时间是 {here}。 · It is {here} at the server.", headers={"WWW-Authenticate": "HMAC-SHA256"}
        )


class EventIdReused(Conflict):
    """此事件号已用于内容不同的事件，请为每个事件编新的号。 · An event of that id said something else before; give each event an id of its own."""


class NotThen(Invalid):
    """事件的时间不可信：不能在将来，也不能早于 31 天前。 · Events lie neither ahead nor more than 31 days back."""


def signature(key: str, stamp: str, body: bytes) -> str:
    """How a request is signed."""
    return "v1=" + hmac.new(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


async def admitted(
    session: AsyncSession, device_id: UUID, stamp: str | None, signed: str | None, body: bytes, signing_key: bytes
) -> Device:
    """The meter that signed this body just now. Whether there is such a device is told to nobody else."""
    key = devices.meter_key(signing_key, device_id)
    well_formed = stamp is not None and STAMP.fullmatch(stamp) and signed is not None and SIGNATURE.fullmatch(signed)
    if not well_formed or not hmac.compare_digest(signature(key, stamp or "", body), signed or ""):
        raise SignatureWrong
    device: Device | None = await session.scalar(
        select(Device)
        .join(Instrument, Instrument.id == Device.instrument_id)
        .options(contains_eager(Device.instrument))
        .where(Device.id == device_id, Device.kind == DeviceKind.METER, Device.revoked_at.is_(None))
        # One report of a device after the other.
        .with_for_update(of=Device)
    )
    if device is None:
        raise SignatureWrong
    now = clock.now()
    if abs(now.timestamp() - int(stamp or "")) > SKEW.total_seconds():
        raise ClockOff(now.astimezone(UTC))
    return device


@dataclass(frozen=True, slots=True)
class Meter:
    """The device as plain values: what is undone in between makes rows of the session unreadable."""

    id: UUID
    instrument_id: UUID
    lab_id: UUID
    made_by: UUID

    @classmethod
    def of(cls, device: Device) -> Self:
        return cls(device.id, device.instrument_id, device.instrument.organisation_id, device.made_by)


@dataclass(frozen=True, slots=True)
class Heard:
    """An event that is written down, and what came of it."""

    event: MeterEvent
    outcome: MeterOutcome
    usage_id: UUID | None

    @classmethod
    def of(cls, row: Metered) -> Self:
        event = MeterEvent(id=row.event_id, kind=row.kind, at=row.at, until=row.until, samples=row.samples)
        return cls(event, row.outcome, row.usage_id)


async def enter(session: AsyncSession, device: Device, events: list[MeterEvent]) -> list[Heard]:
    """Write down every event that is not there yet, in the order that they were sent; answers what came of each."""
    meter = Meter.of(device)
    await claims.take_turns(session, [meter.instrument_id])
    now = device.seen_at = clock.now()
    there = await _heard(session, meter, events)
    _believe(events, there, now)
    for event in events:
        known = there.get(event.id)
        if known is None:
            there[event.id] = await _entered(session, meter, event)
        elif known.event != event:
            raise EventIdReused
    # A start is paired with its stop by what came after it.
    now_there = await _heard(session, meter, events)
    return [now_there[event.id] for event in events]


async def _heard(session: AsyncSession, meter: Meter, events: list[MeterEvent]) -> dict[str, Heard]:
    rows = await session.scalars(
        select(Metered)
        .where(Metered.device_id == meter.id, Metered.event_id.in_([one.id for one in events]))
        .execution_options(populate_existing=True)
    )
    return {row.event_id: Heard.of(row) for row in rows.all()}


def _believe(events: list[MeterEvent], there: Mapping[str, Heard], now: datetime) -> None:
    errors = [
        FieldError(pointer=f"/events/{number}/{name}", code="not_then", detail=NotThen.title())
        for number, one in enumerate(events)
        if one.id not in there
        for name in ("at", "until")
        if (moment := getattr(one, name)) is not None and not now - OLDEST <= moment <= now + SKEW
    ]
    if errors:
        raise NotThen(errors=errors)


async def _entered(session: AsyncSession, meter: Meter, event: MeterEvent) -> Heard:
    outcome, usage_id = MeterOutcome.OPEN, None
    if event.until is not None:
        outcome, usage_id = await _counted(session, meter, Run(event.at, event.until, event.samples))
    elif event.kind is MeterKind.START:
        # Started twice: nobody knows when the first run ended.
        await _end(session, await _begun(session, meter), MeterOutcome.UNFINISHED)
    else:
        begun = await _begun(session, meter)
        if begun is None or not timedelta(0) < event.at - begun.at <= LONGEST:
            outcome = MeterOutcome.UNMATCHED
        else:
            run = Run(begun.at, event.at, event.samples if event.samples is not None else begun.samples)
            await _end(session, begun, MeterOutcome.CLOSED)
            outcome, usage_id = await _counted(session, meter, run)
    session.add(
        Metered(
            device_id=meter.id, instrument_id=meter.instrument_id, event_id=event.id, kind=event.kind, at=event.at,
            until=event.until, samples=event.samples, outcome=outcome, usage_id=usage_id, received_at=clock.now(),
        )
    )  # fmt: skip
    await session.flush()
    return Heard(event, outcome, usage_id)


async def _begun(session: AsyncSession, meter: Meter) -> Metered | None:
    found: Metered | None = await session.scalar(
        select(Metered)
        .where(Metered.device_id == meter.id, Metered.outcome == MeterOutcome.OPEN)
        .execution_options(populate_existing=True)
    )
    return found


async def _end(session: AsyncSession, begun: Metered | None, outcome: MeterOutcome) -> None:
    if begun is not None:
        begun.outcome = outcome
        await session.flush()


@dataclass(frozen=True, slots=True)
class Run:
    """From when to when it ran, and for how many samples, where the meter knows."""

    since: datetime
    until: datetime
    samples: int | None

    @property
    def minutes(self) -> int:
        return runs.minutes_between(self.since, self.until)


async def _counted(session: AsyncSession, meter: Meter, run: Run) -> tuple[MeterOutcome, UUID]:
    """The run as use of the booking that it falls into; without one, as the lab's own.

    What ranks higher of that booking stands, and a run that another meter measured, too, is one run.
    """
    booking = await _booked(session, meter.instrument_id, run)
    there = await usages.of(session, booking.id) if booking is not None else await _own(session, meter, run)
    if there is not None:
        usage_id, again = there.id, there.source is UsageSource.METER
        evidence = counting.told_of(_usage(meter, run, {}), device=meter.id)
        evidence.usage_id = usage_id
        changed = await counting.tell(
            session, there, evidence, counting.RAN_AGAIN if again else counting.MEASURED, asked_by=meter.made_by
        )
        return MeterOutcome.ADDED if changed else MeterOutcome.KNOWN, usage_id
    if booking is None:
        whom: dict[str, Any] = {"organisation_id": meter.lab_id, "customer_class": CustomerClass.INTERNAL}
    else:
        whom = {"booking_id": booking.id, "assisted": booking.assisted} | usages.of_booking(booking)
    made = await counting.put(session, _usage(meter, run, whom), asked_by=meter.made_by, device=meter.id)
    return MeterOutcome.ENTERED, made.id


def _usage(meter: Meter, run: Run, whom: Mapping[str, Any]) -> Usage:
    told = {
        "starts_at": run.since, "ends_at": run.until, "preparation_minutes": 0, "run_minutes": run.minutes,
        "processing_minutes": 0, "samples": run.samples, "assisted": False,
    }  # fmt: skip
    return counting.written(meter.instrument_id, UsageSource.METER, None, told | dict(whom))


async def _own(session: AsyncSession, meter: Meter, run: Run) -> Usage | None:
    """A run that nobody had booked and that a meter measured at the same time: the same run."""
    found: Usage | None = await session.scalar(
        usages.chosen()
        .where(
            Usage.instrument_id == meter.instrument_id,
            Usage.source == UsageSource.METER,
            Usage.booking_id.is_(None),
            Usage.starts_at < run.until,
            Usage.ends_at > run.since,
        )
        .order_by(Usage.starts_at, Usage.id)
        .limit(1)
        .with_for_update(of=Usage)
    )
    return found


async def _booked(session: AsyncSession, instrument_id: UUID, run: Run) -> Booking | None:
    """The booking that most of a run falls into: its user may have come early, or stay longer than was booked."""
    since = func.least(Booking.starts_at, func.coalesce(Booking.checked_in_at, Booking.starts_at))
    until = case(
        (Booking.state == BookingState.IN_USE, func.greatest(Booking.ends_at, run.until)),
        else_=func.greatest(Booking.ends_at, func.coalesce(Booking.checked_out_at, Booking.ends_at)),
    )
    shared = func.least(until, run.until) - func.greatest(since, run.since)
    found: Booking | None = await session.scalar(
        select(Booking)
        .where(
            Booking.instrument_id == instrument_id,
            Booking.state.in_(HOLDING_STATES),
            # Nothing is booked for longer, and nobody checks in a day early.
            Booking.starts_at > run.since - 2 * LONGEST,
            Booking.starts_at < run.until + timedelta(days=1),
            shared > timedelta(0),
        )
        .order_by(shared.desc(), Booking.starts_at, Booking.id)
        .limit(1)
    )
    return found


async def listed(
    session: AsyncSession, actor: Actor, instrument_id: UUID, paging: Paging
) -> tuple[list[Metered], str | None]:
    """What the meters of an instrument said, latest first, for its keepers."""
    await instruments.read(session, actor, instrument_id)
    if not await instruments.keeps(session, actor, instrument_id):
        raise instruments.NotItsKeeper
    by = tuple(zip((Metered.received_at, Metered.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, select(Metered).where(Metered.instrument_id == instrument_id), by, paging)
    return [row[0] for row in rows], marker
