"""What has happened. One table serves as audit trail, outbox and activity feed."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    DateTime,
    Identity,
    Index,
    Insert,
    LargeBinary,
    bindparam,
    cast,
    exists,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import bell, jobs
from marketplace.kernel.base import Base
from marketplace.kernel.prepared import Prepared


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
    # For whoever looks at what was done by whom, and at what was done of a kind.
    __table_args__ = (
        Index("fact_by_idx", "by", "at", postgresql_where=text("by is not null")),
        Index("fact_name_idx", "name", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    xid: Mapped[int] = mapped_column(
        BigInteger, server_default=text("(pg_current_xact_id()::text::bigint)"), index=True
    )
    name: Mapped[str]
    subject: Mapped[UUID | None] = mapped_column(index=True)
    by: Mapped[UUID | None]
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), index=True)


def _written(*where: ColumnElement[bool]) -> Insert:
    told = [bindparam(f"fact_{name}", type_=Recorded.__table__.c[name].type) for name in ("name", "subject", "by")]
    body = cast(func.convert_from(bindparam("told", type_=LargeBinary), "UTF8"), JSONB)
    return insert(Recorded).from_select(
        ["name", "subject", "by", "body"], select(*told, body).where(*where), include_defaults=False
    )


_ALONE = Prepared(_written())
# One statement for the fact and for the jobs that it wakes.
_WAKING = Prepared(jobs.enqueued().add_cte(_written().cte("written")))


def _told(session: AsyncSession, fact: Fact, subject: UUID | None, by: UUID | None) -> dict[str, Any]:
    """What the statements are given: the fact's body is also what its jobs are told."""
    woken = _listeners.get(type(fact), ())
    if woken:
        bell.ring_after_commit(session)
    body = to_json({one.name: getattr(fact, one.name) for one in fields(fact)})
    return {"fact_name": type(fact).__name__, "fact_subject": subject, "fact_by": by, "told": body, "woken": woken}


async def record(session: AsyncSession, fact: Fact, *, subject: UUID | None = None, by: UUID | None = None) -> None:
    """Write the fact down and wake whoever listens, if and only if this transaction commits."""
    told = _told(session, fact, subject, by)
    await (_WAKING if told["woken"] else _ALONE).fetch(session, **told)
    await at_once(session, fact, by)


async def at_once(session: AsyncSession, fact: Fact, by: UUID | None) -> None:
    """What is done of a fact in its own transaction."""
    done = _within.get(type(fact))
    if done is not None:
        await done(session, fact, by)


class RecordedWith:
    """A statement that changes something, with the fact of it and the jobs that the fact wakes.

    They are written if and only if `change` made rows.
    """

    def __init__(self, change: CTE, *before: CTE) -> None:
        made = exists(select(change))
        answer = select(change).add_cte(*before, _written(made).cte("written"))
        self._alone = Prepared(answer)
        self._waking = Prepared(answer.add_cte(jobs.enqueued(made).cte("enqueued")))

    async def done(
        self, session: AsyncSession, fact: Fact, *, subject: UUID | None, by: UUID | None, **values: object
    ) -> bool:
        """Whether it changed anything. What is to be done of the fact `at_once` is left to the caller."""
        told = _told(session, fact, subject, by)
        return bool(await (self._waking if told["woken"] else self._alone).fetch(session, **told, **values))


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
