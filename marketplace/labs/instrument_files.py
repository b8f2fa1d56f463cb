"""Photos and documents of an instrument: brought, described, put in order, taken off, shown."""

import hashlib
from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

import anyio.to_thread
from anyio import CapacityLimiter
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, undefer

from marketplace.identity.models import Organisation
from marketplace.kernel import clock, etag
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.refusals import Conflict, Invalid, NotFound, TooLarge
from marketplace.labs import facts, instruments, pictures
from marketplace.labs.file_models import InstrumentFile
from marketplace.labs.models import Instrument
from marketplace.labs.policy import instrument_visible_to
from marketplace.listings.attachments import FileRefused, checked_name, media_type
from schemas.base import FieldError
from schemas.instrument_files import MOST_FILES, FilePurpose, InstrumentFilePatch

# A photo that is unpacked takes tens of megabytes: one at a time.
_turns = CapacityLimiter(1)
_PHOTOS: Final = frozenset({"image/png", "image/jpeg"})


class TooManyInstrumentFiles(Conflict):
    """每台仪器最多 20 张照片、20 份文档，请先移除一些。 · An instrument has at most 20 photos and 20 documents; remove some first."""


class AltMissing(Invalid):
    """请用一句话说明照片上是什么。 · Say in a sentence what the photo shows."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/alt", code="alt_missing", detail=self.title())])


async def _live(session: AsyncSession, instrument_id: UUID, purpose: FilePurpose) -> list[InstrumentFile]:
    found = await session.scalars(
        select(InstrumentFile)
        .where(
            InstrumentFile.instrument_id == instrument_id,
            InstrumentFile.purpose == purpose,
            InstrumentFile.removed_at.is_(None),
        )
        .order_by(InstrumentFile.place, InstrumentFile.id)
        .execution_options(populate_existing=True)
    )
    return list(found.all())


def _number(files: Sequence[InstrumentFile]) -> None:
    for place, one in enumerate(files, 1):
        one.place = place


async def add(
    session: AsyncSession,
    actor: Actor,
    instrument_id: UUID,
    purpose: FilePurpose,
    *,
    name: str | None,
    content: bytes,
    alt: str | None,
    most_bytes: int,
) -> InstrumentFile:
    """Put a file behind those that are there. The same file twice is kept once."""
    instrument = await instruments.kept(session, actor, instrument_id)
    return await put(
        session, instrument, purpose, name=name, content=content, alt=alt, most_bytes=most_bytes, by=actor.person
    )


async def put(
    session: AsyncSession,
    instrument: Instrument,
    purpose: FilePurpose,
    *,
    name: str | None,
    content: bytes,
    alt: str | None,
    most_bytes: int,
    by: UUID | None,
) -> InstrumentFile:
    """The same of an instrument whose calendar nobody else has: whose right it is was looked at."""
    plain = checked_name(name)
    if len(content) > most_bytes:
        raise TooLarge(f"文件至多 {most_bytes} 字节。 · A file holds at most {most_bytes} bytes.")
    kind = media_type(plain, content)
    photo = purpose is FilePurpose.PHOTO
    if photo and alt is None:
        raise AltMissing
    if photo and kind not in _PHOTOS:
        raise FileRefused("photo_type", "照片请用 PNG 或 JPEG。 · Photos are PNG or JPEG.")
    digest = hashlib.sha256(content).hexdigest()
    there = await _live(session, instrument.id, purpose)
    known = next((one for one in there if one.sha256 == digest), None)
    if known is not None:
        return known
    if len(there) >= MOST_FILES:
        raise TooManyInstrumentFiles
    picture = await anyio.to_thread.run_sync(pictures.read, content, limiter=_turns) if photo else None
    now = clock.now()
    made = InstrumentFile(
        instrument_id=instrument.id,
        purpose=purpose,
        place=len(there) + 1,
        name=plain,
        alt=alt,
        media_type=kind,
        size=len(content),
        sha256=digest,
        width=picture.width if picture else None,
        height=picture.height if picture else None,
        content=content,
        preview=picture.preview if picture else None,
        created_at=now,
        updated_at=now,
        version=1,
        created_by=by,
    )
    _number(there)
    session.add(made)
    await session.flush()
    await record(session, facts.InstrumentFileAdded(instrument.id, made.id), subject=instrument.id, by=by)
    return made


async def _one(
    session: AsyncSession, actor: Actor, instrument_id: UUID, file_id: UUID
) -> tuple[InstrumentFile, list[InstrumentFile]]:
    """A live file of an instrument that the actor keeps, and all of its kind in their order."""
    await instruments.kept(session, actor, instrument_id)
    found = await session.get(InstrumentFile, file_id)
    if found is None or found.instrument_id != instrument_id:
        raise NotFound
    there = await _live(session, instrument_id, found.purpose)
    if found not in there:
        raise NotFound
    return found, there


async def edit(
    session: AsyncSession, actor: Actor, instrument_id: UUID, file_id: UUID, version: int, patch: InstrumentFilePatch
) -> InstrumentFile:
    """Say anew what it shows, or move it among its kind; the others make room."""
    one, there = await _one(session, actor, instrument_id, file_id)
    etag.check(version, one.version)
    changed = []
    if "alt" in patch.model_fields_set and one.alt != patch.alt:
        one.alt = patch.alt
        changed.append("alt")
    if "place" in patch.model_fields_set and there.index(one) + 1 != min(patch.place, len(there)):
        there.remove(one)
        there.insert(patch.place - 1, one)
        _number(there)
        changed.append("place")
    if changed:
        one.version += 1
        one.updated_at = clock.now()
        await session.flush()
        fact = facts.InstrumentFileEdited(instrument_id, one.id, changed)
        await record(session, fact, subject=instrument_id, by=actor.person)
    return one


async def remove(session: AsyncSession, actor: Actor, instrument_id: UUID, file_id: UUID) -> None:
    """Take it off. It is kept in the database, like everything that was brought; those behind it move up."""
    one, there = await _one(session, actor, instrument_id, file_id)
    one.removed_at = clock.now()
    there.remove(one)
    _number(there)
    await session.flush()
    fact = facts.InstrumentFileRemoved(instrument_id, one.id)
    await record(session, fact, subject=instrument_id, by=actor.person)


async def fetch(
    session: AsyncSession,
    actor: Actor,
    instrument_id: UUID,
    file_id: UUID,
    what: InstrumentedAttribute[bytes] | InstrumentedAttribute[bytes | None],
) -> InstrumentFile:
    """A file with its content or its preview, for whoever may see the instrument."""
    found = await session.scalar(
        select(InstrumentFile)
        .join(Instrument, Instrument.id == InstrumentFile.instrument_id)
        .join(Organisation, Organisation.id == Instrument.organisation_id)
        .options(undefer(what))
        .where(
            InstrumentFile.id == file_id,
            InstrumentFile.instrument_id == instrument_id,
            InstrumentFile.removed_at.is_(None),
            what.is_not(None),
            instrument_visible_to(actor),
        )
    )
    if found is None:
        raise NotFound
    return found


async def all_of(session: AsyncSession, instrument_id: UUID) -> dict[FilePurpose, list[InstrumentFile]]:
    """What an instrument has, by kind and in order: at most forty rows, without their contents."""
    found = await session.scalars(
        select(InstrumentFile)
        .where(InstrumentFile.instrument_id == instrument_id, InstrumentFile.removed_at.is_(None))
        .order_by(InstrumentFile.place, InstrumentFile.id)
    )
    by_kind: dict[FilePurpose, list[InstrumentFile]] = {purpose: [] for purpose in FilePurpose}
    for one in found:
        by_kind[one.purpose].append(one)
    return by_kind


async def first_photos(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, InstrumentFile]:
    """The first photo of each of these that has one, in one statement."""
    if not ids:
        return {}
    found = await session.scalars(
        select(InstrumentFile)
        .where(
            InstrumentFile.instrument_id.in_(ids),
            InstrumentFile.purpose == FilePurpose.PHOTO,
            InstrumentFile.removed_at.is_(None),
        )
        .order_by(InstrumentFile.instrument_id, InstrumentFile.place, InstrumentFile.id)
        .ext(distinct_on(InstrumentFile.instrument_id))
    )
    return {one.instrument_id: one for one in found}
