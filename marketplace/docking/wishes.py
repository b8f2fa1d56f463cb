"""Wishes to meet: asked, answered, taken back. What one side refuses, nobody else learns, by no answer and no counter.

Who refuses and who stays silent look the same to everybody but themselves: in what is shown, in versions, in what still
counts as an open request, and in when a request lapses.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from uuid_utils.compat import uuid4

from marketplace.docking import cards, events, groups, meeting_facts, not_placed, registrations, wish_news, wish_reasons
from marketplace.docking.meeting_policy import meeting_list_kept_by, meeting_list_seen_by, takes_part
from marketplace.docking.models import EventTable
from marketplace.docking.registration_models import Registration
from marketplace.docking.wish_models import POSITIVE, Wish, WishRules, positive
from marketplace.identity.models import Organisation
from marketplace.kernel import clock, etag, locks
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Invalid, NotFound, refusing
from marketplace.listings import derived
from schemas.base import FieldError
from schemas.events import EventAct
from schemas.wishes import (
    Asked,
    ParticipantCard,
    ParticipantFilter,
    Visit,
    WishAnswer,
    WishDeskFilter,
    WishDeskView,
    WishFilter,
    WishTerms,
    WishView,
)


class ToOneself(Invalid):
    """不能约见自己。 · Nobody meets themselves; choose another participant."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/other_id", code="oneself", detail=self.title())])


class NotThere(Invalid):
    """对方不参加此活动，或未公开；请从参会者中选择。 · They do not come to this event, or are not shown; choose among its participants."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/other_id", code="not_a_participant", detail=self.title())])


class AlreadyAnswered(Conflict):
    """您已对此作出答复；要改变请修改原答复。 · You have answered this already; change that answer instead."""


class TooManyRequests(Conflict):
    """未获答复的约见太多；请等待答复，或撤回一些。 · Too many of your requests wait for an answer; wait, or take some back."""


class NotComing(Conflict):
    """报名确认后才能约见。 · Only confirmed participants can ask for meetings."""


class NotAPlace(Invalid):
    """此活动没有这张桌子。 · This event has no such table."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/table_id", code="unknown", detail=self.title())])


def live(wish: Wish, side: UUID, now: datetime) -> bool:
    """Whether what a side asked for still stands: until it lapses, or for good once the other side asks too."""
    until = wish.until(side)
    return until is not None and (until > now or positive(wish.says(wish.other(side))))


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
    found = await _views(session, mine, [one for one in rows.all() if _on_list(one, mine.id)])
    return {one.other.registration_id: one for one in found}


async def _own(session: AsyncSession, actor: Actor, registration_id: UUID) -> Registration:
    """A list to answer for, alone with its answers: so the cap holds however many are sent at once."""
    seen = await meeting_list(session, actor, registration_id)
    await events.beside(session, seen.event_id)
    await session.execute(locks.wait_for("docking.wishes", registration_id))
    kept: Registration | None = await session.scalar(
        registrations.chosen().where(Registration.id == registration_id, meeting_list_kept_by(actor))
    )
    if kept is None:
        raise registrations.NotYourRegistration
    events.require(kept.event, EventAct.WISH)
    if not await session.scalar(select(exists().where(Registration.id == registration_id, takes_part()))):
        raise NotComing
    return kept


def between(one: UUID, other: UUID) -> ColumnElement[bool]:
    return and_(Wish.first_id == min(one, other), Wish.second_id == max(one, other))


async def _pair(session: AsyncSession, one: UUID, other: UUID) -> Wish | None:
    found: Wish | None = await session.scalar(
        select(Wish).where(between(one, other)).with_for_update().execution_options(populate_existing=True)
    )
    return found


async def ask(
    session: AsyncSession, actor: Actor, registration_id: UUID, other_id: UUID, answer: WishAnswer
) -> WishView:
    """Speak of a pair that one has not spoken of: a wish of one's own, or the first answer to another's or the matcher's."""
    mine = await _own(session, actor, registration_id)
    if other_id == registration_id:
        raise ToOneself
    if not await session.scalar(select(Registration.id).where(Registration.id == other_id, _shown_to(mine))):
        raise NotThere
    first, second = sorted((registration_id, other_id))
    # Not a key that tells when it was made: the other side may have spoken first.
    values = {"id": uuid4(), "event_id": mine.event_id, "first_id": first, "second_id": second}
    blank = {"score": 0.0, "because": [], "first_version": 1, "second_version": 1, "created_at": clock.now()}
    with refusing(wish_second_fkey=NotThere, wish_first_fkey=NotThere):
        await session.execute(insert(Wish).values(**values, **blank).on_conflict_do_nothing())
    wish = await _pair(session, registration_id, other_id)
    assert wish is not None
    if wish.says(registration_id) is not None:
        raise AlreadyAnswered
    await _say(session, actor, wish, mine, answer)
    return await shown(session, mine, wish)


async def answer(
    session: AsyncSession, actor: Actor, registration_id: UUID, other_id: UUID, version: int, said: WishAnswer
) -> WishView:
    """Answer a pair of one's own list, or change the answer. To say the same again asks anew."""
    mine = await _own(session, actor, registration_id)
    wish = await _known(session, mine, other_id)
    etag.check(version, wish.version_of(registration_id))
    await _say(session, actor, wish, mine, said)
    return await shown(session, mine, wish)


async def take_back(session: AsyncSession, actor: Actor, registration_id: UUID, other_id: UUID, version: int) -> None:
    """As if one had never spoken."""
    mine = await _own(session, actor, registration_id)
    wish = await _known(session, mine, other_id)
    etag.check(version, wish.version_of(registration_id))
    if wish.says(registration_id) is not None:
        await _say(session, actor, wish, mine, None)


async def _known(session: AsyncSession, mine: Registration, other_id: UUID) -> Wish:
    """A pair that is on one's list: proposed, asked for by the other side, or spoken of by oneself."""
    wish = await _pair(session, mine.id, other_id)
    if wish is None or not _on_list(wish, mine.id):
        raise NotFound
    return wish


def _on_list(wish: Wish, side: UUID) -> bool:
    return wish.proposed_at is not None or wish.says(side) is not None or positive(wish.says(wish.other(side)))


async def _say(session: AsyncSession, actor: Actor, wish: Wish, mine: Registration, said: WishAnswer | None) -> None:
    now = clock.now()
    before, side = wish.says(mine.id), "first" if mine.id == wish.first_id else "second"
    rules, _ = await terms(session, mine.event_id)
    asks_anew = positive(said) and not positive(wish.says(wish.other(mine.id))) and not live(wish, mine.id, now)
    if asks_anew and await outstanding(session, mine.id, now, beside=wish.id) >= rules.outstanding_most:
        raise TooManyRequests
    setattr(wish, f"{side}_says", said)
    setattr(wish, f"{side}_at", now if said is not None else None)
    until = now + timedelta(hours=rules.answer_hours) if positive(said) else None
    setattr(wish, f"{side}_until", until)
    setattr(wish, f"{side}_version", wish.version_of(mine.id) + 1)
    if _told(before) != _told(said):
        # Only what the other side is shown may change what it sees of its own version.
        theirs = "second" if side == "first" else "first"
        setattr(wish, f"{theirs}_version", getattr(wish, f"{theirs}_version") + 1)
    await session.flush()
    await wish_news.note(session, wish, now)
    fact = meeting_facts.WishAnswered(mine.id, mine.event_id, wish.id)
    await record(session, fact, subject=mine.id, by=actor.person)


def _told(says: WishAnswer | None) -> Asked | None:
    """What the other side hears of an answer: a refusal is silence."""
    return Asked(says.value) if says is not None and says in POSITIVE else None


async def outstanding(session: AsyncSession, side: UUID, now: datetime, *, beside: UUID | None = None) -> int:
    """How many requests of a list wait for an answer, without the one that is named.

    One that was refused is as open as one that was not answered: else the count would tell.
    """
    statement = select(func.count()).select_from(Wish).where(_outstanding(side, now))
    return await session.scalar(statement.where(Wish.id != beside) if beside is not None else statement) or 0


def _outstanding(side: UUID, now: datetime) -> ColumnElement[bool]:
    mine, theirs, until = _columns(side)
    return and_(
        or_(Wish.first_id == side, Wish.second_id == side),
        mine.in_(POSITIVE),
        until > now,
        or_(theirs.is_(None), theirs.not_in(POSITIVE)),
    )


def _columns(side: UUID) -> tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any]]:
    """What a side says, what the other says, and until when the side's request stands."""
    first = Wish.first_id == side
    return (
        case((first, Wish.first_says), else_=Wish.second_says),
        case((first, Wish.second_says), else_=Wish.first_says),
        case((first, Wish.first_until), else_=Wish.second_until),
    )


def _shown_to(mine: Registration) -> ColumnElement[bool]:
    """Others who come to the same event: those who let themselves be shown, and those who are on one's list anyway."""
    listed = exists(
        select(Wish.id).where(
            or_(
                and_(Wish.first_id == mine.id, Wish.second_id == Registration.id),
                and_(Wish.second_id == mine.id, Wish.first_id == Registration.id),
            ),
            or_(Wish.proposed_at.is_not(None), _columns(mine.id)[1].in_(POSITIVE)),
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
    statement = registrations.chosen().where(_shown_to(mine), Registration.shown.is_(True))
    if wish.kind is not None:
        statement = statement.where(Registration.kind == wish.kind)
    for word in dict.fromkeys(derived.folded(wish.q or "").split()):
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
    said, theirs, _ = _columns(mine.id)
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
            asked=_told(one.says(one.other(mine.id))) if live(one, one.other(mine.id), now) else None,
            mutual=positive(one.says(mine.id)) and positive(one.says(one.other(mine.id))),
            not_placed=unplaced.get(one.id),
            version=one.version_of(mine.id),
        )
        for one in found
    ]


# --- the desk


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
    for word in dict.fromkeys(derived.folded(wish.q or "").split()):
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
            first_asks=_told(one.first_says),
            second_asks=_told(one.second_says),
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
