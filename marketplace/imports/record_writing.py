"""Writing what is told as a patch, of instruments and experts: new records made, known ones changed, a chunk at a time.

A record is known by its own id, as our exports write it, or by where it came from and what it is called there. What a file
does not say stays as it is.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.imports.writing import FACT_IDS, Wish, Written
from marketplace.kernel import facts
from marketplace.kernel.facts import Fact
from schemas.imports import Finding
from schemas.listings import CompletenessItem

Place = tuple[str | None, int]
"""The sheet and the row that spoke of it."""
MOST_NOTICES: Final = 200
Record = TypeVar("Record")


@dataclass
class Change:
    """A known record and what becomes of it."""

    at: Place
    id: UUID
    patch: Any
    fields: list[str]
    publish: bool = False


@dataclass
class Plan(Generic[Record]):
    """What one chunk comes to."""

    new: list[tuple[Place, Record]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0


_OWNER: Final = CompletenessItem(
    field="owner",
    required=True,
    advice="这一行属于另一个单位：请只导入本单位的记录，或删去统一社会信用代码一列。"
    " · This row belongs to another organisation: import only your own records, or remove the column of credit codes.",
)


class Writer(ABC, Generic[Record]):
    """Writes the records of one kind for one import, and remembers from chunk to chunk what has to be."""

    model: ClassVar[Any]
    # What a record of the kind is called in an error: its code, 一台仪器, an instrument.
    called: ClassVar[tuple[str, str, str]]
    # Whether what is known is held fast when it is looked at, or only when it is changed.
    locks_at_once: ClassVar[bool] = False

    def __init__(self, wish: Wish, organisation: Organisation) -> None:
        self.wish, self.organisation = wish, organisation
        self.written = Written()
        # Which row spoke of a record already: two must not.
        self._rows: dict[UUID, Place] = {}

    @abstractmethod
    def fact(self, ids: list[UUID]) -> Fact:
        """What is told of all that were touched."""

    @abstractmethod
    def new(self, at: Place, row: dict[str, Any]) -> Record | None:
        """The record of a row of which nothing is known; None, and an error, where there can be none."""

    @abstractmethod
    def changed(self, at: Place, row: dict[str, Any], known: Record) -> Change | None:
        """What becomes of a known one; None, and an error, where that is not allowed."""

    @abstractmethod
    async def create(self, session: AsyncSession, new: Sequence[tuple[Place, Record]]) -> None:
        """Write what is new, and remember it."""

    @abstractmethod
    async def change(self, session: AsyncSession, changes: Sequence[Change]) -> None:
        """Write what becomes of known ones, and remember what they said."""

    def with_parts(self, statement: Select[Any]) -> Select[Any]:
        """The statement that reads known records, with what has to be read beside."""
        return statement

    async def look(self, session: AsyncSession, rows: Sequence[dict[str, Any]], known: Sequence[Record]) -> None:
        """Read what else the rows of a chunk need to be judged by."""

    def wrong(self, at: Place, *found: CompletenessItem, code: str) -> None:
        sheet, row = at
        self.written.failed += 1
        self.written.errors += [
            Finding(sheet=sheet, row=row, field=item.field, code=code, detail=item.advice) for item in found
        ]

    def notice(self, at: Place, name: str, code: str, detail: str) -> None:
        """Something to know of one row; past a bound the rest are counted together."""
        found = self.written.notices
        if len(found) < MOST_NOTICES:
            found.append(Finding(sheet=at[0], row=at[1], column=name, field=name, code=code, detail=detail))
        elif len(found) == MOST_NOTICES:
            found.append(Finding(column=name, field=name, code=code, detail=detail))
        else:
            found[-1] = found[-1].model_copy(update={"rows": found[-1].rows + 1})

    async def write(self, session: AsyncSession, chunk: str) -> None:
        """Write one chunk."""
        plan = await self._plan(session, chunk, lock=self.locks_at_once)
        self.written.unchanged += plan.unchanged
        if plan.new:
            await self.create(session, plan.new)
            self.written.created += len(plan.new)
            self.written.touched += [one.id for _, one in plan.new]  # type: ignore[attr-defined]
        if plan.changes:
            await self.change(session, plan.changes)
            self.written.updated += len(plan.changes)
            self.written.touched += [change.id for change in plan.changes]
        await self._forget(session)

    async def compare(self, session: AsyncSession, chunk: str) -> None:
        """Count what writing one chunk would do."""
        plan = await self._plan(session, chunk, lock=False)
        self.written.created += len(plan.new)
        self.written.updated += len(plan.changes)
        self.written.unchanged += plan.unchanged
        await self._forget(session)

    async def _forget(self, session: AsyncSession) -> None:
        """What was written is the database's now; a long file would fill this process with it."""
        session.expunge_all()
        self.organisation = await session.get_one(Organisation, self.wish.organisation_id)

    async def _plan(self, session: AsyncSession, chunk: str, *, lock: bool) -> Plan[Record]:
        rows: list[dict[str, Any]] = json.loads(chunk)
        found = await self._known(session, rows, lock=lock)
        await self.look(session, rows, found)
        own = {str(one.id): one for one in found}
        called = {(one.source, one.external_id): one for one in found if one.source is not None}
        plan = Plan[Record]()
        for row in rows:
            at = (row["at"][0], row["at"][1])
            if row["owner"] and row["owner"].strip().upper() != self.organisation.uscc:
                self.wrong(at, _OWNER, code="another_organisation")
                continue
            known = own.get(row["own"] or "") or called.get((row["source"], row["external_id"]))
            if known is None:
                made = self.new(at, row)
                if made is not None:
                    plan.new.append((at, made))
                continue
            first = self._rows.setdefault(known.id, at)
            if first != at:
                self.wrong(at, self._twice(first), code=f"{self.called[0]}_twice")
                continue
            change = self.changed(at, row, known)
            if change is None:
                continue
            if change.fields or change.publish:
                plan.changes.append(change)
            else:
                plan.unchanged += 1
        return plan

    async def _known(self, session: AsyncSession, rows: Sequence[dict[str, Any]], *, lock: bool) -> Sequence[Any]:
        """The organisation's records that rows speak of, by their own ids or by what they are called at their source."""
        ids = [UUID(row["own"]) for row in rows if row["own"]]
        names = [(row["source"], row["external_id"]) for row in rows]
        model = self.model
        statement = select(model).where(
            model.organisation_id == self.wish.organisation_id,
            or_(model.id.in_(ids), tuple_(model.source, model.external_id).in_(names)),
        )
        if lock:
            statement = statement.order_by(model.id).with_for_update(of=model)
        return (await session.scalars(self.with_parts(statement))).all()

    def _twice(self, first: Place) -> CompletenessItem:
        sheet, row = first
        where = f"{sheet}!{row}" if sheet else f"{row}"
        _, chinese, english = self.called
        advice = f"与第 {where} 行是同{chinese}，只留一行。 · This is the same {english} as in row {where}; keep one of them."
        return CompletenessItem(field="external_id", required=True, advice=advice)


async def write(
    of: type[Writer[Any]],
    session: AsyncSession,
    wish: Wish,
    chunks: AsyncIterator[str],
    sizes: Sequence[int],
    on_progress: Callable[[int], Awaitable[None]],
) -> Written:
    """Write the records of every chunk, and the facts that say so, in the caller's transaction."""
    writer = of(wish, await session.get_one(Organisation, wish.organisation_id))
    done = 0
    places = iter(sizes)
    async for chunk in chunks:
        await writer.write(session, chunk)
        done += next(places)
        await on_progress(done)
    touched = writer.written.touched
    for start in range(0, len(touched), FACT_IDS):
        fact = writer.fact(touched[start : start + FACT_IDS])
        await facts.record(session, fact, subject=wish.organisation_id, by=wish.by)
    return writer.written


async def compare(
    of: type[Writer[Any]], session: AsyncSession, wish: Wish, chunks: AsyncIterator[str], _sizes: Sequence[int]
) -> Written:
    """What writing would do, without doing it."""
    writer = of(wish, await session.get_one(Organisation, wish.organisation_id))
    async for chunk in chunks:
        await writer.compare(session, chunk)
    return writer.written
