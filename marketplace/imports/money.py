"""Amounts as people write them: 50万, 1.2亿元, 50-100万, 不超过80万, ￥500,000, 面议."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from marketplace.imports.cells import Surroundings, Unreadable, plain
from schemas.text import CENT, MOST_YUAN, fold

_UNITS: Final = {"": 1, "千": 10**3, "万": 10**4, "百万": 10**6, "千万": 10**7, "亿": 10**8}
_AMOUNT: Final = r"([0-9]{1,15}(?:\.[0-9]{1,8})?)(百万|千万|千|万|亿)?(?:元)?(?:人民币|rmb|cny)?"
_ONE = re.compile(rf"(约|大约)?{_AMOUNT}(左右)?")
_RANGE = re.compile(rf"{_AMOUNT}(?:-|~|—|–|至|到){_AMOUNT}")
_AT_MOST = re.compile(rf"(?:不超过|不高于|至多|最高|最多|上限|≤|<=){_AMOUNT}|{_AMOUNT}(?:以内|以下|内)")
_AT_LEAST = re.compile(rf"(?:不低于|至少|最低|最少|下限|≥|>=){_AMOUNT}|{_AMOUNT}(?:以上|起)")
_NEGOTIABLE: Final = frozenset({"面议", "协商", "待定", "另议", "面谈", "可协商", "双方协商", "价格面议", "negotiable"})
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Amounts:
    """What an entry says in yuan: both ends alike for one amount, none for 面议."""

    low: str | None = None
    high: str | None = None


def _yuan(number: str, unit: str | None, around: Surroundings) -> str:
    amount = Decimal(number) * (_UNITS[unit] if unit else around.unit)
    if amount > MOST_YUAN:
        raise Unreadable("yuan_too_much", "金额须小于一万亿元 · the amount must be below 1,000,000,000,000 yuan")
    return format(amount.quantize(CENT) if amount == amount.quantize(CENT) else amount, "f")


def _written(value: Any) -> str | None:
    written = plain(value)
    if not isinstance(written, str) or isinstance(value, bool):
        return None
    return re.sub(r"[\s,￥¥]|^(?:人民币|rmb|cny)", "", fold(written[: 2 * _LONGEST]).casefold())


def amounts(value: Any, around: Surroundings) -> Amounts | None:
    """One amount, a range, or one end of it; None when this is no text or number at all."""
    written = _written(value)
    if written is None:
        return None
    if written in _NEGOTIABLE:
        return Amounts()
    if len(written) <= _LONGEST:
        if match := _ONE.fullmatch(written):
            one = _yuan(match[2], match[3], around)
            return Amounts(one, one)
        if match := _RANGE.fullmatch(written):
            low, low_unit, high, high_unit = match.groups()
            # In 50-100万 the unit is said once.
            return Amounts(_yuan(low, low_unit or high_unit, around), _yuan(high, high_unit, around))
        if match := _AT_MOST.fullmatch(written):
            return Amounts(None, _yuan(match[1] or match[3], match[2] or match[4], around))
        if match := _AT_LEAST.fullmatch(written):
            return Amounts(_yuan(match[1] or match[3], match[2] or match[4], around), None)
    raise Unreadable(
        "money_unreadable",
        "请写金额，例如 500000、50万 或 50-100万 · write an amount, such as 500000, 50万 or 50-100万",
    )


def one_amount(value: Any, around: Surroundings) -> Any:
    """A single amount in yuan; anything else than one is refused."""
    found = amounts(value, around)
    if found is None:
        return value
    if found.low is None or found.low != found.high:
        raise Unreadable(
            "money_one", "这里只写一个金额，例如 500000 或 50万 · write one amount here, such as 500000 or 50万"
        )
    return found.low


def budget(value: Any, around: Surroundings) -> Any:
    """A budget: a range, or the most that would be spent."""
    found = amounts(value, around)
    if found is None:
        return value
    if found == Amounts():
        return None
    return {"low": None if found.low == found.high else found.low, "high": found.high}


def price(value: Any, around: Surroundings) -> Any:
    """A price: 面议, one amount, or a range."""
    found = amounts(value, around)
    if found is None:
        return value
    if found == Amounts():
        return {"kind": "negotiable"}
    if found.low is None or found.high is None:
        raise Unreadable(
            "price_one_end",
            "价格请写一个数、区间或“面议”，例如 50万、50-100万 · write a price as one amount, a range or 面议, such as 50万 or 50-100万",
        )
    if found.low == found.high:
        return {"kind": "fixed", "low": found.low}
    return {"kind": "range", "low": found.low, "high": found.high}
