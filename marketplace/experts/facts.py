"""What can happen to a profile. Facts stay when it is erased, so they name no person but by the record's id."""

from dataclasses import dataclass
from uuid import UUID

from marketplace.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class ExpertsImported(Fact):
    """Many at once: new drafts, and profiles that were changed."""

    expert_ids: list[UUID]


@dataclass(frozen=True, slots=True)
class OfExpert(Fact):
    """Something that happened to one profile."""

    expert_id: UUID


@dataclass(frozen=True, slots=True)
class ExpertDrafted(OfExpert):
    pass


@dataclass(frozen=True, slots=True)
class ExpertEdited(OfExpert):
    fields: list[str]


@dataclass(frozen=True, slots=True)
class ConsentGiven(OfExpert):
    pass


@dataclass(frozen=True, slots=True)
class ConsentWithdrawn(OfExpert):
    """Taken back: by the person's wish the profile left every list and ranking."""


@dataclass(frozen=True, slots=True)
class ExpertPublished(OfExpert):
    pass


@dataclass(frozen=True, slots=True)
class ExpertConfirmed(OfExpert):
    pass


@dataclass(frozen=True, slots=True)
class ExpertWithdrawn(OfExpert):
    pass


@dataclass(frozen=True, slots=True)
class ExpertExpired(OfExpert):
    pass


@dataclass(frozen=True, slots=True)
class ExpertErased(OfExpert):
    """The row is gone, and with it all that it said."""

    organisation_id: UUID
