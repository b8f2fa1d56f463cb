"""Files brought to a record, through a library's form or one written by hand."""

import io
from functools import cache
from typing import Any

import httpx
from PIL import Image

from tests.given.kinds import Kind
from tests.given.people import Somebody


async def attach(
    kind: Kind, who: Somebody, made: dict, name: str, content: bytes = b"text", part: str = "public", **headers: str
) -> httpx.Response:
    return await who.client.post(
        kind.at(made, "attachments", part), files={"file": (name, content)}, headers=who.headers | headers
    )


async def attach_raw(kind: Kind, who: Somebody, made: dict, name: bytes, part: str = "public") -> httpx.Response:
    """A form as somebody writes it by hand, whose file name no library would let through."""
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n'
        b"Content-Type: text/plain\r\n\r\ntext\r\n--x--\r\n"
    )
    headers = who.headers | {"Content-Type": "multipart/form-data; boundary=x"}
    return await who.client.post(kind.at(made, "attachments", part), content=body, headers=headers)


@cache
def a_photo(width: int = 64, height: int = 48, *, color: str = "teal", form: str = "PNG", **how: Any) -> bytes:
    """A picture of one colour, as a camera or a program writes it."""
    made = io.BytesIO()
    Image.new("RGB", (width, height), color).save(made, form, **how)
    return made.getvalue()
