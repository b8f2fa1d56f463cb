"""Achievements and problems: what a page does alike for both, and where they differ."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.achievements import achievements
from marketplace.kernel.actor import Actor
from marketplace.kernel.paging import Paging
from marketplace.listings.models import Achievement, Listing, Problem
from marketplace.problems import problems
from schemas.achievements import AchievementBody, AchievementCard, AchievementFilter, AchievementNew, AchievementPatch
from schemas.listings import ListingBody, ListingFilter, ListingKind
from schemas.problems import ProblemBody, ProblemCard, ProblemFilter, ProblemNew, ProblemPatch


@dataclass(frozen=True)
class Kind:
    """One kind of record: its words, its table, its verbs."""

    name: ListingKind
    cls: type[Listing]
    plural: str
    title: str
    titles: str
    # What this kind is paired with.
    wanted: str
    wanted_plural: str
    wanted_titles: str
    similar: str
    card: type[AchievementCard | ProblemCard]
    filter: type[ListingFilter]
    body: type[ListingBody]
    new: type[AchievementNew | ProblemNew]
    patch: type[AchievementPatch | ProblemPatch]
    listed: Callable[..., Awaitable[tuple[list[str], str | None]]]
    create: Callable[..., Awaitable[Any]]
    edit: Callable[..., Awaitable[Any]]
    publish: Callable[..., Awaitable[Any]]

    async def cards(
        self, session: AsyncSession, actor: Actor, wish: ListingFilter, paging: Paging
    ) -> tuple[list[AchievementCard | ProblemCard], str | None]:
        """A page of the list."""
        rows, marker = await self.listed(session, actor, wish, paging)
        return [self.card.model_validate_json(row) for row in rows], marker


PROBLEM: Final = Kind(
    name=ListingKind.PROBLEM,
    cls=Problem,
    plural="problems",
    title="技术难题 · Problem",
    titles="技术难题 · Technical problems",
    wanted="achievement",
    wanted_plural="achievements",
    wanted_titles="匹配的科技成果 · Achievements that fit",
    similar="相近的难题 · Similar problems",
    card=ProblemCard,
    filter=ProblemFilter,
    body=ProblemBody,
    new=ProblemNew,
    patch=ProblemPatch,
    listed=problems.listed,
    create=problems.create,
    edit=problems.edit,
    publish=problems.publish,
)
ACHIEVEMENT: Final = Kind(
    name=ListingKind.ACHIEVEMENT,
    cls=Achievement,
    plural="achievements",
    title="科技成果 · Achievement",
    titles="科技成果 · Achievements",
    wanted="problem",
    wanted_plural="problems",
    wanted_titles="匹配的技术难题 · Problems that fit",
    similar="相近的成果 · Similar achievements",
    card=AchievementCard,
    filter=AchievementFilter,
    body=AchievementBody,
    new=AchievementNew,
    patch=AchievementPatch,
    listed=achievements.listed,
    create=achievements.create,
    edit=achievements.edit,
    publish=achievements.publish,
)
KINDS: Final = {kind.plural: kind for kind in (PROBLEM, ACHIEVEMENT)}
BY_NAME: Final = {kind.name: kind for kind in (PROBLEM, ACHIEVEMENT)}
