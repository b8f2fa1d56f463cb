"""Numbers with units as Chinese technical texts write them: 硬度≥60 HRC, 0.5%～1.2%, 不超过3 mm, 1.5万次.

Units are pint's, with their Chinese names and what pint does not know (hardness scales, counters). Quantities of
different kinds are never compared: HRC and HV stay apart, a count of 次 is not a count of 件.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

# Chinese names of units, and spellings that pint reads otherwise or not at all.
_CHINESE: Final = {
    "微米": "um", "毫米": "mm", "厘米": "cm", "纳米": "nm", "公里": "km", "千米": "km", "米": "m",
    "微克": "ug", "毫克": "mg", "公斤": "kg", "千克": "kg", "克": "g", "吨": "tonne",
    "毫升": "mL", "立方米": "m^3", "平方米": "m^2", "升": "L", "公顷": "hectare", "亩": "mu",
    "毫秒": "ms", "秒": "s", "分钟": "min", "小时": "hour", "天": "day", "日": "day", "个月": "month", "月": "month", "年": "year",
    "吉帕": "GPa", "兆帕": "MPa", "千帕": "kPa", "帕": "Pa", "千牛": "kN", "牛": "N", "千焦": "kJ", "焦": "J",
    "千瓦时": "kWh", "度电": "kWh", "千瓦": "kW", "兆瓦": "MW", "瓦": "W", "千伏": "kV", "伏": "V", "毫安": "mA", "安": "A",
    "千赫": "kHz", "兆赫": "MHz", "赫兹": "Hz", "赫": "Hz", "摄氏度": "degC", "分贝": "dB", "欧": "ohm",
    "万元": "wan_yuan", "亿元": "yi_yuan", "元": "yuan", "百分点": "percent", "个百分点": "percent", "倍": "fold", "级": "grade",
}  # fmt: skip
_SPELT: Final = {
    "℃": "degC", "°C": "degC", "%": "percent", "‰": "permille", "ppm": "ppm", "μm": "um", "µm": "um", "μg": "ug",
    "Ω": "ohm", "t": "tonne", "h": "hour", "d": "day", "a": "year", "min": "min", "L": "L", "l": "L", "rpm": "rpm",
    "r/min": "rpm", "dB(A)": "dB", "°": "degree", "wt%": "percent", "kwh": "kWh", "KB": "kilobyte", "MB": "megabyte",
}  # fmt: skip
# Each counts something of its own; a number of one is never a number of another.
_COUNTERS: Final = (
    "次",
    "件",
    "只",
    "袋",
    "批",
    "台",
    "套",
    "茬",
    "瓶",
    "个",
    "株",
    "条",
    "根",
    "副",
    "炉",
    "车",
    "人",
    "项",
    "分",
    "循环",
)
_SCALES: Final = ("HRC", "HRA", "HRB", "HV", "HB", "HBW", "NTU", "COD", "lg", "pH")
_MULTIPLES: Final = {"十": 10.0, "百": 100.0, "千": 1e3, "万": 1e4, "百万": 1e6, "亿": 1e8}

_NUMBER: Final = r"\d+(?:[.,]\d+)*(?:\s?[×xX*]\s?10\^?-?\d+)?"
_UNIT_TOKEN: Final = "|".join(
    sorted((re.escape(one) for one in (*_CHINESE, *_COUNTERS, *_SPELT, *_SCALES)), key=len, reverse=True)
)
_UNIT: Final = (
    rf"(?:{_UNIT_TOKEN}|[A-Za-zΩμµ°℃%‰][A-Za-z0-9Ωμµ²³⁻]*)(?:\s?[/·每]\s?(?:{_UNIT_TOKEN}|[A-Za-z][A-Za-z0-9²³]*))*"
)
_AT_LEAST: Final = r"不低于|不小于|不少于|大于等于|大于或等于|高于|大于|超过|至少|以上|≥|>=|>|＞|达到?|优于"
_AT_MOST: Final = r"不高于|不大于|不超过|不多于|小于等于|小于或等于|低于|小于|至多|以下|以内|≤|<=|<|＜|降至|降到"
_QUANTITY: Final = re.compile(
    rf"(?:每(?P<per>{_UNIT_TOKEN})\s*)?(?P<before>{_AT_LEAST}|{_AT_MOST})?\s*(?P<low>{_NUMBER})\s*"
    rf"(?:(?P<low_unit>{_UNIT})?\s*[-–—~～至到]\s*(?P<high>{_NUMBER})\s*)?(?P<multiple>百万|[十百千万亿](?!元|分点))?\s*(?P<unit>{_UNIT})?"
    rf"\s*(?P<after>以上|以下|以内)?"
)
_LEAST = re.compile(_AT_LEAST)


@cache
def _registry() -> Any:
    # pint takes longer to import than most programs that need no unit take to run.
    import pint  # noqa: PLC0415

    registry: Any = pint.UnitRegistry(autoconvert_offset_to_baseunit=True, cache_folder=None)
    registry.define("yuan = [money]")
    registry.define("wan_yuan = 10000 * yuan")
    registry.define("yi_yuan = 100000000 * yuan")
    registry.define("mu = 666.6667 * meter ** 2")
    registry.define("fold = [fold]")
    registry.define("grade = [grade]")
    for number in range(len(_COUNTERS) + len(_SCALES)):
        registry.define(f"own_{number} = [own_{number}]")
    return registry


@cache
def _unit(written: str) -> Any | None:
    """pint's unit for a spelling; None for what is no unit."""
    parts = []
    for part in re.split(r"\s?[/·每]\s?", written):
        known = _CHINESE.get(part) or _SPELT.get(part)
        if known is None and part in (*_COUNTERS, *_SCALES):
            known = f"own_{(*_COUNTERS, *_SCALES).index(part)}"
        if known is None:
            known = part.replace("²", "^2").replace("³", "^3").replace("μ", "u").replace("µ", "u")
            known = re.sub(r"(?<=[A-Za-z])([23])$", r"^\1", known)
            known = "tonne" if known == "t" else known
        parts.append(f"({known})")
    try:
        return _registry().Unit(" / ".join(parts))
    except Exception:  # noqa: BLE001 -- pint has a dozen ways to say that a text is no unit
        return None


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, or a range from `low` to `high`, with its unit as it was written, at `start`–`end` of the text.

    `bound`: ">=" for 不低于60, "<=" for 不超过3, None for a plain number. `per`: the 克 of 每克86毫克, which is one of
    毫克每克, or, where nobody asks for that, of 毫克.
    """

    low: float
    high: float
    unit: str
    bound: str | None
    start: int
    end: int
    per: str = ""

    def in_unit_of(self, other: str) -> "Quantity | None":
        """The same in another unit; None when the two measure different things."""
        if self.unit == other:
            return self
        return (self._converted(f"{self.unit}每{self.per}", other) if self.per else None) or self._converted(
            self.unit, other
        )

    def _converted(self, unit: str, other: str) -> "Quantity | None":
        if _bare_share(unit) != _bare_share(other) and ("/" in other + unit or "每" in other + unit):
            return None  # 95% of something is no 950 mg/g of something else
        if other in _POINTS and unit not in _POINTS:
            return None  # nor does a share say by how many points it changed
        ours, theirs = _unit(unit) if unit else None, _unit(other) if other else None
        if ours is None or theirs is None:
            return None
        registry = _registry()
        try:
            low, high = (float(registry.Quantity(value, ours).to(theirs).magnitude) for value in (self.low, self.high))
        except TypeError:  # what pint's errors of dimension and of offset units are
            return None
        return Quantity(low, high, other, self.bound, self.start, self.end)


_POINTS: Final = frozenset({"百分点", "个百分点"})


def _bare_share(unit: str) -> bool:
    return unit in {"%", "‰", *_POINTS}


def _is_name(text: str, found: re.Match[str]) -> bool:
    """Whether a number without a unit belongs to a name: 42CrMo, GB/T 2260."""
    if found["unit"]:
        return True
    before = text[: found.start("low")].rstrip()
    return bool(before) and before[-1].isascii() and before[-1].isalpha()


def _number(written: str) -> float:
    plain = re.sub(r",(?=\d{3}(?!\d))", "", written.replace(" ", ""))
    mantissa, times, power = re.match(r"([\d.,]+)(?:([×xX*])10\^?(-?\d+))?", plain).groups()  # type: ignore[union-attr]
    try:
        value = float(mantissa.replace(",", ""))
    except ValueError:
        return float("nan")
    return value * 10.0 ** max(-300, min(300, int(power))) if times else value


def normal_unit(unit: str | None) -> str:
    """A unit's spelling, folded: full-width forms and blanks do not count, and %FS is a percentage."""
    plain = _folded(unit or "").strip().replace(" ", "")
    return "%" if plain.startswith("%") else plain


def _folded(text: str) -> str:
    """Width-folded, character for character, so that places stay places; ², ³ and ℃ keep their meaning."""
    return "".join(
        c if c in "²³℃‰μµ⁻" else folded if len(folded := unicodedata.normalize("NFKC", c)) == 1 else c for c in text
    )


def quantities(text: str) -> Iterator[Quantity]:
    """The numbers of a text, in order; numbers inside names (42CrMo, GB/T 2260, L10) are left out."""
    folded = _folded(text)
    for found in _QUANTITY.finditer(folded):
        at = found.start("low")
        if at and (folded[at - 1].isascii() and (folded[at - 1].isalnum() or folded[at - 1] in "-_./")):
            continue
        multiple = _MULTIPLES.get(found["multiple"] or "", 1.0)
        low = _number(found["low"]) * multiple
        high = _number(found["high"]) * multiple if found["high"] else low
        if low != low or high != high or low > high:  # noqa: PLR0124 -- NaN is not itself
            continue
        unit = (found["unit"] or found["low_unit"] or "").replace(" ", "")
        if unit and _unit(unit) is None:
            unit = ""
        if not unit and _is_name(folded, found):
            continue
        words = found["before"] or found["after"]
        bound = None if words is None else ">=" if _LEAST.fullmatch(words) else "<="
        yield Quantity(low, high, unit, bound, found.start(), found.end(), found["per"] or "" if unit else "")
