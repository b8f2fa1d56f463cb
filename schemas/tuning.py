"""How the ranking is tuned: versions of the signals' weights, and the terms that people called misleading."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from schemas.base import Filter, Message
from schemas.text import Text


class ModelState(StrEnum):
    """候选、在用、已停用."""

    CANDIDATE = "candidate"
    ACTIVE = "active"
    RETIRED = "retired"


class SignalWeights(Message):
    """How much each signal may add to the text score, as a share of it; 0.25 together at most."""

    field: float
    trl: float
    region: float
    budget: float
    freshness: float


class LearntFrom(Message):
    """How much evidence there was."""

    verdicts: Annotated[int, Field(description="评价数 · verdicts")]
    organisations: Annotated[int, Field(description="给出可比较评价的单位 · organisations whose verdicts compare")]
    questions: Annotated[
        int,
        Field(description="有两种以上评价的记录 · records that asked, with two grades at least among what they found"),
    ]
    comparisons: Annotated[int, Field(description="评价不同的两条，共几对 · pairs that were graded differently")]


class Measured(Message):
    """Both versions on verdicts that neither was learnt from (five parts, by the record that asked)."""

    ndcg_before: Annotated[float, Field(description="当时在用版本的 nDCG@10 · nDCG@10 of the version then active")]
    ndcg: float
    accuracy_before: Annotated[
        float, Field(description="排对的比较所占的份额 · share of comparisons that come out right")
    ]
    accuracy: float
    gain: Annotated[float, Field(description="nDCG@10 的平均增量 · mean difference in nDCG@10")]
    low: Annotated[float, Field(description="99% 区间 · its 99 % interval, a bootstrap over organisations")]
    high: float


class ModelView(Message):
    """One version of the weights. Number 0 is what the program starts with."""

    id: UUID
    number: int
    state: ModelState
    weights: SignalWeights
    learnt_from: LearntFrom | None
    measured: Measured | None
    better: Annotated[
        bool,
        Field(description="离线确实更好（区间在 0 以上） · certainly better offline: the whole interval is above 0"),
    ]
    against: Annotated[int | None, Field(description="与哪个版本比较 · the number of the version it was compared with")]
    created_at: AwareDatetime
    created_by: UUID | None
    activated_at: AwareDatetime | None
    activated_by: UUID | None


class StrikingOut(Message):
    reason: Annotated[str, Text(500), Field(examples=["这个词在本行业正是要找的"])]


class MisleadingTermFilter(Filter):
    """Which terms; without it all that were ever found."""

    lowering: Annotated[
        bool | None, Field(description="只看正在降权的（或没有降权的） · only those that are lowered now (or are not)")
    ] = None


class MisleadingTermView(Message):
    """A term that people called misleading in problems of one kind, and what became of it."""

    id: UUID
    term: str
    kind: Annotated[
        str | None,
        Field(description="行业大类（GB/T 4754 两位代码），空为所有行业 · division of industry; null: every one"),
    ]
    factor: Annotated[float, Field(description="权重乘以 · what its weight is multiplied by")]
    share: Annotated[
        float,
        Field(description="认为误导的份额（已收缩） · how often it was called misleading, shrunk towards the usual"),
    ]
    named_by: Annotated[int, Field(description="指出它的单位数 · organisations that named it")]
    asked: Annotated[int, Field(description="看到它的单位数 · organisations that saw it")]
    spared: Annotated[list[str], Field(description="不适用的行业大类 · divisions that this does not hold for")]
    lowering: Annotated[bool, Field(description="现在是否降权 · whether it is lowered now")]
    stands: Annotated[bool, Field(description="最近一次学习是否仍然支持 · whether the latest learning still finds it")]
    struck_out_at: AwareDatetime | None
    struck_out_by: UUID | None
    reason: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
