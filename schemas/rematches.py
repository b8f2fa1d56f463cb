"""Full rematches: everybody against everybody, proposals shared out within what teams can take."""

from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, StrictBool, model_validator

from schemas.base import Filter, Message, wrong_at
from schemas.identity import OrganisationCard
from schemas.operations import OperationState
from schemas.pairings import Pairing
from schemas.text import Whole


class Why(StrEnum):
    """Why a proposal is made, or is not."""

    GRANTED = "granted"
    FLOOR = "floor"
    TEAM_FULL = "team_full"
    ORGANISATION_FULL = "organisation_full"


Proposals = Annotated[
    int, Whole(1, 100), Field(description="每项难题最多几条推荐 · proposals for each problem at most")
]
Places = Annotated[
    int,
    Whole(1, 10_000),
    Field(
        description="没有填写可同时洽谈数的成果最多推荐给几家；空为不限；按单位计时是每个单位的名额"
        " · to how many firms an achievement is proposed at most that does not say how many talks it can take; null: any"
        " number; by organisation: the places of each organisation"
    ),
]
Floor = Annotated[int, Whole(0, 100), Field(description="每项难题保底几条推荐 · proposals that each problem keeps")]
Depth = Annotated[int, Whole(1, 1000), Field(description="每项难题取前多少条候选 · candidates of each problem")]
ByOrganisation = Annotated[
    StrictBool,
    Field(
        description="名额按单位计；成果自己的可同时洽谈数仍然有效"
        " · places are those of an organisation; what an achievement says itself holds as well"
    ),
]
Unfit = Annotated[StrictBool, Field(description="也推荐不够合适的 · propose also what hardly fits")]


class RematchNew(Message):
    """Have all problems and achievements matched anew, and the proposals shared out."""

    proposals: Proposals = 5
    places: Places | None = None
    floor: Floor = 1
    by_organisation: ByOrganisation = False
    unfit: Unfit = False
    depth: Depth = 50

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.floor > self.proposals:
            raise wrong_at("floor", "floor_above", "保底不能多于推荐数 · the floor cannot be above the proposals")
        if self.proposals > self.depth:
            raise wrong_at("depth", "depth_below", "深度不能小于推荐数 · the depth cannot be below the proposals")
        return self


class RematchNumbers(Message):
    """What came of a run. `plain` and `total`: the sums of the scores if everybody simply got the best, and as it is."""

    problems: int
    achievements: int
    granted: int
    passed: Annotated[int, Field(description="排得上而没有分到的 · ranked, and not granted")]
    without: Annotated[int, Field(description="没有任何推荐的难题 · problems without any proposal")]
    short: Annotated[int, Field(description="不足保底的难题 · problems below the floor")]
    plain: float
    total: float


class RematchTerms(Message):
    """What proposals were shared out by."""

    id: UUID
    proposals: int
    places: int | None
    floor: int
    by_organisation: bool
    unfit: bool
    depth: int
    finished_at: AwareDatetime | None


class RematchView(RematchTerms):
    operation_id: UUID
    state: OperationState
    progress: float
    error: str | None
    newest: Annotated[
        bool, Field(description="最近完成的一次，各页面显示它 · the newest finished run, which pages show")
    ]
    kept: Annotated[
        bool,
        Field(
            description="推荐仍保存着；只保留最近几次的 · its proposals are still kept; those of the latest runs are"
        ),
    ]
    numbers: RematchNumbers | None
    created_at: AwareDatetime


class ProposedRecord(Message):
    id: UUID
    title: str
    organisation: OrganisationCard


class ProposalView(Message):
    """One pair of a run: a problem, an achievement that ranks well for it, and whether it is proposed."""

    problem: ProposedRecord
    achievement: ProposedRecord
    score: float
    rank: Annotated[
        int, Field(description="成果在难题的普通排名中的位次 · the achievement's place in the problem's plain ranking")
    ]
    rank_back: Annotated[
        int | None,
        Field(
            description="难题在成果的普通排名中的位次；空为在深度之外"
            " · the problem's place in the achievement's plain ranking; null: beyond the depth"
        ),
    ]
    granted: bool
    why: Why
    place: Annotated[int | None, Field(description="占用的第几个名额 · which of the places it takes")]
    places: Annotated[int | None, Field(description="名额数；空为不限 · how many places there are; null: any number")]
    lowest: Annotated[float | None, Field(description="这些名额给出的最低分 · the lowest score that a place went to")]
    highest: float | None
    explanation: str


class SharedView(ProposalView):
    """A pair of the newest run beside the reasons for it."""

    pairing: Annotated[
        Pairing | None,
        Field(
            description="现在的得分与理由，与普通排名中的相同；匹配索引正在载入时为空"
            " · its score and reasons as the plain ranking has them now; null while the ranking is being loaded"
        ),
    ] = None


class ProposalFilter(Filter):
    """Which rows of a run."""

    problem: UUID | None = None
    achievement: UUID | None = None
    granted: Annotated[
        bool | None, Field(description="只看分到的，或没有分到的 · those that are granted, or are not")
    ] = None


class SharedFilter(Filter):
    granted: Annotated[bool | None, Field(description="只看分到的，或没有分到的 · those granted, or not")] = None


class SharedPage(Message):
    """What the newest run proposes for a record. `run` is null when there was none yet."""

    items: list[SharedView]
    next_cursor: str | None
    run: RematchTerms | None
    granted: Annotated[int, Field(description="分到的推荐 · proposals that are granted, of records open now")]
    message: str
