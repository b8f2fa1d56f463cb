"""A confidential part, and people on their way to it."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.facts import Recorded
from tests.given.kinds import Kind
from tests.given.people import Somebody

SECRET = "甲组分 3 份，乙组分 7 份\n\t升温至 450 ℃"
NDA = "一、不得外传。\n二、不得用于其他目的。"


async def admit(kind: Kind, owner: Somebody, made: dict, who: Somebody) -> dict:
    admitted = await owner.post(kind.at(made, "readers"), {"email": who.email})
    assert (admitted.status_code, admitted.json()["state"]) == (201, "admitted")
    return admitted.json()


async def accept(kind: Kind, who: Somebody, made: dict, nda: str):
    return await who.post(kind.at(made, "confidential", "acceptances"), {"nda": nda})


async def facts_of(session: AsyncSession, made: dict, *names: str) -> list[tuple]:
    """What was written down about a record, in order: the fact, who, and what beside the record itself."""
    rows = await session.execute(
        select(Recorded.name, Recorded.by, Recorded.body)
        .where(Recorded.subject == made["id"], Recorded.name.in_(names))
        .order_by(Recorded.id)
    )
    return [(name, by, {k: v for k, v in body.items() if k not in {"listing_id", "kind"}}) for name, by, body in rows]
