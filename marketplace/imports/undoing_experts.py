"""Undoing what an import did to experts. What was kept of them for that is kept no longer than until then."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.experts import experts
from marketplace.experts.models import Expert
from marketplace.imports import expert_writing, remembering
from marketplace.imports.expert_writing import ACHIEVEMENTS
from marketplace.imports.models import ImportedRecord
from marketplace.imports.undone import restored, restores, say, spoken_of, withdraws
from marketplace.listings.models import Achievement
from schemas.experts import ExpertPatch
from schemas.imports import UndoOutcome, UndoReason

_ITS_OWN: Final = frozenset({"expert", "expert_achievement"})


def in_use() -> ColumnElement[bool]:
    """Whether the person agreed to be shown, was shown, or another row speaks of the profile."""
    spoken = spoken_of(Expert.id, frozenset({"expert"}), _ITS_OWN)
    return or_(Expert.consented_at.is_not(None), Expert.published_at.is_not(None), spoken)


async def undo(session: AsyncSession, chunk: Sequence[ImportedRecord]) -> list[UUID]:
    """Undo some rows; answers the experts that are not what they were a moment ago."""
    ids = [row.record_id for row in chunk]
    found = await session.scalars(
        select(Expert)
        .where(Expert.id.in_(ids))
        .order_by(Expert.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    there = {one.id: one for one in found}
    used = set(await session.scalars(select(Expert.id).where(Expert.id.in_(ids), in_use())))
    undone_before = await restored(session, ids)
    speaking = await experts.representatives(session, ids)
    mended: dict[UUID, list[UUID]] = {}
    gone: list[UUID] = []
    touched: list[UUID] = []
    for row in chunk:
        expert = there.get(row.record_id)
        if expert is None:
            say(row, UndoOutcome.KEPT, UndoReason.GONE)
        elif row.created:
            used_since, count = expert.id in used, undone_before.get(expert.id, 0)
            if withdraws(row, expert.version, in_use=used_since, restored=count):
                gone.append(expert.id)
        else:
            values = _comes_back(row, expert, speaking.get(expert.id, []))
            if values is not None:
                touched.append(expert.id)
                if ACHIEVEMENTS in values:
                    mended[expert.id] = values.pop(ACHIEVEMENTS)
                expert_writing.apply(expert, values)
        # Which fields they were is told of the import; what they said is not needed any more.
        row.before, row.after = dict.fromkeys(row.before), dict.fromkeys(row.after)
    await session.flush()
    await experts.spoken_for(session, await _theirs(session, there, mended))
    await session.execute(delete(Expert).where(Expert.id.in_(gone)))
    await remembering.forget(session, gone)
    return touched + gone


def _comes_back(row: ImportedRecord, expert: Expert, speaking: Sequence[UUID]) -> dict[str, Any] | None:
    """What a profile says again of what the import changed, field by field, unless it was changed again since."""
    now = expert_writing.said(expert, speaking, row.after)
    kept = sorted(name for name in row.after if now[name] != row.after[name])
    fields = sorted(row.after.keys() - kept)
    patch = ExpertPatch.model_validate({name: row.before[name] for name in fields})
    values = {name: getattr(patch, name) for name in fields if name == ACHIEVEMENTS}
    values |= experts.columns(patch, only_given=True)
    if expert_writing.broken(expert, values) is not None:
        say(row, UndoOutcome.KEPT, UndoReason.WOULD_NOT_STAND, sorted(row.after))
        return None
    return values if restores(row, fields, kept) else None


async def _theirs(
    session: AsyncSession, there: dict[UUID, Expert], mended: dict[UUID, list[UUID]]
) -> dict[UUID, list[UUID]]:
    """The achievements that are to speak for experts again, without those that are gone."""
    wanted = {one for ids in mended.values() for one in ids}
    owners = await session.execute(
        select(Achievement.id, Achievement.organisation_id).where(Achievement.id.in_(wanted))
    )
    of = {row.id: row.organisation_id for row in owners}
    return {
        expert_id: [one for one in ids if of.get(one) == there[expert_id].organisation_id]
        for expert_id, ids in mended.items()
    }
