"""Putting checked instruments into the catalogue: new ones written, known ones changed, a chunk at a time.

An instrument is known by its own address, as our catalogue writes it, or by where it came from and what it is called
there. What a file does not say stays as it is.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from marketplace.identity.models import Organisation
from marketplace.imports import remembering
from marketplace.imports.writing import FACT_IDS, Wish, Written
from marketplace.kernel import facts
from marketplace.kernel.refusals import Conflict
from marketplace.labs import instruments, terms, written
from marketplace.labs.facts import InstrumentsImported
from marketplace.labs.instruments import LengthsOutOfOrder, MustBeOpen
from marketplace.labs.models import Instrument, OpeningException, OpeningHours
from marketplace.reservations import claims
from marketplace.reservations.models import ResourceKind
from schemas.imports import Finding
from schemas.labs import Audience, CustomerClass, InstrumentBody, InstrumentPatch, InstrumentState
from schemas.listings import CompletenessItem

MOST_TERMS: Final = 2000
"""Each instrument whose terms change is closed to bookings until the import stands, by a lock of the server's memory."""
_CALENDAR: Final = frozenset({"hours", "exceptions"})
TERMS: Final = _CALENDAR | set(terms.NAMES)


class TooManyTerms(Conflict):
    """一次最多修改 2000 台仪器的预约规则，请分成几个文件。 · At most 2,000 instruments can have their terms changed at once; split the file."""


Place = tuple[str | None, int]
"""The sheet and the row that spoke of it."""


@dataclass
class _Change:
    """A known instrument and what becomes of it."""

    at: Place
    id: UUID
    patch: InstrumentPatch
    fields: list[str]
    publish: bool


@dataclass
class _Plan:
    """What one chunk comes to."""

    new: list[tuple[Place, Instrument]] = field(default_factory=list)
    changes: list[_Change] = field(default_factory=list)
    unchanged: int = 0


@dataclass
class _Work:
    """What is remembered from chunk to chunk."""

    wish: Wish
    organisation: Organisation
    written: Written = field(default_factory=Written)
    # Which row spoke of an instrument already: two must not.
    rows: dict[UUID, tuple[str | None, int]] = field(default_factory=dict)
    terms_changed: int = 0

    def wrong(self, at: tuple[str | None, int], *found: CompletenessItem, code: str) -> None:
        sheet, row = at
        self.written.failed += 1
        self.written.errors += [
            Finding(sheet=sheet, row=row, field=item.field, code=code, detail=item.advice) for item in found
        ]


async def write(
    session: AsyncSession,
    wish: Wish,
    chunks: AsyncIterator[str],
    sizes: Sequence[int],
    on_progress: Callable[[int], Awaitable[None]],
) -> Written:
    """Write the instruments of every chunk, and the facts that say so, in the caller's transaction."""
    work = _Work(wish, await session.get_one(Organisation, wish.organisation_id))
    done = 0
    places = iter(sizes)
    async for chunk in chunks:
        plan = await _plan(session, work, chunk)
        await _create(session, work, plan)
        await _change(session, work, plan)
        # What was written is the database's now; a long file would fill this process with it.
        session.expunge_all()
        work.organisation = await session.get_one(Organisation, wish.organisation_id)
        done += next(places)
        await on_progress(done)
    touched = work.written.touched
    for start in range(0, len(touched), FACT_IDS):
        fact = InstrumentsImported(touched[start : start + FACT_IDS])
        await facts.record(session, fact, subject=wish.organisation_id, by=wish.by)
    return work.written


async def compare(session: AsyncSession, wish: Wish, chunks: AsyncIterator[str], sizes: Sequence[int]) -> Written:
    """What writing would do, without doing it."""
    work = _Work(wish, await session.get_one(Organisation, wish.organisation_id))
    async for chunk in chunks:
        plan = await _plan(session, work, chunk)
        _count(work, plan)
        session.expunge_all()
        work.organisation = await session.get_one(Organisation, wish.organisation_id)
    return work.written


def _count(work: _Work, plan: _Plan) -> None:
    work.written.created += len(plan.new)
    work.written.updated += len(plan.changes)
    work.written.unchanged += plan.unchanged


async def _plan(session: AsyncSession, work: _Work, chunk: str) -> _Plan:
    rows: list[dict[str, Any]] = json.loads(chunk)
    own, called = await _known(session, work.wish.organisation_id, rows)
    plan = _Plan()
    for row in rows:
        at = (row["at"][0], row["at"][1])
        if row["owner"] and row["owner"].strip().upper() != work.organisation.uscc:
            work.wrong(at, _OWNER, code="another_organisation")
            continue
        known = own.get(row["own"] or "") or called.get((row["source"], row["external_id"]))
        if known is None:
            made = _new(work, at, row)
            if made is not None:
                plan.new.append((at, made))
            continue
        first = work.rows.setdefault(known.id, at)
        if first != at:
            work.wrong(at, _twice(first), code="instrument_twice")
            continue
        change = _changed(work, at, row, known)
        if change is None:
            continue
        if change.fields or change.publish:
            plan.changes.append(change)
        else:
            plan.unchanged += 1
    return plan


async def _known(
    session: AsyncSession, organisation_id: UUID, rows: Sequence[dict[str, Any]]
) -> tuple[dict[str, Instrument], dict[tuple[str, str], Instrument]]:
    """The organisation's instruments that rows speak of, by their own ids and by what they are called at their source."""
    ids = [UUID(row["own"]) for row in rows if row["own"]]
    names = [(row["source"], row["external_id"]) for row in rows]
    found = await session.scalars(
        select(Instrument)
        .where(
            Instrument.organisation_id == organisation_id,
            or_(Instrument.id.in_(ids), tuple_(Instrument.source, Instrument.external_id).in_(names)),
        )
        .options(selectinload(Instrument.hours), selectinload(Instrument.exceptions))
    )
    own: dict[str, Instrument] = {}
    called: dict[tuple[str, str], Instrument] = {}
    for one in found:
        own[str(one.id)] = one
        if one.source is not None and one.external_id is not None:
            called[one.source, one.external_id] = one
    return own, called


def _new(work: _Work, at: tuple[str | None, int], row: dict[str, Any]) -> Instrument | None:
    given = {"region": work.organisation.region} | row["given"]
    if not given.get("name"):
        work.wrong(at, _NAME, code="name_missing")
        return None
    body = InstrumentBody.model_validate(given)
    wrong = list(broken(body.model_dump()))
    if wrong:
        work.wrong(at, *wrong, code="instrument_terms")
        return None
    publish = work.wish.state is not None and not row.get("draft")
    state = InstrumentState.PUBLISHED if publish else InstrumentState.DRAFT
    made = instruments.written_down(work.wish.organisation_id, body, by=work.wish.by, state=state)
    made.source, made.external_id = row["source"], row["external_id"]
    return made


def _changed(work: _Work, at: tuple[str | None, int], row: dict[str, Any], known: Instrument) -> _Change | None:
    """What becomes of a known one; None, and an error, where that is not allowed."""
    patch = InstrumentPatch.model_validate(row["given"])
    values = instruments.columns(patch, only_given=True)
    fields = [name for name, value in values.items() if getattr(known, name) != value]
    fields += [name for name in _CALENDAR & patch.model_fields_set if _calendar(known, name) != _calendar(patch, name)]
    after = {name: getattr(known, name) for name in Instrument.__mapper__.columns.keys()} | values  # noqa: SIM118
    wrong = list(broken(after)) if fields else []
    if wrong:
        work.wrong(at, *wrong, code="instrument_terms")
        return None
    lacking = written.missing(after.get)
    publish = work.wish.state is not None and known.state is InstrumentState.DRAFT and not lacking
    if known.state is InstrumentState.PUBLISHED and fields:
        gone = [item for item in lacking if getattr(known, item.field)]
        if gone:
            work.wrong(at, *gone, code="missing_for_publishing")
            return None
    return _Change(at, known.id, patch, sorted(fields), publish)


def _calendar(of: Instrument | InstrumentPatch, name: str) -> set[tuple[Any, ...]]:
    rows: Sequence[OpeningHours | OpeningException]
    if isinstance(of, Instrument):
        rows = getattr(of, name)
    else:
        rows = instruments.hours_of(of) if name == "hours" else instruments.exceptions_of(of)
    parts = ("weekday", "opens", "closes") if name == "hours" else ("day", "opens", "closes", "reason")
    return {tuple(getattr(row, part) for part in parts) for row in rows}


def broken(values: dict[str, Any]) -> Iterator[CompletenessItem]:
    """The promises of the table that these values would break, told before it has to refuse the whole file."""
    shut = values["audience"] == Audience.OWN or CustomerClass.PROVINCE_FIRM not in values["customers"]
    if values["publicly_funded"] and not values["closed_because"] and shut:
        yield CompletenessItem(field="closed_because", required=True, advice=MustBeOpen.title())
    if values["min_minutes"] > values["max_minutes"]:
        yield CompletenessItem(field="min_minutes", required=True, advice=LengthsOutOfOrder.title())


_NAME: Final = CompletenessItem(
    field="name", required=True, advice="新仪器须有名称。 · A new instrument needs its name."
)
_OWNER: Final = CompletenessItem(
    field="owner",
    required=True,
    advice="这一行属于另一个单位：请只导入本单位的仪器，或删去统一社会信用代码一列。"
    " · This row belongs to another organisation: import only your own instruments, or remove the column of credit codes.",
)


def _twice(first: tuple[str | None, int]) -> CompletenessItem:
    sheet, row = first
    where = f"{sheet}!{row}" if sheet else f"{row}"
    advice = (
        f"与第 {where} 行是同一台仪器，只留一行。 · This is the same instrument as in row {where}; keep one of them."
    )
    return CompletenessItem(field="external_id", required=True, advice=advice)


async def _create(session: AsyncSession, work: _Work, plan: _Plan) -> None:
    if not plan.new:
        return
    made = [one for _, one in plan.new]
    await claims.enrol(session, ResourceKind.INSTRUMENT, *(one.id for one in made))
    session.add_all(made)
    await session.flush()
    await remembering.created(session, work.wish, len(work.written.touched), plan.new)
    work.written.created += len(made)
    work.written.touched += [one.id for one in made]


async def _change(session: AsyncSession, work: _Work, plan: _Plan) -> None:
    work.written.unchanged += plan.unchanged
    if not plan.changes:
        return
    alone = [one.id for one in plan.changes if TERMS & set(one.fields) or one.publish]
    work.terms_changed += len(alone)
    if work.terms_changed > MOST_TERMS:
        raise TooManyTerms
    if alone:
        await claims.take_turns(session, alone)
    found = await session.scalars(
        select(Instrument)
        .where(Instrument.id.in_([one.id for one in plan.changes]))
        .options(selectinload(Instrument.hours), selectinload(Instrument.exceptions))
        .order_by(Instrument.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    rows = {one.id: one for one in found}
    before = {change.id: remembering.said(rows[change.id], change.fields) for change in plan.changes}
    for change in plan.changes:
        instrument = rows[change.id]
        for name in _CALENDAR & set(change.fields):
            setattr(instrument, name, [])
    # What stood in the calendars goes first: the new rows may take the same hours.
    await session.flush()
    for change in plan.changes:
        _apply(rows[change.id], change)
    await session.flush()
    changed = [
        (
            change.at,
            rows[change.id],
            change.publish,
            before[change.id],
            remembering.said(rows[change.id], change.fields),
        )
        for change in plan.changes
    ]
    await remembering.changed(session, work.wish, len(work.written.touched), changed)
    work.written.updated += len(plan.changes)
    work.written.touched += [change.id for change in plan.changes]


def _apply(instrument: Instrument, change: _Change) -> None:
    values = instruments.columns(change.patch, only_given=True)
    for name in change.fields:
        if name == "hours":
            instrument.hours = instruments.hours_of(change.patch)
        elif name == "exceptions":
            instrument.exceptions = instruments.exceptions_of(change.patch)
        else:
            setattr(instrument, name, values[name])
    if change.publish:
        instrument.state = InstrumentState.PUBLISHED
    instruments.derive(instrument)
    instruments.touch(instrument)
