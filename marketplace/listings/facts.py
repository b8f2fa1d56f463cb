from dataclasses import dataclass
from uuid import UUID

from marketplace.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class OfListing(Fact):
    """Something that happened to one listing."""

    listing_id: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class ListingDrafted(OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ListingEdited(OfListing):
    fields: list[str]


@dataclass(frozen=True, slots=True)
class ListingSubmitted(OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ListingReturned(OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ListingReviewed(OfListing):
    """The platform looked at it, and let it through or gave it back: its owners are told."""

    approved: bool
    version: int


@dataclass(frozen=True, slots=True)
class ListingPublished(OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ListingConfirmed(OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ListingWithdrawn(OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ListingExpired(OfListing):
    pass


@dataclass(frozen=True, slots=True)
class TalksBegun(OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ProblemSolved(OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ListingsImported(Fact):
    """Many records at once; readers look at the listings' own versions for what changed."""

    kind: str
    listing_ids: list[UUID]


@dataclass(frozen=True, slots=True)
class AttachmentAdded(OfListing):
    attachment_id: UUID


@dataclass(frozen=True, slots=True)
class AttachmentRemoved(OfListing):
    attachment_id: UUID


@dataclass(frozen=True, slots=True)
class ConfidentialWritten(OfListing):
    version: int


@dataclass(frozen=True, slots=True)
class ConfidentialRead(OfListing):
    """Who read which version of the text, or which file."""

    version: int | None = None
    attachment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AdmissionAsked(OfListing):
    admission_id: UUID


@dataclass(frozen=True, slots=True)
class ReaderAdmitted(OfListing):
    admission_id: UUID


@dataclass(frozen=True, slots=True)
class AdmissionRefused(OfListing):
    admission_id: UUID


@dataclass(frozen=True, slots=True)
class AdmissionRevoked(OfListing):
    admission_id: UUID


@dataclass(frozen=True, slots=True)
class NdaAccepted(OfListing):
    admission_id: UUID
    version: int
