"""Spellings that mean the same (锂电池 = 锂离子电池): listed, added, removed, and read by the ranking."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, Invalid, NotFound, refusing
from marketplace.lexicon import facts
from marketplace.lexicon.models import Synonym
from marketplace.lexicon.policy import lexicon_kept_by
from matching.synonyms import spelt
from matching.text import count_terms
from schemas.base import FieldError
from schemas.lexicon import SynonymFilter, SynonymWritten

# Each process holds them all, and every question is looked through for them.
MOST: Final = 20_000


class NotTheirLexicon(Forbidden):
    """只有平台管理员可以修改同义词。 · Only a platform administrator changes the synonyms."""


class AlreadyKnown(Conflict):
    """这一组同义词已经存在。 · These spellings are known to mean the same already."""


class LexiconFull(Conflict):
    """同义词已达上限，请先删除不用的。 · There are as many synonyms as the platform keeps; remove some first."""


class NoSpelling(Invalid):
    """有的写法无法用于匹配。 · Some of these spellings cannot be matched."""


async def listed(
    session: AsyncSession, paging: Paging, wish: SynonymFilter | None = None
) -> tuple[list[Synonym], str | None]:
    """All of them, or those with a spelling that has some text in it, latest first."""
    statement = select(Synonym)
    if wish is not None and wish.q is not None:
        # A few thousand short rows at most (`MOST`): looked through, not indexed.
        statement = statement.where(func.array_to_string(Synonym.key, "\n").contains(spelt(wish.q), autoescape=True))
    rows, marker = await page(
        session, statement, ((Synonym.created_at, datetime), (Synonym.id, UUID)), paging
    )  # fmt: skip
    return [row[0] for row in rows], marker


async def current(session: AsyncSession) -> Sequence[Sequence[str]]:
    """What the ranking reads: the spellings of each group, always in the same order."""
    return (await session.scalars(select(Synonym.spellings).order_by(Synonym.created_at, Synonym.id))).all()


async def add(session: AsyncSession, actor: Actor, wish: SynonymWritten) -> Synonym:
    """From now on a question that uses one of these spellings asks for the others too."""
    if not lexicon_kept_by(actor):
        raise NotTheirLexicon
    folded = [spelt(one) for one in wish.spellings]
    errors = [
        FieldError(pointer=f"/spellings/{place}", code=code, detail=detail)
        for place, one in enumerate(folded)
        for code, detail in _wrong(one, folded[:place])
    ]
    if errors:
        raise NoSpelling(errors=errors)
    if (await session.scalar(select(func.count()).select_from(Synonym)) or 0) >= MOST:
        raise LexiconFull
    made = Synonym(spellings=list(wish.spellings), key=sorted(folded), created_by=actor.person)
    with refusing(synonym_key_key=AlreadyKnown):
        async with session.begin_nested():
            session.add(made)
    await session.refresh(made)
    await record(session, facts.SynonymAdded(made.id, made.spellings), subject=made.id, by=actor.person)
    return made


_NO_TERM = (
    "写法至少两个字符，且不能全是虚词、数字或符号。"
    " · A spelling has two characters at least, and is not made of function words, digits or marks alone."
)
_SAME = "这种写法上面已经有了。 · This spelling is already among those above."


def _wrong(one: str, before: Sequence[str]) -> list[tuple[str, str]]:
    if len(one) < 2 or not count_terms(one):
        return [("no_term", _NO_TERM)]
    return [("same_spelling", _SAME)] if one in before else []


async def remove(session: AsyncSession, actor: Actor, synonym_id: UUID) -> None:
    """From now on each of its spellings stands for itself."""
    if not lexicon_kept_by(actor):
        raise NotTheirLexicon
    gone = await session.scalar(delete(Synonym).where(Synonym.id == synonym_id).returning(Synonym.spellings))
    if gone is None:
        raise NotFound
    await record(session, facts.SynonymRemoved(synonym_id, gone), subject=synonym_id, by=actor.person)


async def read(session: AsyncSession, synonym_id: UUID) -> Synonym:
    found = await session.get(Synonym, synonym_id)
    if found is None:
        raise NotFound
    return found


async def change(session: AsyncSession, actor: Actor, synonym_id: UUID, wish: SynonymWritten) -> Synonym:
    """Other spellings in the place of these: nothing in between, and either both or neither is done."""
    await remove(session, actor, synonym_id)
    return await add(session, actor, wish)
