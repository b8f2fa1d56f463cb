"""The draft of the lexicon: terms that are to count whole, listed, added one by one or as a list, removed, exported."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging, page
from marketplace.kernel.refusals import Conflict, Invalid, NotFound, refusing
from marketplace.kernel.sheets import as_typed, harmless
from marketplace.lexicon import facts
from marketplace.lexicon.models import Term
from marketplace.lexicon.policy import require_keeper
from matching.lexicon import LONGEST
from matching.synonyms import spelt
from matching.text import count_terms, cut
from schemas.base import FieldError
from schemas.lexicon import ImportReport, LineWrong, TermFilter, TermOrigin, TermsImported, TermWritten

MOST: Final = 20_000
"""Every process holds them all, and every text is looked through for them."""
TOLD: Final = 100
_NOTE: Final = 200
_SOME: Final = 1000
_HEADS: Final = frozenset({"term", "术语"})


class AlreadyATerm(Conflict):
    """这个术语已在草稿中。 · This term is in the draft already."""


class TooManyTerms(Conflict):
    """术语已达上限，请先删除不用的。 · There are as many terms as the platform keeps; remove some first."""


class NoTerm(Invalid):
    """这不能作为术语。 · This cannot be a term."""


_WRONG: Final = {
    "too_short": "术语至少两个字符。 · A term has two characters at least.",
    "too_long": "术语最多 60 个字符。 · A term has 60 characters at most.",
    "no_term": ("不能全是虚词、数字或符号。 · It cannot be made of function words, digits or marks alone."),
    "already_a_word": (
        "词典里已是一个完整的词，匹配时本来就作为整体，无须添加。"
        " · The dictionary has this as one word, which counts whole as it is; there is no need to add it."
    ),
    "note_too_long": "说明最多 200 个字。 · A note has 200 characters at most.",
    "not_text": "含有不能保存的字符。 · There are characters that cannot be kept.",
}


def wrong_with(key: str) -> str | None:
    """Why a folded spelling cannot be a term; None where it can."""
    if len(key) < 2:
        return "too_short"
    if len(key) > LONGEST:
        return "too_long"
    if not count_terms(key):
        return "no_term"
    return "already_a_word" if cut(key) == [key] else None


async def listed(session: AsyncSession, paging: Paging, wish: TermFilter) -> tuple[list[Term], str | None]:
    """The draft, latest first."""
    statement = select(Term)
    if wish.q is not None:
        # Short rows, `MOST` of them: looked through, not indexed.
        statement = statement.where(Term.key.contains(spelt(wish.q), autoescape=True))
    if wish.origin is not None:
        statement = statement.where(Term.origin == wish.origin)
    rows, marker = await page(session, statement, ((Term.created_at, datetime), (Term.id, UUID)), paging)
    return [row[0] for row in rows], marker


async def add(session: AsyncSession, actor: Actor, wish: TermWritten) -> Term:
    """Into the draft; it counts once the draft is put to use."""
    require_keeper(actor)
    key = spelt(wish.text)
    if (code := wrong_with(key)) is not None:
        raise NoTerm(errors=[FieldError(pointer="/text", code=code, detail=_WRONG[code])])
    await room_for(session, 1)
    made = Term(
        text=wish.text, key=key, note=wish.note, origin=TermOrigin.USER, created_at=clock.now(), created_by=actor.person
    )
    with refusing(term_key_key=AlreadyATerm):
        async with session.begin_nested():
            session.add(made)
    await record(session, facts.TermsAdded([made.text], 1), subject=made.id, by=actor.person)
    return made


async def room_for(session: AsyncSession, more: int) -> None:
    if (await session.scalar(select(func.count()).select_from(Term)) or 0) + more > MOST:
        raise TooManyTerms


async def remove(session: AsyncSession, actor: Actor, term_id: UUID) -> None:
    """From the draft; it counts until the draft is put to use."""
    require_keeper(actor)
    gone = await session.scalar(delete(Term).where(Term.id == term_id).returning(Term.text))
    if gone is None:
        raise NotFound
    await record(session, facts.TermRemoved(term_id, gone), subject=term_id, by=actor.person)


class _Line(NamedTuple):
    number: int
    text: str
    note: str | None


def _lines(text: str) -> Iterator[_Line]:
    for number, line in enumerate(text.split("\n"), 1):
        cells = next(csv.reader([line]), [])
        word = as_typed(cells[0].strip().removeprefix("\ufeff")) if cells else ""
        if not word or (number == 1 and spelt(word) in _HEADS):
            continue
        note = as_typed(cells[1].strip()) if len(cells) > 1 else ""
        yield _Line(number, word, note or None)


def _looked_at(lines: Iterable[_Line]) -> tuple[dict[str, _Line], int, list[tuple[int, str]]]:
    """Those that may be terms, by their keys; how many lines say so twice; the line and code of what is wrong."""
    good: dict[str, _Line] = {}
    twice, wrong = 0, list[tuple[int, str]]()
    for line in lines:
        key = spelt(line.text)
        code = wrong_with(key) or ("note_too_long" if len(line.note or "") > _NOTE else None)
        if code is not None:
            wrong.append((line.number, code))
        elif key in good:
            twice += 1
        else:
            good[key] = line
    return good, twice, wrong


async def take_in(session: AsyncSession, actor: Actor, wish: TermsImported) -> ImportReport:
    """A list into the draft, or what would become of it. What is wrong is left out and told, line by line."""
    require_keeper(actor)
    good, twice, wrong = _looked_at(_lines(wish.text))
    there = await _known(session, list(good))
    new = {key: line for key, line in good.items() if key not in there}
    added = len(new)
    if new and not wish.dry_run:
        await room_for(session, len(new))
        added = await put(
            session, [(line.text, key, line.note) for key, line in new.items()], TermOrigin.USER, actor.person
        )
    return ImportReport(
        dry_run=wish.dry_run,
        lines=len(good) + twice + len(wrong),
        added=added,
        known=len(good) - added + twice,
        wrong=len(wrong),
        errors=[LineWrong(line=number, code=code, detail=told(_WRONG[code])) for number, code in wrong[:TOLD]],
    )


async def _known(session: AsyncSession, keys: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(keys), _SOME):
        rows = await session.scalars(select(Term.key).where(Term.key.in_(keys[start : start + _SOME])))
        found.update(rows.all())
    return found


async def put(session: AsyncSession, terms: Sequence[tuple[str, str, str | None]], origin: TermOrigin, by: UUID) -> int:
    """(text, key, note) into the draft, those that it has not. Answers how many."""
    now, made = clock.now(), list[str]()
    for start in range(0, len(terms), _SOME):
        values = [
            {
                "id": uuid7(), "text": text, "key": key, "note": note, "origin": origin, "created_at": now,
                "created_by": by,
            }
            for text, key, note in terms[start : start + _SOME]
        ]  # fmt: skip
        adding = insert(Term).values(values).on_conflict_do_nothing(index_elements=["key"]).returning(Term.text)
        made += (await session.scalars(adding)).all()
    if made:
        await record(session, facts.TermsAdded(made[:TOLD], len(made)), by=by)
    return len(made)


async def exported(session: AsyncSession) -> bytes:
    """The draft as CSV, as `take_in` takes it, with what else is known of each."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["term", "note", "origin", "created_at"])
    rows = await session.execute(
        select(Term.text, Term.note, Term.origin, Term.created_at).order_by(Term.created_at, Term.id)
    )
    for text, note, origin, at in rows.all():
        writer.writerow([harmless(text), harmless(note or ""), origin.value, at.isoformat()])
    return ("\ufeff" + out.getvalue()).encode()
