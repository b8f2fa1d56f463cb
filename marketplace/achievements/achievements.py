"""What can be done with an achievement (科技成果)."""

from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.actor import Actor
from marketplace.kernel.paging import Paging
from marketplace.listings import completeness as complete
from marketplace.listings import derived, publication, records
from marketplace.listings.bodies import columns
from marketplace.listings.cards import Cards
from marketplace.listings.models import Achievement
from schemas.achievements import AchievementFilter, AchievementNew, AchievementPatch
from schemas.listings import ListingKind

CARDS = Cards(
    Achievement,
    {
        "summary": Achievement.summary,
        "discipline": Achievement.disciplines[1],
        "industries": Achievement.industries,
        "trl": Achievement.trl,
        "stage": Achievement.stage,
        "talks": Achievement.talks,
    },
)

completeness = partial(complete.of, ListingKind.ACHIEVEMENT)


async def create(session: AsyncSession, actor: Actor, wish: AchievementNew) -> Achievement:
    """A draft achievement."""
    return await records.create(
        session,
        actor,
        Achievement,
        wish.organisation_id,
        columns(wish),
        source=wish.source,
        external_id=wish.external_id,
    )


async def edit(
    session: AsyncSession, actor: Actor, achievement_id: UUID, version: int, patch: AchievementPatch
) -> Achievement:
    return await records.edit(session, actor, Achievement, achievement_id, version, columns(patch, only_given=True))


async def publish(
    session: AsyncSession, actor: Actor, achievement_id: UUID, *, reviewed_first: bool, fresh_for: timedelta
) -> Achievement:
    return await publication.publish(
        session, actor, Achievement, achievement_id, reviewed_first=reviewed_first, fresh_for=fresh_for
    )


async def listed(
    session: AsyncSession, actor: Actor, wish: AchievementFilter, paging: Paging
) -> tuple[list[str], str | None]:
    """A page of cards as JSON, newest first: one statement."""
    more: list[ColumnElement[bool]] = []
    if wish.stage:
        more.append(Achievement.facets.overlap(derived.wanted("s", wish.stage)))
    if wish.trl_min is not None:
        more.append(Achievement.trl >= wish.trl_min)
    if wish.trl_max is not None:
        more.append(Achievement.trl <= wish.trl_max)
    return await CARDS.page(session, actor, wish, paging, *more)
