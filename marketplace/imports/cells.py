"""What stands in a cell, as the value of a field: a number, a day, a list, a choice, a code.

A reader takes text as well as what a workbook or JSON holds typed; what is typed right already (a list, an object)
passes on to the message's own validation. What it cannot read it says with `Unreadable`, never repeating the cell.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from marketplace.imports.naming import Ambiguous, Unnamed, code_of, discipline_of, looks_like_code
from schemas.codes import INDUSTRIES, IP_TYPES, REGIONS, Table
from schemas.text import fold

LONGEST_PHRASE: Final = 200


class Unreadable(ValueError):  # noqa: N818 -- an answer about a cell, not a fault
    """A cell that cannot be understood; `detail` says what to write instead."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a reader may need to know beside the cell: the unit in its header, and whom to tell of what was left out."""

    notice: Callable[[str, str], None]
    unit: Decimal = Decimal(1)


Reader = Callable[[Any, Surroundings], Any]

# What a formula leaves behind when it fails.
_FAILED: Final = frozenset({"#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA"})


def blank(value: object) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def plain(value: Any) -> Any:
    """A cell as text; 12.0 is 12, because a workbook has no whole numbers. Lists and objects stay what they are."""
    if isinstance(value, str):
        if value.strip() in _FAILED:
            raise Unreadable(
                "cell_failed",
                "单元格里的公式没有结果，请改成值 · the formula in this cell has no result; write the value instead",
            )
    elif isinstance(value, bool):
        value = "TRUE" if value else "FALSE"
    elif isinstance(value, float):
        value = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    elif isinstance(value, datetime):
        value = value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    elif isinstance(value, int | Decimal | date | time | timedelta):
        value = str(value)
    return value


def text(value: Any, _: Surroundings) -> Any:
    return plain(value)


def _phrase(value: Any) -> str | None:
    """The folded text of a short cell, or None when it is no text at all."""
    written = plain(value)
    return fold(written[: LONGEST_PHRASE + 1]) if isinstance(written, str) else None


def _parts(value: Any, between: str) -> list[str] | None:
    written = plain(value)
    return [part for part in re.split(between, written) if part.strip()] if isinstance(written, str) else None


def words(value: Any, _: Surroundings) -> Any:
    """Keywords, divided by ; ； , ， 、 or line ends; each once."""
    found = _parts(value, r"[;；,，、\n]")
    return value if found is None else list(dict.fromkeys(part.strip() for part in found))


def lines(value: Any, _: Surroundings) -> Any:
    """Longer entries, divided by ; ； or line ends."""
    found = _parts(value, r"[;；\n]")
    return value if found is None else [part.strip() for part in found]


def choice(meanings: Mapping[str, str], advice: str) -> Reader:
    """One of a few words. `meanings`: what may be written → the value; the value itself may be written too."""
    known = {name.casefold(): value for name, value in meanings.items()} | {value: value for value in meanings.values()}

    def read(value: Any, _: Surroundings) -> Any:
        written = _phrase(value)
        if written is None:
            return value
        found = known.get(re.sub(r"\s", "", written).casefold())
        if found is None:
            raise Unreadable("choice_unknown", advice)
        return found

    return read


def choices(one: Reader) -> Reader:
    """Several of them."""

    def read(value: Any, around: Surroundings) -> Any:
        found = value if isinstance(value, list) else _parts(value, r"[;；,，、/\n]")
        return value if found is None else [one(part, around) for part in found]

    return read


def yes_or_no(value: Any, _: Surroundings) -> Any:
    if isinstance(value, bool):
        return value
    written = _phrase(value)
    if written is None:
        return value
    if written.casefold() in {"是", "有", "y", "yes", "true", "1", "√", "✓"}:
        return True
    if written.casefold() in {"否", "无", "不是", "n", "no", "false", "0", "×"}:
        return False
    raise Unreadable("yes_or_no", "请填“是”或“否” · write 是 or 否 (yes or no)")


_NINE: Final = "一二三四五六七八九"


def readiness(value: Any, _: Surroundings) -> Any:
    """7, TRL7, 7级, 第七级."""
    written = _phrase(value)
    if written is None or isinstance(value, bool):
        return value
    match = re.fullmatch(
        r"(?:TRL)?\s*-?\s*第?\s*([0-9]{1,3}|[一二三四五六七八九])(?:\.0+)?\s*级?", written, re.IGNORECASE
    )
    if match is None:
        raise Unreadable("trl_unreadable", "请填 1 到 9 的整数 · write a whole number from 1 to 9")
    return int(match[1]) if match[1].isascii() else _NINE.index(match[1]) + 1


_DAY = re.compile(r"([0-9]{4})\s*[-/.年]\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})\s*日?(?:[T\s]+[0-9]{1,2}:[0-9:.]+)?")
_EPOCH: Final = date(1899, 12, 30)


def day(value: Any, _: Surroundings) -> Any:
    """2027-06-30, 2027/6/30, 2027年6月30日, 20270630, or a workbook's own date."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    written = _phrase(value)
    if written is None:
        return value
    if re.fullmatch(r"(19|20|21)[0-9]{6}", written):
        written = f"{written[:4]}-{written[4:6]}-{written[6:]}"
    elif not isinstance(value, str) and re.fullmatch(r"[2-9][0-9]{4}", written):
        return (_EPOCH + timedelta(days=int(written))).isoformat()
    match = _DAY.fullmatch(written)
    if match is None:
        raise Unreadable("day_expected", "请填写日期，例如 2027-06-30 · write a date, such as 2027-06-30")
    return f"{match[1]}-{int(match[2]):02}-{int(match[3]):02}"


def _one_of(table: Table, unknown: str) -> Reader:
    def read(value: Any, _: Surroundings) -> Any:
        written = plain(value)
        if not isinstance(written, str):
            return value
        try:
            return code_of(table, written)
        except Unnamed:
            raise Unreadable(f"unknown_{unknown}", _UNKNOWN[unknown]) from None
        except Ambiguous:
            raise Unreadable(
                f"ambiguous_{unknown}",
                "这个名称对应几个代码，请写代码或更完整的名称 · several codes have this name; write the code or a fuller name",
            ) from None

    return read


_UNKNOWN: Final = {
    "region": "未知的地区：请写代码或全名，例如 220100 或 吉林省长春市"
    " · unknown region: write the code or the full name, such as 220100 or 吉林省长春市",
    "industry": "未知的行业：请写 GB/T 4754 代码或名称，例如 36 或 汽车制造业"
    " · unknown industry: write its GB/T 4754 code or name, such as 36 or 汽车制造业",
    "discipline": "未知的学科代码：请写 GB/T 13745 代码或名称，例如 430 或 材料科学"
    " · unknown discipline code: write its GB/T 13745 code or name, such as 430 or 材料科学",
    "ip_type": "未知的知识产权类型，例如 发明专利 · unknown kind of intellectual property, such as 发明专利",
}

region = _one_of(REGIONS, "region")
industry = _one_of(INDUSTRIES, "industry")
industries = choices(industry)


def discipline(value: Any, around: Surroundings) -> Any:
    """A discipline by code or name. Of names there are more than the standard has: an unknown one is left out, and said."""
    written = plain(value)
    if not isinstance(written, str):
        return value
    try:
        return discipline_of(written)
    except LookupError:
        if looks_like_code(written):
            raise Unreadable("unknown_discipline", _UNKNOWN["discipline"]) from None
        around.notice(
            "discipline_left_out",
            "学科名称不在 GB/T 13745 中（或不能确定是哪一个），此项留空"
            " · the discipline's name is not in GB/T 13745, or not one of its fields alone; left empty",
        )
        return None


def disciplines(value: Any, around: Surroundings) -> Any:
    found = value if isinstance(value, list) else _parts(value, r"[;；,，、\n]")
    if found is None:
        return value
    return [code for part in found if (code := discipline(part, around)) is not None]


_ip_type = _one_of(IP_TYPES, "ip_type")
_IP_SHORT: Final = {
    "发明": "patent.invention",
    "实用新型": "patent.utility_model",
    "外观设计": "patent.design",
    "软著": "software_copyright",
    "软件著作权": "software_copyright",
}
_ip_status = choice(
    {
        "申请中": "pending",
        "审查中": "pending",
        "受理": "pending",
        "公开": "pending",
        "已授权": "granted",
        "授权": "granted",
        "有效": "granted",
        "已登记": "granted",
        "登记": "granted",
        "失效": "lapsed",
        "已失效": "lapsed",
        "终止": "lapsed",
    },
    "知识产权状态请填：申请中、已授权、失效 · write the status as 申请中 (pending), 已授权 (granted) or 失效 (lapsed)",
)


def intellectual_property(value: Any, around: Surroundings) -> Any:
    """发明专利|ZL202010000000.0|已授权|某大学, one a line or divided by ；."""
    items = _parts(value, r"[;；\n]")
    if items is None:
        return value
    found = []
    for item in items:
        parts = [part.strip() for part in re.split(r"[|｜]", item)]
        kind, number, status, holder = [*parts, "", "", ""][:4]
        if not kind or not status or len(parts) > 4:
            raise Unreadable(
                "intellectual_property_parts",
                "每项写作：类型|编号|状态|权利人，例如 发明专利|ZL202010000000.0|已授权|某大学，各项以；分隔"
                " · write each as kind|number|status|holder, such as 发明专利|ZL202010000000.0|已授权|某大学, divided by ;",
            )
        found.append(
            {
                "kind": _IP_SHORT.get(kind) or _ip_type(kind, around),
                "number": number or None,
                "status": _ip_status(status, around),
                "holder": holder or None,
            }
        )
    return found


def contact(value: Any, _: Surroundings) -> Any:
    """A whole contact; a name alone will do."""
    written = plain(value)
    return {"name": written} if isinstance(written, str) else value


_MEMBER = re.compile(r"([^（(:：]+?)\s*(?:[（(](.+)[）)]|[:：](.+))?")


def team(value: Any, _: Surroundings) -> Any:
    """张三（项目负责人）；李四."""
    items = _parts(value, r"[;；,，、\n]")
    if items is None:
        return value
    found = []
    for item in items:
        match = _MEMBER.fullmatch(item.strip()[:LONGEST_PHRASE])
        if match is None:
            raise Unreadable(
                "team_unreadable", "请写作：张三（负责人）；李四 · write 张三（负责人）；李四: name (role); name"
            )
        found.append({"name": match[1], "role": match[2] or match[3] or None})
    return found


_OPERATORS: Final = {
    ">=": ">=",
    "≥": ">=",
    "不低于": ">=",
    "不小于": ">=",
    "不少于": ">=",
    "达到": ">=",
    "至少": ">=",
    "<=": "<=",
    "≤": "<=",
    "不超过": "<=",
    "不大于": "<=",
    "不高于": "<=",
    "不多于": "<=",
    "至多": "<=",
    ">": ">",
    "大于": ">",
    "高于": ">",
    "<": "<",
    "小于": "<",
    "低于": "<",
    "=": "=",
    "为": "=",
    ":": "=",
}
_NUMBER = r"[+-]?[0-9][0-9.,/]*(?:[eE][+-]?[0-9]+)?"
_BETWEEN = re.compile(rf"([^<>≤≥]+?)\s*(?:[:=在为]|介于)?\s*({_NUMBER})\s*(?:-|~|～|—|–|至|到)\s*({_NUMBER})\s*(.*)")
_BOUND = re.compile(rf"(.+?)\s*({'|'.join(_OPERATORS)})\s*({_NUMBER})\s*(.*)")


def indicators(value: Any, _: Surroundings) -> Any:
    """硬度>=60 HRC；孔隙率 2~5 %: what must be met, one a line or divided by ；."""
    items = _parts(value, r"[;；\n]")
    if items is None:
        return value
    found = []
    for item in items:
        written = fold(item[:LONGEST_PHRASE])
        if match := _BETWEEN.fullmatch(written):
            name, first, second, unit = match.groups()
            found.append({"name": name, "operator": "between", "value": first, "upper": second, "unit": unit or None})
        elif match := _BOUND.fullmatch(written):
            name, operator, first, unit = match.groups()
            said = {"name": name.rstrip(":=, "), "operator": _OPERATORS[operator], "value": first}
            found.append(said | {"unit": unit or None})
        else:
            raise Unreadable(
                "indicator_unreadable",
                "请写作：硬度>=60 HRC；孔隙率 2~5 %，各项以；分隔 · write 硬度>=60 HRC；孔隙率 2~5 %, divided by ;",
            )
    return found
