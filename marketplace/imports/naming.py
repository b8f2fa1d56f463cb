"""Codes by name: what people write in a cell, found in the tables of the national standards."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from marketplace.imports.degrees import DEGREE_DISCIPLINES
from schemas.codes import DISCIPLINES, INDUSTRIES, REGIONS, Table
from schemas.text import fold

_SEPARATORS = re.compile(r"[\s\-—–_·:：›>/\\,，、.()（）\[\]【】]+")
_ALTERNATIVES = re.compile(r"[/／]")
# 36 汽车制造业, C36-汽车制造业, 220100 长春市
_CODE_THEN_NAME = re.compile(r"([A-Za-z]?[0-9]{2,7}|[A-Za-z])(?:[\s\-—–_·:：.、]+(.*))?", re.DOTALL)
_NAME_THEN_CODE = re.compile(r"(.*)[(（]([A-Za-z]?[0-9]{2,7}|[A-Za-z])[)）]", re.DOTALL)
_LEVEL_WORD = re.compile(r"(特别行政区|自治区|自治州|省|市|地区|盟)$")
_NATIONS = re.compile(
    r"(?<=..)(壮族|回族|维吾尔|哈萨克|蒙古族|蒙古|藏族|羌族|朝鲜族|苗族|侗族|布依族|土家族|彝族|哈尼族|傣族|景颇族|白族|傈僳族|柯尔克孜)+$"
)
LONGEST: Final = 100


class Unnamed(LookupError):  # noqa: N818 -- these two are answers
    """A name or code that the table does not have."""


class Ambiguous(LookupError):  # noqa: N818
    """A name that several rows of the table have."""


def _squeezed(text: str) -> str:
    return _SEPARATORS.sub("", fold(text)).casefold()


def _short(name: str) -> str:
    """吉林 for 吉林省, 延边 for 延边朝鲜族自治州, 内蒙古 for 内蒙古自治区."""
    return _NATIONS.sub("", _LEVEL_WORD.sub("", name))


def _names_of_region(code: str) -> Iterator[str]:
    row = REGIONS.codes[code]
    line = [*REGIONS.ancestors(code), row]
    whole = [step.name for step in line]
    short = [_short(step.name) if step.level != "county" else step.name for step in line]
    for names in (whole, short):
        for start in range(len(names)):
            yield "".join(names[start:])
    if len(names) == 3:
        yield whole[0] + whole[2]


@cache
def _by_name(table: Table) -> dict[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in table:
        names: Iterable[str] = _names_of_region(row.code) if table is REGIONS else (row.name,)
        for name in names:
            found[_squeezed(name)].add(row.code)
    if table is DISCIPLINES:
        for name, code in DEGREE_DISCIPLINES.items():
            found.setdefault(_squeezed(name), {code})
    return {name: frozenset(codes) for name, codes in found.items()}


def _code(table: Table, text: str) -> str | None:
    """The code that is written here, if it is one: 36, C36 and c3612 are codes of the industries."""
    code = table.normalise(text)
    if code in table:
        return code
    if table is INDUSTRIES and code[1:] in table and any(row.code == code[0] for row in table.ancestors(code[1:])):
        return code[1:]
    return None


def _one_line(table: Table, codes: frozenset[str]) -> str | None:
    """The broadest of several codes when all the others stand below it: 其他农业 is both a group and its one class.

    A province comes before its namesakes: 海南 is not 海南藏族自治州.
    """
    provinces = [code for code in codes if table is REGIONS and table.codes[code].level == "province"]
    if len(provinces) == 1:
        return provinces[0]
    broadest = min(codes, key=lambda code: len(table.ancestors(code)))
    return broadest if all(table.within(code, broadest) for code in codes) else None


def code_of(table: Table, text: str) -> str:
    """The code for a code, a name, or both. Raises `Unnamed` or `Ambiguous`."""
    text = fold(text)
    if len(text) > LONGEST:
        raise Unnamed
    if (code := _code(table, text)) is not None:
        return code
    written: str | None = None
    if (match := _CODE_THEN_NAME.fullmatch(text)) and match[2]:
        written, name = _code(table, match[1]), match[2]
    elif match := _NAME_THEN_CODE.fullmatch(text):
        written, name = _code(table, match[2]), match[1]
    if written is not None:
        if written in _by_name(table).get(_squeezed(name), ()) or _squeezed(table.path(written)) == _squeezed(name):
            return written
        raise Ambiguous
    codes = _by_name(table).get(_squeezed(text))
    if codes is None:
        raise Unnamed
    found = next(iter(codes)) if len(codes) == 1 else _one_line(table, codes)
    if found is None:
        raise Ambiguous
    return found


def discipline_of(text: str) -> str:
    """The discipline, also by its name in the degree catalogue; 畜牧学/兽医学 is what holds both, if anything does."""
    try:
        return code_of(DISCIPLINES, text)
    except Unnamed:
        parts = [part for part in _ALTERNATIVES.split(text) if part.strip()]
        if len(parts) < 2:
            raise
    lines: list[list[str]] = [
        [*(row.code for row in DISCIPLINES.ancestors(code)), code] for code in map(discipline_of, parts)
    ]
    shared: list[str] = [steps[0] for steps in zip(*lines, strict=False) if len(set(steps)) == 1]
    if not shared:
        raise Ambiguous
    return shared[-1]


def looks_like_code(text: str) -> bool:
    """Whether this was meant as a code rather than as a name."""
    return re.fullmatch(r"[A-Za-z]?[0-9]*", fold(text)) is not None
