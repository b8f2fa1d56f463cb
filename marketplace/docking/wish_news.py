"""Letters of wishes: that somebody wishes to meet, and that the other side wishes so too. A refusal is never news.

What is news is noted in the transaction that made it; a job writes one letter a list of what gathered in some minutes.
Each pair is told a side at most twice, of the request and of the agreement, however often the answers change.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from marketplace.docking import cards, meeting_notices, standing
from marketplace.docking.extra_models import WishNews
from marketplace.docking.models import Event
from marketplace.docking.registration_models import Attendee, Registration
from marketplace.docking.wish_models import Wish, positive
from marketplace.identity.models import Person
from marketplace.kernel import mail
from marketplace.kernel.language import Language, told
from schemas.events import POSSIBLE, EventAct
from schemas.registrations import RegistrationState
from schemas.wishes import ParticipantCard

QUIET: Final = timedelta(minutes=5)
"""How long news wait for more of their kind."""
ASKED: Final = "asked"
MUTUAL: Final = "mutual"
_SUBJECTS: Final = {
    (True, False): "有人想与您洽谈 · Somebody wishes to meet you",
    (False, True): "对方也想与您洽谈 · They wish to meet you, too",
    (True, True): "新的约见与答复 · New requests, and answers to yours",
}
_HEADS: Final = {
    ASKED: "想与您洽谈，请答复： · They wish to meet you; please answer:",
    MUTUAL: "也想与您洽谈，排程时将尽量安排： · They wish to meet you, too; the schedule makes room where it can:",
}
_UNTIL: Final = "（{until} 前答复） ·  (until {until})"


def news_for(wish: Wish, side: UUID, now: datetime) -> str | None:
    """What one side would be told of the pair as it stands now."""
    other = wish.other(side)
    if not positive(wish.says(other)):
        return None
    mine = wish.says(side)
    if mine is None:
        until = wish.until(other)
        return ASKED if until is not None and until > now else None
    if not positive(mine):
        return None
    asked_at, answered_at = wish.answered_at(side), wish.answered_at(other)
    # Whoever spoke last knows already.
    return MUTUAL if asked_at is not None and answered_at is not None and asked_at < answered_at else None


async def note(session: AsyncSession, wish: Wish, now: datetime) -> None:
    """Note what either side has to be told of a pair that somebody just spoke of."""
    for side in (wish.first_id, wish.second_id):
        news = news_for(wish, side, now)
        if news is None:
            continue
        known = WishNews.told.is_(None) if news == ASKED else or_(WishNews.told.is_(None), WishNews.told == ASKED)
        noted = insert(WishNews).values(registration_id=side, wish_id=wish.id, due_at=now)
        await session.execute(
            noted.on_conflict_do_update(
                index_elements=[WishNews.registration_id, WishNews.wish_id],
                set_={"due_at": noted.excluded.due_at},
                where=and_(WishNews.due_at.is_(None), known),
            )
        )


async def tell(session: AsyncSession, now: datetime, public_url: str) -> int:
    """Write to the next list that has news. Answers how many had; call until it answers 0."""
    next_one = select(WishNews.registration_id).where(WishNews.due_at <= now - QUIET).order_by(WishNews.due_at).limit(1)
    side = await session.scalar(next_one.with_for_update(skip_locked=True))
    if side is None:
        return 0
    rows = await session.scalars(
        select(WishNews)
        .where(WishNews.registration_id == side, WishNews.due_at.is_not(None))
        .order_by(WishNews.wish_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    due = rows.all()
    mine = await session.get_one(Registration, side)
    event = await session.get_one(Event, mine.event_id)
    pairs = await _pairs(session, event, [one.wish_id for one in due])
    found: dict[str, list[Wish]] = {ASKED: [], MUTUAL: []}
    for one in due:
        one.due_at = None
        pair = pairs.get(one.wish_id)
        news = news_for(pair, side, now) if pair is not None else None
        if pair is not None and news is not None and news != one.told:
            one.told = news
            found[news].append(pair)
    await session.flush()
    if any(found.values()):
        await _write(session, event, mine, found, public_url)
    return 1


async def _pairs(session: AsyncSession, event: Event, wishes: Sequence[UUID]) -> dict[UUID, Wish]:
    """These pairs, as long as they may still be answered and both sides come."""
    if event.state not in POSSIBLE[EventAct.WISH]:
        return {}
    one, other = aliased(Registration), aliased(Registration)
    comes = [each.state == RegistrationState.CONFIRMED for each in (one, other)]
    rows = await session.scalars(
        select(Wish)
        .join(one, one.id == Wish.first_id)
        .join(other, other.id == Wish.second_id)
        .where(Wish.id.in_(wishes), *comes)
        .execution_options(populate_existing=True)
    )
    return {each.id: each for each in rows.all()}


async def _write(
    session: AsyncSession, event: Event, mine: Registration, found: dict[str, list[Wish]], public_url: str
) -> None:
    """To everybody of the list and to whoever registered it, each in their own language and once."""
    others = await cards.of(session, {one.other(mine.id) for each in found.values() for one in each})
    for address, language in (await _readers(session, mine)).items():
        lines: list[str] = []
        for news, pairs in found.items():
            if pairs:
                lines += ["", told(_HEADS[news], language)]
                lines += [_line(event, others[one.other(mine.id)], one, mine.id, news, language) for one in pairs]
        title = meeting_notices.title_of(event, language)
        subject = told(_SUBJECTS[bool(found[ASKED]), bool(found[MUTUAL])], language)
        link = f"{public_url}/registrations/{mine.id}/wishes"
        text = "\n".join([title, *lines, "", link])
        await mail.post(session, to=address, subject=meeting_notices.headed(title, subject, language), text=text)


async def _readers(session: AsyncSession, mine: Registration) -> dict[str, Language]:
    """By address, the people who share a meeting list, and its maker; nobody whose account is suspended."""
    rows = await session.execute(
        select(Attendee, Person)
        .outerjoin(Person, Person.id == Attendee.person_id)
        .where(Attendee.registration_id == mine.id, Attendee.left_at.is_(None))
        .order_by(Attendee.position)
    )
    maker = await session.get_one(Person, mine.made_by)
    found: dict[str, Language] = {}
    suspended = {maker.email.lower()} if maker.suspended_at is not None else set()
    for one, account in rows.all():
        found[one.email] = meeting_notices.language_for(one, account)
        if account is not None and account.suspended_at is not None:
            suspended.add(one.email)
    found.setdefault(maker.email.lower(), "en" if maker.locale == "en" else "zh")
    return {address: language for address, language in found.items() if address not in suspended}


def _line(event: Event, other: ParticipantCard, wish: Wish, side: UUID, news: str, language: Language) -> str:
    until = wish.until(wish.other(side))
    if news != ASKED or until is None:
        return f"- {other.name}"
    return f"- {other.name}{told(_UNTIL, language).format(until=standing.hour(until, event.time_zone))}"
