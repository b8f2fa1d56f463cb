from dataclasses import dataclass
from uuid import UUID

from marketplace.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class _OfListing(Fact):
    listing_id: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class ListingDrafted(_OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ListingEdited(_OfListing):
    fields: list[str]


@dataclass(frozen=True, slots=True)
class ListingSubmitted(_OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ListingReturned(_OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ListingPublished(_OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ListingConfirmed(_OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ListingWithdrawn(_OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ListingExpired(_OfListing):
    pass


@dataclass(frozen=True, slots=True)
class TalksBegun(_OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ProblemSolved(_OfListing):
    pass


@dataclass(frozen=True, slots=True)
class ListingsImported(Fact):
    """Many records at once; readers look at the listings' own versions for what changed."""

    kind: str
    listing_ids: list[UUID]


@dataclass(frozen=True, slots=True)
class AttachmentAdded(_OfListing):
    attachment_id: UUID


@dataclass(frozen=True, slots=True)
class AttachmentRemoved(_OfListing):
    attachment_id: UUID


@dataclass(frozen=True, slots=True)
class ConfidentialWritten(_OfListing):
    version: int


@dataclass(frozen=True, slots=True)
class ConfidentialRead(_OfListing):
    version: int


@dataclass(frozen=True, slots=True)
class AdmissionAsked(_OfListing):
    admission_id: UUID


@dataclass(frozen=True, slots=True)
class ReaderAdmitted(_OfListing):
    admission_id: UUID


@dataclass(frozen=True, slots=True)
class AdmissionRefused(_OfListing):
    admission_id: UUID


@dataclass(frozen=True, slots=True)
class AdmissionRevoked(_OfListing):
    admission_id: UUID


@dataclass(frozen=True, slots=True)
class NdaAccepted(_OfListing):
    admission_id: UUID
