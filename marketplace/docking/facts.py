from dataclasses import dataclass
from uuid import UUID

from marketplace.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class OfEvent(Fact):
    """Something that happened to one event."""

    event_id: UUID


@dataclass(frozen=True, slots=True)
class EventDrafted(OfEvent):
    cloned_from_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class EventEdited(OfEvent):
    fields: list[str]


@dataclass(frozen=True, slots=True)
class AgendaWritten(OfEvent):
    tables: int
    slots: int


@dataclass(frozen=True, slots=True)
class EventStepped(OfEvent):
    """It entered another state; by itself, when nobody is named who did it."""

    before: str
    to: str


@dataclass(frozen=True, slots=True)
class EventCancelled(OfEvent):
    before: str


@dataclass(frozen=True, slots=True)
class CoOrganizerNamed(OfEvent):
    organisation_id: UUID


@dataclass(frozen=True, slots=True)
class CoOrganizerRemoved(OfEvent):
    organisation_id: UUID


@dataclass(frozen=True, slots=True)
class AnnouncementWritten(OfEvent):
    announcement_id: UUID


@dataclass(frozen=True, slots=True)
class DocumentAdded(OfEvent):
    document_id: UUID


@dataclass(frozen=True, slots=True)
class DocumentRemoved(OfEvent):
    document_id: UUID


@dataclass(frozen=True, slots=True)
class ReminderTermsWritten(OfEvent):
    pass


@dataclass(frozen=True, slots=True)
class OfRegistration(Fact):
    """Something that happened to one registration."""

    registration_id: UUID
    event_id: UUID


@dataclass(frozen=True, slots=True)
class RegistrationRequested(OfRegistration):
    """It waits for the desk's word."""


@dataclass(frozen=True, slots=True)
class RegistrationConfirmed(OfRegistration):
    pass


@dataclass(frozen=True, slots=True)
class RegistrationQueued(OfRegistration):
    """It waits for a place."""


@dataclass(frozen=True, slots=True)
class RegistrationEdited(OfRegistration):
    fields: list[str]


@dataclass(frozen=True, slots=True)
class RegistrationRefused(OfRegistration):
    pass


@dataclass(frozen=True, slots=True)
class RegistrationCancelled(OfRegistration):
    pass


@dataclass(frozen=True, slots=True)
class PlaceOffered(OfRegistration):
    pass


@dataclass(frozen=True, slots=True)
class PlaceDeclined(OfRegistration):
    pass


@dataclass(frozen=True, slots=True)
class PlaceLapsed(OfRegistration):
    """What was offered was not taken in time."""


@dataclass(frozen=True, slots=True)
class AttendeeCheckedIn(OfRegistration):
    attendee_id: UUID
    door: str


@dataclass(frozen=True, slots=True)
class BadgeRenewed(OfRegistration):
    attendee_id: UUID
