"""An instrument as a form: its fields in groups, read from what was typed and shown as they were written."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from marketplace.labs import written
from marketplace.portal import coding, forms, say, trying, words
from marketplace.portal.forms import Wrong
from marketplace.portal.sent import Typed
from schemas.labs import Audience, InstrumentBody, InstrumentKind, InstrumentView, Operation
from schemas.places import Datum

AUDIENCES: Final = {
    Audience.EVERYBODY: "所有人 · everybody",
    Audience.PROVINCE: "本省的单位 · organisations of the province",
    Audience.OWN: "仅本单位 · the own organisation alone",
}
_YES: Final = {"yes": "是 · yes", "no": "否 · no"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name on the wire, how it is written, and what a keeper has to know."""

    name: str
    label: str
    how: str = "line"
    most: int = 200
    hint: str = ""
    unit: str = ""
    options: Mapping[str, str] | None = None
    table: str = ""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the form's inputs that write it."""
        return tuple(f"{self.name}.{part}" for part in PARTS[self.name]) if self.name in PARTS else (self.name,)


PARTS: Final = {"position": ("longitude", "latitude", "datum"), "contact": ("name", "phone", "email")}


def _minutes(name: str, label: str, hint: str = "") -> Field:
    return Field(name, label, "number", 6, hint, "分钟 · minutes")


GROUPS: Final[tuple[tuple[str, tuple[Field, ...]], ...]] = (
    (
        "是什么 · What it is",
        (
            Field("kind", "类型 · kind", "choice", options={one.value: words.INSTRUMENT_KINDS[one] for one in InstrumentKind}),
            Field("name", "名称 · name"),
            Field("name_en", "英文名称 · English name"),
            Field("model", "型号 · model"),
            Field("maker", "厂商 · maker"),
            Field("class_code", "仪器分类 · class", "code", table="instrument_classes"),
            Field("capabilities", "能做什么 · what it can do", "text", 20_000, "指标、样品要求、可做的试验；匹配主要看这里。 · Figures, samples, tests; the ranking mostly reads this."),
            Field("accreditation", "资质能力范围（CMA、CNAS） · accredited scope", "text", 5000),
            Field("keywords", "关键词 · keywords", "words", 1100, "用顿号或逗号隔开，至多 20 个。 · Separated by commas, 20 at most."),
        ),
    ),
    (
        "经费与开放 · Funding and to whom it is open",
        (
            Field("value", "原值（元） · purchase value (CNY)", "amount", 30, "如 80万 · e.g. 800000"),
            Field("publicly_funded", "财政资金购置 · bought with public money", "choice", hint="财政资金购置的须向本省企业开放；不开放要写明保密理由。 · What public money bought is open to the firms of the province, or says which confidentiality forbids it.", options=_YES),
            Field("audience", "谁能看到 · who sees it", "choice", options={one.value: AUDIENCES[one] for one in Audience}),
            Field("customers", "可以预约的用户 · who may book", "ticks", options=words.CUSTOMERS),
            Field("confirmed_at_once", "不必审批的用户 · whose bookings wait for no keeper", "ticks", options=words.CUSTOMERS),
            Field("closed_because", "不向本省企业开放的保密理由 · the confidentiality reason for keeping it closed", "text", 2000),
        ),
    ),
    (
        "在哪里，找谁 · Where it stands, whom to ask",
        (
            Field("region", "地区 · region", "code", table="regions"),
            Field("lab", "实验室 · laboratory"),
            Field("location", "地点 · where", most=300, hint="楼、房间号 · building and room"),
            Field("position", "经纬度 · coordinates", "position", 40),
            Field("contact", "联系人（登录的人才能看到） · contact (seen by people who are signed in)", "contact"),
        ),
    ),
    (
        "怎样使用 · How it is used",
        (
            Field("operation", "使用方式 · operation", "choice", options={one.value: words.OPERATIONS[one] for one in Operation}),
            Field("needs_qualification", "自主上机须有资格 · used alone with a qualification only", "choice", options=_YES),
            Field("order_form", "送样委托单：每次预约要回答的问题 · order form: what each booking answers", "lines", 4200, "每行一个问题，例如“样品名称与数量”。 · One question a line, such as the samples and their number."),
        ),
    ),
    (
        "开放时间 · Opening hours",
        (
            Field("hours", "每周 · every week", "hours", written.LONGEST, "如 周一至周五 08:30-12:00、13:30-17:30；周六 09:00-12:00。星期也可写 1–7；“不开放”表示没有。 · Such as 1-5 08:30-12:00,13:30-17:30;6 09:00-12:00, where 1 is Monday."),
        ),
    ),
    (
        "预约规则 · Rules for bookings",
        (
            _minutes("slot_minutes", "时间粒度 · grain", "预约从这个刻度开始和结束。 · Bookings begin and end on it."),
            _minutes("min_minutes", "最短 · shortest"),
            _minutes("max_minutes", "最长 · longest"),
            _minutes("notice_minutes", "至少提前 · notice", "1 天是 1440 分钟。 · A day is 1440 minutes."),
            Field("horizon_days", "最多提前 · how far ahead", "number", 3, unit="天 · days"),
            _minutes("buffer_minutes", "两次预约之间留空 · kept free after each booking"),
            _minutes("late_cancel_minutes", "开始前多久取消算晚取消 · cancelled later than this is late"),
            _minutes("no_show_minutes", "多久未签到即释放 · released when nobody came by then", "不填则不释放。 · Blank: never."),
        ),
    ),
    (
        "限额（不填则不限） · Quotas (blank: none)",
        (
            _minutes("person_week_minutes", "每人每周 · a person's week"),
            _minutes("organisation_week_minutes", "每单位每周 · an organisation's week"),
            Field("person_upcoming", "每人未完成的预约 · a person's bookings ahead", "number", 4, unit="个 · bookings"),
        ),
    ),
)  # fmt: skip
FIELDS: Final = {one.name: one for _, fields in GROUPS for one in fields}
LABELS: Final = {
    **{name: one.label for name, one in FIELDS.items()},
    "organisation_id": "单位 · organisation",
    "exceptions": "特殊日期 · special days",
    "longitude": "经度 · longitude",
    "latitude": "纬度 · latitude",
    "datum": "坐标系 · datum",
    "phone": "电话 · phone",
    "email": "邮箱 · e-mail",
}


def body(typed: Typed) -> tuple[dict[str, Any], Wrong]:
    """What was typed as a body on the wire, and what of it cannot be read."""
    wrong: Wrong = {}
    return {name: _read(field, typed, wrong) for name, field in FIELDS.items()}, wrong


def _read(field: Field, typed: Typed, wrong: Wrong) -> Any:
    text = trying.said(typed, field.name)
    match field.how:
        case "ticks":
            found: Any = list(typed.get(field.name, ()))
        case "choice":
            found = {"yes": True, "no": False}.get(text, text)
        case "number":
            found = trying.number(typed, field.name)
        case "amount":
            found = forms.amount(text) or None
        case "words" | "lines":
            found = [one.strip() for one in _ENDS[field.how].split(text) if one.strip()]
        case "hours":
            found = _hours(text, wrong)
        case "code":
            found = _code(field, text, wrong)
        case "position" | "contact":
            found = _parts(field.name, typed)
        case _:
            found = text or None
    return found


_ENDS: Final = {"words": re.compile(r"[,，、;；\n]"), "lines": re.compile(r"\r\n?|\n")}


def _parts(name: str, typed: Typed) -> dict[str, Any] | None:
    """What is made of parts; where nothing but the datum stands, nothing was said."""
    parts = {part: trying.said(typed, f"{name}.{part}") or None for part in PARTS[name]}
    said = any(text for part, text in parts.items() if part != "datum")
    return {part: _degrees(part, text) for part, text in parts.items()} if said else None


def _degrees(part: str, text: str | None) -> Any:
    if part in {"longitude", "latitude"} and text is not None:
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _code(field: Field, text: str, wrong: Wrong) -> str | None:
    if not text:
        return None
    read = coding.read(text, field.table)
    if read.code is None:
        wrong.setdefault(field.name, []).append(read.said)
    return read.code


def _hours(text: str, wrong: Wrong) -> list[dict[str, Any]]:
    if text in {"", written.CLOSED, "closed"}:
        return []
    try:
        return written.hours_read(text)
    except written.HoursUnreadable:
        wrong.setdefault("hours", []).append(
            say.t("读不懂，请照例子写。 · This cannot be read; write it as in the example.")
        )
        return []


def read(shape: type[BaseModel], typed: Typed, **more: Any) -> tuple[Any, Wrong]:
    """The message that was typed, or what is wrong with it, by field of the form."""
    made, wrong = body(typed)
    # The code that was typed is told by its own words, and not once more as missing.
    return forms.message_of(shape, made | more, wrong, LABELS)


def shown(view: InstrumentView | InstrumentBody) -> Typed:
    """An instrument as its form shows it."""
    typed: Typed = {}
    for name, field in FIELDS.items():
        value = getattr(view, name, None)
        if field.inputs != (name,):
            for part in PARTS[name]:
                found = getattr(value, part, None)
                typed[f"{name}.{part}"] = ["" if found is None else str(found)]
        elif field.how == "hours":
            typed[name] = [
                _hours_shown(written.hours_written([(one.weekday, one.opens, one.closes) for one in value or ()]))
            ]
        elif field.how == "ticks":
            typed[name] = [str(one) for one in value or ()]
        elif field.how == "code":
            typed[name] = [say.written_code(value, field.table)]
        elif field.how == "words":
            typed[name] = ["、".join(value or ())]
        elif field.how == "lines":
            typed[name] = ["\n".join(value or ())]
        elif isinstance(value, bool):
            typed[name] = ["yes" if value else "no"]
        else:
            typed[name] = ["" if value is None else str(value).removesuffix(".00")]
    return typed


def _hours_shown(text: str) -> str:
    """The week as its reader writes it: without a language, days are numbers."""
    if not say.in_english():
        return text
    if text == written.CLOSED:
        return "closed"
    plain = text.replace("每天", "1-7").translate(_PLAIN)
    return plain.replace("周", "")


_PLAIN: Final = str.maketrans("一二三四五六日至、；", "1234567-,;")


def fresh() -> Typed:
    """The form of a new one: what is taken for granted stands there, to be changed."""
    return shown(InstrumentBody.model_construct(name="", region="")) | {"position.datum": [Datum.WGS84]}


def inputs() -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, field in FIELDS.items():
        yield name, field.inputs


def _names() -> list[str]:
    return [name for _, several in inputs() for name in several]


def kept(typed: Typed) -> str:
    """The form as it was opened, to be sent along."""
    return forms.kept(typed, _names())


def as_opened(text: str) -> Typed | None:
    """The same read back; None, where it is not what was sent along."""
    return forms.as_opened(text, set(_names()))
