"""How values read on a page, in the visitor's language."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from math import isinf
from typing import Any, Final
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from marketplace.kernel import clock
from marketplace.kernel.language import reading, told
from marketplace.portal import words
from schemas import codes

CHINA: Final = clock.BEIJING
WAN: Final = Decimal(10_000)
YI: Final = Decimal(100_000_000)


def t(text: str, /, **values: object) -> str:
    """The visitor's half of `中文 · English`, with `{names}` filled in."""
    said = told(text)
    return said.format(**values) if values else said


def in_english() -> bool:
    return reading.get() == "en"


def day(moment: datetime | date | None) -> str:
    """A day of China's calendar, as 2027-03-01."""
    if moment is None:
        return "—"
    local = moment.astimezone(CHINA) if isinstance(moment, datetime) else moment
    return local.strftime("%Y-%m-%d")


def this_year() -> int:
    return clock.today().year


def moment(at: datetime | None) -> str:
    return "—" if at is None else at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def clock_time(at: datetime, *, ends_day: bool = False) -> str:
    """A time of day in China; the midnight that ends a day is 24:00."""
    written = at.astimezone(CHINA).strftime("%H:%M")
    return "24:00" if ends_day and written == "00:00" else written


def span(starts_at: datetime, ends_at: datetime, zone: str) -> str:
    """From when to when by the clocks of a zone, which is named where it is not China's."""
    begins, ends = (at.astimezone(ZoneInfo(zone)) for at in (starts_at, ends_at))
    until = f"{ends:%H:%M}" if ends.date() == begins.date() else f"{ends:%Y-%m-%d %H:%M}"
    named = "" if begins.utcoffset() == starts_at.astimezone(CHINA).utcoffset() else bracketed(zone)
    return f"{begins:%Y-%m-%d %H:%M} – {until}{named}"


def days_since(at: datetime) -> int:
    return max(0, (clock.now() - at).days)


def ago(at: datetime | None) -> str:
    """How long ago, in whole days."""
    if at is None:
        return t("从未 · never")
    days = days_since(at)
    return t("今天 · today") if days == 0 else t("{n} 天前 · {n} days ago", n=days)


def yuan(amount: Decimal | float | None) -> str:
    """An amount as people say it: 80 万元, 1.2 亿元; CNY 800,000."""
    if amount is None:
        return "—"
    exact = Decimal(str(amount))
    if in_english():
        return f"CNY {exact:,.2f}".removesuffix(".00")
    for unit, name in ((YI, "亿元"), (WAN, "万元")):
        if exact >= unit and (exact / unit).quantize(Decimal("0.01")) * unit == exact:
            return f"{(exact / unit).normalize():f} {name}"
    return f"{exact:,.2f}".removesuffix(".00") + " 元"


def cents(amount: Decimal) -> str:
    """An amount of a bill, to the cent: 1,234.50 元; CNY 1,234.50."""
    return f"CNY {amount:,.2f}" if in_english() else f"{amount:,.2f} 元"


def percent(share: Decimal) -> str:
    """A share of one, as 12.34%."""
    return f"{share * 100:.2f}%"


def hours(minutes: int) -> str:
    """Minutes as hours: 1.5 小时."""
    exact = f"{Decimal(minutes) / 60:,.2f}".rstrip("0").rstrip(".")
    return t("{n} 小时 · {n} h", n=exact)


def span_of_money(low: Decimal | None, high: Decimal | None) -> str:
    if low is None and high is None:
        return "—"
    if low is None:
        return t("至多 {high} · up to {high}", high=yuan(high))
    if high is None:
        return t("至少 {low} · from {low}", low=yuan(low))
    return yuan(low) if low == high else f"{yuan(low)} – {yuan(high)}"


# What a browser's own name for itself begins with; the more telling ones come first, since each claims to be others, too.
_BROWSERS: Final = (
    ("MicroMessenger/", "微信 · WeChat"),
    ("QQBrowser/", "QQ 浏览器 · QQ Browser"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("HarmonyOS", "HarmonyOS"),
    ("OpenHarmony", "HarmonyOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def device(agent: str) -> str:
    """What a person calls the browser that calls itself `agent`: Edge, Windows. Anything else as it calls itself."""
    if not agent.startswith("Mozilla/"):
        return agent
    found = [next((told(name) for mark, name in known if mark in agent), "") for known in (_BROWSERS, _SYSTEMS)]
    return t("， · , ").join(name for name in found if name) or agent


def size(count: int) -> str:
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.0f} kB" if count < 1024**2 else f"{count / 1024**2:.1f} MB"


def code_name(code: str | None, table: str, *, whole: bool = False) -> str:
    """The name of a code: its own, or with all that stands above it."""
    if not code:
        return "—"
    known = codes.TABLES[table]
    row = known.get(code)
    if row is None:
        return code
    if in_english() and row.name_en:
        return row.name_en
    return known.path(code) if whole or table == "regions" else row.name


def written_code(code: str | None, table: str) -> str:
    """A code as a form shows it and reads it back: `3612 新能源车整车制造`."""
    return f"{code} {codes.TABLES[table].path(code) if table == 'regions' else code_name(code, table)}" if code else ""


def marked(text: str, spans: Sequence[tuple[int, int]]) -> Markup:
    """The text with some of its characters marked. Everything is escaped piece by piece."""
    out, at = Markup(), 0
    for start, end in sorted(spans):
        if start < at or end > len(text):
            continue
        out += escape(text[at:start]) + Markup("<mark>") + escape(text[start:end]) + Markup("</mark>")
        at = end
    return out + escape(text[at:])


def asked_for(indicator: Any) -> str:
    """What a must-meet figure has to be: `≥ 60 HRC`, `2 – 5 %`. It may be a message or a row's JSON."""
    told_of = indicator if isinstance(indicator, dict) else indicator.model_dump()
    value, unit = told_of["value"], told_of.get("unit") or ""
    if told_of["operator"] == "between":
        return f"{value} – {told_of.get('upper') or ''} {unit}".strip()
    return f"{words.SIGNS.get(told_of['operator'], '')} {value} {unit}".strip()


def converted(figure: Any) -> str:
    """The figure that a text gives, in the unit that was asked for, where it is written in another: ` = 0.5 h`."""
    unit, span = figure.unit or "", figure.converted
    if span is None or not unit or (figure.found or "").replace(" ", "").endswith(unit):
        return ""
    low, high = span
    if low == high:
        return f" = {low:g} {unit}"
    if isinf(low) or isinf(high):
        return f" = {'≤' if isinf(low) else '≥'} {high if isinf(low) else low:g} {unit}"
    return f" = {low:g} – {high:g} {unit}"


def bracketed(text: object) -> str:
    return f" ({text})" if in_english() else f"（{text}）"


def paragraphs(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


PLACES: Final = Decimal("0.000001")


def adding_up(values: Iterable[float], total: float) -> tuple[list[Decimal], Decimal]:
    """Six-digit numbers that add up to the six-digit total, each within a millionth of its value.

    Each is cut down, and the millionths that are left go to those that lost most.
    """
    exact = [Decimal(value) for value in values]
    whole = Decimal(total).quantize(PLACES, ROUND_HALF_EVEN)
    cut = [value.quantize(PLACES, ROUND_FLOOR) for value in exact]
    left = int((whole - sum(cut, Decimal(0))) / PLACES)
    by_loss = sorted(range(len(exact)), key=lambda place: (cut[place] - exact[place], place))
    for place in by_loss[: max(left, 0)]:
        cut[place] += PLACES
    return cut, whole


_LEVELS: Final[dict[str, dict[str | None, str]]] = {
    "field": {
        None: "行业与学科都不同 · a different field",
        "section": "同一行业门类 · same industry section",
        "division": "同一行业大类 · same industry division",
        "group": "同一行业中类 · same industry group",
        "class": "同一行业小类 · same industry class",
        "branch": "同一学科门类 · same branch of science",
        "first": "同一一级学科 · same first-level discipline",
        "second": "同一二级学科 · same second-level discipline",
        "third": "同一三级学科 · same third-level discipline",
    },
    "region": {
        None: "不同省份 · a different province",
        "province": "同省 · same province",
        "prefecture": "同市州 · same prefecture",
        "county": "同县区 · same county",
    },
    "budget": {
        "within": "报价在预算内 · price within budget",
        "partly": "低价在预算内 · low end within budget",
        "above": "报价超出预算 · price above budget",
    },
}
UNKNOWN: Final = "一方未填写 · not said by one side"


def signal(name: str, detail: dict[str, Any], *, known: bool) -> str:
    """What a signal compared and what it found."""
    if not known:
        return told(UNKNOWN)
    level = detail.get("level")
    if name == "trl":
        levels = {name: f"{float(detail[name]):g}" for name in ("needed", "has")}
        return t("需 {needed} 级，现有 {has} 级 · needs level {needed}, has {has}", **levels)
    if name == "freshness":
        confirmed = datetime.fromtimestamp(float(detail["confirmed_at"]), CHINA)
        return t("{ago}确认有效 · confirmed {ago}", ago=ago(confirmed))
    return told(_LEVELS[name][level])
