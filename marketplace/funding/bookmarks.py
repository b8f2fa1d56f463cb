"""Calls that somebody keeps an eye on, and the letter before the deadline."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.funding import calls, sheets
from marketplace.funding.models import FundingBookmark, FundingCall
from marketplace.funding.policy import call_open
from marketplace.identity.models import Organisation, Person
from marketplace.kernel import clock, mail
from marketplace.kernel.actor import Actor
from marketplace.kernel.language import Language, reading, told
from schemas import funding as wire

AT_ONCE: Final = 100


async def find(session: AsyncSession, actor: Actor, call_id: UUID) -> FundingBookmark | None:
    """The actor's own; None for everybody who keeps no eye on it."""
    if actor.person_id is None:
        return None
    return await session.get(FundingBookmark, (call_id, actor.person_id), populate_existing=True)


async def keep(session: AsyncSession, actor: Actor, call_id: UUID, wish: wire.FundingBookmark) -> FundingBookmark:
    """Keep an eye on a call that the actor sees; saying it again changes when the letter comes."""
    call = await calls.read(session, actor, call_id)
    now = clock.now()
    # Whoever looks at it within those days knows the deadline.
    near = call.closes_at is not None and call.closes_at <= now + timedelta(days=wish.days_before)
    made = insert(FundingBookmark).values(
        call_id=call_id, person_id=actor.person, days_before=wish.days_before, since=now,
        reminded_for=call.closes_at if near else None,
    )  # fmt: skip
    changed = {"days_before": made.excluded.days_before, "reminded_for": made.excluded.reminded_for}
    key = [FundingBookmark.call_id, FundingBookmark.person_id]
    await session.execute(made.on_conflict_do_update(index_elements=key, set_=changed))
    kept = await find(session, actor, call_id)
    assert kept is not None
    return kept


async def drop(session: AsyncSession, actor: Actor, call_id: UUID) -> None:
    """No longer keep an eye on it."""
    await calls.read(session, actor, call_id)
    await session.execute(
        delete(FundingBookmark).where(FundingBookmark.call_id == call_id, FundingBookmark.person_id == actor.person)
    )


_SUBJECT: Final = "申报提醒：{title} · Apply soon: {title}"
_TEXT: Final = (
    "您收藏的资金将于 {at}（北京时间）截止：\n\n{title}\n{giver}\n\n查看与取消提醒：{link}"
    " · A call that you keep an eye on closes at {at} (Beijing time):\n\n{title}\n{giver}\n\nRead it, or stop these"
    " letters: {link}"
)


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
        language: Language = "en" if locale == "en" else "zh"
        mark = reading.set(language)
        facts = {
            "title": call.title_en if language == "en" and call.title_en else call.title,
            "at": sheets.deadline(call.closes_at),
            "giver": giver,
            "link": f"{public_url.rstrip('/')}/funding/{call.id}",
        }
        reading.reset(mark)
        await mail.post(
            session,
            to=email,
            subject=told(_SUBJECT, language).format(**facts),
            text=told(_TEXT, language).format(**facts),
        )
        kept.reminded_for = call.closes_at
    await session.flush()
    return len(found)
