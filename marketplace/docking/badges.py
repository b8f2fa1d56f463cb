"""The code on a badge: who it is for, signed, so that no copy of it has to be kept."""

import hashlib
import hmac
from base64 import b32decode, b32encode
from typing import Final
from uuid import UUID

from marketplace.docking.registration_models import Attendee

_MAC_BYTES: Final = 10
_BYTES: Final = 16 + 2 + _MAC_BYTES
LENGTH: Final = 45
"""Characters of a code: letters and digits, which a QR code holds most densely."""


def _mac(key: bytes, who: bytes) -> bytes:
    return hmac.new(key, b"docking.badge\n" + who, hashlib.sha256).digest()[:_MAC_BYTES]


def code(key: bytes, attendee: Attendee) -> str:
    """The code of the badge that somebody wears now; with a new badge the old code is void."""
    who = attendee.id.bytes + attendee.badge.to_bytes(2, "big")
    return b32encode(who + _mac(key, who)).decode().rstrip("=")


def read(key: bytes, written: str) -> tuple[UUID, int] | None:
    """Whose code it is, and the number of the badge; None when nobody's."""
    plain = written.strip().upper()
    if len(plain) != LENGTH or not plain.isascii():
        return None
    try:
        raw = b32decode(plain + "=" * (-len(plain) % 8))
    except ValueError:
        return None
    who = raw[:-_MAC_BYTES]
    if len(raw) != _BYTES or not hmac.compare_digest(raw[-_MAC_BYTES:], _mac(key, who)):
        return None
    return UUID(bytes=who[:16]), int.from_bytes(who[16:], "big")
