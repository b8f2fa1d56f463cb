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


@dataclass(frozen=True, slots=True)
class TermsAdded(Fact):
    """To the draft; at most the first 100 are named."""

    terms: list[str]
    many: int


@dataclass(frozen=True, slots=True)
class TermRemoved(Fact):
    term_id: UUID
    term: str


@dataclass(frozen=True, slots=True)
class LexiconActivated(Fact):
    """A version was put to use, new or once more."""

    number: int
    before: int


@dataclass(frozen=True, slots=True)
class TermsProposed(Fact):
    found: int
    new: int


@dataclass(frozen=True, slots=True)
class TermProposalsDecided(Fact):
    accepted: int
    rejected: int
    reopened: int
