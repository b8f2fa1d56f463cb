"""What can happen to the platform's words."""

from dataclasses import dataclass
from uuid import UUID

from marketplace.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class SynonymAdded(Fact):
    synonym_id: UUID
    spellings: list[str]


@dataclass(frozen=True, slots=True)
class SynonymRemoved(Fact):
    synonym_id: UUID
    spellings: list[str]
