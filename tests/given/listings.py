"""Open records put straight into the tables, where a test is not about how they got there."""

from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.listings import records
from marketplace.listings.models import Achievement, Listing, Problem
from schemas.listings import ListingState

L = TypeVar("L", bound=Listing)


def a_listing(cls: type[L], at: Organisation, **fields: Any) -> L:
    """A record of this kind that everybody may see, confirmed just now for half a year."""
    now = clock.now()
    told: dict[str, Any] = {
        "title": "固态电解质薄膜制备",
        "description": "采用流延法制备固态电解质薄膜。",
        "state": ListingState.PUBLISHED,
        "keywords": [],
        "industries": [],
        "disciplines": [],
        "cooperation_modes": [],
        "published_at": now,
        "listed_at": now,
        "confirmed_at": now,
        "confirmed_until": now + timedelta(days=180),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "confidential_part": False,
    }
    made = cls(organisation_id=at.id, **(told | fields))
    records.derive(made)
    return made


async def achievements(session: AsyncSession, at: Organisation, *told: dict[str, Any]) -> list[Achievement]:
    return await _put(session, [a_listing(Achievement, at, **fields) for fields in told])


async def problems(session: AsyncSession, at: Organisation, *told: dict[str, Any]) -> list[Problem]:
    return await _put(session, [a_listing(Problem, at, **fields) for fields in told])


async def _put(session: AsyncSession, made: list[L]) -> list[L]:
    session.add_all(made)
    await session.commit()
    return made
