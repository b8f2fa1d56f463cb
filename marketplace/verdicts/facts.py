"""What can happen to verdicts. Notes are not in here: they are for the side that wrote them."""

from dataclasses import dataclass
from uuid import UUID

from marketplace.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class VerdictGiven(Fact):
    verdict_id: UUID
    listing_id: UUID
    other_id: UUID
    version: int
    grade: int
    misleading: list[str]


@dataclass(frozen=True, slots=True)
class VerdictWithdrawn(Fact):
    verdict_id: UUID
    listing_id: UUID
    other_id: UUID
    version: int
