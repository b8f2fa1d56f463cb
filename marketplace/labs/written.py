"""How an instrument's words and hours stand in a table: what the catalogue writes is what an import reads.

Nothing here knows a database, for files are read where there is none.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from schemas.labs import Audience, CustomerClass, InstrumentKind, InstrumentState, Operation
from schemas.listings import CompletenessItem
from schemas.places import Datum

KINDS: Final = {
    InstrumentKind.INSTRUMENT: "仪器设备",
    InstrumentKind.TEST_SERVICE: "检测服务",
    InstrumentKind.OPEN_LAB: "开放实验室",
}
STATES: Final = {
    InstrumentState.DRAFT: "草稿",
    InstrumentState.PUBLISHED: "开放共享",
    InstrumentState.RETIRED: "停止共享",
}
AUDIENCES: Final = {Audience.EVERYBODY: "社会开放", Audience.PROVINCE: "本省开放", Audience.OWN: "单位内部"}
OPERATIONS: Final = {
    Operation.SELF_USE: "自主上机",
    Operation.ASSISTED: "机组操作",
    Operation.EITHER: "自主上机或机组操作",
}
CUSTOMERS: Final = {
    CustomerClass.INTERNAL: "校内",
    CustomerClass.ACADEMIC: "高校院所",
    CustomerClass.PROVINCE_FIRM: "本省企业",
    CustomerClass.OTHER: "其他",
}
DATUMS: Final = {Datum.WGS84: "WGS-84", Datum.GCJ02: "GCJ-02"}

_DAYS: Final = "一二三四五六日"
_NUMBERS: Final = {day: number for number, day in enumerate(_DAYS, 1)} | {"天": 7} | {str(n): n for n in range(1, 8)}
_DAY: Final = r"(?:周|星期|礼拜)?\s*([一二三四五六日天1-7])"
_WEEKDAYS: Final = re.compile(rf"{_DAY}(?:\s*(?:至|到|-|~|～|—|–)\s*{_DAY})?")
_CLOCK: Final = r"([0-9]{1,2})[:：]([0-9]{2})"
_STRETCH: Final = re.compile(rf"{_CLOCK}\s*(?:至|到|-|~|～|—|–)\s*{_CLOCK}")
_SHORT: Final = {"每天": range(1, 8), "全周": range(1, 8), "工作日": range(1, 6), "周末": (6, 7)}


_REQUIRED: Final = {
    "class_code": "请选择仪器分类。 · Choose its class.",
    "capabilities": "请说明能做什么。 · Say what it can do.",
    "location": "请填写所在地点。 · Say where it stands.",
}


def missing(said: Callable[[str], Any]) -> list[CompletenessItem]:
    """What publishing asks for and a record lacks, of which `said` gives each field."""
    return [
        CompletenessItem(field=name, required=True, advice=advice)
        for name, advice in _REQUIRED.items()
        if not said(name)
    ]


class HoursUnreadable(ValueError):  # noqa: N818 -- an answer about a text, not a fault
    """The hours of a week that cannot be understood."""


LONGEST: Final = 2000
"""Characters of the hours of a week: several times what the fullest takes."""
CLOSED: Final = "不开放"
NOBODY: Final = "无"


def hours_written(hours: Iterable[tuple[int, str, str]]) -> str:
    """周一至周五 08:30-12:00、13:30-17:30；周六 09:00-12:00: days that are alike and follow each other go together."""
    by_day: dict[int, list[str]] = {}
    for weekday, opens, closes in sorted(hours):
        by_day.setdefault(weekday, []).append(f"{opens}-{closes}")
    runs: list[tuple[int, int, str]] = []
    for day, stretches in by_day.items():
        told = "、".join(stretches)
        if runs and runs[-1][1:] == (day - 1, told):
            runs[-1] = (runs[-1][0], day, told)
        else:
            runs.append((day, day, told))
    return "；".join(f"{_days(first, last)} {told}" for first, last, told in runs) or CLOSED


def _days(first: int, last: int) -> str:
    if (first, last) == (1, 7):
        return "每天"
    one, other = f"周{_DAYS[first - 1]}", f"周{_DAYS[last - 1]}"
    return one if first == last else f"{one}至{other}"


def hours_read(text: str) -> list[dict[str, Any]]:
    """The same read back; whether they overlap is looked at with everything else."""
    if len(text) > LONGEST:
        raise HoursUnreadable
    found: list[dict[str, Any]] = []
    for part in re.split(r"[;；\n]", text):
        if not (plain := part.strip()):
            continue
        days, rest = _days_read(plain)
        stretches = [one.strip() for one in re.split(r"[、,，\s]+(?=[0-9])", rest.strip()) if one.strip()]
        if not stretches:
            raise HoursUnreadable
        for stretch in stretches:
            match = _STRETCH.fullmatch(stretch)
            if match is None:
                raise HoursUnreadable
            since, until = (f"{int(match[at]):02d}:{match[at + 1]}" for at in (1, 3))
            found += [{"weekday": day, "opens": since, "closes": until} for day in days]
    return found


def _days_read(text: str) -> tuple[Sequence[int], str]:
    for word, usual in _SHORT.items():
        if text.startswith(word):
            return usual, text.removeprefix(word).lstrip(" :：")
    days: list[int] = []
    while match := _WEEKDAYS.match(text):
        # 12:00 begins like a Monday.
        if re.match(_CLOCK, text):
            break
        first = _NUMBERS[match[1]]
        last = _NUMBERS[match[2]] if match[2] else first
        if last < first:
            raise HoursUnreadable
        days += range(first, last + 1)
        text = text[match.end() :].lstrip(" 、,，:：")
    if not days:
        raise HoursUnreadable
    return days, text
