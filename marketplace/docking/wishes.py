"""Wishes to meet: asked, answered, taken back. What one side refuses, nobody else learns, by no answer and no counter.

Who refuses and who stays silent look the same to everybody but themselves: in what is shown, in versions, in what still
counts as an open request, and in when a request lapses.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid4

from marketplace.docking import events, meeting_facts, registrations, wish_desk, wish_lists, wish_news
from marketplace.docking.meeting_policy import meeting_list_kept_by, takes_part
from marketplace.docking.registration_models import Registration
from marketplace.docking.wish_models import Wish, positive
from marketplace.kernel import clock, etag, locks
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.refusals import Conflict, Invalid, NotFound, refusing
from schemas.base import FieldError
from schemas.events import EventAct
from schemas.wishes import (
    WishAnswer,
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


async def _own(session: AsyncSession, actor: Actor, registration_id: UUID) -> Registration:
    """A list to answer for, alone with its answers: so the cap holds however many are sent at once."""
    seen = await wish_lists.meeting_list(session, actor, registration_id)
    await events.beside(session, seen.event_id)
    await session.execute(locks.wait_for("docking.wishes", registration_id))
    kept: Registration | None = await session.scalar(
        registrations.chosen().where(Registration.id == registration_id, meeting_list_kept_by(actor))
    )
    if kept is None:
        raise registrations.NotYourRegistration
    events.require(kept.event, EventAct.WISH)
    if not await session.scalar(select(exists().where(Registration.id == registration_id, takes_part()))):
        raise wish_lists.NotComing
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
    if not await session.scalar(select(Registration.id).where(Registration.id == other_id, wish_lists.shown_to(mine))):
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
    return await wish_lists.shown(session, mine, wish)


async def answer(
    session: AsyncSession, actor: Actor, registration_id: UUID, other_id: UUID, version: int, said: WishAnswer
) -> WishView:
    """Answer a pair of one's own list, or change the answer. To say the same again asks anew."""
    mine = await _own(session, actor, registration_id)
    wish = await _known(session, mine, other_id)
    etag.check(version, wish.version_of(registration_id))
    await _say(session, actor, wish, mine, said)
    return await wish_lists.shown(session, mine, wish)


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
    if wish is None or not wish_lists.on_list(wish, mine.id):
        raise NotFound
    return wish


async def _say(session: AsyncSession, actor: Actor, wish: Wish, mine: Registration, said: WishAnswer | None) -> None:
    now = clock.now()
    before, side = wish.says(mine.id), "first" if mine.id == wish.first_id else "second"
    rules, _ = await wish_desk.terms(session, mine.event_id)
    asks_anew = (
        positive(said) and not positive(wish.says(wish.other(mine.id))) and not wish_lists.live(wish, mine.id, now)
    )
    if asks_anew and await wish_lists.outstanding(session, mine.id, now, beside=wish.id) >= rules.outstanding_most:
        raise TooManyRequests
    setattr(wish, f"{side}_says", said)
    setattr(wish, f"{side}_at", now if said is not None else None)
    until = now + timedelta(hours=rules.answer_hours) if positive(said) else None
    setattr(wish, f"{side}_until", until)
    setattr(wish, f"{side}_version", wish.version_of(mine.id) + 1)
    if wish_lists.heard(before) != wish_lists.heard(said):
        # Only what the other side is shown may change what it sees of its own version.
        theirs = "second" if side == "first" else "first"
        setattr(wish, f"{theirs}_version", getattr(wish, f"{theirs}_version") + 1)
    await session.flush()
    await wish_news.note(session, wish, now)
    fact = meeting_facts.WishAnswered(mine.id, mine.event_id, wish.id)
    await record(session, fact, subject=mine.id, by=actor.person)
