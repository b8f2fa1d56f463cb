"""The terms that people called misleading: what learning finds, and what an administrator strikes out."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, not_, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import Paging, page
from marketplace.kernel.refusals import Conflict, NotFound
from marketplace.tuning import facts
from marketplace.tuning.models import LoweredTerm
from marketplace.tuning.policy import require_keeper, require_reader
from matching.tuning import LoweredTerm as Lowering
from schemas.tuning import MisleadingTermFilter, MisleadingTermView, StrikingOut

if TYPE_CHECKING:  # what learns is slow to import, and every process would
    from matching.learning import Misleading

# Every question is looked through for them.
MOST: Final = 2000


class StruckOutAlready(Conflict):
    """这个词已被划去。 · This term is struck out already."""


class NotStruckOut(Conflict):
    """这个词没有被划去。 · This term is not struck out."""


def lowering() -> ColumnElement[bool]:
    return and_(LoweredTerm.stands, LoweredTerm.struck_out_at.is_(None))


async def standing(session: AsyncSession) -> list[Lowering]:
    """What the ranking reads."""
    rows = await session.execute(
        select(LoweredTerm.term, LoweredTerm.kind, LoweredTerm.factor, LoweredTerm.spared)
        .where(lowering())
        .order_by(LoweredTerm.share.desc(), LoweredTerm.term, LoweredTerm.kind)
        .limit(MOST)
    )
    return [Lowering(term, kind, factor, frozenset(spared)) for term, kind, factor, spared in rows.all()]


async def listed(
    session: AsyncSession, actor: Actor, wish: MisleadingTermFilter, paging: Paging
) -> tuple[list[LoweredTerm], str | None]:
    """Those that were ever found, latest first."""
    require_reader(actor)
    statement = select(LoweredTerm).execution_options(populate_existing=True)
    if wish.lowering is not None:
        statement = statement.where(lowering() if wish.lowering else not_(lowering()))
    by = (LoweredTerm.created_at, datetime), (LoweredTerm.id, UUID)
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker


async def read(session: AsyncSession, actor: Actor, term_id: UUID, *, lock: bool = False) -> LoweredTerm:
    require_reader(actor)
    found = await session.get(LoweredTerm, term_id, with_for_update=lock, populate_existing=True)
    if found is None:
        raise NotFound
    return found


async def strike_out(session: AsyncSession, actor: Actor, term_id: UUID, wish: StrikingOut) -> LoweredTerm:
    """It counts fully again, whatever later verdicts say."""
    require_keeper(actor)
    row = await read(session, actor, term_id, lock=True)
    if row.struck_out_at is not None:
        raise StruckOutAlready
    row.struck_out_at, row.struck_out_by, row.reason = clock.now(), actor.person, wish.reason
    return await _changed(session, row, facts.TermCleared(row.id, row.term, row.kind), by=actor.person)


async def restore(session: AsyncSession, actor: Actor, term_id: UUID) -> LoweredTerm:
    """It is lowered again, as long as learning finds it."""
    require_keeper(actor)
    row = await read(session, actor, term_id, lock=True)
    if row.struck_out_at is None:
        raise NotStruckOut
    row.struck_out_at = row.struck_out_by = row.reason = None
    return await _changed(session, row, facts.TermRestored(row.id, row.term, row.kind), by=actor.person)


async def _changed(
    session: AsyncSession, row: LoweredTerm, fact: facts.TermCleared | facts.TermRestored, *, by: UUID
) -> LoweredTerm:
    row.version += 1
    row.updated_at = clock.now()
    await session.flush()
    await record(session, fact, subject=row.id, by=by)
    return row


async def find(session: AsyncSession, found: "Sequence[Misleading]", *, by: UUID | None) -> None:
    """What learning finds now takes the place of what it found before; what was struck out stays struck out."""
    now = clock.now()
    kept = sorted(found, key=lambda one: (-one.share, one.term, one.kind))[:MOST]
    ids = {(one.term, one.kind) for one in kept}
    gone = [
        row.id
        for row in (await session.scalars(select(LoweredTerm).where(LoweredTerm.stands).with_for_update())).all()
        if (row.term, row.kind) not in ids
    ]
    changed = 0
    if gone:
        await session.execute(
            update(LoweredTerm)
            .where(LoweredTerm.id.in_(gone))
            .values(stands=False, updated_at=now, version=LoweredTerm.version + 1)
            .execution_options(synchronize_session=False)
        )
        changed += len(gone)
    made = insert(LoweredTerm)
    told = ("factor", "share", "named_by", "asked", "spared", "stands")
    upsert = made.on_conflict_do_update(
        index_elements=["term", "kind"],
        set_={name: made.excluded[name] for name in (*told, "updated_at")} | {"version": LoweredTerm.version + 1},
        where=or_(*(getattr(LoweredTerm, name).is_distinct_from(made.excluded[name]) for name in told)),
    ).returning(LoweredTerm.id)
    for start in range(0, len(kept), 500):
        values = [
            {
                "id": uuid7(), **one._asdict(), "spared": sorted(one.spared), "stands": True,
                "created_at": now, "updated_at": now, "version": 1,
            }
            for one in kept[start : start + 500]
        ]  # fmt: skip
        changed += len((await session.execute(upsert.values(values))).all())
    if changed:
        await record(session, facts.TermsLowered(len(kept), changed), by=by)


def shown(row: LoweredTerm) -> MisleadingTermView:
    plain = set(MisleadingTermView.model_fields) - {"kind", "lowering"}
    return MisleadingTermView(
        kind=row.kind or None,
        lowering=row.stands and row.struck_out_at is None,
        **{name: getattr(row, name) for name in plain},
    )
