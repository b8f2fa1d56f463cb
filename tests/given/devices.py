"""Devices beside an instrument: made by a keeper, and requests signed as a meter signs them."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from marketplace.kernel import clock
from marketplace.labs import devices, metering

_METER = re.compile(r"^/api/v1/meters/([0-9a-f-]{36})/events$")


class Signed(httpx.Auth):
    """Signs what goes to a meter's address with the key of that meter; all else passes as it is."""

    requires_request_body = True

    def __init__(self, signing_key: bytes, *, at: datetime | None = None) -> None:
        self.signing_key, self.at = signing_key, at

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:
        found = _METER.match(request.url.path)
        if found is not None:
            stamp = str(int((self.at or clock.now()).timestamp()))
            key = devices.meter_key(self.signing_key, UUID(found[1]))
            request.headers["Metering-Timestamp"] = stamp
            request.headers["Metering-Signature"] = metering.signature(key, stamp, request.content)
        yield request


async def a_device(keeper: Any, instrument: Any, kind: str = "meter", name: str = "门口") -> dict[str, Any]:
    """A device with its key, as its keeper is told them once."""
    made = await keeper.post(f"/api/v1/instruments/{instrument.id}/devices", {"kind": kind, "name": name})
    assert made.status_code == 201, made.text
    return made.json()
