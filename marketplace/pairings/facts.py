"""What can happen to the rematch."""

from dataclasses import dataclass
from uuid import UUID

from marketplace.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class RematchRequested(Fact):
    rematch_id: UUID


@dataclass(frozen=True, slots=True)
class RematchFinished(Fact):
    rematch_id: UUID
