"""Experts (专家): whom an organisation sends to work with firms, what they work on and which ways of service they offer.

A profile is personal data: it says what its person does in their work, and nothing of how they live.
"""

import re
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field
from pydantic_core import PydanticCustomError

from schemas.achievements import Talks
from schemas.base import Filter, Message
from schemas.codes import DisciplineCode, IndustryCode, RegionCode
from schemas.events import WebAddress
from schemas.identity import OrganisationCard
from schemas.listings import Contact, Disciplines, EachOnce, Industries, Keywords
from schemas.text import Line, Name, Text, Title, Words


class ExpertState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class ServiceWay(StrEnum):
    """技术咨询、联合攻关、成果转化、驻企服务、人才培养、检测评价."""

    CONSULTING = "consulting"
    JOINT_RESEARCH = "joint_research"
    TRANSFER = "transfer"
    RESIDENCY = "residency"
    TRAINING = "training"
    TESTING = "testing"


_ID_NUMBER: Final = re.compile(r"(?<![0-9])[1-9][0-9]{16}[0-9Xx](?![0-9])")
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS: Final = "10X98765432"


def _no_id_number(value: str) -> str:
    """Refuse a text with a citizen's number in it (GB 11643: the last of its 18 characters checks the others)."""
    for found in _ID_NUMBER.findall(value):
        if _CHECKS[sum(int(digit) * weight for digit, weight in zip(found, _WEIGHTS, strict=False)) % 11] == (
            found[-1].upper()
        ):
            raise PydanticCustomError(
                "id_number",
                "请不要填写身份证号，专家信息是公开的 · leave out the citizen's number: what is said of an expert is public",
            )
    return value


NoIdNumber: Final = AfterValidator(_no_id_number)
Services = Annotated[list[ServiceWay], Field(max_length=6), EachOnce]
Representative = Annotated[
    list[UUID],
    Field(
        max_length=10,
        description="代表性成果（同一单位的成果，公开的才会展示） · representative achievements of the same organisation;"
        " those that are open are shown",
    ),
    EachOnce,
]


class ExpertBody(Message):
    """What an organisation writes of somebody who works for it. No number of identity, no private address or telephone."""

    name: Annotated[Name, NoIdNumber]
    academic_title: Annotated[
        Annotated[str, Line(100), NoIdNumber] | None, Field(description="职称，如教授 · academic title")
    ] = None
    position: Annotated[Annotated[str, Line(100), NoIdNumber] | None, Field(description="职务 · position")] = None
    unit: Annotated[
        Annotated[str, Line(200), NoIdNumber] | None,
        Field(description="所在院系、部门 · department within the organisation"),
    ] = None
    focus: Annotated[
        Annotated[Title, NoIdNumber],
        Field(
            description="研究方向，一句话；列表和匹配里都看它 · what they work on, in a line: lists and rankings show it"
        ),
    ]
    description: Annotated[
        Annotated[str, Text(20000), NoIdNumber] | None,
        Field(description="研究内容、做过的项目、能解决什么问题 · what they work on, have done, and can solve"),
    ] = None
    keywords: Keywords = []
    disciplines: Disciplines = []
    industries: Industries = []
    region: RegionCode | None = None
    services: Annotated[Services, Field(description="能为企业提供的服务方式 · ways of service to firms")] = []
    talks: Talks | None = None
    achievement_ids: Representative = []
    homepage: Annotated[WebAddress | None, Field(description="单位网站上的主页 · page on the organisation's site")] = (
        None
    )
    contact: Annotated[
        Contact | None,
        Field(
            description="单位的工作联系方式，登录后可见 · whom to ask at the organisation, with its office's telephone;"
            " shown to people who are signed in"
        ),
    ] = None


class ExpertNew(ExpertBody):
    organisation_id: UUID


class ExpertPatch(ExpertBody):
    """Any of the fields; those left out stay as they are."""

    name: Annotated[Name, NoIdNumber] = Field(default=None, validate_default=False)  # type: ignore[assignment]
    focus: Annotated[Title, NoIdNumber] = Field(default=None, validate_default=False)  # type: ignore[assignment]


class ConsentNew(Message):
    """That the person agrees to be shown, and how one can tell: a letter, a signed sheet."""

    evidence: Annotated[
        Annotated[str, Line(300), NoIdNumber],
        Field(examples=["本人签署的同意书，存人事处"], description="同意的凭据，只有本单位能看到 · how it was given"),
    ]


class ExpertFilter(Filter):
    """Which experts to list. Codes take in what stands below them; several values of one filter mean any of them."""

    q: Annotated[
        Words | None,
        Field(description="文字（姓名、职称、方向、介绍、关键词） · text in name, title, focus, profile, keywords"),
    ] = None
    region: Annotated[list[RegionCode], Field(max_length=20)] = []
    industry: Annotated[list[IndustryCode], Field(max_length=20)] = []
    discipline: Annotated[list[DisciplineCode], Field(max_length=20)] = []
    service: Annotated[list[ServiceWay], Field(max_length=6)] = []
    organisation: UUID | None = None
    state: ExpertState | None = None
    mine: Annotated[bool, Field(description="只看本单位的，包括草稿 · your organisations' own, drafts included")] = (
        False
    )


class ExpertCard(Message):
    """An expert in a list."""

    id: UUID
    state: ExpertState
    organisation: OrganisationCard
    name: str
    academic_title: str | None
    position: str | None
    unit: str | None
    focus: str
    keywords: list[str]
    disciplines: list[str]
    industries: list[str]
    region: str | None
    services: list[ServiceWay]
    talks: int | None
    confirmed_at: AwareDatetime | None
    confirmed_until: AwareDatetime | None
    published_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    version: int


class RepresentativeAchievement(Message):
    id: UUID
    title: str


class ConsentView(Message):
    """When the person's consent was recorded, by whom and on what evidence."""

    recorded_at: AwareDatetime
    recorded_by: UUID
    evidence: str


class ExpertView(ExpertCard):
    """An expert with all of the profile."""

    description: str | None
    homepage: str | None
    achievement_ids: Annotated[
        list[UUID],
        Field(
            description="所有者看到全部，其他人只看到公开的 · all of them for the owner, for others those that are open"
        ),
    ]
    achievements: Annotated[
        list[RepresentativeAchievement],
        Field(description="代表性成果中公开的 · the representative achievements that are open"),
    ]
    contact: Annotated[Contact | None, Field(description="登录后可见 · shown to people who are signed in")]
    consented: Annotated[bool, Field(description="本人已同意公开 · the person agreed to be shown")]
    consent: Annotated[ConsentView | None, Field(description="只有本单位能看到 · the owner's to see")]
