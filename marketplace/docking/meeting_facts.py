"""What can happen to wishes, schedules and meetings. Of an answer nothing is told but that there is one."""

from dataclasses import dataclass
from uuid import UUID

from marketplace.docking.facts import OfEvent, OfRegistration
from marketplace.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class WishTermsWritten(OfEvent):
    pass


@dataclass(frozen=True, slots=True)
class PairsProposed(OfEvent):
    pairs: int


@dataclass(frozen=True, slots=True)
class VisitWritten(OfEvent):
    wish_id: UUID


@dataclass(frozen=True, slots=True)
class WishAnswered(OfRegistration):
    wish_id: UUID


@dataclass(frozen=True, slots=True)
class ScheduleRequested(OfEvent):
    schedule_id: UUID


@dataclass(frozen=True, slots=True)
class SchedulePlanned(OfEvent):
    schedule_id: UUID


@dataclass(frozen=True, slots=True)
class SchedulePublished(OfEvent):
    publication_id: UUID


@dataclass(frozen=True, slots=True)
class PublicationWithdrawn(OfEvent):
    publication_id: UUID


@dataclass(frozen=True, slots=True)
class OfMeeting(Fact):
    """Something that happened to one meeting."""

    meeting_id: UUID
    event_id: UUID


@dataclass(frozen=True, slots=True)
class MeetingArranged(OfMeeting):
    """It was made on the spot."""


@dataclass(frozen=True, slots=True)
class MeetingMoved(OfMeeting):
    pass


@dataclass(frozen=True, slots=True)
class MeetingCancelled(OfMeeting):
    pass


@dataclass(frozen=True, slots=True)
class MeetingConfirmed(OfMeeting):
    """It took place."""


@dataclass(frozen=True, slots=True)
class MeetingMissed(OfMeeting):
    """One side, or both, did not come."""


@dataclass(frozen=True, slots=True)
class OutcomeEntered(OfMeeting):
    outcome_id: UUID


@dataclass(frozen=True, slots=True)
class InterestDeclared(OfMeeting):
    interest_id: UUID
