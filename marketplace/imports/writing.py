"""Putting checked records into the database, hundreds a statement.

The chunks of the spool go to PostgreSQL as they are: it reads the JSON into rows of the table itself, so a record costs
this process nothing, unless one that is there already has to be changed.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import Executable, text
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.imports.checking import BODIES
from marketplace.imports.statements import PUBLISH, Statements
from marketplace.kernel import clock, facts
from marketplace.kernel.db import COMMAND_SECONDS
from marketplace.kernel.refusals import Unavailable
from marketplace.listings import bodies, completeness, derived
from marketplace.listings.facts import ListingsImported
from marketplace.listings.records import SHOWN_STATES
from schemas.imports import Finding, ImportKind
from schemas.listings import ListingKind, ListingState

FACT_IDS: Final = 1000
# So far apart the indexes of new rows are brought up to date, so that nobody's search has to look through what waits.
SETTLE_CHARACTERS: Final = 10_000_000
SETTLE_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose records these are and how they are to stand. `state` is what `publish` makes of a draft; None keeps drafts."""

    kind: ImportKind
    organisation_id: UUID
    by: UUID | None
    state: ListingState | None
    fresh_for: timedelta
    # Under which id the import is remembered, and the name of its file.
    import_id: UUID
    name: str

    @property
    def listing(self) -> ListingKind:
        """The kind, where it is one of listings."""
        return ListingKind(self.kind)


@dataclass
class Written:
    """How many records were new, changed, as they were; which were touched; and what could not be changed, and why."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    touched: list[UUID] = field(default_factory=list)
    failed: int = 0
    errors: list[Finding] = field(default_factory=list)
    notices: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Known:
    """A record of a chunk that is in the database: what it says and will say, when that differs or it is a draft.

    `short`: the row by itself lacks what publishing asks for, and was told to stay a draft.
    """

    place: int
    at: tuple[str | None, int]
    id: UUID
    state: ListingState
    changed: bool
    short: bool
    says: dict[str, Any]
    becomes: dict[str, Any]


_LOCK: Final = text("select pg_try_advisory_xact_lock(hashtextextended(:what, 0))")
_PLANS: Final = text("set local plan_cache_mode = force_custom_plan")
_LEARN: Final = "analyze listing (kind, organisation_id, source, external_id)"
_SETTLE: Final = """
    select gin_clean_pending_list(i.indexrelid) from pg_index i
    join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
    where i.indrelid = 'listing'::regclass and a.amname = 'gin' and pg_has_role(c.relowner, 'USAGE')"""


async def alone(session: AsyncSession, kind: ImportKind, organisation_id: UUID) -> bool:
    """Whether this transaction may now import for the organisation: one does at a time, so no two wait for each other."""
    return bool(await session.scalar(_LOCK, {"what": f"import {kind} {organisation_id}"}))


async def write(
    session: AsyncSession,
    wish: Wish,
    chunks: AsyncIterator[str],
    sizes: Sequence[int],
    on_progress: Callable[[int], Awaitable[None]],
) -> Written:
    """Write the records of every chunk, and the facts that say so. The caller's transaction holds all of it or none."""
    statements = Statements(wish.listing)
    written = Written()
    # The table grows with every chunk: a plan made for an empty one would do for the first only.
    await session.execute(_PLANS)
    done = unsettled = 0
    places = iter(sizes)
    async for chunk in chunks:
        size = next(places)
        if await _chunk(session, wish, statements, chunk, size, written):
            unsettled += len(chunk)
        if unsettled >= SETTLE_CHARACTERS:
            await settle(session)
            unsettled = 0
        done += size
        await on_progress(done)
    for start in range(0, len(written.touched), FACT_IDS):
        fact = ListingsImported(wish.kind.value, written.touched[start : start + FACT_IDS])
        await facts.record(session, fact, subject=wish.organisation_id, by=wish.by)
    return written


async def compare(session: AsyncSession, wish: Wish, chunks: AsyncIterator[str], sizes: Sequence[int]) -> Written:
    """What writing would do, without doing it."""
    statements = Statements(wish.listing)
    found = Written()
    places = iter(sizes)
    async for chunk in chunks:
        known = await _known(session, wish, statements.known, chunk)
        found.created += next(places) - len(known)
        _count(found, wish, _allowed(wish, known, found))
    return found


def _to_publish(wish: Wish, known: _Known) -> bool:
    if wish.state is None or known.state is not ListingState.DRAFT:
        return False
    return not (known.short and completeness.required(wish.listing, as_row(known.becomes)))


def _allowed(wish: Wish, known: Sequence[_Known], found: Written) -> list[_Known]:
    """The records that may become what they would. One that everybody reads must not lose what publishing asked for."""
    allowed = []
    for one in known:
        shown = one.state in SHOWN_STATES or _to_publish(wish, one)
        lacking = completeness.required(wish.listing, as_row(one.becomes)) if shown and one.becomes else []
        if lacking and one.state in SHOWN_STATES:
            before = completeness.required(wish.listing, as_row(one.says))
            lacking = [item for item in lacking if item not in before]
        if not lacking:
            allowed.append(one)
            continue
        found.failed += 1
        sheet, row = one.at
        found.errors += [
            Finding(sheet=sheet, row=row, field=item.field, code="missing_for_publishing", detail=item.advice)
            for item in lacking
        ]
    return allowed


def as_row(content: Mapping[str, Any]) -> SimpleNamespace:
    deadline = content.get("deadline")
    return SimpleNamespace(**{**content, "deadline": date.fromisoformat(deadline) if deadline else None})


def _count(written: Written, wish: Wish, known: Sequence[_Known]) -> None:
    updated = sum(one.changed or _to_publish(wish, one) for one in known)
    written.updated += updated
    written.unchanged += len(known) - updated


async def _known(session: AsyncSession, wish: Wish, statement: Executable, chunk: str) -> list[_Known]:
    found = await session.execute(
        statement, {"chunk": chunk, "kind": wish.kind.value, "organisation_id": wish.organisation_id}
    )
    return [
        _Known(
            row.place,
            tuple(row.at),
            row.id,
            ListingState(row.state),
            row.changed,
            row.short,
            row.says or {},
            row.becomes or {},
        )
        for row in found
    ]


async def _chunk(
    session: AsyncSession, wish: Wish, statements: Statements, chunk: str, size: int, written: Written
) -> bool:
    """One chunk. Answers whether it brought anything new."""
    created = await _create(session, wish, statements, chunk, len(written.touched))
    known: list[_Known] = []
    if len(created) < size:
        ours = frozenset(created)
        known = [one for one in await _known(session, wish, statements.lock, chunk) if one.id not in ours]
        if len(created) + len(known) < size:
            # What stood in the way of these is gone again, which nothing of ours does.
            raise Unavailable
        known = _allowed(wish, known, written)
    changed = [one for one in known if one.changed]
    publish = [one for one in known if _to_publish(wish, one)]
    if changed:
        await _change(session, wish, statements, changed)
    if publish:
        await session.execute(
            PUBLISH,
            _standing(wish) | {"ids": [one.id for one in publish], "changed_ids": [one.id for one in changed]},
        )
    touched = list(dict.fromkeys(one.id for one in (*changed, *publish)))
    if touched:
        await _remember(session, wish, statements, known, publish, touched, len(written.touched) + len(created))
    written.created += len(created)
    written.touched += [*created, *touched]
    _count(written, wish, known)
    return bool(created or touched)


def _standing(wish: Wish) -> dict[str, Any]:
    now = clock.now()
    published = wish.state is ListingState.PUBLISHED
    return {
        "now": now,
        "state": (wish.state or ListingState.DRAFT).value,
        "published_at": now if published else None,
        "confirmed_until": now + wish.fresh_for if published else None,
    }


async def _create(session: AsyncSession, wish: Wish, statements: Statements, chunk: str, before: int) -> list[UUID]:
    """Insert what is new; `before` rows are remembered already. What is there already stays for a look at it."""
    made = await session.scalars(
        statements.create,
        _standing(wish)
        | {
            "chunk": chunk,
            "unsaid": statements.unsaid,
            "kind": wish.kind.value,
            "organisation_id": wish.organisation_id,
            "by": wish.by,
            "import_id": wish.import_id,
            "before": before,
        },
    )
    return list(made)


async def _change(session: AsyncSession, wish: Wish, statements: Statements, changed: Sequence[_Known]) -> None:
    """New content for locked rows; the old goes into their history first."""
    await change(session, statements, {one.id: one.becomes for one in changed}, by=wish.by)


async def change(
    session: AsyncSession, statements: Statements, become: Mapping[UUID, dict[str, Any]], *, by: UUID | None
) -> None:
    """Locked rows say something else from now on; what they said is kept."""
    await session.execute(statements.keep, {"ids": list(become), "by": by})
    rows = [says | {"id": str(key)} | derived.kept(says) for key, says in become.items()]
    await session.execute(statements.change, {"changed": orjson.dumps(rows).decode(), "now": clock.now()})


async def _remember(
    session: AsyncSession, wish: Wish, statements: Statements, known: Sequence[_Known], publish: Sequence[_Known],
    touched: Sequence[UUID], before: int,
) -> None:  # fmt: skip
    """What was changed, and what it said; parts of one field are remembered together, for they have to agree."""
    shape = BODIES[wish.listing]
    by_id = {one.id: one for one in known}
    published = {one.id for one in publish}
    rows = []
    for number, key in enumerate(touched, before + 1):
        one = by_id[key]
        differ = {name for name in one.says if one.changed and one.says[name] != one.becomes[name]}
        names = {name for field in bodies.named(differ, shape) for name in bodies.columns_of(field)}
        rows.append(
            {
                "id": str(key), "number": number, "sheet": one.at[0], "row": one.at[1],
                "published": key in published, "said": {name: one.says[name] for name in names},
            }
        )  # fmt: skip
    await session.execute(statements.remember, {"changed": orjson.dumps(rows).decode(), "import_id": wish.import_id})


async def settle(session: AsyncSession, *, afterwards: bool = False) -> None:
    """Work new rows into the search index now, so that nobody else's write has to do it while somebody waits for that.

    `afterwards`, in a transaction of its own, it also lets the planner know what keys there are now.
    """
    await session.execute(text("set local statement_timeout = 0"))
    await session.execute(text("set local maintenance_work_mem = '128MB'"))
    raw = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(raw, asyncpg.Connection)
    await raw.fetch(_SETTLE, timeout=SETTLE_SECONDS)
    if afterwards:
        await raw.execute(_LEARN, timeout=SETTLE_SECONDS)
    await session.execute(text(f"set local statement_timeout = {COMMAND_SECONDS * 1000}"))
