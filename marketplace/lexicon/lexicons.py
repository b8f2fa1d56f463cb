"""Versions of the lexicon: what is in use, what the draft would change, put to use, gone back to."""

from datetime import datetime
from typing import Final

from sqlalchemy import Select, delete, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import Paging, page
from marketplace.kernel.refusals import Conflict, NotFound
from marketplace.lexicon import facts, terms
from marketplace.lexicon.models import LexiconEntry, LexiconVersion, Term
from marketplace.lexicon.policy import require_keeper
from matching.lexicon import Lexicon
from schemas.lexicon import LexiconDraftView, LexiconVersionNew, TermOrigin

TOLD: Final = 100


class NothingChanged(Conflict):
    """草稿与正在使用的版本相同。 · The draft is the same as the version in use."""


async def active(session: AsyncSession) -> LexiconVersion:
    """The version in use; there always is one."""
    found = await session.scalar(
        select(LexiconVersion).where(LexiconVersion.active).execution_options(populate_existing=True)
    )
    assert found is not None
    return found


async def current(session: AsyncSession) -> Lexicon:
    """What records and questions are read with from now on."""
    number = (await active(session)).number
    terms = await session.scalars(select(LexiconEntry.key).where(LexiconEntry.number == number))
    return Lexicon.of(terms.all(), number)


async def listed(session: AsyncSession, paging: Paging) -> tuple[list[LexiconVersion], str | None]:
    """All versions, latest first."""
    rows, marker = await page(session, select(LexiconVersion), ((LexiconVersion.number, int),), paging)
    return [row[0] for row in rows], marker


async def read(session: AsyncSession, number: int) -> LexiconVersion:
    found = await session.get(LexiconVersion, number, populate_existing=True)
    if found is None:
        raise NotFound
    return found


async def terms_of(session: AsyncSession, number: int, paging: Paging) -> tuple[list[LexiconEntry], str | None]:
    """A version's terms, in the order of their spelling."""
    await read(session, number)
    statement = select(LexiconEntry).where(LexiconEntry.number == number)
    rows, marker = await page(session, statement, ((LexiconEntry.key, str),), paging, rising=True)
    return [row[0] for row in rows], marker


def _added(number: int) -> Select[str, str]:
    known = select(LexiconEntry.key).where(LexiconEntry.number == number)
    return select(Term.text, Term.key).where(Term.key.not_in(known))


def _removed(number: int) -> Select[str, str]:
    drafted = select(Term.key)
    return select(LexiconEntry.text, LexiconEntry.key).where(
        LexiconEntry.number == number, LexiconEntry.key.not_in(drafted)
    )


async def _count(session: AsyncSession, statement: Select[str, str]) -> int:
    return await session.scalar(select(func.count()).select_from(statement.subquery())) or 0


async def draft(session: AsyncSession) -> LexiconDraftView:
    """How the draft differs from what is in use."""
    number = (await active(session)).number
    added, removed = _added(number), _removed(number)
    return LexiconDraftView(
        active=number,
        terms=await session.scalar(select(func.count()).select_from(Term)) or 0,
        added=await _count(session, added),
        removed=await _count(session, removed),
        added_terms=[row.text for row in (await session.execute(added.order_by(Term.key).limit(TOLD))).all()],
        removed_terms=[
            row.text for row in (await session.execute(removed.order_by(LexiconEntry.key).limit(TOLD))).all()
        ],
    )


async def _alone(session: AsyncSession) -> None:
    """Versions are numbered and put to use one after the other; number 0, which never goes, is the turnstile."""
    await session.execute(select(LexiconVersion.number).where(LexiconVersion.number == 0).with_for_update())


async def put_to_use(session: AsyncSession, actor: Actor, wish: LexiconVersionNew) -> LexiconVersion:
    """Make the draft the next version, and rank with it from now on."""
    require_keeper(actor)
    await _alone(session)
    before = await active(session)
    now = clock.now()
    made = await _numbered(session, actor, before, wish.note, now)
    if not made.added and not made.removed:
        raise NothingChanged
    return await _use(session, made, before, actor, now)


async def _numbered(
    session: AsyncSession, actor: Actor, before: LexiconVersion, note: str | None, now: datetime
) -> LexiconVersion:
    """The draft as a version of its own, not in use."""
    added, removed = await _count(session, _added(before.number)), await _count(session, _removed(before.number))
    last = await session.scalar(select(func.max(LexiconVersion.number)))
    assert last is not None
    made = LexiconVersion(
        number=last + 1, active=False, note=note, terms=before.terms + added - removed, added=added,
        removed=removed, against=before.number, created_at=now, created_by=actor.person,
    )  # fmt: skip
    session.add(made)
    await session.flush()
    await session.execute(
        insert(LexiconEntry).from_select(["number", "key", "text"], select(literal(made.number), Term.key, Term.text))
    )
    return made


async def _is_a_version(session: AsyncSession) -> bool:
    """Whether the draft is what some version has already."""
    size = await session.scalar(select(func.count()).select_from(Term)) or 0
    alike = (await session.scalars(select(LexiconVersion.number).where(LexiconVersion.terms == size))).all()
    for number in alike:
        if not await _count(session, _added(number)):
            return True
    return False


async def activate(session: AsyncSession, actor: Actor, number: int) -> LexiconVersion:
    """Rank with a version that was made before; the draft stays as it is."""
    require_keeper(actor)
    await _alone(session)
    made, before = await read(session, number), await active(session)
    return made if made.active else await _use(session, made, before, actor, clock.now())


async def _use(
    session: AsyncSession, made: LexiconVersion, before: LexiconVersion, actor: Actor, now: datetime
) -> LexiconVersion:
    before.active = False
    await session.flush()
    made.active, made.activated_at, made.activated_by = True, now, actor.person
    await session.flush()
    await record(session, facts.LexiconActivated(made.number, before.number), by=actor.person)
    return made


async def draft_from(session: AsyncSession, actor: Actor, number: int) -> LexiconDraftView:
    """Make the draft what a version has; terms that it had already keep their notes and origins.

    A draft that is no version yet becomes one first, not in use: what somebody collected is not lost.
    """
    require_keeper(actor)
    await _alone(session)
    await read(session, number)
    if not await _is_a_version(session):
        note = f"以版本 {number} 代替之前的草稿 · the draft before it became version {number}"
        await _numbered(session, actor, await active(session), note, clock.now())
    kept = select(LexiconEntry.key).where(LexiconEntry.number == number)
    await session.execute(delete(Term).where(Term.key.not_in(kept)).execution_options(synchronize_session=False))
    missing = select(LexiconEntry.text, LexiconEntry.key).where(
        LexiconEntry.number == number, LexiconEntry.key.not_in(select(Term.key))
    )
    rows = [(row.text, row.key, None) for row in (await session.execute(missing.order_by(LexiconEntry.key))).all()]
    await terms.put(session, rows, TermOrigin.USER, actor.person)
    return await draft(session)
