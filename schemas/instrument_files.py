"""Photos and documents of an instrument, in the order in which they are shown."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from schemas.base import Message
from schemas.text import Line, Whole

MOST_FILES = 20
"""Photos of one instrument, and as many documents."""

Alt = Annotated[str, Line(300)]


class FilePurpose(StrEnum):
    """照片、文档（说明书、证书、操作规程）."""

    PHOTO = "photo"
    DOCUMENT = "document"


class InstrumentPhoto(Message):
    """The first photo, as lists show it."""

    id: UUID
    alt: Annotated[str, Field(description="照片上是什么 · what it shows, for who cannot see it")]


class InstrumentFileView(Message):
    id: UUID
    purpose: FilePurpose
    place: Annotated[int, Field(description="第几个，从 1 起 · its place among its kind, from 1")]
    name: str
    alt: Annotated[str | None, Field(description="替代文字或标题 · what a photo shows, or what a document is")]
    media_type: str
    size: int
    width: Annotated[int | None, Field(description="像素，只有照片有 · pixels, of a photo")]
    height: int | None
    created_at: AwareDatetime
    version: int


class InstrumentFilePatch(Message):
    """Either of them; what is left out stays as it is."""

    alt: Alt = Field(default=None, validate_default=False)  # type: ignore[assignment]
    place: Annotated[
        Annotated[int, Whole(1, MOST_FILES)],
        Field(description="移到第几个 · the place to move it to; beyond the end is the end"),
    ] = Field(default=None, validate_default=False)  # type: ignore[assignment]
