"""Devices beside an instrument: made, listed and revoked by its keepers, and known again by their keys."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from marketplace.identity import tokens
from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, NotFound
from marketplace.labs import facts, instruments
from marketplace.labs.device_models import Device
from marketplace.labs.models import Instrument
from schemas.devices import DeviceKind, DeviceNew

MOST_LIVE: Final = 20
SECRET: Final = re.compile(r"djk_[A-Za-z0-9_-]{20,100}")


class TooManyDevices(Conflict):
    """一台仪器最多 20 个有效的终端，请先撤销不用的。 · An instrument has at most 20 devices; revoke those that are not used."""


def meter_key(signing_key: bytes, device_id: UUID) -> str:
    """What a meter signs with: made of the house's own secret, so that the database holds nothing to sign with."""
    made = hmac.new(signing_key, b"labs.meter\n" + device_id.bytes, hashlib.sha256).digest()
    return "djm_" + urlsafe_b64encode(made).decode().rstrip("=")


async def make(
    session: AsyncSession, actor: Actor, instrument_id: UUID, wish: DeviceNew, signing_key: bytes
) -> tuple[Device, str]:
    """A device with a key of its own (keepers). The key is told once."""
    await instruments.kept(session, actor, instrument_id)
    live = select(Device.id).where(Device.instrument_id == instrument_id, Device.revoked_at.is_(None))
    if len((await session.scalars(live.limit(MOST_LIVE))).all()) >= MOST_LIVE:
        raise TooManyDevices
    secret, hashed = tokens.new_secret("djk_")
    kiosk = wish.kind is DeviceKind.KIOSK
    device = Device(
        instrument_id=instrument_id, kind=wish.kind, name=wish.name, hash=hashed if kiosk else None,
        made_by=actor.person, created_at=clock.now(),
    )  # fmt: skip
    session.add(device)
    await session.flush()
    made = facts.DeviceAdded(instrument_id, device.id, wish.kind)
    await record(session, made, subject=instrument_id, by=actor.person)
    return device, secret if kiosk else meter_key(signing_key, device.id)


async def listed(
    session: AsyncSession, actor: Actor, instrument_id: UUID, paging: Paging
) -> tuple[list[Device], str | None]:
    """Every device that was ever made for it, newest first, for its keepers."""
    await instruments.read(session, actor, instrument_id)
    if not await instruments.keeps(session, actor, instrument_id):
        raise instruments.NotItsKeeper
    by = tuple(zip((Device.created_at, Device.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, select(Device).where(Device.instrument_id == instrument_id), by, paging)
    return [row[0] for row in rows], marker


async def revoke(session: AsyncSession, actor: Actor, instrument_id: UUID, device_id: UUID) -> None:
    """Its key opens nothing from the next request on."""
    await instruments.kept(session, actor, instrument_id)
    device = await session.get(Device, device_id, with_for_update=True)
    if device is None or device.instrument_id != instrument_id or device.revoked_at is not None:
        raise NotFound
    device.revoked_at = clock.now()
    await session.flush()
    revoked = facts.DeviceRevoked(instrument_id, device.id)
    await record(session, revoked, subject=instrument_id, by=actor.person)


async def kiosk_of(session: AsyncSession, secret: str | None) -> Device | None:
    """The kiosk that holds this key, beside its instrument and whose that is; None when nobody's any more."""
    if secret is None or not SECRET.fullmatch(secret):
        return None
    found: Device | None = await session.scalar(
        select(Device)
        .join(Instrument, Instrument.id == Device.instrument_id)
        .join(Organisation, Organisation.id == Instrument.organisation_id)
        .options(contains_eager(Device.instrument).contains_eager(Instrument.organisation))
        .where(Device.hash == tokens.digest(secret), Device.revoked_at.is_(None))
    )
    return found
