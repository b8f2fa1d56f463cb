"""What has happened. One table serves as audit trail, outbox and activity feed."""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import BigInteger, DateTime, Identity, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import jobs
from marketplace.kernel.base import Base
from marketplace.kernel.prepared import fetched


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened, in the past tense. It names records by id and never carries confidential text."""


Listeners = Mapping[type[Fact], tuple[str, ...]]
# What a higher room does in the same transaction: it stands or falls with what happened, and may refuse it.
Within = Mapping[type[Fact], Callable[[AsyncSession, Any, UUID | None], Awaitable[None]]]
_listeners: dict[type[Fact], tuple[str, ...]] = {}
_within: dict[type[Fact], Callable[[AsyncSession, Any, UUID | None], Awaitable[None]]] = {}


def listen(listeners: Listeners, within: Within | None = None) -> None:
    """Say, once at start, which fact wakes which job, and what is done with which fact at once."""
    _listeners.clear()
    _listeners.update(listeners)
    if within is not None:
        _within.clear()
        _within.update(within)


class Recorded(Base):
    """One fact. `xid` is the transaction that wrote it, so that a reader can tell what may still be uncommitted."""

    __tablename__ = "fact"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    xid: Mapped[int] = mapped_column(
        BigInteger, server_default=text("(pg_current_xact_id()::text::bigint)"), index=True
    )
    name: Mapped[str]
    subject: Mapped[UUID | None] = mapped_column(index=True)
    by: Mapped[UUID | None]
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), index=True)


# One statement for the fact and for the jobs that it wakes.
_WRITTEN = "insert into fact (name, subject, by, body) values (${}, ${}, ${}, ${})"
assert jobs.ENQUEUED.startswith("WITH input AS")
_ALONE = _WRITTEN.format(1, 2, 3, 4)
_WAKING = f"with written as ({_WRITTEN.format(7, 8, 9, 10)}), {jobs.ENQUEUED.removeprefix('WITH ')}"


async def record(session: AsyncSession, fact: Fact, *, subject: UUID | None = None, by: UUID | None = None) -> None:
    """Write the fact down and wake whoever listens, if and only if this transaction commits."""
    body = to_jsonable_python(asdict(fact))
    woken = _listeners.get(type(fact), ())
    written = (type(fact).__name__, subject, by, json.dumps(body))
    if woken:
        await fetched(session, _WAKING, *jobs.enqueuing(woken, body), *written)
    else:
        await fetched(session, _ALONE, *written)
    at_once = _within.get(type(fact))
    if at_once is not None:
        await at_once(session, fact, by)


_MARK = text("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
_NEWS = (
    select(Recorded.name, Recorded.subject, Recorded.body, Recorded.id, Recorded.xid)
    .where(
        Recorded.xid >= text(":mark"),
        # After a restore into a younger cluster old rows carry numbers from its future; they are no news.
        Recorded.xid < text("(pg_snapshot_xmax(pg_current_snapshot())::text::bigint)"),
    )
    .order_by(Recorded.id)
)


async def mark(session: AsyncSession) -> int:
    """A place in history: every fact of a transaction that ended before it is visible now."""
    found = await session.scalar(_MARK)
    assert isinstance(found, int)
    return found


async def since(session: AsyncSession, place: int, names: Collection[str]) -> tuple[list[Any], int]:
    """The facts that became visible since `place`, and the next place.

    Ordering by transaction and not by row number is what keeps a late committer from being skipped; a fact may be
    handed out twice while its transaction's neighbours are running, so readers must not mind repeats. The next place
    is asked for first: what commits in between is then seen twice rather than never.
    """
    following = await mark(session)
    rows = (await session.execute(_NEWS.where(Recorded.name.in_(names)), {"mark": place})).all()
    return list(rows), following
