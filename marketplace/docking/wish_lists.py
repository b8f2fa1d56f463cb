"""A meeting list as its own side sees it: proposals, what others ask for, what one spoke of, and who else comes.

Who refuses and who stays silent look the same to everybody but themselves.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import cards, not_placed, registrations, wish_reasons
from marketplace.docking.meeting_policy import meeting_list_kept_by, meeting_list_seen_by, takes_part
from marketplace.docking.registration_models import Registration
from marketplace.docking.wish_models import POSITIVE, Wish, positive
from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, NotFound
from marketplace.listings import derived
from schemas.wishes import (
    Asked,
    ParticipantCard,
    ParticipantFilter,
    WishAnswer,
    WishFilter,
    WishView,
)


class NotComing(Conflict):
    """报名确认后才能约见。 · Only confirmed participants can ask for meetings."""


def live(wish: Wish, side: UUID, now: datetime) -> bool:
    """Whether what a side asked for still stands: until it lapses, or for good once the other side asks too."""
    until = wish.until(side)
    return until is not None and (until > now or positive(wish.says(wish.other(side))))


async def meeting_list(session: AsyncSession, actor: Actor, registration_id: UUID) -> Registration:
    """One's own meeting list."""
    found: Registration | None = await session.scalar(
        registrations.chosen().where(Registration.id == registration_id, meeting_list_seen_by(actor))
    )
    if found is None:
        raise NotFound
    return found


async def seen(session: AsyncSession, actor: Actor, registration_id: UUID) -> bool:
    """Whether a list is the actor's own to look at: for showing or leaving out a way there."""
    own = select(exists().where(Registration.id == registration_id, meeting_list_seen_by(actor)))
    return bool(await session.scalar(own))


async def kept(session: AsyncSession, actor: Actor, registration_id: UUID) -> bool:
    """Whether the actor answers for a list: for showing or leaving out a way there."""
    mine = select(exists().where(Registration.id == registration_id, meeting_list_kept_by(actor)))
    return bool(await session.scalar(mine))


async def spoken_of(session: AsyncSession, mine: Registration, others: Collection[UUID]) -> Mapping[UUID, WishView]:
    """Of these others, those who are on one's list already, as it shows them. The list is one's own."""
    if not others:
        return {}
    pairs = or_(
        and_(Wish.first_id == mine.id, Wish.second_id.in_(others)),
        and_(Wish.second_id == mine.id, Wish.first_id.in_(others)),
    )
    rows = await session.scalars(select(Wish).where(pairs).execution_options(populate_existing=True))
    found = await _views(session, mine, [one for one in rows.all() if on_list(one, mine.id)])
    return {one.other.registration_id: one for one in found}


def on_list(wish: Wish, side: UUID) -> bool:
    return wish.proposed_at is not None or wish.says(side) is not None or positive(wish.says(wish.other(side)))


def heard(says: WishAnswer | None) -> Asked | None:
    """What the other side hears of an answer: a refusal is silence."""
    return Asked(says.value) if says is not None and says in POSITIVE else None


async def outstanding(session: AsyncSession, side: UUID, now: datetime, *, beside: UUID | None = None) -> int:
    """How many requests of a list wait for an answer, without the one that is named.

    One that was refused is as open as one that was not answered: else the count would tell.
    """
    statement = select(func.count()).select_from(Wish).where(_outstanding(side, now))
    return await session.scalar(statement.where(Wish.id != beside) if beside is not None else statement) or 0


def _outstanding(side: UUID, now: datetime) -> ColumnElement[bool]:
    mine, theirs, until = columns(side)
    return and_(
        or_(Wish.first_id == side, Wish.second_id == side),
        mine.in_(POSITIVE),
        until > now,
        or_(theirs.is_(None), theirs.not_in(POSITIVE)),
    )


def columns(side: UUID) -> tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any]]:
    """What a side says, what the other says, and until when the side's request stands."""
    first = Wish.first_id == side
    return (
        case((first, Wish.first_says), else_=Wish.second_says),
        case((first, Wish.second_says), else_=Wish.first_says),
        case((first, Wish.first_until), else_=Wish.second_until),
    )


def shown_to(mine: Registration) -> ColumnElement[bool]:
    """Others who come to the same event: those who let themselves be shown, and those who are on one's list anyway."""
    listed = exists(
        select(Wish.id).where(
            or_(
                and_(Wish.first_id == mine.id, Wish.second_id == Registration.id),
                and_(Wish.second_id == mine.id, Wish.first_id == Registration.id),
            ),
            or_(Wish.proposed_at.is_not(None), columns(mine.id)[1].in_(POSITIVE)),
        )
    )
    return and_(
        Registration.event_id == mine.event_id, Registration.id != mine.id, takes_part(),
        or_(Registration.shown.is_(True), listed),
    )  # fmt: skip


async def participants(
    session: AsyncSession, actor: Actor, registration_id: UUID, wish: ParticipantFilter, paging: Paging
) -> tuple[list[ParticipantCard], str | None]:
    """The others who come and let themselves be shown, latest first."""
    mine = await meeting_list(session, actor, registration_id)
    if not await session.scalar(select(exists().where(Registration.id == registration_id, takes_part()))):
        raise NotComing
    statement = registrations.chosen().where(shown_to(mine), Registration.shown.is_(True))
    if wish.kind is not None:
        statement = statement.where(Registration.kind == wish.kind)
    for word in derived.asked(wish.q):
        statement = statement.where(_named_like(word))
    by = tuple(zip((Registration.created_at, Registration.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    found = await cards.of(session, [row[0].id for row in rows])
    return [found[row[0].id] for row in rows], marker


def _named_like(word: str) -> ColumnElement[bool]:
    """What is shown of somebody is what is searched: not the addresses of their people."""
    like = func.lower(Organisation.name).contains(word, autoescape=True)
    named = exists(select(Organisation.id).where(Organisation.id == Registration.organisation_id, like))
    return or_(
        named,
        func.lower(Registration.introduction).contains(word, autoescape=True),
        func.lower(Registration.wanted).contains(word, autoescape=True),
    )


async def listed(
    session: AsyncSession, actor: Actor, registration_id: UUID, wish: WishFilter, paging: Paging
) -> tuple[list[WishView], str | None]:
    """What is on one's list, best first: proposals, what others ask for, and what one spoke of oneself."""
    mine = await meeting_list(session, actor, registration_id)
    said, theirs, _ = columns(mine.id)
    other = case((Wish.first_id == mine.id, Wish.second_id), else_=Wish.first_id)
    statement = (
        select(Wish)
        .join(Registration, Registration.id == other)
        .where(
            or_(Wish.first_id == mine.id, Wish.second_id == mine.id),
            or_(Wish.proposed_at.is_not(None), said.is_not(None), theirs.in_(POSITIVE)),
            takes_part(),
        )
        .execution_options(populate_existing=True)
    )
    if wish.answer is not None:
        statement = statement.where(said == wish.answer)
    if wish.open:
        statement = statement.where(said.is_(None))
    if wish.asked:
        statement = statement.where(theirs.in_(POSITIVE))
    by: Any = ((Wish.score, float), (Wish.id, UUID))
    rows, marker = await page(session, statement, by, paging)
    return await _views(session, mine, [row[0] for row in rows]), marker


async def shown(session: AsyncSession, mine: Registration, wish: Wish) -> WishView:
    return (await _views(session, mine, [wish]))[0]


async def _views(session: AsyncSession, mine: Registration, found: list[Wish]) -> list[WishView]:
    others = await cards.of(session, [one.other(mine.id) for one in found])
    because = await wish_reasons.of(session, found)
    unplaced = await not_placed.reasons(session, mine.event_id, mine.id, found)
    now = clock.now()
    return [
        WishView(
            id=one.id,
            event_id=one.event_id,
            registration_id=mine.id,
            other=others[one.other(mine.id)],
            proposed=one.proposed_at is not None,
            score=one.score,
            because=because[one.id],
            answer=one.says(mine.id),
            answered_at=one.answered_at(mine.id),
            expires_at=one.until(mine.id) if not positive(one.says(one.other(mine.id))) else None,
            expired=positive(one.says(mine.id)) and not live(one, mine.id, now),
            asked=heard(one.says(one.other(mine.id))) if live(one, one.other(mine.id), now) else None,
            mutual=positive(one.says(mine.id)) and positive(one.says(one.other(mine.id))),
            not_placed=unplaced.get(one.id),
            version=one.version_of(mine.id),
        )
        for one in found
    ]
