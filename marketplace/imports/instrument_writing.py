"""Putting checked instruments into the catalogue."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from marketplace.identity.models import Organisation
from marketplace.imports import record_writing, remembering
from marketplace.imports.record_writing import Change, Place, Writer
from marketplace.imports.writing import Wish
from marketplace.kernel.facts import Fact
from marketplace.kernel.refusals import Conflict
from marketplace.labs import instruments, terms, written
from marketplace.labs.facts import InstrumentsImported
from marketplace.labs.instruments import LengthsOutOfOrder, MustBeOpen
from marketplace.labs.models import Instrument, OpeningException, OpeningHours
from marketplace.reservations import claims
from marketplace.reservations.models import ResourceKind
from schemas.labs import Audience, CustomerClass, InstrumentBody, InstrumentPatch, InstrumentState
from schemas.listings import CompletenessItem

MOST_TERMS: Final = 2000
"""Each instrument whose terms change is closed to bookings until the import stands, by a lock of the server's memory."""
_CALENDAR: Final = frozenset({"hours", "exceptions"})
TERMS: Final = _CALENDAR | set(terms.NAMES)


class TooManyTerms(Conflict):
    """一次最多修改 2000 台仪器的预约规则，请分成几个文件。 · At most 2,000 instruments can have their terms changed at once; split the file."""


_NAME: Final = CompletenessItem(
    field="name", required=True, advice="新仪器须有名称。 · A new instrument needs its name."
)


class InstrumentWriter(Writer[Instrument]):
    model: ClassVar[Any] = Instrument
    called: ClassVar[tuple[str, str, str]] = ("instrument", "一台仪器", "instrument")

    def __init__(self, wish: Wish, organisation: Organisation) -> None:
        super().__init__(wish, organisation)
        self._terms_changed = 0

    def fact(self, ids: list[UUID]) -> Fact:
        return InstrumentsImported(ids)

    def with_parts(self, statement: Select[Any]) -> Select[Any]:
        return statement.options(selectinload(Instrument.hours), selectinload(Instrument.exceptions))

    def new(self, at: Place, row: dict[str, Any]) -> Instrument | None:
        given = {"region": self.organisation.region} | row["given"]
        if not given.get("name"):
            self.wrong(at, _NAME, code="name_missing")
            return None
        body = InstrumentBody.model_validate(given)
        wrong = list(broken(body.model_dump()))
        if wrong:
            self.wrong(at, *wrong, code="instrument_terms")
            return None
        publish = self.wish.state is not None and not row.get("draft")
        state = InstrumentState.PUBLISHED if publish else InstrumentState.DRAFT
        made = instruments.written_down(self.wish.organisation_id, body, by=self.wish.by, state=state)
        made.source, made.external_id = row["source"], row["external_id"]
        return made

    def changed(self, at: Place, row: dict[str, Any], known: Instrument) -> Change | None:
        patch = InstrumentPatch.model_validate(row["given"])
        values = instruments.columns(patch, only_given=True)
        fields = [name for name, value in values.items() if getattr(known, name) != value]
        fields += [
            name for name in _CALENDAR & patch.model_fields_set if _calendar(known, name) != _calendar(patch, name)
        ]
        after = {name: getattr(known, name) for name in Instrument.__mapper__.columns.keys()} | values  # noqa: SIM118
        wrong = list(broken(after)) if fields else []
        if wrong:
            self.wrong(at, *wrong, code="instrument_terms")
            return None
        lacking = written.missing(after.get)
        publish = self.wish.state is not None and known.state is InstrumentState.DRAFT and not lacking
        if known.state is InstrumentState.PUBLISHED and fields:
            gone = [item for item in lacking if getattr(known, item.field)]
            if gone:
                self.wrong(at, *gone, code="missing_for_publishing")
                return None
        return Change(at, known.id, patch, sorted(fields), publish)

    async def create(self, session: AsyncSession, new: Sequence[tuple[Place, Instrument]]) -> None:
        made = [one for _, one in new]
        await claims.enrol(session, ResourceKind.INSTRUMENT, *(one.id for one in made))
        session.add_all(made)
        await session.flush()
        rows = [(at, one, one.state is InstrumentState.PUBLISHED) for at, one in new]
        await remembering.created(session, self.wish, len(self.written.touched), rows)

    async def change(self, session: AsyncSession, changes: Sequence[Change]) -> None:
        alone = [one.id for one in changes if TERMS & set(one.fields) or one.publish]
        self._terms_changed += len(alone)
        if self._terms_changed > MOST_TERMS:
            raise TooManyTerms
        if alone:
            await claims.take_turns(session, alone)
        found = await session.scalars(
            self.with_parts(select(Instrument))
            .where(Instrument.id.in_([one.id for one in changes]))
            .order_by(Instrument.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        rows = {one.id: one for one in found}
        before = {change.id: remembering.said(rows[change.id], change.fields) for change in changes}
        for change in changes:
            instrument = rows[change.id]
            for name in _CALENDAR & set(change.fields):
                setattr(instrument, name, [])
        # What stood in the calendars goes first: the new rows may take the same hours.
        await session.flush()
        for change in changes:
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
            for change in changes
        ]
        await remembering.changed(session, self.wish, len(self.written.touched), changed)


write = partial(record_writing.write, InstrumentWriter)
compare = partial(record_writing.compare, InstrumentWriter)


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


def _apply(instrument: Instrument, change: Change) -> None:
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
