"""The code of a booking, which its user shows at the kiosk: derived, so that nothing of it has to be kept."""

import hashlib
import hmac
from base64 import b32encode
from typing import Final
from uuid import UUID

_LETTERS: Final = 8


def code(signing_key: bytes, booking_id: UUID) -> str:
    """Short enough to type, and good for the one booking: a moved one has another."""
    mac = hmac.new(signing_key, b"labs.booking\n" + booking_id.bytes, hashlib.sha256).digest()
    text = b32encode(mac).decode()[:_LETTERS]
    return f"{text[:4]}-{text[4:]}"
