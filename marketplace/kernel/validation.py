"""What pydantic found wrong, in both languages, pointing at the field, never echoing the input."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from marketplace.kernel.refusals import Invalid
from schemas.base import FieldError

_IN_CHINESE = {
    "missing": "缺少这一项",
    "extra_forbidden": "没有这一项，请删除",
    "string_type": "应为文字",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "至多 {max_length} 个字符",
    "string_pattern_mismatch": "格式不符",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_parsing_size": "整数过大",
    "int_from_float": "应为整数",
    "float_type": "应为数字",
    "decimal_type": "应为数字",
    "decimal_parsing": "应为数字",
    "finite_number": "应为有限的数字",
    "decimal_max_places": "小数位数过多",
    "decimal_max_digits": "数字过长",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "list_type": "应为列表",
    "tuple_type": "应为列表",
    "dict_type": "应为对象",
    "model_type": "应为对象",
    "model_attributes_type": "应为对象",
    "too_long": "至多 {max_length} 项",
    "too_short": "至少 {min_length} 项",
    "greater_than": "须大于 {gt}",
    "greater_than_equal": "不得小于 {ge}",
    "less_than": "须小于 {lt}",
    "less_than_equal": "不得大于 {le}",
    "enum": "须为以下之一：{expected}",
    "literal_error": "须为以下之一：{expected}",
    "uuid_parsing": "应为 UUID",
    "uuid_type": "应为 UUID",
    "datetime_parsing": "应为带时区的时间，例如 2027-03-01T09:00:00+08:00",
    "datetime_from_date_parsing": "应为带时区的时间，例如 2027-03-01T09:00:00+08:00",
    "datetime_type": "应为带时区的时间，例如 2027-03-01T09:00:00+08:00",
    "timezone_aware": "时间须带时区，例如 +08:00",
    "date_parsing": "应为日期，例如 2027-06-30",
    "date_from_datetime_parsing": "应为日期，例如 2027-06-30",
    "date_from_datetime_inexact": "应为日期，例如 2027-06-30",
    "date_type": "应为日期，例如 2027-06-30",
    "json_invalid": "不是有效的 JSON",
    "value_error": "值不符合要求",
}


MOST_OF_A_NAME = 100


def _part(name: str | int) -> str:
    """One step of a pointer. A name that nobody would give a field is told in part only."""
    return str(name)[:MOST_OF_A_NAME].replace("~", "~0").replace("/", "~1")


def pointer(where: Iterable[str | int]) -> str:
    """`('body', 'team', 0, 'name')` as `/team/0/name`; a parameter as its plain name."""
    first, *rest = tuple(where) or ("body",)
    if first == "body":
        return "".join(f"/{_part(part)}" for part in rest)
    return _part(rest[0] if rest else first)


def told_of(error: Mapping[str, Any]) -> FieldError:
    """One finding of pydantic's, as `中文 · English`."""
    context = {name: value for name, value in (error.get("ctx") or {}).items() if isinstance(value, (str, int, float))}
    english = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "uuid_parsing":
        english = "Input should be a valid UUID"  # pydantic names the character it stumbled over
    if " · " in english:
        detail = english
    else:
        chinese = _IN_CHINESE.get(error["type"])
        if "expected" in context:
            context["expected"] = re.sub(r"(?<=')(?:, | or )(?=')", "、", str(context["expected"]))
        try:
            detail = f"{chinese.format(**context)} · {english}" if chinese else english
        except (KeyError, IndexError):
            detail = english
    at = (context["at"],) if "at" in context else ()  # what `schemas.base.wrong_at` names
    return FieldError(pointer=pointer((*error["loc"], *at)), code=error["type"], detail=detail)


def as_refusal(error: ValidationError, *, within: tuple[str | int, ...] = ("body",)) -> Invalid:
    """A validation that failed inside a verb, told as the edge would tell it."""
    return Invalid(
        errors=[
            told_of({**wrong, "loc": (*within, *wrong["loc"])})
            for wrong in error.errors(include_input=False, include_url=False)[:50]
        ]
    )
