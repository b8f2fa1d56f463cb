"""The words that the platform's administrators keep for the matching."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from schemas.base import Filter, Message
from schemas.text import Line


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
    Field(description="经同义词命中时，原文的写法 · what the question says instead, when found through a synonym"),
]
