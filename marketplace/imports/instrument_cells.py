"""Cells that only a table of instruments has: their class, whom they are open to, when, on which terms, where they stand."""

import csv
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from marketplace.imports import cells
from marketplace.imports.cells import Surroundings, Unreadable, plain
from marketplace.imports.naming import Ambiguous, Unnamed, code_of
from marketplace.labs import written
from marketplace.labs.written import HoursUnreadable
from schemas.codes import INSTRUMENT_CLASSES
from schemas.text import fold

NONE: Final = frozenset({"无", "不开放", "none"})


def _choice(told: Mapping[Any, str], more: Mapping[str, str], advice: str) -> cells.Reader:
    return cells.choice({name: word.value for word, name in told.items()} | dict(more), advice)


kind = _choice(
    written.KINDS,
    {"仪器": "instrument", "大型科学仪器": "instrument", "大型科研仪器": "instrument", "检验检测服务": "test_service",
     "服务": "test_service", "实验室": "open_lab", "中试线": "open_lab", "中试基地": "open_lab"},
    "资源类别请填：仪器设备、检测服务、开放实验室 · write the kind as 仪器设备 (instrument), 检测服务 (test service) or 开放实验室 (open lab)",
)  # fmt: skip
audience = _choice(
    written.AUDIENCES,
    {"外部共享": "everybody", "全社会": "everybody", "对外开放": "everybody", "开放": "everybody", "本省": "province",
     "内部共享": "own", "不共享": "own", "内部": "own"},
    "共享范围请填：社会开放、本省开放、单位内部 · write the audience as 社会开放 (everybody), 本省开放 (the province) or 单位内部 (own people)",
)  # fmt: skip
operation = _choice(
    written.OPERATIONS,
    {"自主": "self_use", "机组": "assisted", "委托": "assisted", "委托检测": "assisted", "均可": "either", "两者均可": "either"},
    "使用方式请填：自主上机、机组操作、自主上机或机组操作 · write the operation as 自主上机 (used alone), 机组操作 (with an operator) or 自主上机或机组操作 (either)",
)  # fmt: skip
datum = _choice(
    written.DATUMS,
    {"WGS84": "wgs84", "GPS": "wgs84", "GCJ02": "gcj02", "国测局": "gcj02", "火星坐标": "gcj02", "高德": "gcj02", "腾讯": "gcj02"},
    "坐标系请填：WGS-84 或 GCJ-02（百度坐标请先换算） · write the datum as WGS-84 or GCJ-02 (convert Baidu's first)",
)  # fmt: skip
_customers = cells.choices(
    _choice(
        written.CUSTOMERS,
        {"本单位": "internal", "院校": "academic", "高校": "academic", "科研院所": "academic", "企业": "province_firm",
         "其它": "other"},
        "用户类别请填：校内、高校院所、本省企业、其他，可多选，都不接受填“无” · write classes of customers as 校内 (internal), 高校院所 (academic), 本省企业 (firms of the province), 其他 (others); 无 for none",
    )
)  # fmt: skip


def customers(value: Any, around: Surroundings) -> Any:
    read = plain(value)
    if isinstance(read, str) and fold(read).casefold() in NONE:
        return []
    return _customers(value, around)


def hours(value: Any, _: Surroundings) -> Any:
    """周一至周五 08:30-12:00、13:30-17:30；周六 09:00-12:00."""
    read = plain(value)
    if not isinstance(read, str):
        return value
    if fold(read).casefold() in NONE:
        return []
    try:
        return written.hours_read(fold(read))
    except HoursUnreadable:
        raise Unreadable(
            "hours_unreadable",
            "请写作：周一至周五 08:30-17:30；周六 09:00-12:00，不开放填“不开放”"
            " · write 周一至周五 08:30-17:30；周六 09:00-12:00 (Monday to Friday; Saturday), or 不开放 for closed",
        ) from None


_DEGREES: Final = re.compile(
    r"(?:[东西南北]经?纬?\s*)?([+-]?[0-9]{1,12}(?:\.[0-9]{1,12})?)\s*[°度]?\s*[EWNS]?", re.IGNORECASE
)


def degrees(value: Any, _around: Surroundings) -> Any:
    """125.3245, 125.3245°E, 东经125.3245; west and south are below nought."""
    read = plain(value)
    if not isinstance(read, str) or isinstance(value, bool):
        return value
    folded = fold(read)
    match = _DEGREES.fullmatch(folded)
    if match is None:
        return read
    found = float(match[1])
    return -found if re.search(r"[西南WSws]", folded) else found


@cache
def _national() -> dict[str, str]:
    """The classes by the codes of the national return (0201), which are not ours (02-01) in places."""
    rows = csv.DictReader((files("schemas.standards") / "instrument_classes.csv").read_text("utf-8").splitlines())
    return {row["code_seen"]: row["local_key"] for row in rows if len(row["code_seen"]) > 2}


def instrument_class(value: Any, _around: Surroundings) -> Any:
    """02-01, 0201 (the code of the national return), 力学性能测试仪器, or code and name together."""
    read = plain(value)
    if not isinstance(read, str):
        return value
    folded = fold(read)
    code, _, name = folded.partition(" ")
    code = _national().get(code, code)
    if code in INSTRUMENT_CLASSES:
        return code
    names = [part.strip() for part in re.split(r"[›>/]", name if re.match(r"[0-9]", folded) else folded)]
    try:
        return code_of(INSTRUMENT_CLASSES, names[-1])
    except (Unnamed, Ambiguous):
        raise Unreadable(
            "unknown_instrument_class",
            "未知的仪器分类：请写代码或名称，例如 02-01 或 力学性能测试仪器"
            " · unknown class of instruments: write its code or name, such as 02-01 or 力学性能测试仪器",
        ) from None
