"""What an achievement and a problem have in common on the wire."""

from enum import StrEnum
from typing import Annotated, Self, TypeVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, StrictBool, model_validator

from schemas.base import Filter, Message, wrong_at
from schemas.codes import DisciplineCode, IndustryCode, RegionCode
from schemas.identity import Email, OrganisationCard, Phone
from schemas.text import Keyword, Line, Name, Text, Title, Words


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


class ListingBody(Message):
    """What the owner writes; all but the title may wait until publishing."""

    title: Title
    description: Story | None = None
    keywords: Keywords = []
    cooperation_modes: Modes = []
    region: RegionCode | None = None
    contact: Contact | None = None


class ListingNew(Message):
    """Whose a new record is, and where it came from."""

    organisation_id: UUID
    source: Annotated[ExternalId | None, Field(description="来源系统 · where it was imported from")] = None
    external_id: ExternalId | None = None

    @model_validator(mode="after")
    def _named_by_its_source(self) -> Self:
        if (self.source is None) != (self.external_id is None):
            lacking = "external_id" if self.external_id is None else "source"
            raise wrong_at(
                lacking, "source_pair", "source 与 external_id 须同时填写 · source and external_id go together"
            )
        return self


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


class ListingCard(Message):
    """A record in a list."""

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


class ListingContent(Message):
    """What an owner wrote, as it is read back."""

    title: str
    description: str | None
    keywords: list[str]
    cooperation_modes: list[CooperationMode]
    region: str | None
    contact: Annotated[Contact | None, Field(description="登录后可见 · shown to people who are signed in")]


class ListingView(ListingContent, ListingCard):
    """A record with all of its public part."""

    source: str | None
    external_id: str | None
    attachments: list[AttachmentView]
    state_note: Annotated[str | None, Field(description="平台退回时的说明 · why the platform gave it back")]


class ListingRevision(Message):
    """What a record said before an edit: which version that was, and who changed it when. The owner's to see."""

    version: int
    at: AwareDatetime
    by: UUID | None


class ReviewDecision(Message):
    approve: StrictBool
    note: Annotated[str, Text(2000)] | None = None


class ConfidentialWrite(Message):
    text: Annotated[str, Text(20000, least=0)]
    nda: Annotated[
        Annotated[str, Text(10000)] | None,
        Field(description="查看前须同意的保密约定 · terms a reader must accept before reading"),
    ] = None


class Terms(Message):
    """What a reader agrees to before reading; `null` when nothing has to be agreed."""

    nda: str | None
    version: Annotated[int, Field(description="保密内容的版本 · the version of the confidential part they belong to")]


class ConfidentialView(Message):
    text: str
    nda: str | None
    attachments: list[AttachmentView]
    updated_at: AwareDatetime | None
    version: Annotated[int, Field(description="0：尚未填写 · 0 when nothing was written yet")]


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
    admit: StrictBool
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
    nda_accepted_at: Annotated[
        AwareDatetime | None, Field(description="最近一次同意保密约定 · when they last accepted the terms")
    ]
    decided_at: AwareDatetime | None
    created_at: AwareDatetime


class CompletenessItem(Message):
    """What a reader will miss."""

    field: str
    required: bool
    advice: str


class Completeness(Message):
    score: Annotated[int, Field(ge=0, le=100)]
    missing: list[CompletenessItem]


class NearDuplicate(Message):
    """Another record that says nearly the same, with the exact overlap of the two texts: title, body and keywords, as
    shingles of six characters, blanks and marks left out."""

    id: UUID
    kind: ListingKind
    title: str
    state: ListingState
    organisation: OrganisationCard
    overlap: Annotated[
        float, Field(description="共有片段占两者全部片段之比，0.5–1 · what both say, of what either says, 0.5–1")
    ]
    of_this: Annotated[float, Field(description="本记录中共有部分之比 · what both say, of what this record says")]
    of_other: Annotated[float, Field(description="另一记录中共有部分之比 · what both say, of what the other says")]
    passages: Annotated[
        list[str],
        Field(
            description="最长的相同文字，至多三段（不计大小写与全半角） · the longest shared passages, at most three, folded"
        ),
    ]
