"""Funding calls (资金、申报指南、榜单): what is given for what, to whom, until when."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final, Protocol, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, StrictBool, model_validator

from schemas.base import Filter, Message, wrong_at
from schemas.codes import IndustryCode, RegionCode, Trl
from schemas.events import WebAddress
from schemas.identity import OrganisationCard, OrganisationKind
from schemas.listings import Contact, Disciplines, EachOnce, Industries, Keywords, Story, Summary
from schemas.text import Line, Moment, Text, Title, Whole, Words, Yuan


class FundingKind(StrEnum):
    """专项资金、指导计划、揭榜挂帅榜单、银行贷款、创业投资、科技保险与担保、基金资助."""

    SPECIAL_FUND = "special_fund"
    GUIDANCE_PLAN = "guidance_plan"
    BOUNTY = "bounty"
    LOAN = "loan"
    VENTURE = "venture"
    INSURANCE = "insurance"
    GRANT = "grant"


class FundingState(StrEnum):
    """草稿 → 已发布 → 已截止（到期或手动）；已撤回. What was closed or withdrawn may be published again."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class FundingPhase(StrEnum):
    """What the state and the clock together say of a call: not public, 即将开始, 受理中, 已截止."""

    HIDDEN = "hidden"
    OPENING_SOON = "opening_soon"
    OPEN = "open"
    CLOSED = "closed"


_O = OrganisationKind
_PUBLIC: Final = frozenset({_O.GOVERNMENT_DESK, _O.ORGANIZER})
_MONEY: Final = frozenset({_O.FINANCE})
GIVERS: Final[Mapping[FundingKind, frozenset[OrganisationKind]]] = MappingProxyType(
    {
        FundingKind.SPECIAL_FUND: _PUBLIC,
        FundingKind.GUIDANCE_PLAN: _PUBLIC,
        # A list of problems with a reward is put up by whoever has the problem, or for many by a department.
        FundingKind.BOUNTY: _PUBLIC | {_O.ENTERPRISE, _O.UNIVERSITY, _O.INSTITUTE},
        FundingKind.LOAN: _MONEY,
        FundingKind.VENTURE: _MONEY,
        FundingKind.INSURANCE: _MONEY,
        FundingKind.GRANT: _PUBLIC | _MONEY | {_O.UNIVERSITY, _O.INSTITUTE, _O.ENTERPRISE},
    }
)
"""Which kinds of organisation may offer which kind of funding: nobody takes a firm's note for a department's fund."""

OrganisationKinds = Annotated[list[OrganisationKind], Field(max_length=len(OrganisationKind)), EachOnce]
Regions = Annotated[list[RegionCode], Field(max_length=40), EachOnce]
Percent = Annotated[int, Whole(1, 100)]


class Eligibility(Message):
    """Who may apply with what. Every rule is optional; one that names several values is met by any of them, and a code
    covers what stands below it."""

    applicant_kinds: Annotated[OrganisationKinds, Field(description="申报单位类型 · kinds of applicants")] = []
    applicant_regions: Annotated[Regions, Field(description="申报单位注册地 · where the applicant is established")] = []
    project_regions: Annotated[Regions, Field(description="项目实施地 · where the project is carried out")] = []
    industries: Annotated[Industries, Field(description="项目所属行业 · the project's industry")] = []
    disciplines: Annotated[Disciplines, Field(description="项目所属学科 · the project's discipline")] = []
    trl_from: Annotated[Trl | None, Field(description="技术就绪度不低于 · readiness (TRL) from")] = None
    trl_to: Annotated[Trl | None, Field(description="技术就绪度不高于 · readiness (TRL) up to")] = None
    verified: Annotated[
        StrictBool, Field(description="申报单位须通过平台认证 · the applicant has to be verified here")
    ] = False
    joint: Annotated[
        StrictBool, Field(description="须与高校或科研院所联合申报 · together with a university or institute")
    ] = False
    not_publicly_funded: Annotated[
        StrictBool,
        Field(description="成果不得已获财政资金资助 · results of public funding are excluded"),
    ] = False
    own_share: Annotated[
        Percent | None, Field(description="自筹比例不低于（%） · the applicant's own contribution, per cent at least")
    ] = None
    conditions: Annotated[
        list[Annotated[str, Text(500)]],
        Field(max_length=20, description="其他条件，请申报方自行核对 · conditions that applicants check themselves"),
        EachOnce,
    ] = []

    @model_validator(mode="after")
    def _trl_in_order(self) -> Self:
        if self.trl_from is not None and self.trl_to is not None and self.trl_from > self.trl_to:
            raise wrong_at("trl_to", "trl_order", "上限不能低于下限 · the upper level is below the lower one")
        return self


NO_RULES: Final = Eligibility()
Document = Annotated[str, Line(200)]
Guide = Annotated[str, Text(5000)]


class FundingBody(Message):
    """What the giver writes of a call."""

    kind: FundingKind = FundingKind.SPECIAL_FUND
    title: Title
    title_en: Title | None = None
    summary: Summary | None = None
    description: Story | None = None
    keywords: Annotated[Keywords, Field(description="支持方向的关键词 · what is supported, in words")] = []
    industries: Annotated[Industries, Field(description="支持的行业 · industries that are supported")] = []
    disciplines: Annotated[Disciplines, Field(description="支持的学科 · disciplines that are supported")] = []
    amount_low: Annotated[Yuan | None, Field(description="每个项目最少（元） · for one project at least")] = None
    amount_high: Annotated[Yuan | None, Field(description="每个项目最多（元） · for one project at most")] = None
    total_amount: Annotated[Yuan | None, Field(description="总额（元） · altogether")] = None
    opens_at: Annotated[Moment | None, Field(description="开始受理，不填即发布时 · null: once published")] = None
    closes_at: Annotated[
        Moment | None, Field(description="截止，不填即常年受理 · the deadline; null: all year round")
    ] = None
    how_to_apply: Annotated[Guide | None, Field(description="怎样申报 · how to apply")] = None
    apply_url: Annotated[WebAddress | None, Field(description="申报网址 · where to apply")] = None
    documents: Annotated[
        list[Document], Field(max_length=30, description="申报材料 · documents that are needed"), EachOnce
    ] = []
    contact: Contact | None = None
    eligibility: Eligibility = NO_RULES


class FundingTerms(Message):
    """What of a call has to fit together: the order of its times and its amounts."""

    model_config = ConfigDict(from_attributes=True, extra="ignore")

    opens_at: Moment | None = None
    closes_at: Moment | None = None
    amount_low: Yuan | None = None
    amount_high: Yuan | None = None
    total_amount: Yuan | None = None

    @model_validator(mode="after")
    def _fit(self) -> Self:
        in_order(self)
        return self


class _Offered(Protocol):
    @property
    def opens_at(self) -> datetime | None: ...
    @property
    def closes_at(self) -> datetime | None: ...
    @property
    def amount_low(self) -> Decimal | None: ...
    @property
    def amount_high(self) -> Decimal | None: ...
    @property
    def total_amount(self) -> Decimal | None: ...


def in_order(one: _Offered) -> None:
    """Refuse times and amounts that cannot be, at the field that has to change."""
    if one.opens_at is not None and one.closes_at is not None and one.closes_at <= one.opens_at:
        raise wrong_at("closes_at", "period_order", "截止须晚于开始 · it has to close after it opens")
    if one.amount_low is not None and one.amount_high is not None and one.amount_low > one.amount_high:
        raise wrong_at("amount_high", "amount_order", "最多不能少于最少 · the most is below the least")
    most = one.amount_low if one.amount_high is None else one.amount_high
    if one.total_amount is not None and most is not None and most > one.total_amount:
        raise wrong_at(
            "total_amount", "total_below", "总额少于一个项目的金额 · the total is less than one project's amount"
        )


class FundingNew(FundingBody):
    organisation_id: UUID

    @model_validator(mode="after")
    def _fit(self) -> Self:
        in_order(self)
        return self


class FundingPatch(FundingBody):
    """Any of the fields; those left out stay as they are. The rules are written as a whole."""

    title: Title = Field(default=None, validate_default=False)  # type: ignore[assignment]


class FundingFilter(Filter):
    """Which calls to list."""

    q: Annotated[Words | None, Field(description="文字 · text in title, summary, description, keywords")] = None
    kind: FundingKind | None = None
    region: Annotated[
        RegionCode | None,
        Field(
            description="此地的单位可以申报的（含不限地区的） · that applicants of this place may apply to, calls without"
            " a rule about places included"
        ),
    ] = None
    industry: Annotated[
        IndustryCode | None,
        Field(description="面向此行业的（含不限行业的） · for this industry, calls for any industry included"),
    ] = None
    open: Annotated[
        bool | None,
        Field(description="true 未截止的，false 已截止的 · true: one can apply, or will be able to; false: closed"),
    ] = None
    organisation: UUID | None = None
    state: FundingState | None = None
    bookmarked: Annotated[bool, Field(description="只看我收藏的 · those that you keep an eye on")] = False
    mine: Annotated[bool, Field(description="只看本单位的，包括草稿 · your organisations' own, drafts included")] = (
        False
    )


class FundingCard(Message):
    """A call in a list."""

    id: UUID
    organisation: OrganisationCard
    kind: FundingKind
    state: FundingState
    phase: Annotated[FundingPhase, Field(description="按此刻 · at this moment")]
    title: str
    title_en: str | None
    summary: str | None
    keywords: list[str]
    industries: list[str]
    disciplines: list[str]
    amount_low: Yuan | None
    amount_high: Yuan | None
    total_amount: Yuan | None
    opens_at: AwareDatetime | None
    closes_at: AwareDatetime | None
    days_left: Annotated[
        int | None,
        Field(
            description="距截止的天数（按北京日期，0 为今天截止）；常年受理或已截止为空"
            " · days until the deadline by China's calendar, 0: today; null: no deadline, or over"
        ),
    ]
    applicant_kinds: list[OrganisationKind]
    applicant_regions: list[str]
    published_at: AwareDatetime | None
    changed_at: Annotated[
        AwareDatetime | None, Field(description="发布后最近一次修改 · last changed after it was published")
    ]
    created_at: AwareDatetime
    updated_at: AwareDatetime
    version: int


class FundingView(FundingCard):
    """A call with all that an applicant has to know."""

    description: str | None
    how_to_apply: str | None
    apply_url: str | None
    documents: list[str]
    contact: Annotated[Contact | None, Field(description="登录后可见 · shown to people who are signed in")]
    eligibility: Eligibility
    kept_by_you: Annotated[bool, Field(description="您可以修改它 · you may change it")]


class FundingChange(Message):
    """One change of a call after it was published."""

    at: AwareDatetime
    fields: Annotated[list[str], Field(description="改了哪些 · which fields were changed")]
    before: Annotated[
        dict[str, object], Field(description="改之前的内容（不含联系人） · what they said before, contacts left out")
    ]


class FundingBookmark(Message):
    """A call that one keeps an eye on. Letters of changes come unless they are switched off; left out, `changes` stays as
    it was."""

    days_before: Annotated[
        Annotated[int, Whole(1, 60)],
        Field(description="截止前几天写信提醒 · how many days before the deadline a letter comes"),
    ] = 7
    changes: Annotated[
        StrictBool,
        Field(
            description="修改、提前截止、撤回、开始受理时来信；不填则不变，初次收藏为是"
            " · whether a letter comes when it is changed, closed early, taken back or opened; left out: as it was, and true"
            " for a call that is new to you"
        ),
    ] = True


class FundingBookmarkView(FundingBookmark):
    since: AwareDatetime
