"""Text, numbers and dates let through what can be stored and given back, and refuse the rest in two languages."""

import json
import math
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.text import (
    MOST_YUAN,
    Count,
    Day,
    Int32,
    Keyword,
    Line,
    Moment,
    Name,
    SmallInt,
    Text,
    Title,
    Whole,
    Words,
    Yuan,
    fold,
)

LINE: TypeAdapter[str] = TypeAdapter(Annotated[str, Line(20)])
TEXT: TypeAdapter[str] = TypeAdapter(Annotated[str, Text(20)])
YUAN: TypeAdapter[Decimal] = TypeAdapter(Yuan)
MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)
DAY: TypeAdapter[date] = TypeAdapter(Day)
INT32: TypeAdapter[int] = TypeAdapter(Int32)


def refusal(field: TypeAdapter[Any], value: object) -> str:
    """The one word a value is refused with; its message is in two languages."""
    with pytest.raises(ValidationError) as caught:
        field.validate_python(value)
    [error] = caught.value.errors(include_url=False)
    chinese, separator, english = error["msg"].partition(" · ")
    assert separator
    assert re.search("[\u4e00-\u9fff]", chinese)
    assert english.isascii() or "–" in english
    return error["type"]


BOTH = pytest.mark.parametrize("field", [LINE, TEXT], ids=["line", "text"])


@BOTH
@pytest.mark.parametrize(
    ("value", "word"),
    [
        pytest.param("前\0后", "text_with_nul", id="NUL"),
        pytest.param("前\ud800后", "text_not_unicode", id="lone high surrogate"),
        pytest.param("\udfff", "text_not_unicode", id="lone low surrogate"),
        pytest.param("a\x0bb", None, id="vertical tab"),
        pytest.param("a\x1fb", None, id="unit separator"),
        pytest.param("a\x7fb", None, id="delete"),
        pytest.param("a\x85b", None, id="C1 next line"),
        pytest.param("a\x9fb", None, id="last C1"),
        pytest.param("a\u202eb", "text_with_direction_mark", id="right-to-left override"),
        pytest.param("a\u202ab", "text_with_direction_mark", id="left-to-right embedding"),
        pytest.param("a\u2066b", "text_with_direction_mark", id="isolate"),
        pytest.param("a\u2069b", "text_with_direction_mark", id="end of isolate"),
        pytest.param("", "text_blank", id="empty"),
        pytest.param("  \u3000\u00a0", "text_blank", id="white space"),
        pytest.param("\u200b\u200d\ufeff", "text_blank", id="zero width"),
        pytest.param("\u200e\u200f\u061c", "text_blank", id="direction marks that are harmless"),
        pytest.param("\u2800\u3164\uffa0", "text_blank", id="letters without ink"),
        pytest.param("\U000e0041\U000e0100", "text_blank", id="tags and selectors"),
        pytest.param("字" * 21, "text_too_long", id="one too many"),
        pytest.param("字" * 1_000_000, "text_too_long", id="a million"),
        pytest.param("e" + "\u0301" * 10_000, "text_too_long", id="ten thousand accents"),
        pytest.param("𠀀" * 21, "text_too_long", id="counted in characters"),
        *[
            pytest.param(value, "text_expected", id=f"a {type(value).__name__}")
            for value in (None, True, 3, 3.5, math.nan, b"bytes", [], {}, Decimal(1))
        ],
    ],
)
def test_text_that_cannot_be_kept_is_refused(field, value, word):
    assert refusal(field, value) == (
        word or ("line_with_control_character" if field is LINE else "text_with_control_character")
    )


@BOTH
@pytest.mark.parametrize(
    "value",
    [
        "字" * 20,
        "𠀀" * 20,
        "ＡＢＣ１２３",
        "é e\u0301",
        "م\u200cی",
        "👩\u200d🔬",
        "a\u200eb",
        "%_\\'\"<b>{{x}}",
        "\ufffe",
    ],
)
def test_text_comes_back_exactly_as_it_was_sent(field, value):
    assert field.validate_python(value) == value


@BOTH
def test_white_space_around_text_is_dropped(field):
    assert field.validate_python("\u3000 一项成果  \u00a0") == "一项成果"


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r", "\t", "\u2028", "\u2029"])
def test_a_line_is_one_line(separator):
    assert refusal(LINE, f"一{separator}二") == "line_with_control_character"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_kept_as_one_line_feed(end):
    assert TEXT.validate_python(f"一{end}{end}\t二{end}") == "一\n\n\t二"


def test_the_length_of_text_is_counted_with_one_character_a_line_end():
    assert len(TEXT.validate_python("字\r\n" * 10)) == 19


@BOTH
@given(value=st.text(max_size=40))
def test_what_is_let_through_is_let_through_again_unchanged(field, value):
    try:
        kept = field.validate_python(value)
    except ValidationError:
        return
    assert field.validate_python(kept) == kept
    assert kept.encode().decode() == kept
    assert json.loads(field.dump_json(kept)) == kept


@pytest.mark.parametrize("marker", [Line, Text], ids=["line", "text"])
def test_text_may_be_left_blank_or_asked_to_be_longer(marker):
    optional: TypeAdapter[str] = TypeAdapter(Annotated[str, marker(5, least=0)])
    assert optional.validate_python(" ") == ""
    assert optional.validate_python("\u200b") == "\u200b"
    long: TypeAdapter[str] = TypeAdapter(Annotated[str, marker(5, least=3)])
    assert refusal(long, "一二 ") == "text_too_short"
    assert refusal(long, "     ") == "text_blank"


def test_the_ready_made_fields_have_their_lengths():
    for alias, most in ((Name, 100), (Title, 200), (Keyword, 50), (Words, 200)):
        field: TypeAdapter[str] = TypeAdapter(alias)
        assert field.json_schema()["maxLength"] == most
        assert field.validate_python("字" * most)
        assert refusal(field, "字" * (most + 1)) == "text_too_long"
    assert TypeAdapter(Words).validate_python("") == ""


@BOTH
@given(value=st.text(max_size=25))
def test_the_json_schema_admits_what_the_field_admits(field, value):
    described = jsonschema_rs.validator_for(field.json_schema())
    try:
        field.validate_python(value)
    except ValidationError:
        # Surrogates cannot be spelt in a schema, nor can signs beyond the basic plane in every regex dialect.
        assert not described.is_valid(value) or any(character >= "\U000e0000" for character in value)
    else:
        assert described.is_valid(value) or len(value) > 20


@pytest.mark.parametrize("field", [LINE, TEXT, INT32, YUAN, MOMENT, DAY])
def test_a_refusal_does_not_repeat_what_was_sent(field):
    with pytest.raises(ValidationError) as caught:
        field.validate_python("canary-7f3a\x01")
    assert all("canary" not in f"{error['msg']}{error.get('ctx')}" for error in caught.value.errors())


def test_fold_reads_full_width_as_ascii():
    assert fold("\u3000（Ａｂ－１２．５）\u00a0 ") == "(Ab-12.5)"


# --- whole numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alias", "low", "high"),
    [(SmallInt, -(2**15), 2**15 - 1), (Int32, -(2**31), 2**31 - 1), (Count, 0, 2**31 - 1)],
    ids=["SmallInt", "Int32", "Count"],
)
def test_a_whole_number_keeps_to_what_its_column_holds(alias, low, high):
    field: TypeAdapter[int] = TypeAdapter(alias)
    assert [field.validate_python(low), field.validate_python(high)] == [low, high]
    for beyond in (low - 1, high + 1, 2**63, -(2**63) - 1, 10**30, 10**4999):
        assert refusal(field, beyond) == "whole_number_out_of_range"
    assert field.json_schema() == {"type": "integer", "minimum": low, "maximum": high}


@pytest.mark.parametrize(
    "value",
    [True, False, "3", "", None, 3.5, math.nan, math.inf, -math.inf, [], {}, Decimal("3.5"), Decimal("NaN"), b"3"],
)
def test_what_is_not_a_whole_number_is_refused(value):
    assert refusal(INT32, value) == "whole_number_expected"


def test_a_float_without_a_fraction_is_a_whole_number():
    assert INT32.validate_python(3.0) == 3
    assert refusal(INT32, 1e300) == "whole_number_out_of_range"


@pytest.mark.parametrize("value", ["3", "3.0", "0.3e1", "-0.0"])
def test_a_decimal_without_a_fraction_is_a_whole_number(value):
    """As the body's JSON is read, where 3.0 is an exact decimal."""
    read = INT32.validate_python(Decimal(value))
    assert (read, type(read)) == (Decimal(value), int)


@pytest.mark.parametrize("value", ["1e300", "-1e300", "1e999999999", "2147483648.0"])
def test_a_decimal_beyond_the_bounds_costs_nothing(value):
    assert refusal(INT32, Decimal(value)) == "whole_number_out_of_range"


def test_digits_are_read_where_everything_is_text():
    written: TypeAdapter[int] = TypeAdapter(Annotated[int, Whole(-5, 50, written=True)])
    assert [written.validate_python(value) for value in ("7", "-5", "0050", 8)] == [7, -5, 50, 8]
    for value in ("", " 7", "７", "7.0", "1e1", "+7", "0x7", "1_0", "٣", "9" * 5000, True, None):
        assert refusal(written, value) == "whole_number_expected"
    assert refusal(written, "51") == "whole_number_out_of_range"


# --- money -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (0, "0.00"),
        (12, "12.00"),
        ("12000.5", "12000.50"),
        ("007", "7.00"),
        (" １２．５０ ", "12.50"),
        (Decimal("3.500"), "3.50"),
        (Decimal("1E+3"), "1000.00"),
        (Decimal("-0"), "0.00"),
        (-0.0, "0.00"),
        (0.1, "0.10"),
        (12.34, "12.34"),
        (5e-2, "0.05"),
        (999999999999.99, "999999999999.99"),
        ("999999999999.99", "999999999999.99"),
    ],
)
def test_an_amount_is_kept_to_the_fen(value, kept):
    amount = YUAN.validate_python(value)
    assert str(amount) == kept
    assert not amount.is_signed()
    assert YUAN.dump_json(amount) == f'"{kept}"'.encode()
    assert YUAN.dump_python(amount) == amount


@pytest.mark.parametrize(
    "value",
    [
        *("NaN", "Infinity", "-Infinity", "1e5", "1e999", "-1", "+1", "1.234", "1.", ".5", "", " ", "1,000", "0x1", "¥5", "1_0", "٣", "1\n2"),
        *(math.nan, math.inf, -math.inf, 0.001, 0.1 + 0.2, -0.01, -1, True, False, None, [], {}, b"1"),
        *(Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("0.001"), Decimal(-1)),
        "1\0",
        "\ud800",
    ],
)  # fmt: skip
def test_what_is_not_an_amount_is_refused(value):
    assert refusal(YUAN, value) == "yuan_expected"


@pytest.mark.parametrize(
    "value",
    [10**12, 10**30, 10**4999, "1000000000000", "9" * 5000, 1e12, 1e308, Decimal("1e999"), MOST_YUAN + Decimal("0.01")],
    ids=lambda value: f"{type(value).__name__}-{str(value)[:9] if not isinstance(value, int) else 'big'}",
)
def test_an_amount_stays_below_a_million_million(value):
    assert refusal(YUAN, value) == "yuan_too_much"


@given(fen=st.integers(0, int(MOST_YUAN * 100)))
def test_every_amount_survives_text_and_float(fen):
    amount = Decimal(fen) / 100
    assert YUAN.validate_python(str(amount)) == amount
    assert YUAN.validate_python(float(amount)) == amount
    assert YUAN.validate_json(YUAN.dump_json(YUAN.validate_python(amount))) == amount


def test_an_amount_is_described_as_text_that_may_be_a_number():
    read, written = YUAN.json_schema(mode="validation"), YUAN.json_schema(mode="serialization")
    assert [way["type"] for way in read["anyOf"]] == ["string", "number"]
    assert written["type"] == "string"
    described = jsonschema_rs.validator_for(read)
    assert described.is_valid(12.34)
    assert not described.is_valid(0.1 + 0.2)
    assert not described.is_valid(True)


# --- times -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("2026-05-01T09:00:00+08:00", "2026-05-01T01:00:00Z"),
        ("2026-05-01T09:00:00Z", "2026-05-01T09:00:00Z"),
        ("2026-05-01t09:00:00.5z", "2026-05-01T09:00:00.500000Z"),
        ("2026-05-01T09:00-23:59", "2026-05-02T08:59:00Z"),
        ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00Z"),
        ("2200-12-31T23:59:59.999999Z", "2200-12-31T23:59:59.999999Z"),
        (datetime(2026, 5, 1, tzinfo=timezone(timedelta(hours=8))), "2026-04-30T16:00:00Z"),
    ],
)
def test_a_moment_is_kept_in_utc(value, kept):
    moment = MOMENT.validate_python(value)
    assert moment.tzinfo is UTC
    assert MOMENT.dump_json(moment) == f'"{kept}"'.encode()


@pytest.mark.parametrize(
    "value",
    [
        *("2026-05-01T09:00:00", "2026-05-01", "2026-05-01T24:00:00Z", "2026-05-01T09:00:60Z", "2026-02-30T09:00:00Z"),
        *("2026-05-01 09:00:00Z", "2026-05-01T09:00:00+24:00", "2026-05-01T09:00:00+0800", "20260501T090000Z", "0000-01-01T00:00:00Z"),
        *("2026-05-01T09:00:00.1234567Z", "2026-05-01T09:00:00Z\n", "２０２６-05-01T09:00:00Z", "1767225600", "", "\0", "\ud800"),
        *(1767225600, 1.5, math.nan, math.inf, True, None, [], {}, date(2026, 5, 1), datetime(2026, 5, 1)),  # noqa: DTZ001
    ],
)  # fmt: skip
def test_what_is_not_a_moment_with_its_offset_is_refused(value):
    assert refusal(MOMENT, value) == "moment_expected"


@pytest.mark.parametrize(
    "value",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "1899-12-31T23:59:59Z",
        "2201-01-01T00:00:00Z",
        "1900-01-01T00:00:00+08:00",
        "2200-12-31T23:59:59-01:00",
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
    ],
)
def test_a_moment_stays_where_no_zone_can_push_it_off_the_calendar(value):
    assert refusal(MOMENT, value) == "year_out_of_range"


@pytest.mark.parametrize("value", ["1900-01-01", "2200-12-31", "2024-02-29", date(2026, 5, 1)])
def test_a_day_comes_back_as_it_was_sent(value):
    assert str(DAY.validate_python(value)) == str(value)
    assert json.loads(DAY.dump_json(DAY.validate_python(value))) == str(value)


@pytest.mark.parametrize(
    "value",
    [
        *("2026-02-29", "2026-13-01", "0000-01-01", "2026-5-1", "20260501", "2026/05/01", "2026-W18-5", "2026-05-01T00:00:00Z", " 2026-05-01", ""),
        *(20260501, 1.5, math.nan, True, None, [], {}, datetime(2026, 5, 1, tzinfo=UTC), "\0", "\ud800"),
    ],
)  # fmt: skip
def test_what_is_not_a_day_is_refused(value):
    assert refusal(DAY, value) == "day_expected"


@pytest.mark.parametrize("value", ["0001-01-01", "1899-12-31", "2201-01-01", "9999-12-31", date.max])
def test_a_day_lies_between_1900_and_2200(value):
    assert refusal(DAY, value) == "year_out_of_range"


def test_times_are_described_by_their_formats():
    assert MOMENT.json_schema() == {"type": "string", "format": "date-time"}
    assert DAY.json_schema() == {"type": "string", "format": "date"}
