"""Rankings, and why each record stands where it does."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.base import Message, wrong_at
from schemas.codes import DisciplineCode, IndustryCode, RegionCode, Trl, TrlWritten
from schemas.experts import ServiceWay
from schemas.identity import OrganisationCard
from schemas.labs import DAY_MINUTES, InstrumentKind, Stretch
from schemas.lexicon import SynonymOf
from schemas.listings import CooperationMode, ListingKind, Stage
from schemas.tariffs import SlotPrice, Unpriced
from schemas.text import Text, Whole

Detail = dict[str, str | float | None]
UseMinutes = Annotated[int, Whole(1, 31 * DAY_MINUTES)]


Lowered = Annotated[
    float,
    Field(
        description="评价者多次指出它在此类难题中误导时小于 1，权重乘以它"
        " · below 1 where people called it misleading in such problems; its weight is multiplied by this"
    ),
]


Raised = Annotated[
    float,
    Field(
        description="找仪器时，问题所需检测的用语权重乘以 4，否则为 1"
        " · 4 for the words of a test that a question for instruments needs, else 1"
    ),
]


ReadAs = Annotated[
    Literal["request", "report"],
    Field(
        description="文字按需求（request）还是按成果摘要（report）阅读：前者找同一领域，后者找最相近的工作"
        " · whether the text was read as a request, which looks for its field, or as the report of work, which looks for its kin"
    ),
]


MOST_DAYS = 3650
_LATELY = "多少天内确认过仍有效 · confirmed as still valid within so many days"
DaysWithin = Annotated[int, Whole(1, MOST_DAYS), Field(description=_LATELY)]
DaysWithinWritten = Annotated[int, Whole(1, MOST_DAYS, written=True), Field(description=_LATELY)]


class RankingFilter(Message):
    """What a record must be to be ranked at all. A code takes in what stands below it; several values mean any of them."""

    region: Annotated[list[RegionCode], Field(max_length=20)] = []
    industry: Annotated[list[IndustryCode], Field(max_length=20)] = []
    discipline: Annotated[list[DisciplineCode], Field(max_length=20)] = []
    trl_min: Trl | None = None
    trl_max: Trl | None = None
    stage: Annotated[list[Stage], Field(max_length=3)] = []
    mode: Annotated[list[CooperationMode], Field(max_length=5)] = []
    confirmed_within: DaysWithin | None = None


class RankingQuery(RankingFilter):
    """The same in an address, where everything is written as text and paging has its own names."""

    model_config = ConfigDict(extra="ignore")

    trl_min: TrlWritten | None = None
    trl_max: TrlWritten | None = None
    confirmed_within: DaysWithinWritten | None = None


class MatchRequest(Message):
    """A text, and which kind of record to find for it. Nothing of it is stored."""

    text: Annotated[str, Text(20000), Field(examples=["高铁转向架用铸铝件疲劳裂纹，需要无损检测方法"])]
    kind: Annotated[
        Literal["achievement", "problem", "instrument"],
        Field(
            description="要找的记录种类；仪器只可按地区筛选"
            " · which kind of record to find; instruments are filtered by region alone"
        ),
    ] = "achievement"
    limit: Annotated[int, Whole(1, 100)] = 20
    filters: RankingFilter = RankingFilter()
    read_as: Annotated[
        ReadAs | None,
        Field(
            description="不填则由文字本身判断（找难题时一律按需求）；不用于仪器"
            " · left open, the text itself tells (when problems are looked for, always a request); not for instruments"
        ),
    ] = None
    minutes: Annotated[
        UseMinutes | None,
        Field(
            description="要用多久（仪器）；不填按最短时长 · for how long an instrument is needed; without it the least length"
        ),
    ] = None
    organisation_id: Annotated[
        UUID | None,
        Field(
            description="按哪个单位的免费机时和创新券计价（仪器）；不填按您所在的单位"
            " · whose free time and vouchers count in the price of an instrument; without it your own organisation's"
        ),
    ] = None

    @model_validator(mode="after")
    def _filters_of_the_kind(self) -> Self:
        if self.kind == "instrument" and self.filters != RankingFilter(region=self.filters.region):
            raise PydanticCustomError(
                "filter_of_another_kind", "仪器只可按地区筛选 · instruments are filtered by region alone"
            )
        if self.kind == "instrument" and self.read_as is not None:
            raise wrong_at("read_as", "not_for_instruments", "不用于匹配仪器 · this is not for instruments")
        for name in ("minutes", "organisation_id"):
            if self.kind != "instrument" and getattr(self, name) is not None:
                raise wrong_at(name, "only_for_instruments", "只用于匹配仪器 · this is for instruments alone")
        return self


class TermPart(Message):
    """One matched term. contribution = weight_query × weight_document, where

    weight_query = (1 + ln tf_query) × idf × focus × emphasis × aside × lowered × raised × apart ÷ query_norm and
    weight_document = (1 + ln(1 + ln tf_document)) × idf ÷ document_norm.
    """

    term: str
    kind: Literal["word", "pair", "character", "compound"]
    contribution: float
    tf_query: int
    tf_document: int
    df: Annotated[int, Field(description="records that have the term")]
    cf: Annotated[int, Field(description="how often the term occurs in all records")]
    idf: Annotated[float, Field(description="ln((1 + records) / (1 + df)) + 1")]
    focus: Annotated[float, Field(description="((cf + 5) / (df + 5)) ** 0.3")]
    emphasis: Annotated[
        float,
        Field(
            description="外文名称 2.5，字母对 0.5，摘要中的字对 0.7，术语 4 × (150 ÷ (150 + 问题的词数))⁴，其余 1"
            " · 2.5 for Latin names, 0.5 for pairs of letters, 0.7 for pairs in a report,"
            " 4 × (150 ÷ (150 + terms of the question))⁴ for compounds of the lexicon, else 1"
        ),
    ]
    aside: Annotated[
        float, Field(description="below 1 for single characters, words beside the point and synonyms, else 1")
    ]
    lowered: Lowered
    raised: Raised
    apart: Annotated[
        float,
        Field(
            description="区分度，仅用于摘要：(51 / (1 + 最接近的 50 条中含它的条数)) ** 0.3，否则为 1"
            " · for a report: (51 / (1 + how many of the 50 nearest records have the term)) ** 0.3, with fewer records"
            " (1 + those) / …; else 1"
        ),
    ]
    weight_query: float
    weight_document: float
    synonym_of: SynonymOf = None


class TermReason(Message):
    """A word or phrase that both texts share, and what it adds to the score."""

    term: str
    contribution: float
    synonym_of: SynonymOf = None
    lowered: Lowered
    raised: Raised
    parts: Annotated[
        list[TermPart] | None, Field(description="算式 · the arithmetic, when one pairing is asked for")
    ] = None


class OtherTerms(Message):
    """Everything matched that is not listed, summed up."""

    terms: int
    contribution: float


class SignalReason(Message):
    """A structured signal: contribution = text × weight × value. Unknown on either side contributes 0."""

    name: Annotated[str, Field(examples=["field", "trl", "region", "budget", "freshness"])]
    known: bool
    value: float | None
    weight: float
    contribution: float
    detail: Detail


class SentenceReason(Message):
    """The sentence of the record that matched best. `spans` mark the matched words, as characters of `text`."""

    field: Literal["title", "body"]
    text: str
    share: Annotated[float, Field(description="0–1 of the text score")]
    spans: list[tuple[int, int]]


class Reasons(Message):
    """Why: score = Σ terms + other + Σ signals (to 1e-6)."""

    text: Annotated[float, Field(description="Σ terms + other")]
    terms: list[TermReason]
    other: OtherTerms
    signals: list[SignalReason]
    sentence: SentenceReason | None
    query_norm: float
    document_norm: Annotated[float, Field(description="length of the record's weights + pivot")]
    pivot: float
    documents: Annotated[int, Field(description="records ranked against; n of the idf")]
    model: Annotated[
        int, Field(description="信号权重的版本，0 为初始版本 · version of the signals' weights; 0: the starting one")
    ]
    lexicon: Annotated[
        int, Field(description="术语表的版本，0 为没有术语 · version of the terms that count whole; 0: none do")
    ] = 0


class CoverageReason(Message):
    """What the achievement says to one must-meet indicator of the problem."""

    name: str
    operator: str
    value: str
    upper: str | None
    unit: str | None
    verdict: Annotated[
        Literal["supported", "partly", "not_found"],
        Field(description="supported: a figure meets it; partly: it is spoken of, without such a figure"),
    ]
    sentence: Annotated[str | None, Field(description="the sentence it rests on")]
    found: Annotated[str | None, Field(description="the figure as it stands there")]
    converted: Annotated[tuple[float, float] | None, Field(description="the figure (or range) in the indicator's unit")]


class Pairing(Message):
    id: UUID
    kind: ListingKind
    title: str
    score: float
    organisation: OrganisationCard
    region: str | None
    confirmed_at: AwareDatetime | None
    reasons: Reasons
    coverage: Annotated[
        list[CoverageReason] | None,
        Field(description="难题的每项指标是否有据 · each must-meet indicator of the problem; null for a free text"),
    ] = None


class Similar(Pairing):
    """Another record of the same kind. Its reasons are the words and the field: readiness, money and place are not compared."""

    overlap: Annotated[
        float | None,
        Field(
            description="与所问记录近乎相同时，共有片段占两者全部片段之比（0.5–1）"
            " · where the two say nearly the same: what both say, of what either says, 0.5–1"
        ),
    ]


class InstrumentPairing(Message):
    """An instrument that fits, and when it could be used."""

    id: UUID
    kind: Literal["instrument"]
    instrument_kind: InstrumentKind
    title: Annotated[str, Field(description="名称 · its name")]
    model: str | None
    lab: str | None
    location: str | None
    score: float
    organisation: OrganisationCard
    region: str
    reasons: Reasons
    first_free: Annotated[
        Stretch | None,
        Field(
            description="14 天内最早可约的时段（所要的时长，未说明则最短时长），没有则为空"
            "；不接受您这类用户的也为空"
            " · the first time of the asked (or else the least) length that can be booked within 14 days; null: none,"
            " or not for customers of your class"
        ),
    ]
    price: Annotated[
        SlotPrice | None,
        Field(
            description="该时段的价格，扣除免费机时和创新券后；为空时 unpriced 说明原因"
            " · what that time costs; where it is null, `unpriced` says why"
        ),
    ]
    unpriced: Annotated[
        Unpriced | None,
        Field(
            description="没有价格的原因：no_tariff 未公布收费标准（并非免费，请咨询机组）；not_admitted 不接受此类用户的预约"
            "（未登录按“其他”）；nothing_free 14 天内没有空闲"
            " · why there is no price: no tariff is published (which is not free of charge: ask the lab), customers of"
            " this class (a visitor: others) are not admitted, or nothing is free within 14 days"
        ),
    ]


class ExpertPairing(Message):
    """An expert who fits."""

    id: UUID
    kind: Literal["expert"]
    title: Annotated[str, Field(description="研究方向 · what they work on")]
    name: str
    academic_title: str | None
    unit: str | None
    services: list[ServiceWay]
    talks: int | None
    score: float
    organisation: OrganisationCard
    region: str | None
    confirmed_at: AwareDatetime | None
    reasons: Reasons


class FieldRead(Message):
    """The field of a text that tells none, as the achievements nearest to it have it."""

    industries: Annotated[list[IndustryCode], Field(description="国民经济行业大类 · divisions of GB/T 4754")]
    disciplines: Annotated[list[DisciplineCode], Field(description="一级学科 · first level of GB/T 13745")]


FieldOfText = Annotated[
    FieldRead | None,
    Field(
        description="没有写明行业、学科时，由最相近的成果推断的领域，计入领域得分；空为未推断"
        " · where no field was told: that of the nearest achievements, counted in the signal `field`; null when it was not read"
    ),
]


class RankedPage(Message):
    """One page of a ranking of whatever kind."""

    items: list[Any]
    next_cursor: str | None = None
    fits: Annotated[
        bool,
        Field(
            description="是否有真正合适的 · whether anything reaches the threshold; if not, the items are only the nearest"
        ),
    ]
    message: Annotated[str | None, Field(description="没有合适的时如实说明 · said plainly when nothing fits")] = None
    considered: Annotated[int, Field(description="通过筛选且仍有效的记录数 · records that passed the filters")]
    best_text: float
    threshold: float
    read_as: ReadAs


class RankingPage(RankedPage):
    items: list[Pairing]


class SimilarPage(RankedPage):
    items: list[Similar]


class InstrumentRankingPage(RankedPage):
    items: list[InstrumentPairing]
    priced_for: Annotated[
        OrganisationCard | None,
        Field(description="按哪个单位计价；空为公开价 · for whom the prices are; null: as anybody would pay"),
    ]


class ExpertRankingPage(RankedPage):
    items: list[ExpertPairing]


class ExpertRankingFilter(Message):
    """Which experts are ranked at all. A code takes in what stands below it; several values mean any of them."""

    region: Annotated[list[RegionCode], Field(max_length=20)] = []
    industry: Annotated[list[IndustryCode], Field(max_length=20)] = []
    discipline: Annotated[list[DisciplineCode], Field(max_length=20)] = []
    service: Annotated[list[ServiceWay], Field(max_length=6)] = []


class ExpertRankingQuery(ExpertRankingFilter):
    """The same in an address, where paging has its own names."""

    model_config = ConfigDict(extra="ignore")


class ExpertMatchRequest(Message):
    """A text to find experts for. Nothing of it is stored."""

    text: Annotated[str, Text(20000), Field(examples=["热锻模具型腔龟裂，求表面强化与修复办法"])]
    limit: Annotated[int, Whole(1, 100)] = 20
    filters: ExpertRankingFilter = ExpertRankingFilter()


class RegionQuery(Message):
    """Which instruments to rank, in an address where paging has its own names."""

    model_config = ConfigDict(extra="ignore")

    region: Annotated[list[RegionCode], Field(max_length=20)] = []
    minutes: Annotated[
        Annotated[int, Whole(1, 31 * DAY_MINUTES, written=True)] | None,
        Field(description="要用多久；不填按最短时长 · for how long; without it the least length"),
    ] = None
    organisation: Annotated[UUID | None, Field(description="按哪个单位计价 · for whom the prices are")] = None
