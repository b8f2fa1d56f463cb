"""What an achievement and a problem have in common on the wire."""

from enum import StrEnum
from typing import Annotated, TypeVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from schemas.base import Filter, Message
from schemas.codes import DisciplineCode, IndustryCode, RegionCode
from schemas.identity import Email, OrganisationCard, Phone
from schemas.text import Keyword, Line, Name, Text, Words


class ListingKind(StrEnum):
    ACHIEVEMENT = "achievement"
    PROBLEM = "problem"


class ListingState(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    IN_TALKS = "in_talks"
    SOLVED = "solved"
    CLOSED = "closed"
    EXPIRED = "expired"


class Stage(StrEnum):
    """How far an achievement is: 初期 (laboratory), 中期 (pilot), 成熟应用."""

    EARLY = "early"
    PILOT = "pilot"
    MATURE = "mature"


class CooperationMode(StrEnum):
    TRANSFER = "transfer"
    LICENCE = "licence"
    EQUITY = "equity"
    JOINT_DEVELOPMENT = "joint_development"
    SERVICE = "service"


class Part(StrEnum):
    """Which part of a record an attachment belongs to."""

    PUBLIC = "public"
    CONFIDENTIAL = "confidential"


Element = TypeVar("Element")


def _each_once(values: list[Element]) -> list[Element]:
    return list(dict.fromkeys(values))


EachOnce = AfterValidator(_each_once)
Industries = Annotated[list[IndustryCode], Field(max_length=10), EachOnce]
Disciplines = Annotated[list[DisciplineCode], Field(max_length=10), EachOnce]
Modes = Annotated[list[CooperationMode], Field(max_length=5), EachOnce]
Keywords = Annotated[list[Keyword], Field(max_length=20), EachOnce]
ExternalId = Annotated[str, Line(100)]
Summary = Annotated[str, Text(2000)]
Story = Annotated[str, Text(20000)]


class Contact(Message):
    """Whom to ask; shown to people who are signed in."""

    name: Name
    phone: Phone | None = None
    email: Email | None = None


class AttachmentView(Message):
    id: UUID
    name: str
    media_type: str
    size: Annotated[int, Field(description="bytes")]
    sha256: str
    created_at: AwareDatetime


class ListingFilter(Filter):
    """Which records to list. Codes take in what stands below them; several values of one filter mean any of them."""

    q: Annotated[
        Words | None, Field(description="文字（标题、摘要、正文、关键词） · text in title, summary, body, keywords")
    ] = None
    region: Annotated[list[RegionCode], Field(max_length=20)] = []
    industry: Annotated[list[IndustryCode], Field(max_length=20)] = []
    discipline: Annotated[list[DisciplineCode], Field(max_length=20)] = []
    mode: Annotated[list[CooperationMode], Field(max_length=5)] = []
    organisation: UUID | None = None
    state: ListingState | None = None
    mine: Annotated[bool, Field(description="只看本单位的，包括草稿 · your organisations' own, drafts included")] = (
        False
    )


class ListingViewBase(Message):
    id: UUID
    state: ListingState
    organisation: OrganisationCard
    title: str
    region: str | None
    keywords: list[str]
    cooperation_modes: list[CooperationMode]
    confidential_part: Annotated[bool, Field(description="另有保密内容，可申请查看 · there is a part shown on request")]
    confirmed_at: AwareDatetime | None
    confirmed_until: AwareDatetime | None
    published_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    version: int


class ReviewDecision(Message):
    approve: bool
    note: Annotated[str, Text(2000)] | None = None


class ConfidentialWrite(Message):
    text: Annotated[str, Text(20000, least=0)]
    nda: Annotated[
        Annotated[str, Text(10000)] | None,
        Field(description="查看前须同意的保密约定 · terms a reader must accept before reading"),
    ] = None


class ConfidentialView(Message):
    text: str
    nda: str | None
    attachments: list[AttachmentView]
    updated_at: AwareDatetime | None
    version: int


class AdmissionState(StrEnum):
    REQUESTED = "requested"
    ADMITTED = "admitted"
    REFUSED = "refused"
    REVOKED = "revoked"


class AdmissionRequest(Message):
    """Asking to see the confidential part."""

    message: Annotated[str, Text(2000)]


class AdmissionNew(Message):
    """Admit a reader by the address they sign in with."""

    email: Email


class AdmissionDecision(Message):
    admit: bool
    note: Annotated[str, Text(2000)] | None = None


class NdaAcceptance(Message):
    """The click-through: the terms as they were shown, sent back, so that what was agreed to is what is kept."""

    nda: Annotated[str, Text(10000)]


class AdmissionView(Message):
    id: UUID
    email: str
    state: AdmissionState
    message: str | None
    note: str | None
    nda_accepted_at: AwareDatetime | None
    decided_at: AwareDatetime | None
    created_at: AwareDatetime


class RevisionView(Message):
    """What a record said before an edit; the owner's to see."""

    version: int
    at: AwareDatetime
    by: UUID | None
    body: dict[str, object]


class CompletenessItem(Message):
    """What a reader will miss."""

    field: str
    required: bool
    advice: str


class Completeness(Message):
    score: Annotated[int, Field(ge=0, le=100)]
    missing: list[CompletenessItem]
