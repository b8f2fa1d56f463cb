"""The families of bad input, by what a field says it takes. Each value carries a mark, to see that it is not echoed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MARK = "canary7431鸩"
DIGITS = "74317431"


@dataclass(frozen=True)
class Raw:
    """A token of JSON that Python would not write."""

    text: str


class Absent:
    """The field is left out."""


ABSENT = Absent()

TEXTS: dict[str, str] = {
    "NUL": f"{MARK}\0",
    "lone high surrogate": f"{MARK}\ud800",
    "lone low surrogate": f"\udfff{MARK}",
    "bidi override": f"{MARK}\u202e",
    "bidi isolate": f"\u2066{MARK}",
    "zero width": f"{MARK}\u200b\u2060\ufeff",
    "nothing but zero width": "\u200b\u2060\ufeff",
    "ten thousand marks": MARK + "\u0301" * 10_000,
    "CJK extensions": f"{MARK}𠀀𪛖𫝀𫠠𬺰𰀀𱍐",
    "full width": f"{MARK}ＡＢＣ１２３",
    "control": f"{MARK}\x1b[31m\x07",
    "line ends": f"{MARK}\r\nSet-Cookie: x=1\r\n",
    "separators": f"{MARK}\u2028\u2029",
    "blank": " \u3000\t ",
    "empty": "",
    "a megabyte": MARK + "长" * 350_000,
    "SQL": f"{MARK}'; drop table person; --",
    "HTML": f'{MARK}<script>alert(1)</script>"onload=',
    "template": f"{MARK}{{{{7*7}}}}${{7*7}}<%= 7 %>",
    "wildcards": f"{MARK}%_\\",
    "path": f"../../{MARK}/etc/passwd",
    "formula": f'=HYPERLINK("{MARK}")',
    "noncharacter": f"{MARK}\uffff\U0010ffff",
}
WHOLE: dict[str, Any] = {
    "2³¹": 2**31,
    "-2³¹-1": -(2**31) - 1,
    "2⁶³": 2**63,
    "-2⁶³-1": -(2**63) - 1,
    "10³⁰": 10**30,
    "five thousand digits": Raw("7431" * 1250),
    "true": True,
    "half": Raw("1.5"),
    "as text": f"{DIGITS}",
    "exponent": Raw("1e2"),
    "huge exponent": Raw("1e999"),
    "minus nought": Raw("-0"),
}
DECIMALS: dict[str, Any] = {
    "NaN": Raw("NaN"),
    "Infinity": Raw("Infinity"),
    "-Infinity": Raw("-Infinity"),
    "1e999": Raw("1e999"),
    "1e-999": Raw("1e-999"),
    "three decimals": "0.001",
    "three decimals, a number": Raw("12.345"),
    "negative": "-1.00",
    "too much": "1000000000000.00",
    "NaN in words": "NaN",
    "comma": "1,000.00",
    "full width": "１２３.４５",
    "five thousand digits": "7431" * 1250,
    "as a number": Raw("12.30"),
}
TIMES: dict[str, Any] = {
    "no such day": "2027-02-30",
    "year 1": "0001-01-01",
    "year 9999": "9999-12-31",
    "with an offset": "9999-12-31T23:59:59-14:00",
    "24:00": "2027-01-01T24:00:00Z",
    "naive": "2027-01-01T00:00:00",
    "a number": 1_800_000_000,
    "two digits": "27-1-1",
    "Arabic digits": "٢٠٢٧-٠١-٠١",
    "infinity": "infinity",
}
WRONG_TYPES: dict[str, Any] = {
    "null": None,
    "a number": 7431,
    "true": True,
    "a text": MARK,
    "a list": [MARK],
    "an object": {MARK: MARK},
    "a list of lists": [[[[MARK]]]],
    "left out": ABSENT,
    "deep": Raw("[" * 5000 + "]" * 5000),
    "NaN": Raw("NaN"),
}
LISTS: dict[str, Any] = {
    "ten thousand items": [MARK] * 10_000,
    "nulls": [None, None],
    "mixed": [1, MARK, None, {}],
}
OBJECTS: dict[str, Any] = {
    "unknown member": {MARK: 1},
    "member of a megabyte": {MARK * 40_000: 1},
    "surrogate member": {f"{MARK}\ud800": 1},
    "NUL member": {f"{MARK}\0": 1},
    "ten thousand members": {f"{MARK}{number}": 1 for number in range(10_000)},
    "prototype": {"__proto__": {MARK: 1}, "constructor": MARK},
}
ADDRESSES: dict[str, str] = {
    name: value
    for name, value in TEXTS.items()
    if name not in {"lone high surrogate", "lone low surrogate", "a megabyte", "ten thousand marks"}
} | {
    "minus one": "-1",
    "nought": "0",
    "2³¹": str(2**31),
    "2⁶³": str(2**63),
    "5,000 digits": "7431" * 1250,
    "NaN": "NaN",
    "a list": "[1]",
    "an object": f'{{"{MARK}": 1}}',
    "a comma": f"{MARK},{MARK}",
    "an almost UUID": "00000000-0000-0000-0000-00000000000g",
    "UUID in braces": "{00000000-0000-0000-0000-000000000000}",
    "long": MARK * 400,
}

# What a JSON schema has no words for; each is refused by name, and documented where it stands.
UNSAID = frozenset(
    {
        "floor_above", "depth_below",  # a rematch
        "id_number", "not_theirs",  # an expert
        "a_hosts", "absent", "begun", "cell_of", "doi_expected", "longer_than_there", "map_too_long", "not_then",
        "not_yet", "patent_check_digit", "patent_expected", "project_expected", "run_until", "standard_expected",
        "closed", "not_a_participant", "not_a_side", "nowhere_to_move", "oneself", "over",
        "agenda_outside", "answer_does_not_fit", "answer_missing", "answer_once", "budget_empty", "budget_order",
        "calendar_of", "email", "email_twice", "exception_pair", "exception_twice", "file_type", "hours_order",
        "hours_overlap", "indicator_upper", "kind_not_invited", "kind_twice", "lengths", "link_spent", "missing",
        "must_be_open", "named_twice", "no_slot_fits", "no_slot_then", "no_such_badge", "not_a_member", "not_asked",
        "not_to_be_brought", "options_missing", "options_unused", "outside_event", "period_half", "period_length",
        "period_order", "platform_role", "price_parts", "price_too_high", "promise_over_most", "reason_missing", "sessions_overlap",
        "slots_missing", "slots_unused", "source_pair", "stale_cursor", "tables_missing", "too_many_people",
        "too_many_records", "unknown", "unknown_discipline", "unknown_industry", "unknown_region", "usage_empty",
        "usage_of", "voucher", "window_late", "window_order", "wrong_password",
        "alt_missing", "only_for_instruments", "photo_broken", "photo_type", "place_missing", "position_half",
    }
)  # fmt: skip


def of(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The bad values for a field of this (dereferenced) schema, each with its name."""
    kinds = {part.get("type", "object") for part in schema.get("anyOf", [schema])}
    formats = {part.get("format") for part in schema.get("anyOf", [schema])}
    yield from (("wrong type: " + name, value) for name, value in WRONG_TYPES.items())
    if "string" in kinds:
        yield from (("text: " + name, value) for name, value in TEXTS.items())
    if "integer" in kinds:
        yield from (("whole number: " + name, value) for name, value in WHOLE.items())
    if "number" in kinds:
        yield from (("amount: " + name, value) for name, value in DECIMALS.items())
    if formats & {"date", "date-time"}:
        yield from (("time: " + name, value) for name, value in TIMES.items())
    if "array" in kinds:
        yield from (("list: " + name, value) for name, value in LISTS.items())
    if "object" in kinds:
        yield from (("object: " + name, value) for name, value in OBJECTS.items())


def written(body: Any) -> bytes:
    """The body as JSON, with the tokens that JSON does not have and halves of characters."""
    if body is ABSENT:
        return b""
    raws: dict[str, str] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, Raw):
            raws[f'"@raw{len(raws)}@"'] = value.text
            return f"@raw{len(raws) - 1}@"
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [plain(inner) for inner in value]
        return value

    text = json.dumps(plain(body), ensure_ascii=False)
    for placeholder, raw in raws.items():
        text = text.replace(placeholder, raw)
    # Half a character has no UTF-8, but JSON has an escape for it.
    return text.encode("utf-8", "backslashreplace")
