"""Calls that somebody keeps an eye on, the letter before the deadline, and those of what has changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.funding import calls, sheets, watched
from marketplace.funding.models import FundingBookmark, FundingCall
from marketplace.funding.policy import call_open
from marketplace.identity.models import Organisation, Person
from marketplace.kernel import clock, mail
from marketplace.kernel.actor import Actor
from marketplace.kernel.language import Language, reading, spoken, told
from schemas import funding as wire
from schemas.funding import FundingPhase

AT_ONCE: Final = 100


async def find(session: AsyncSession, actor: Actor, call_id: UUID) -> FundingBookmark | None:
    """The actor's own; None for everybody who keeps no eye on it."""
    if actor.person_id is None:
        return None
    return await session.get(FundingBookmark, (call_id, actor.person_id), populate_existing=True)


async def keep(session: AsyncSession, actor: Actor, call_id: UUID, wish: wire.FundingBookmark) -> FundingBookmark:
    """Keep an eye on a call that the actor sees; saying it again changes which letters come, and when."""
    call = await calls.read(session, actor, call_id)
    now = clock.now()
    # Whoever looks at it within those days knows the deadline.
    near = call.closes_at is not None and call.closes_at <= now + timedelta(days=wish.days_before)
    # Of what was never published nothing is known: whoever publishes it is not told that it was offered again.
    known = None if call.published_at is None else watched.snapshot(call, now)
    made = insert(FundingBookmark).values(
        call_id=call_id, person_id=actor.person, days_before=wish.days_before, since=now,
        reminded_for=call.closes_at if near else None, changes=wish.changes, known=known,
    )  # fmt: skip
    # What changed while no letters were wished for is not told later.
    awaits_news = and_(FundingBookmark.changes, FundingBookmark.known.is_not(None))
    changed: dict[str, ColumnElement[Any]] = {
        "days_before": made.excluded.days_before,
        "reminded_for": made.excluded.reminded_for,
        "known": case((awaits_news, FundingBookmark.known), else_=made.excluded.known),
    }
    if "changes" in wish.model_fields_set:
        changed["changes"] = made.excluded.changes
    key = [FundingBookmark.call_id, FundingBookmark.person_id]
    await session.execute(made.on_conflict_do_update(index_elements=key, set_=changed))
    kept = await find(session, actor, call_id)
    assert kept is not None
    return kept


async def drop(session: AsyncSession, actor: Actor, call_id: UUID) -> None:
    """No longer keep an eye on it, be it hidden by now."""
    its = (FundingBookmark.call_id == call_id, FundingBookmark.person_id == actor.person)
    gone = await session.scalar(delete(FundingBookmark).where(*its).returning(FundingBookmark.call_id))
    if gone is None:
        await calls.read(session, actor, call_id)


_SUBJECT: Final = "申报提醒：{title} · Apply soon: {title}"
_TEXT: Final = (
    "您收藏的资金将于 {at}（北京时间）截止：\n\n{title}\n{giver}\n\n查看与取消提醒：{link}"
    " · A call that you keep an eye on closes at {at} (Beijing time):\n\n{title}\n{giver}\n\nRead it, or stop these"
    " letters: {link}"
)


@contextmanager
def _read_by(locale: str) -> Iterator[Language]:
    """Words are those of somebody of this locale."""
    language = spoken(locale)
    mark = reading.set(language)
    try:
        yield language
    finally:
        reading.reset(mark)


async def remind(session: AsyncSession, now: datetime, public_url: str, *, at_most: int = AT_ONCE) -> int:
    """Write the letters that are due. Answers how many; call until it answers 0."""
    due = FundingCall.closes_at - func.make_interval(0, 0, 0, FundingBookmark.days_before)
    rows = await session.execute(
        select(FundingBookmark, FundingCall, Organisation.name, Person.email, Person.locale)
        .join(FundingCall, FundingCall.id == FundingBookmark.call_id)
        .join(Organisation, Organisation.id == FundingCall.organisation_id)
        .join(Person, Person.id == FundingBookmark.person_id)
        .where(
            call_open(now),
            due <= now,
            FundingBookmark.reminded_for.is_distinct_from(FundingCall.closes_at),
            Person.suspended_at.is_(None),
        )
        .order_by(FundingCall.closes_at, FundingBookmark.call_id, FundingBookmark.person_id)
        .limit(at_most)
        .with_for_update(of=FundingBookmark, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    found = rows.all()
    for kept, call, giver, email, locale in found:
        with _read_by(locale) as language:
            facts = {
                "title": call.title_en if language == "en" and call.title_en else call.title,
                "at": sheets.deadline(call.closes_at),
                "giver": giver,
                "link": f"{public_url.rstrip('/')}/funding/{call.id}",
            }
        await mail.post(
            session,
            to=email,
            subject=told(_SUBJECT, language).format(**facts),
            text=told(_TEXT, language).format(**facts),
        )
        kept.reminded_for = call.closes_at
    await session.flush()
    return len(found)


async def tell_changes(session: AsyncSession, now: datetime, public_url: str, *, at_most: int = AT_ONCE) -> bool:
    """Tell of the next call that is due what has changed of it. Answers whether there was one; call until there is none.

    The call is held meanwhile, so that no other worker tells of it and nobody changes it; what each is told is compared
    with, and noted as, what they know, in the transaction that posts the letter.
    """
    call = await session.scalar(
        calls.chosen()
        .where(FundingCall.tell_at <= now)
        .order_by(FundingCall.tell_at, FundingCall.id)
        .limit(1)
        .with_for_update(of=FundingCall, key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if call is None:
        return False
    rows = await session.execute(
        select(FundingBookmark, Person)
        .join(Person, Person.id == FundingBookmark.person_id)
        .where(FundingBookmark.call_id == call.id, _knows_less(call, now))
        .order_by(FundingBookmark.person_id)
        .limit(at_most)
        .with_for_update(of=FundingBookmark)
        .execution_options(populate_existing=True)
    )
    found = rows.all()
    link = f"{public_url.rstrip('/')}/funding/{call.id}"
    for kept, person in found:
        known, one = kept.known, watched.news(kept.known, call, now)
        kept.known = one.known
        if one and known is not None and kept.changes and person.confirmed_at and person.suspended_at is None:
            with _read_by(person.locale):
                subject, text = watched.subject(one), watched.text(one, known, call.organisation.name, link)
            await mail.post(session, to=person.email, subject=subject, text=text)
    if len(found) < at_most:
        soon = watched.standing(call, now) is FundingPhase.OPENING_SOON
        call.tell_at = call.opens_at if soon else None
    await session.flush()
    return True


def _knows_less(call: FundingCall, now: datetime) -> ColumnElement[bool]:
    """Those who do not know all that is to be known of it; of what is not open, that is where it stands."""
    today = watched.snapshot(call, now)
    if today["standing"] in watched.LIVE:
        return FundingBookmark.known.is_distinct_from(today)
    return or_(FundingBookmark.known.is_(None), FundingBookmark.known["standing"].astext != today["standing"])
