"""Files of an event: invitations, maps, slides; for everybody, for those who come, or for the desk alone."""

import hashlib
from typing import Final
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import events, facts
from marketplace.docking.extra_models import EventDocument
from marketplace.docking.models import Event
from marketplace.docking.policy import document_readable_by, event_visible_to
from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, NotFound, TooLarge
from marketplace.listings import attachments
from schemas.event_extras import Audience

MOST: Final = 30


class TooManyDocuments(Conflict):
    """每个活动最多 30 个文件，请先移除一些。 · An event holds at most 30 documents; remove some first."""


def _readable(actor: Actor, event_id: UUID) -> Select[EventDocument]:
    return (
        select(EventDocument)
        .join(Event, Event.id == EventDocument.event_id)
        .join(Organisation, Organisation.id == Event.organisation_id)
        .where(
            Event.id == event_id,
            EventDocument.removed_at.is_(None),
            event_visible_to(actor),
            document_readable_by(actor),
        )
    )


async def listed(
    session: AsyncSession, actor: Actor, event_id: UUID, paging: Paging
) -> tuple[list[EventDocument], str | None]:
    """The documents of an event that the actor may see, latest first."""
    await events.read(session, actor, event_id)
    by = tuple(zip((EventDocument.created_at, EventDocument.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, _readable(actor, event_id), by, paging)
    return [row[0] for row in rows], marker


async def fetch(session: AsyncSession, actor: Actor, event_id: UUID, document_id: UUID) -> tuple[EventDocument, bytes]:
    """A document and its content; one that is not for the actor is not there."""
    found: EventDocument | None = await session.scalar(
        _readable(actor, event_id).where(EventDocument.id == document_id)
    )
    if found is None:
        raise NotFound
    kept_in = EventDocument.id == (found.content_of or found.id)
    content = await session.scalar(select(EventDocument.content).where(kept_in))
    assert content is not None
    return found, content


async def carry_over(session: AsyncSession, event_id: UUID, to: UUID, by: UUID) -> None:
    """Put the documents of an event beside another; their bytes stay where they are."""
    live = (EventDocument.event_id == event_id, EventDocument.removed_at.is_(None))
    found = await session.scalars(
        select(EventDocument).where(*live).order_by(EventDocument.created_at, EventDocument.id)
    )
    for one in found.all():
        copy = {name: getattr(one, name) for name in ("audience", "name", "media_type", "size", "sha256")}
        session.add(
            EventDocument(
                event_id=to, content=None, content_of=one.content_of or one.id, created_at=clock.now(), created_by=by,
                **copy,
            )
        )  # fmt: skip
    await session.flush()


async def add(
    session: AsyncSession,
    actor: Actor,
    event_id: UUID,
    audience: Audience,
    *,
    name: str | None,
    content: bytes,
    most_bytes: int,
) -> EventDocument:
    """Put a file beside an event, in whatever state it is (the desk). The same file twice is kept once."""
    await events.run(session, actor, event_id)
    plain = attachments.checked_name(name)
    if len(content) > most_bytes:
        raise TooLarge(f"文件至多 {most_bytes} 字节。 · A file holds at most {most_bytes} bytes.")
    kind = attachments.media_type(plain, content)
    digest = hashlib.sha256(content).hexdigest()
    live = (EventDocument.event_id == event_id, EventDocument.removed_at.is_(None))
    known: EventDocument | None = await session.scalar(
        select(EventDocument).where(
            *live,
            EventDocument.audience == audience,
            EventDocument.sha256 == digest,
            EventDocument.name == plain,
        )
    )
    if known is not None:
        return known
    if (await session.scalar(select(func.count()).select_from(EventDocument).where(*live)) or 0) >= MOST:
        raise TooManyDocuments
    document = EventDocument(
        event_id=event_id, audience=audience, name=plain, media_type=kind, size=len(content), sha256=digest,
        content=content, created_at=clock.now(), created_by=actor.person,
    )  # fmt: skip
    session.add(document)
    await session.flush()
    await record(session, facts.DocumentAdded(event_id, document.id), subject=event_id, by=actor.person)
    return document


async def remove(session: AsyncSession, actor: Actor, event_id: UUID, document_id: UUID) -> None:
    """Take a file off (the desk). It is kept in the database, like everything that was written."""
    await events.run(session, actor, event_id)
    document = await session.get(EventDocument, document_id, with_for_update=True, populate_existing=True)
    if document is None or document.event_id != event_id or document.removed_at is not None:
        raise NotFound
    document.removed_at = clock.now()
    await session.flush()
    await record(session, facts.DocumentRemoved(event_id, document_id), subject=event_id, by=actor.person)
