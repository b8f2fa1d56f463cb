"""The bounded values that every field of a message is made of.

Each is a marker for `Annotated`, so that the bound stands where the field is read:

    Title = Annotated[str, Line(200)]
    Story = Annotated[str, Text(20_000)]
    Seats = Annotated[int, Whole(1, 500)]

What a value lets through can be stored in PostgreSQL and comes back exactly as it was sent, save for surrounding
white space and the spelling of line ends. A refusal is written as `中文 · English` and never repeats the input.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

# Written once, as the inside of a character class that Python, ECMAScript and Rust read alike.
_DIRECTIONS = r"\u202A-\u202E\u2066-\u2069"
_NOT_IN_TEXT = r"\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F"
_NOT_IN_LINE = r"\x00-\x1F\x7F-\x9F\u2028\u2029"
_UNSEEN = (
    r"\s\xA0\xAD\u034F\u061C\u115F\u1160\u1680\u17B4\u17B5\u180B-\u180F\u2000-\u200F\u2028-\u202F\u205F-\u206F"
    r"\u2800\u3000\u3164\uFE00-\uFE0F\uFEFF\uFFA0"
)
_UNSEEN_BEYOND_BMP = "\U000e0000-\U000e0fff"

_seen = re.compile(f"[^{_UNSEEN}{_UNSEEN_BEYOND_BMP}]")
UNSEEN_ALONE = re.compile(f"[{_UNSEEN}]*[{_UNSEEN_BEYOND_BMP}][{_UNSEEN}{_UNSEEN_BEYOND_BMP}]*")
"""Blank, though no pattern in a JSON schema says so: ECMAScript knows these characters by their halves only."""
_surrogate = re.compile(r"[\uD800-\uDFFF]")
_direction = re.compile(f"[{_DIRECTIONS}]")
_wrong_in = {False: re.compile(f"[{_NOT_IN_LINE}]"), True: re.compile(f"[{_NOT_IN_TEXT}]")}
_refused_in = {False: _NOT_IN_LINE + _DIRECTIONS, True: _NOT_IN_TEXT + _DIRECTIONS}


_HALF_WIDTH = {0x3000: " ", **{code + 0xFEE0: chr(code) for code in range(0x21, 0x7F)}}


def fold(text: str) -> str:
    """Full-width letters, digits and signs as ASCII, without white space around: how codes and amounts are read."""
    return text.translate(_HALF_WIDTH).strip()


def refuse_unless_clean(value: object, *, lines: bool = False) -> str:
    """The same string when every character of it may be stored; `lines` allows tabs and line ends."""
    if not isinstance(value, str):
        raise PydanticCustomError("text_expected", "请填写文字 · write this as text")
    if "\0" in value:
        raise PydanticCustomError("text_with_nul", "不能含有空字符 (NUL) · the NUL character is not allowed")
    if _surrogate.search(value):
        raise PydanticCustomError(
            "text_not_unicode", "含有残缺的字符，请重新输入 · half of a character pair is missing; type the text again"
        )
    if _direction.search(value):
        raise PydanticCustomError(
            "text_with_direction_mark",
            "不能含有改变书写方向的控制符 (U+202A–U+202E, U+2066–U+2069)"
            " · marks that change the writing direction (U+202A–U+202E, U+2066–U+2069) are not allowed",
        )
    if _wrong_in[lines].search(value):
        if lines:
            raise PydanticCustomError(
                "text_with_control_character",
                "除换行和制表符外不能含有控制字符 · no control characters, except line ends and tabs",
            )
        raise PydanticCustomError(
            "line_with_control_character",
            "只能写一行，不能含有换行、制表符等控制字符 · one line only, without line ends, tabs or other control characters",
        )
    return value


def _fitting(value: str, least: int, most: int) -> str:
    if least and not _seen.search(value):
        raise PydanticCustomError("text_blank", "不能为空白 · this cannot be blank")
    if len(value) < least:
        raise PydanticCustomError(
            "text_too_short", "至少需要 {least} 个字 · at least {least} characters are needed", {"least": least}
        )
    if len(value) > most:
        raise PydanticCustomError(
            "text_too_long", "最多 {most} 个字 · at most {most} characters are allowed", {"most": most}
        )
    return value


@dataclass(frozen=True, slots=True)
class _Written:
    """What Line and Text share: strict text, stripped, `least` to `most` characters long."""

    most: int
    least: int = 1
    _lines = False

    def read(self, value: object) -> str:
        clean = refuse_unless_clean(value, lines=self._lines)
        return _fitting(clean.replace("\r\n", "\n").replace("\r", "\n").strip(), self.least, self.most)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return self.described(handler.resolve_ref_schema(handler(schema)))

    def described(self, schema: JsonSchemaValue) -> JsonSchemaValue:
        refused = _refused_in[self._lines]
        seen = f"[^{refused}]*[^{refused}{_UNSEEN}]" if self.least else ""
        schema.update(maxLength=self.most, pattern=f"^{seen}[^{refused}]*$")
        if self.least:
            schema["minLength"] = self.least
        return schema


@dataclass(frozen=True, slots=True)
class Line(_Written):
    """One line of text: `Annotated[str, Line(200)]`. With `least=0` it may be left blank."""


@dataclass(frozen=True, slots=True)
class Text(_Written):
    """Text of many lines, which end in LF: `Annotated[str, Text(5000)]`. With `least=0` it may be left blank."""

    _lines = True


Name = Annotated[str, Line(100)]
Title = Annotated[str, Line(200)]
Keyword = Annotated[str, Line(50)]
Words = Annotated[str, Line(200, least=0)]
"""What somebody typed into a search box."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `low` to `high`: `Annotated[int, Whole(1, 500)]`.

    `3.0` is 3, as JSON Schema has it; `true`, `3.5` and `"3"` are refused. `written=True` also reads digits, for
    addresses and files.
    """

    low: int
    high: int
    written: bool = False

    def read(self, value: object) -> int:
        if isinstance(value, str) and self.written and re.fullmatch(r"-?[0-9]{1,20}", value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
            # How our JSON reader gives 3.0. Kept near the bounds first: 1e999999999 has a billion digits.
            value = int(min(max(value, Decimal(self.low - 1)), Decimal(self.high + 1)))
        if isinstance(value, bool) or not isinstance(value, int):
            raise PydanticCustomError("whole_number_expected", "请填写整数 · write this as a whole number")
        if not self.low <= value <= self.high:
            raise PydanticCustomError(
                "whole_number_out_of_range",
                "请填写 {low} 到 {high} 之间的整数 · write a whole number from {low} to {high}",
                {"low": self.low, "high": self.high},
            )
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler.resolve_ref_schema(handler(schema))
        described.update(minimum=self.low, maximum=self.high)
        return described


SmallInt = Annotated[int, Whole(-(2**15), 2**15 - 1)]
Int32 = Annotated[int, Whole(-(2**31), 2**31 - 1)]
Count = Annotated[int, Whole(0, 2**31 - 1)]

CENT = Decimal("0.01")
MOST_YUAN = Decimal("999999999999.99")
_YUAN = r"^[0-9]{1,12}(\.[0-9]{1,2})?$"


def _yuan(value: object) -> Decimal:
    wrong = PydanticCustomError(
        "yuan_expected",
        '请填写金额（元），最多两位小数，例如 "12000.50" · write an amount in yuan with at most two decimals, such as "12000.50"',
    )
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise wrong
    if isinstance(value, str):
        digits = fold(value)
        if re.fullmatch(r"[0-9]{13,}(\.[0-9]*)?", digits):
            raise _yuan_too_much()
        if not re.fullmatch(_YUAN, digits):
            raise wrong
        return Decimal(digits).quantize(CENT)
    # repr is the shortest decimal that reads back as the same float: 12.34 is 12.34, 0.1 + 0.2 is not 0.3.
    amount = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not amount.is_finite() or amount < 0:
        raise wrong
    if amount > MOST_YUAN:
        raise _yuan_too_much()
    rounded = amount.quantize(CENT)
    if rounded != amount:
        raise wrong
    return abs(rounded)


def _yuan_too_much() -> PydanticCustomError:
    return PydanticCustomError("yuan_too_much", "金额须小于一万亿元 · the amount must be below 1,000,000,000,000 yuan")


class _Yuan:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _yuan, serialization=core_schema.to_string_ser_schema(when_used="json")
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        written: JsonSchemaValue = {"type": "string", "pattern": _YUAN, "maxLength": 15, "examples": ["12000.50"]}
        if handler.mode == "serialization":
            return written
        number = {"type": "number", "minimum": 0, "maximum": float(MOST_YUAN), "multipleOf": 0.01}
        return {"anyOf": [written, number]}


Yuan = Annotated[Decimal, _Yuan()]
"""An amount of money in CNY, 0 to 999,999,999,999.99, always with two decimals; a string on the wire."""

FIRST_YEAR, LAST_YEAR = 1900, 2200
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _refuse_unless_near(value: date) -> None:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise PydanticCustomError(
            "year_out_of_range",
            "年份须在 {first} 到 {last} 之间 · the year must be from {first} to {last}",
            {"first": FIRST_YEAR, "last": LAST_YEAR},
        )


def _moment(value: object) -> datetime:
    wrong = PydanticCustomError(
        "moment_expected",
        "请填写带时区的时间，例如 2026-05-01T09:00:00+08:00"
        " · write a date and time with its offset, such as 2026-05-01T09:00:00+08:00",
    )
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            value = datetime.fromisoformat(value.upper())
        except ValueError:
            raise wrong from None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise wrong
    _refuse_unless_near(value)  # before the change of zone, which could leave the calendar
    moment = value.astimezone(UTC)
    _refuse_unless_near(moment)
    return moment


def _day(value: object) -> date:
    wrong = PydanticCustomError("day_expected", "请填写日期，例如 2026-05-01 · write a date, such as 2026-05-01")
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise wrong from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise wrong
    _refuse_unless_near(value)
    return value


class _Moment:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_moment, handler(source))


class _Day:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_day, handler(source))


Moment = Annotated[datetime, _Moment()]
"""A point in time with its offset, from 1900 to 2200, kept in UTC; RFC 3339 on the wire."""

Day = Annotated[date, _Day()]
"""A calendar day from 1900 to 2200; `YYYY-MM-DD` on the wire."""
