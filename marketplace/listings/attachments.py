"""Files that belong to a record, public or confidential."""

import hashlib
from pathlib import PurePosixPath, PureWindowsPath
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.refusals import Conflict, Invalid, NotFound, TooLarge
from marketplace.listings import confidential, facts, records
from marketplace.listings.models import Attachment, Listing
from schemas.base import FieldError
from schemas.listings import Part

MOST: Final = 20

# By ending, with the first bytes that such a file must have. What a browser would run (HTML, SVG) is not among them.
TYPES: Final[dict[str, tuple[str, tuple[bytes, ...]]]] = {
    ".pdf": ("application/pdf", (b"%PDF-",)),
    ".png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    ".jpg": ("image/jpeg", (b"\xff\xd8\xff",)),
    ".jpeg": ("image/jpeg", (b"\xff\xd8\xff",)),
    ".docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", (b"PK\x03\x04",)),
    ".xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", (b"PK\x03\x04",)),
    ".pptx": ("application/vnd.openxmlformats-officedocument.presentationml.presentation", (b"PK\x03\x04",)),
    ".doc": ("application/msword", (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",)),
    ".xls": ("application/vnd.ms-excel", (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",)),
    ".ppt": ("application/vnd.ms-powerpoint", (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",)),
    ".zip": ("application/zip", (b"PK\x03\x04",)),
    ".txt": ("text/plain; charset=utf-8", (b"",)),
    ".csv": ("text/csv; charset=utf-8", (b"",)),
}


class FileRefused(Invalid):
    """不接受这个文件。 · This file is not accepted."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(errors=[FieldError(pointer="/file", code=code, detail=detail)])


class TooManyFiles(Conflict):
    """每条记录每部分最多 20 个附件。 · A record holds at most 20 files in each part."""


def checked_name(name: str | None) -> str:
    """The file's own name, without folders; what could fool a reader or a shell is refused."""
    plain = PureWindowsPath(PurePosixPath(name or "").name).name.strip()
    odd = any(not c.isprintable() for c in plain) or "\0" in (name or "")
    if not plain or plain in {".", ".."} or len(plain) > 200 or odd:  # noqa: PLR2004 -- characters
        raise FileRefused(
            "file_name", "请给文件一个 1–200 字的普通名字。 · Give the file a plain name of 1 to 200 characters."
        )
    return plain


def media_type(name: str, content: bytes) -> str:
    """The type that ending and first bytes agree on."""
    ending = PurePosixPath(name).suffix.lower()
    known = TYPES.get(ending)
    if known is None:
        raise FileRefused("file_type", f"支持的类型：{' '.join(TYPES)} · Accepted: {' '.join(TYPES)}")
    kind, beginnings = known
    if not content:
        raise FileRefused("file_empty", "文件是空的。 · The file is empty.")
    if not content.startswith(beginnings) or (kind.startswith("text/") and b"\0" in content):
        raise FileRefused("file_content", f"内容不是 {ending} 文件。 · The content is not that of a {ending} file.")
    return kind


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
        if actor.person_id is None:
            raise NotFound
        try:
            await confidential.readable(session, actor, cls, listing_id)
        except confidential.NotAdmitted:
            # That a confidential file of this id exists is confidential too.
            raise NotFound from None
        await record(session, facts.ConfidentialRead(listing_id, listing.kind, 0), subject=listing_id, by=actor.person)
    return attachment
