"""Funding calls that fit a text or a record, why, and whether one may apply."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool

from schemas.base import Message
from schemas.codes import DisciplineCode, IndustryCode, RegionCode, Trl
from schemas.funding import FundingCard, FundingKind
from schemas.identity import OrganisationKind
from schemas.pairings import FieldOfText, RankedPage, Reasons
from schemas.text import Text, Whole


class RuleVerdict(StrEnum):
    """符合、不符合、请自行核对."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"


class FundingRule(StrEnum):
    """What a rule of a call is about; the fields of `Eligibility`."""

    APPLICANT_KINDS = "applicant_kinds"
    APPLICANT_REGIONS = "applicant_regions"
    PROJECT_REGIONS = "project_regions"
    INDUSTRIES = "industries"
    DISCIPLINES = "disciplines"
    TRL = "trl"
    VERIFIED = "verified"
    JOINT = "joint"
    NOT_PUBLICLY_FUNDED = "not_publicly_funded"
    OWN_SHARE = "own_share"
    CONDITION = "condition"


class RuleCheck(Message):
    """One rule of a call beside what is known of the applicant and the project."""

    rule: FundingRule
    verdict: RuleVerdict
    asked: Annotated[list[str], Field(description="要求：代码或数值 · what is asked for, as codes or figures")]
    found: Annotated[list[str], Field(description="实际，空为未知 · what there is; empty: not known")]
    because: Annotated[str, Field(description="说明 · why, in the reader's language")]


class FundingStanding(StrEnum):
    """规则都符合、有待核对、有不符合的规则."""

    ELIGIBLE = "eligible"
    TO_CHECK = "to_check"
    NOT_ELIGIBLE = "not_eligible"


class FundingPairing(Message):
    """A call that one can apply to, or will be able to; why it fits, and which of its rules are met."""

    id: UUID
    kind: Literal["funding"]
    score: float
    fits: Annotated[bool, Field(description="主题真正对口 · whether the likeness of the texts reaches the threshold")]
    funding: FundingCard
    reasons: Reasons
    standing: Annotated[
        FundingStanding,
        Field(
            description="eligible 规则都符合（或没有规则）；to_check 没有不符合的，但有要自行核对的；not_eligible 有不符合的"
            " · eligible: every rule is met, or there is none; to_check: none is broken, some cannot be decided from the"
            " records; not_eligible: one is not met"
        ),
    ]
    rules: list[RuleCheck]


class FundingRankingPage(RankedPage):
    items: list[FundingPairing]
    field: FieldOfText = None
    order: Annotated[str, Field(description="怎样排列 · how the order is made")]
    left_out: Annotated[
        int, Field(description="因有规则不符合而未列出的（eligible=true 时） · hidden, as a rule is not met")
    ]


Eligible = Annotated[bool, Field(description="只看没有不符合的规则的 · leave out calls of which a rule is not met")]
Kinds = Annotated[list[FundingKind], Field(max_length=len(FundingKind), description="只看这些类型 · of these kinds")]


class FundingRankingQuery(Message):
    """Which calls to rank, in an address where paging has its own names."""

    model_config = ConfigDict(extra="ignore")

    kind: Kinds = []
    eligible: Eligible = False


class FundingMatchRequest(Message):
    """A text to find funding for, and what is known of who applies. Nothing of it is stored."""

    text: Annotated[str, Text(20000), Field(examples=["铝合金热锻模具表面强化，拟与高校联合做中试"])]
    side: Annotated[
        Literal["problem", "achievement"],
        Field(description="这段文字是难题还是成果 · whether the text asks for something or offers it"),
    ] = "problem"
    region: Annotated[
        RegionCode | None,
        Field(description="申报单位所在地，也作项目实施地 · where the applicant is, and the project with it"),
    ] = None
    industry: IndustryCode | None = None
    discipline: DisciplineCode | None = None
    trl: Trl | None = None
    organisation_kind: OrganisationKind | None = None
    kind: Kinds = []
    eligible: Annotated[
        StrictBool, Field(description="只看没有不符合的规则的 · leave out those with a rule not met")
    ] = False
    limit: Annotated[int, Whole(1, 100)] = 20
