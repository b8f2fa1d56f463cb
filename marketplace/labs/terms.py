"""The terms of an instrument: what the rules and verbs of bookings look at, and nothing more of its record."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Self
from uuid import UUID

from marketplace.labs.models import Instrument
from schemas.labs import InstrumentState, Operation


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms an instrument is used. Its words stand as they are stored: a `StrEnum` equals its value."""

    id: UUID
    organisation_id: UUID
    name: str
    region: str
    state: InstrumentState
    operation: Operation
    customers: Sequence[str]
    confirmed_at_once: Sequence[str]
    needs_qualification: bool
    slot_minutes: int
    min_minutes: int
    max_minutes: int
    notice_minutes: int
    horizon_days: int
    buffer_minutes: int
    late_cancel_minutes: int
    person_week_minutes: int | None
    organisation_week_minutes: int | None
    person_upcoming: int | None
    order_form: Sequence[str]
    version: int

    @classmethod
    def of(cls, instrument: Instrument) -> Self:
        """Those of a record that was read whole."""
        return cls(*_read(instrument))

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Those of a row that begins with `COLUMNS`, as the driver gives it."""
        terms = cls(*row[: len(NAMES)])
        # They were read as plain words; whoever looks at these two asks which one it is.
        object.__setattr__(terms, "state", InstrumentState(terms.state))
        object.__setattr__(terms, "operation", Operation(terms.operation))
        return terms


NAMES = tuple(one.name for one in fields(Terms))
COLUMNS = tuple(getattr(Instrument, name) for name in NAMES)
_read = attrgetter(*NAMES)
