from dataclasses import dataclass
from typing import Any
from uuid import UUID

from marketplace.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class OfFundingCall(Fact):
    """Something that happened to one call."""

    call_id: UUID


@dataclass(frozen=True, slots=True)
class FundingCallDrafted(OfFundingCall):
    pass


@dataclass(frozen=True, slots=True)
class FundingDraftEdited(OfFundingCall):
    """Changed before anybody could see it."""

    fields: list[str]


@dataclass(frozen=True, slots=True)
class FundingCallEdited(OfFundingCall):
    """Changed after it was published; what it said before stays with it, contacts left out."""

    fields: list[str]
    before: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FundingCallPublished(OfFundingCall):
    pass


@dataclass(frozen=True, slots=True)
class FundingCallClosed(OfFundingCall):
    """By itself at its deadline, when nobody is named who did it."""


@dataclass(frozen=True, slots=True)
class FundingCallWithdrawn(OfFundingCall):
    pass
