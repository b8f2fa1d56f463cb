"""成果产出: papers, patents, standards and projects that use of an instrument led to, with numbers that can be looked up."""

import re
from enum import StrEnum
from typing import Annotated, Final, LiteralString, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.base import Filter, Message, wrong_at
from schemas.text import Line, Title, Whole, fold


class OutputKind(StrEnum):
    """论文、专利、标准、项目."""

    PAPER = "paper"
    PATENT = "patent"
    STANDARD = "standard"
    PROJECT = "project"


_DOI: Final = re.compile(r"10\.[0-9]{4,9}/[!-~]{1,180}")
_BEFORE_DOI: Final = re.compile(r"^(https?://(dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)
# ZC 0006-2003: year, kind, serial number, check digit; then publication numbers, Chinese and others.
_APPLICATION: Final = re.compile(r"((?:19|20)[0-9]{2}[12389][0-9]{7})\.?([0-9X])")
_PUBLISHED: Final = re.compile(r"CN[0-9]{7,9}[ABCUSY][0-9]?|(?:WO|EP|US|JP|KR|DE|GB|FR|RU)[0-9]{4,13}[A-Z]?[0-9]?")
_WEIGHTS: Final = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_STANDARD: Final = re.compile(
    r"(GB(?:/T|/Z)?|[A-Z]{2}(?:/T)?|DB[0-9]{2,6}(?:/T)?|T/[A-Z]{2,8}|Q/[A-Z0-9]{2,12}|ISO(?:/IEC)?|IEC|ASTM|EN|IEEE)"
    r" ([A-Z]?[0-9]{1,6}(?:[.-][0-9]{1,3})*)[-:]((?:19|20)[0-9]{2})"
)
_PROJECT: Final = re.compile(r"[A-Z0-9][A-Z0-9()./_-]{2,59}")


def _wrong(code: LiteralString, told: LiteralString) -> PydanticCustomError:
    return wrong_at("number", code, told)


def check_digit(digits: str) -> str:
    """The last character of a Chinese patent application number (ZC 0006-2003)."""
    rest = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True)) % 11
    return "X" if rest == 10 else str(rest)


def doi(written: str) -> str:
    """A DOI without what stands before it in links, in lower case: they are compared like that."""
    plain = _BEFORE_DOI.sub("", fold(written))
    if not _DOI.fullmatch(plain):
        raise _wrong("doi_expected", "请填写 DOI，例如 10.1000/xyz123 · write a DOI, such as 10.1000/xyz123")
    return plain.lower()


def patent(written: str) -> str:
    """An application number with its check digit, or a publication number, as the offices write them."""
    plain = re.sub(r"[\s/]", "", fold(written).upper())
    if found := _APPLICATION.fullmatch(plain.removeprefix("ZL").removeprefix("CN")):
        if found[2] != check_digit(found[1]):
            raise _wrong(
                "patent_check_digit",
                "专利号的校验位不对，请核对 · the check digit of the patent number is wrong; look at it again",
            )
        return f"ZL{found[1]}.{found[2]}"
    if _PUBLISHED.fullmatch(plain):
        return plain
    raise _wrong(
        "patent_expected",
        "请填写专利号，例如 ZL202010123456.2 或 CN112345678A"
        " · write a patent number, such as ZL202010123456.2 or CN112345678A",
    )


def standard(written: str) -> str:
    """A standard's number: `GB/T 30523-2023`."""
    plain = re.sub(r"[—–－]", "-", fold(written).upper())
    plain = re.sub(r"\s+", " ", re.sub(r"\s*([/:-])\s*", r"\1", plain))
    plain = re.sub(r"^([A-Z/0-9]*[A-Z])(?=[0-9])", r"\1 ", plain) if " " not in plain else plain
    if not _STANDARD.fullmatch(plain):
        raise _wrong(
            "standard_expected",
            "请填写标准号与年份，例如 GB/T 30523-2023 · write a standard's number and year, such as GB/T 30523-2023",
        )
    return plain


def project(written: str) -> str:
    """A project's number, as its funder writes it."""
    plain = fold(written).upper().replace(" ", "")
    if not _PROJECT.fullmatch(plain) or not re.search("[0-9]", plain):
        raise _wrong(
            "project_expected",
            "请填写项目编号（字母、数字），例如 20240101001JC"
            " · write the project's number (letters and digits), such as 20240101001JC",
        )
    return plain


_READ: Final = {
    OutputKind.PAPER: doi,
    OutputKind.PATENT: patent,
    OutputKind.STANDARD: standard,
    OutputKind.PROJECT: project,
}


class OutputNew(Message):
    """What came of use. Users name the use it came of; keepers may name the instrument alone."""

    kind: OutputKind
    title: Title
    number: Annotated[
        Annotated[str, Line(200)],
        Field(
            description="论文 DOI、专利号（核对校验位）、标准号、项目编号"
            " · DOI, patent number (its check digit is looked at), standard's or project's number"
        ),
    ]
    year: Annotated[
        Annotated[int, Whole(1990, 2200)],
        Field(description="发表、授权、发布或立项年份 · the year it counts in"),
    ]
    usage_id: Annotated[UUID | None, Field(description="来自哪次使用 · the use it came of")] = None

    @model_validator(mode="after")
    def _known_number(self) -> Self:
        # Which reading a number gets depends on the kind, so it is read when both are there; a message is frozen.
        object.__setattr__(self, "number", _READ[self.kind](self.number))
        return self


class OutputFilter(Filter):
    year: Annotated[Annotated[int, Whole(1990, 2200, written=True)] | None, Field(description="年份 · year")] = None
    kind: OutputKind | None = None


class OutputView(Message):
    """Whose use it came of is told to those whom it served and to the keepers."""

    id: UUID
    instrument_id: UUID
    kind: OutputKind
    title: str
    number: str
    link: Annotated[str | None, Field(description="论文的 DOI 链接 · where a paper is found")]
    year: int
    usage_id: UUID | None
    by_keeper: Annotated[bool, Field(description="由管理员登记 · written down by a keeper")]
    created_at: AwareDatetime
