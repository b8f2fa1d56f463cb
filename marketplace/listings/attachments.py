"""Files that belong to a record, public or confidential."""

import hashlib
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Final
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.refusals import Conflict, Invalid, NotFound, TooLarge
from marketplace.kernel.validation import told_of
from marketplace.listings import confidential, facts, records
from marketplace.listings.models import Attachment, Listing
from schemas.base import FieldError
from schemas.listings import Part
from schemas.text import Line

MOST: Final = 20

_NAME: Final[TypeAdapter[str]] = TypeAdapter(Annotated[str, Line(200)])

_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_ZIPPED, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# By ending, with the first bytes that such a file must have. What a browser would run (HTML, SVG) is not among them.
TYPES: Final[dict[str, tuple[str, bytes]]] = {
    ".pdf": ("application/pdf", b"%PDF-"),
    ".png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    ".jpg": ("image/jpeg", b"\xff\xd8\xff"),
    ".jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    ".docx": (f"{_OFFICE}.wordprocessingml.document", _ZIPPED),
    ".xlsx": (f"{_OFFICE}.spreadsheetml.sheet", _ZIPPED),
    ".pptx": (f"{_OFFICE}.presentationml.presentation", _ZIPPED),
    ".doc": ("application/msword", _OLE),
    ".xls": ("application/vnd.ms-excel", _OLE),
    ".ppt": ("application/vnd.ms-powerpoint", _OLE),
    ".zip": ("application/zip", _ZIPPED),
    ".txt": ("text/plain", b""),
    ".csv": ("text/csv", b""),
}


class FileRefused(Invalid):
    """不接受这个文件。 · This file is not accepted."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(errors=[FieldError(pointer="/file", code=code, detail=detail)])


class TooManyFiles(Conflict):
    """每条记录每部分最多 20 个附件。 · A record holds at most 20 files in each part."""


def checked_name(name: str | None) -> str:
    """The file's own name, without folders; what could fool a reader or a program is refused."""
    try:
        plain = _NAME.validate_python(PureWindowsPath(PurePosixPath(name or "").name).name)
    except ValidationError as error:
        detail = told_of(error.errors(include_input=False, include_url=False)[0]).detail
        raise FileRefused("file_name", detail) from None
    if plain in {".", ".."}:
        raise FileRefused("file_name", "请给文件一个普通的名字。 · Give the file a plain name.")
    return plain


def media_type(name: str, content: bytes) -> str:
    """The type that ending and first bytes agree on."""
    ending = PurePosixPath(name).suffix.lower()
    known = TYPES.get(ending)
    if known is None:
        raise FileRefused("file_type", f"支持的类型：{' '.join(TYPES)} · Accepted: {' '.join(TYPES)}")
    if not content:
        raise FileRefused("file_empty", "文件是空的。 · The file is empty.")
    kind, beginning = known
    if kind.startswith("text/"):
        encoding = _encoding(content)
        if encoding is not None:
            return f"{kind}; charset={encoding}"
    elif content.startswith(beginning):
        return kind
    raise FileRefused("file_content", f"内容不是 {ending} 文件。 · The content is not that of a {ending} file.")


def _encoding(content: bytes) -> str | None:
    """How a text is written, if it is one. What Excel saves as CSV in China is GB18030."""
    for encoding in () if b"\0" in content else ("utf-8", "gb18030"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return None


async def add(
    session: AsyncSession,
    actor: Actor,
    cls: type[Listing],
    listing_id: UUID,
    part: Part,
    *,
    name: str | None,
    content: bytes,
    most_bytes: int,
) -> Attachment:
    """Attach a file to one part of a record. The same file twice is kept once."""
    listing = await records.own(session, actor, cls, listing_id)
    plain = checked_name(name)
    if len(content) > most_bytes:
        raise TooLarge(f"附件至多 {most_bytes} 字节。 · A file holds at most {most_bytes} bytes.")
    kind = media_type(plain, content)
    digest = hashlib.sha256(content).hexdigest()
    live = (Attachment.listing_id == listing_id, Attachment.part == part, Attachment.removed_at.is_(None))
    known = await session.scalar(select(Attachment).where(*live, Attachment.sha256 == digest, Attachment.name == plain))
    if known is not None:
        return known
    if (await session.scalar(select(func.count()).select_from(Attachment).where(*live)) or 0) >= MOST:
        raise TooManyFiles
    attachment = Attachment(
        listing_id=listing_id,
        part=part,
        name=plain,
        media_type=kind,
        size=len(content),
        sha256=digest,
        content=content,
        created_at=clock.now(),
        created_by=actor.person,
    )
    session.add(attachment)
    await session.flush()
    await _mark(session, listing, part)
    await record(
        session, facts.AttachmentAdded(listing_id, listing.kind, attachment.id), subject=listing_id, by=actor.person
    )
    return attachment


async def remove(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, attachment_id: UUID
) -> None:
    """Take a file off a record. It is kept in the database, like everything that was written."""
    listing = await records.own(session, actor, cls, listing_id)
    attachment = await session.get(Attachment, attachment_id, with_for_update=True)
    if attachment is None or attachment.listing_id != listing_id or attachment.removed_at is not None:
        raise NotFound
    attachment.removed_at = clock.now()
    await session.flush()
    await _mark(session, listing, attachment.part)
    await record(
        session, facts.AttachmentRemoved(listing_id, listing.kind, attachment_id), subject=listing_id, by=actor.person
    )


async def _mark(session: AsyncSession, listing: Listing, part: Part) -> None:
    if part is Part.CONFIDENTIAL:
        latest = await confidential.latest(session, listing.id)
        await confidential.mark(session, listing, text=latest.text if latest else "")


async def fetch(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, attachment_id: UUID
) -> Attachment:
    """A file with its content: a public one with the record, a confidential one for those admitted, and logged."""
    listing = await records.read(session, actor, cls, listing_id)
    attachment = await session.scalar(
        select(Attachment)
        .options(undefer(Attachment.content))
        .where(Attachment.id == attachment_id, Attachment.listing_id == listing_id, Attachment.removed_at.is_(None))
    )
    if attachment is None:
        raise NotFound
    if attachment.part is Part.CONFIDENTIAL:
        try:
            await confidential.readable(session, actor, cls, listing_id)
        except confidential.NotAdmitted:
            # That a confidential file of this id exists is confidential too.
            raise NotFound from None
        await record(
            session,
            facts.ConfidentialRead(listing_id, listing.kind, attachment_id=attachment_id),
            subject=listing_id,
            by=actor.person,
        )
    return attachment
