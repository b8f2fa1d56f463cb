from dataclasses import dataclass
from uuid import UUID

from marketplace.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class InstrumentsImported(Fact):
    """Many at once, new ones and changed ones."""

    instrument_ids: list[UUID]


@dataclass(frozen=True, slots=True)
class OfInstrument(Fact):
    """Something that happened to one instrument."""

    instrument_id: UUID


@dataclass(frozen=True, slots=True)
class InstrumentDrafted(OfInstrument):
    pass


@dataclass(frozen=True, slots=True)
class InstrumentEdited(OfInstrument):
    fields: list[str]


@dataclass(frozen=True, slots=True)
class InstrumentPublished(OfInstrument):
    pass


@dataclass(frozen=True, slots=True)
class InstrumentRetired(OfInstrument):
    pass


@dataclass(frozen=True, slots=True)
class InstrumentFileAdded(OfInstrument):
    file_id: UUID


@dataclass(frozen=True, slots=True)
class InstrumentFileEdited(OfInstrument):
    file_id: UUID
    fields: list[str]


@dataclass(frozen=True, slots=True)
class InstrumentFileRemoved(OfInstrument):
    file_id: UUID


@dataclass(frozen=True, slots=True)
class KeeperNamed(OfInstrument):
    person_id: UUID


@dataclass(frozen=True, slots=True)
class KeeperRemoved(OfInstrument):
    person_id: UUID


@dataclass(frozen=True, slots=True)
class OutageReported(OfInstrument):
    outage_id: UUID


@dataclass(frozen=True, slots=True)
class OutageEnded(OfInstrument):
    outage_id: UUID


@dataclass(frozen=True, slots=True)
class QualificationGranted(OfInstrument):
    qualification_id: UUID


@dataclass(frozen=True, slots=True)
class QualificationRevoked(OfInstrument):
    qualification_id: UUID


@dataclass(frozen=True, slots=True)
class OfBooking(Fact):
    """Something that happened to one booking."""

    booking_id: UUID
    instrument_id: UUID


@dataclass(frozen=True, slots=True)
class BookingRequested(OfBooking):
    pass


@dataclass(frozen=True, slots=True)
class BookingConfirmed(OfBooking):
    pass


@dataclass(frozen=True, slots=True)
class BookingRefused(OfBooking):
    pass


@dataclass(frozen=True, slots=True)
class BookingMoved(OfBooking):
    """`booking_id` is the new row."""

    moved_from_id: UUID


@dataclass(frozen=True, slots=True)
class BookingEdited(OfBooking):
    fields: list[str]


@dataclass(frozen=True, slots=True)
class BookingCancelled(OfBooking):
    late: bool


@dataclass(frozen=True, slots=True)
class BookingReleased(OfBooking):
    pass


@dataclass(frozen=True, slots=True)
class UserCheckedIn(OfBooking):
    pass


@dataclass(frozen=True, slots=True)
class UserCheckedOut(OfBooking):
    pass


@dataclass(frozen=True, slots=True)
class OfWaiting(Fact):
    """Something that happened to one place on a waiting list."""

    waiting_id: UUID
    instrument_id: UUID


@dataclass(frozen=True, slots=True)
class WaitingBegun(OfWaiting):
    pass


@dataclass(frozen=True, slots=True)
class SlotOffered(OfWaiting):
    pass


@dataclass(frozen=True, slots=True)
class OfferDeclined(OfWaiting):
    pass


@dataclass(frozen=True, slots=True)
class OfferExpired(OfWaiting):
    pass


@dataclass(frozen=True, slots=True)
class WaitingLeft(OfWaiting):
    pass


@dataclass(frozen=True, slots=True)
class UsageEntered(Fact):
    usage_id: UUID
    instrument_id: UUID


@dataclass(frozen=True, slots=True)
class AdjustmentAsked(Fact):
    usage_id: UUID
    adjustment_id: UUID


@dataclass(frozen=True, slots=True)
class AdjustmentDecided(Fact):
    usage_id: UUID
    adjustment_id: UUID
    accepted: bool


@dataclass(frozen=True, slots=True)
class InstrumentRated(Fact):
    rating_id: UUID
    booking_id: UUID
    instrument_id: UUID


@dataclass(frozen=True, slots=True)
class RatingAnswered(Fact):
    rating_id: UUID
    instrument_id: UUID


@dataclass(frozen=True, slots=True)
class OverrunWarned(OfBooking):
    """`booking_id` is the next one, whose user was told."""

    running_id: UUID


@dataclass(frozen=True, slots=True)
class CalendarShared(Fact):
    calendar_id: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class CalendarRevoked(Fact):
    calendar_id: UUID


@dataclass(frozen=True, slots=True)
class HolidayWritten(Fact):
    day: str
    follows: int | None


@dataclass(frozen=True, slots=True)
class HolidayRemoved(Fact):
    day: str


@dataclass(frozen=True, slots=True)
class DeviceAdded(OfInstrument):
    device_id: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class DeviceRevoked(OfInstrument):
    device_id: UUID


@dataclass(frozen=True, slots=True)
class OutputAdded(OfInstrument):
    output_id: UUID


@dataclass(frozen=True, slots=True)
class OutputRemoved(OfInstrument):
    output_id: UUID
