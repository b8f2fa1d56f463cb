"""The words that the platform's administrators keep for the matching."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StrictBool

from schemas.base import Filter, Message
from schemas.listings import ListingKind
from schemas.text import Line, Text, Whole


class SynonymWritten(Message):
    spellings: Annotated[
        list[Annotated[str, Line(60, least=2)]],
        Field(
            min_length=2,
            max_length=8,
            description="意义相同的写法：全称、简称、外文缩写"
            " · spellings that mean the same: full names, short ones, foreign abbreviations",
            examples=[["锂电池", "锂离子电池"]],
        ),
    ]


class SynonymFilter(Filter):
    q: Annotated[
        Annotated[str, Line(60)] | None,
        Field(
            description="写法中含有的文字，不分全角半角和大小写 · text in one of the spellings; width and case do not count"
        ),
    ] = None


class SynonymView(SynonymWritten):
    id: UUID
    created_at: AwareDatetime


SynonymOf = Annotated[
    str | None,
    Field(
        description="经同义词或所需检测命中时，原文的写法 · what the question says instead, when found through a synonym or a test that it needs"
    ),
]


class TermOrigin(StrEnum):
    """用户添加、语料中发现."""

    USER = "user"
    DISCOVERED = "discovered"


TermText = Annotated[
    str,
    Line(60, least=2),
    Field(
        description="要作为一个整体匹配的词 · what is to be matched as a whole",
        examples=["固态电解质薄膜", "SiC/Al"],
    ),
]
TermNote = Annotated[
    Annotated[str, Line(200)] | None, Field(description="为何收入 · why it is in", examples=["行业标准用语"])
]
VersionNumber = Annotated[int, Whole(0, 2**31 - 1)]


class TermWritten(Message):
    text: TermText
    note: TermNote = None


class TermView(TermWritten):
    """A term of the draft. It counts in rankings once the draft was put to use."""

    id: UUID
    origin: TermOrigin
    created_at: AwareDatetime
    created_by: UUID | None


class TermFilter(Filter):
    q: Annotated[
        Annotated[str, Line(60)] | None,
        Field(description="术语中含有的文字，不分全角半角和大小写 · text in the term; width and case do not count"),
    ] = None
    origin: TermOrigin | None = None


class TermsImported(Message):
    """A list of terms, one a line: `term` or `term,note`; a first line that says so is left out."""

    text: Annotated[str, Text(300_000), Field(examples=["固态电解质薄膜\nSiC/Al,铝基碳化硅复合材料"])]
    dry_run: Annotated[StrictBool, Field(description="只检查，不添加 · look only, add nothing")] = False


class LineWrong(Message):
    line: Annotated[int, Field(description="第几行，从 1 起 · which line, from 1")]
    code: str
    detail: str


class ImportReport(Message):
    """What became of a list, or would. Lines that are wrong are left out, the others are added."""

    dry_run: bool
    lines: Annotated[int, Field(description="有内容的行数 · lines that say something")]
    added: Annotated[int, Field(description="新添加的术语 · terms that are new")]
    known: Annotated[int, Field(description="已在草稿中或重复的 · in the draft already, or twice in the list")]
    wrong: Annotated[int, Field(description="有问题的行数 · lines that are wrong")]
    errors: Annotated[list[LineWrong], Field(description="前 100 个 · the first 100 of them")]


class LexiconVersionNew(Message):
    note: TermNote = None


class LexiconVersionView(Message):
    """A numbered list of terms, which never changes. Version 0 has none."""

    number: VersionNumber
    active: Annotated[bool, Field(description="是否正在使用 · whether it is the one in use")]
    note: str | None
    terms: Annotated[int, Field(description="术语数 · how many terms it has")]
    added: Annotated[int, Field(description="比当时在用的版本多几条 · terms that the version in use before had not")]
    removed: Annotated[int, Field(description="比当时在用的版本少几条 · terms of that version that this one has not")]
    against: Annotated[int | None, Field(description="与哪一版比较 · the version that it is compared with")]
    created_at: AwareDatetime
    created_by: UUID | None
    activated_at: AwareDatetime | None
    activated_by: UUID | None


class VersionTermView(Message):
    text: str


class LexiconDraftView(Message):
    """How the draft differs from the version in use."""

    active: VersionNumber
    terms: Annotated[int, Field(description="草稿中的术语数 · terms of the draft")]
    added: Annotated[int, Field(description="草稿多出的 · terms of the draft that the version in use has not")]
    removed: Annotated[int, Field(description="草稿去掉的 · terms of the version in use that the draft has not")]
    added_terms: Annotated[list[str], Field(description="多出的前 100 条 · the first 100 of the former")]
    removed_terms: Annotated[list[str], Field(description="去掉的前 100 条 · the first 100 of the latter")]


class ProposalState(StrEnum):
    """待定、已收入、已拒绝."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class TermProposalFilter(Filter):
    state: ProposalState | None = None


class TermProposalExample(Message):
    """A public record that has the term."""

    id: UUID
    kind: ListingKind
    title: str


class TermProposalView(Message):
    """A run of characters that the open records suggest as a term."""

    id: UUID
    text: str
    state: ProposalState
    frequency: Annotated[int, Field(description="在公开记录中出现的次数 · how often it stands in the open records")]
    records: Annotated[int, Field(description="出现于几条记录 · in how many of them")]
    cohesion: Annotated[
        float, Field(description="最弱处的互信息（奈特） · mutual information where it is weakest, in nats")
    ]
    left_entropy: Annotated[float, Field(description="左邻的熵（奈特） · entropy of what stands before it, in nats")]
    right_entropy: Annotated[float, Field(description="右邻的熵（奈特） · entropy of what stands behind it, in nats")]
    worth: Annotated[float, Field(description="排序的依据 · what proposals are ordered by")]
    examples: list[TermProposalExample]
    found_at: AwareDatetime
    decided_at: AwareDatetime | None
    decided_by: UUID | None


_Ids = Annotated[list[UUID], Field(max_length=100)]


class TermDecisions(Message):
    """What becomes of some proposals, 100 of each at most: those accepted come into the draft; those reopened are
    undecided again, and out of the draft."""

    accept: _Ids = []
    reject: _Ids = []
    reopen: _Ids = []


class TermsDecided(Message):
    """How many proposals were decided otherwise than before."""

    accepted: int
    rejected: int
    reopened: int
