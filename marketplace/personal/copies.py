"""A copy of what is kept of whoever asks, and of nobody else."""

from datetime import datetime
from typing import Final

from pydantic_core import to_jsonable_python
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.actor import Actor
from marketplace.kernel.language import told
from marketplace.personal.kept import KEPT, Kept
from schemas.personal import KeptRows, PersonalData

# Of each kind, the latest.
MOST: Final = 10_000


async def of(session: AsyncSession, actor: Actor, now: datetime) -> PersonalData:
    """All that is kept of the actor. Kinds of which there is nothing are left out."""
    kept = [await _rows(session, actor, one) for one in KEPT]
    return PersonalData(person_id=actor.person, made_at=now, kept=[one for one in kept if one.rows])


async def _rows(session: AsyncSession, actor: Actor, kept: Kept) -> KeptRows:
    statement = select(*(kept.table.c[name] for name in kept.columns)).where(kept.whose(kept.table, actor))
    found = (await session.execute(statement.order_by(kept.table.c[kept.latest].desc()).limit(MOST + 1))).mappings()
    rows = [to_jsonable_python(dict(row)) for row in found]
    return KeptRows(name=kept.table.name, title=told(kept.title), rows=rows[:MOST], more=len(rows) > MOST)
