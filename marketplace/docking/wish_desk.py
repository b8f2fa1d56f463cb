"""Wishes as the desk sees them: their terms, all pairs of an event, and which of them are visits."""

from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from marketplace.docking import cards, events, groups, meeting_facts, wish_lists, wish_reasons
from marketplace.docking.models import EventTable
from marketplace.docking.registration_models import Registration
from marketplace.docking.wish_models import POSITIVE, Wish, WishRules, positive
from marketplace.kernel import clock, etag
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import Paging, page
from marketplace.kernel.refusals import Invalid, NotFound
from marketplace.listings import derived
from schemas.base import FieldError
from schemas.wishes import (
    Visit,
    WishDeskFilter,
    WishDeskView,
    WishTerms,
)


class NotAPlace(Invalid):
    """此活动没有这张桌子。 · This event has no such table."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/table_id", code="unknown", detail=self.title())])


async def terms(session: AsyncSession, event_id: UUID) -> tuple[WishTerms, int]:
    """The terms of an event, and their version (0: never written)."""
    rules = await session.get(WishRules, event_id, populate_existing=True)
    if rules is None:
        return WishTerms(), 0
    return WishTerms(outstanding_most=rules.outstanding_most, answer_hours=rules.answer_hours), rules.version


async def set_terms(
    session: AsyncSession, actor: Actor, event_id: UUID, version: int, wish: WishTerms
) -> tuple[WishTerms, int]:
    await events.run(session, actor, event_id)
    _, current = await terms(session, event_id)
    etag.check(version, current)
    values = wish.model_dump() | {"version": current + 1, "updated_at": clock.now()}
    made = insert(WishRules).values(event_id=event_id, created_at=clock.now(), **values)
    await session.execute(made.on_conflict_do_update(index_elements=[WishRules.event_id], set_=values))
    await record(session, meeting_facts.WishTermsWritten(event_id), subject=event_id, by=actor.person)
    return wish, current + 1


async def of_event(
    session: AsyncSession, actor: Actor, event_id: UUID, wish: WishDeskFilter, paging: Paging
) -> tuple[list[WishDeskView], str | None]:
    """The pairs of an event that somebody proposed or asked for, best first."""
    await events.desk(session, actor, event_id)
    one, other = aliased(Registration), aliased(Registration)
    asked, mutual = (
        or_(Wish.first_says.in_(POSITIVE), Wish.second_says.in_(POSITIVE)),
        and_(Wish.first_says.in_(POSITIVE), Wish.second_says.in_(POSITIVE)),
    )
    statement = (
        select(Wish)
        .join(one, one.id == Wish.first_id)
        .join(other, other.id == Wish.second_id)
        .where(
            Wish.event_id == event_id,
            or_(Wish.proposed_at.is_not(None), asked),
            *groups.among(wish, Wish.first_id, Wish.second_id),
        )
        .execution_options(populate_existing=True)
    )
    if wish.asked:
        statement = statement.where(asked)
    if wish.mutual:
        statement = statement.where(mutual)
    for word in derived.asked(wish.q):
        statement = statement.where(
            or_(one.words.contains(word, autoescape=True), other.words.contains(word, autoescape=True))
        )
    by: Any = ((Wish.score, float), (Wish.id, UUID))
    rows, marker = await page(session, statement, by, paging)
    return await desk_views(session, [row[0] for row in rows]), marker


async def desk_views(session: AsyncSession, found: list[Wish]) -> list[WishDeskView]:
    sides = await cards.of(session, [side for one in found for side in (one.first_id, one.second_id)])
    because = await wish_reasons.of(session, found)
    return [
        WishDeskView(
            id=one.id,
            first=sides[one.first_id],
            second=sides[one.second_id],
            first_asks=wish_lists.heard(one.first_says),
            second_asks=wish_lists.heard(one.second_says),
            mutual=positive(one.first_says) and positive(one.second_says),
            proposed=one.proposed_at is not None,
            score=one.score,
            because=because[one.id],
            visit=Visit(table_id=one.table_id, slots=one.slots) if one.table_id is not None else None,
        )
        for one in found
    ]


async def visit(session: AsyncSession, actor: Actor, event_id: UUID, wish_id: UUID, at: Visit | None) -> WishDeskView:
    """Let a meeting be a visit of several slots at a place of its own, or (None) a meeting like others."""
    await events.run(session, actor, event_id)
    wish = await session.get(Wish, wish_id, with_for_update=True, populate_existing=True)
    if wish is None or wish.event_id != event_id or not _seen_by_desk(wish):
        raise NotFound
    if at is not None:
        there = select(EventTable.id).where(EventTable.id == at.table_id, EventTable.event_id == event_id)
        if await session.scalar(there) is None:
            raise NotAPlace
    wish.table_id, wish.slots = (at.table_id, at.slots) if at is not None else (None, 1)
    await session.flush()
    await record(session, meeting_facts.VisitWritten(event_id, wish.id), subject=event_id, by=actor.person)
    return (await desk_views(session, [wish]))[0]


def _seen_by_desk(wish: Wish) -> bool:
    return wish.proposed_at is not None or positive(wish.first_says) or positive(wish.second_says)
