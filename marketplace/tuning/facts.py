"""What can happen to the ranking's tuning."""

from dataclasses import dataclass
from uuid import UUID

from marketplace.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class WeightsProposed(Fact):
    model_id: UUID
    number: int
    better: bool


@dataclass(frozen=True, slots=True)
class WeightsActivated(Fact):
    model_id: UUID
    number: int
    before: int


@dataclass(frozen=True, slots=True)
class TermsLowered(Fact):
    """Learning found these many; some of them are new, or were found no more."""

    terms: int
    changed: int


@dataclass(frozen=True, slots=True)
class TermCleared(Fact):
    term_id: UUID
    term: str
    kind: str


@dataclass(frozen=True, slots=True)
class TermRestored(Fact):
    term_id: UUID
    term: str
    kind: str
