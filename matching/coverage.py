"""Does a record meet a problem's must-meet indicators? Each is *supported*, *partly* or *not found*, with the sentence.

An indicator is looked for where its name stands: a sentence of the record that holds enough of the name's characters in
pairs. There, a number that measures the same thing decides: it meets the indicator (supported), or falls short of it
(partly). A sentence that speaks of it without a comparable number is partly, too. Numbers are compared after conversion of
units (pint). It is a reading aid: every verdict shows the sentence and the comparison it rests on.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal

from matching.records import Document
from matching.text import normalise, sentences
from matching.units import Quantity, normal_unit, quantities

Verdict = Literal["supported", "partly", "not_found"]

NAME_SHARE: Final = 0.6
"""How much of an indicator's name a sentence must hold to speak of it (share of its character pairs)."""

HEAD: Final = 4
"""A long name (熔覆层或渗层表面硬度) is also spoken of by its last characters (表面硬度), where a number in a unit of the
indicator's own stands beside them; a mere percentage would prove too little."""

_ABSENT: Final = ("未检出", "零检出", "检不出")
_CHANGE: Final = ("提高", "降低", "减少", "提升", "下降", "增加", "缩短", "节约", "节省", "节能")


@dataclass(frozen=True, slots=True)
class Indicator:
    """A figure that must be met: `operator` is one of >=, <=, >, <, =, between (then with `upper`)."""

    name: str
    operator: str
    value: str
    upper: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Covered:
    """What a record says to one indicator. `found` is the figure as it stands there, `converted` in the indicator's unit."""

    indicator: Indicator
    verdict: Verdict
    sentence: str | None = None
    found: str | None = None
    converted: tuple[float, float] | None = None


_RANK: Final[dict[Verdict, int]] = {"not_found": 0, "partly": 1, "supported": 2}


def coverage(indicators: Sequence[Indicator], document: Document) -> list[Covered]:
    """One verdict for each indicator, in their order. Milliseconds for a record of a few thousand characters."""
    if not indicators:
        return []
    said, pairs = _said(document.text)
    return [_judge(indicator, said, pairs) for indicator in indicators]


# An achievement that asks is read once for all the problems of a page.
@lru_cache(maxsize=8)
def _said(text: str) -> tuple[list[str], list[frozenset[str]]]:
    """The sentences of a text, and the pairs of characters of each."""
    said = [text[span.start : span.end] for span in sentences(text)]
    return said, [_pairs(normalise(sentence)) for sentence in said]


def _pairs(text: str) -> frozenset[str]:
    plain = "".join(c for c in text if c.isalnum())
    return frozenset(map("".join, pairwise(plain))) or frozenset(plain)


def _judge(indicator: Indicator, said: Sequence[str], pairs: Sequence[frozenset[str]]) -> Covered:
    name, head = (_pairs(normalise(text)) for text in (indicator.name, indicator.name[-HEAD:]))
    best = Covered(indicator, "not_found")
    best_share = 0.0
    for sentence, there in zip(said, pairs, strict=True):
        share = len(name & there) / len(name) if name else 0.0
        if share < NAME_SHARE and not head <= there:
            continue
        one = _compare(indicator, sentence)
        if share < NAME_SHARE and (one.converted is None or normal_unit(indicator.unit) in {"", "%"}):
            continue
        if (_RANK[one.verdict], share) > (_RANK[best.verdict], best_share):
            best, best_share = one, share
    return best


def _compare(indicator: Indicator, sentence: str) -> Covered:
    """The figure in a sentence that speaks best for the indicator; of several, one that meets it, else the nearest name."""
    low, high = _wanted(indicator)
    unit = normal_unit(indicator.unit)
    if low is None:
        verdict: Verdict = "supported" if normalise(indicator.value) in normalise(sentence) else "partly"
        return Covered(indicator, verdict, sentence)
    found: list[tuple[bool, Quantity, Quantity]] = []
    for quantity in quantities(sentence):
        converted = quantity.in_unit_of(unit)
        if converted is None or _is_change(sentence, quantity, indicator.name):
            continue
        if _plain(quantity) in _conditions(indicator.name) and _plain(quantity) != (low, high, unit):
            continue
        found.append((_meets(indicator.operator, converted, low, high), quantity, converted))
    if not found:
        absent = _said_absent(indicator.name, sentence)
        none_is_best = low == 0 or indicator.operator in {"<=", "<"}
        return Covered(indicator, "supported" if absent and none_is_best else "partly", sentence, absent)
    place = _end_of_name(indicator.name, sentence)
    met, quantity, converted = min(found, key=lambda one: (not one[0], abs(one[1].start - place)))
    return Covered(
        indicator,
        "supported" if met else "partly",
        sentence,
        sentence[quantity.start : quantity.end].strip(),
        (converted.low, converted.high),
    )


def _plain(quantity: Quantity) -> tuple[float, float, str]:
    return quantity.low, quantity.high, normal_unit(quantity.unit)


@lru_cache(maxsize=256)
def _conditions(name: str) -> frozenset[tuple[float, float, str]]:
    """What an indicator's own name says in figures, the 80% of 相对湿度80%下吸附量: a record that repeats it does not answer."""
    return frozenset(map(_plain, quantities(name)))


def _said_absent(name: str, sentence: str) -> str | None:
    """未检出 beside the name itself: right before it, or right behind."""
    tail = name[-2:]
    for word in _ABSENT:
        if re.search(
            rf"{word}[^，,；;。]{{0,12}}{re.escape(tail)}|{re.escape(tail)}[^，,；;。]{{0,4}}{word}", sentence
        ):
            return word
    return None


def _end_of_name(name: str, sentence: str) -> int:
    """Where the name's last characters stand, to prefer the number that follows them."""
    for size in range(len(name), 1, -1):
        at = sentence.rfind(name[-size:])
        if at >= 0:
            return at + size
    return 0


def _wanted(indicator: Indicator) -> tuple[float | None, float]:
    numbers = [
        next(quantities(_with_unit(text, indicator.unit)), None) for text in (indicator.value, indicator.upper or "")
    ]
    first, second = numbers
    if first is None:
        return None, math.nan
    return first.low, second.low if second is not None else first.low


def _with_unit(text: str, unit: str | None) -> str:
    return f"{text} {unit or ''}"


def _is_change(sentence: str, quantity: Quantity, name: str) -> bool:
    """A percentage by which something rose or fell is no value of it, unless the indicator asks for the change itself."""
    if normal_unit(quantity.unit) not in {"%", "百分点"} or any(word in name for word in _CHANGE):
        return False
    before = sentence[max(0, quantity.start - 4) : quantity.start + 3]
    return any(word in before for word in _CHANGE) and "到" not in before and "至" not in before


def _meets(operator: str, figure: Quantity, low: float, high: float) -> bool:
    """Whether all of a stated range meets the indicator; 不低于 and 不超过 in the record count as their bound."""
    least, most = figure.low, figure.high
    slack = 1e-9 * max(1.0, abs(low), abs(high))
    if operator == ">=":
        return least >= low - slack and figure.bound != "<="
    if operator == "<=":
        return most <= low + slack and figure.bound != ">="
    if operator == ">":
        return least > low + slack and figure.bound != "<="
    if operator == "<":
        return most < low - slack and figure.bound != ">="
    if operator == "=":
        return abs(least - low) <= slack and abs(most - low) <= slack
    return least >= low - slack and most <= high + slack
