"""An event and its agenda as forms: what was typed becomes a body, a body becomes what the form shows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from marketplace.kernel.language import told
from marketplace.portal import coding, say
from marketplace.portal.forms import Wrong, first
from marketplace.portal.sent import Typed
from schemas.agenda import AgendaView, SessionKind
from schemas.base import FieldError
from schemas.events import EventView, ParticipantKind, QuestionKind

TEXTS: Final = ("title", "title_en", "summary", "description", "place", "online_url")
TIMES: Final = ("starts_at", "ends_at", "registration_opens_at", "registration_closes_at")
NUMBERS: Final = ("offer_hours", "people_most", "records_most", "meetings_promised", "meetings_most")
CODED: Final = {"industries": "industries", "disciplines": "disciplines", "regions": "regions"}
CONTACT: Final = ("name", "phone", "email")
QUESTIONS: Final = 30
SESSIONS: Final = 100
VENUES: Final = 100
LABELS: Final = {
    "organisation_id": "主办单位 · host",
    "title": "标题 · title",
    "title_en": "英文标题 · title in English",
    "kind": "类型 · kind",
    "format": "形式 · format",
    "summary": "简介 · summary",
    "description": "详细介绍 · description",
    "time_zone": "时区 · time zone",
    "starts_at": "开始 · begins",
    "ends_at": "结束 · ends",
    "region": "举办地区 · region",
    "place": "举办地点 · place",
    "online_url": "线上会议地址（只有已确认的参会者可见） · address of the online meeting (told to confirmed participants only)",
    "industries": "行业 · industries",
    "disciplines": "学科 · disciplines",
    "regions": "面向地区 · regions that it is for",
    "languages": "语言 · languages",
    "registration_opens_at": "自动开始报名（不填则手动） · registration opens by itself (empty: by hand)",
    "registration_closes_at": "自动截止报名（不填则到活动开始） · registration closes by itself (empty: when it begins)",
    "offer_hours": "候补答复时限（小时） · hours to take an offered place",
    "people_most": "每份报名最多几人 · people of one registration at most",
    "calls_for": "征集 · participants are asked to bring",
    "records_most": "每份报名最多带几项 · records of one registration at most",
    "meetings_promised": "每位参会者保底洽谈数 · meetings promised to each participant",
    "meetings_most": "每位参会者最多洽谈数 · meetings of each participant at most",
    "contact": "联系人（登录后可见） · contact (shown to people who are signed in)",
    "capacities": "参会类别与名额（人） · kinds of participants and places (people)",
    "questions": "报名时要问的问题 · questions to those who register",
    "sessions": "议程 · sessions",
    "venues": "场地 · venues",
}


def moment(day: str, time: str, zone: ZoneInfo) -> str | None:
    """A day and a time of day by the clocks of a zone; None when they are none."""
    try:
        return datetime.fromisoformat(f"{day.strip()}T{time.strip()}:00").replace(tzinfo=zone).isoformat()
    except (ValueError, OverflowError):
        return None


def zone_of(text: str) -> ZoneInfo:
    """The zone of this name; China's, where there is none: the refusal of the name tells what to change."""
    try:
        return ZoneInfo(text)
    except (ValueError, OSError):
        return ZoneInfo("Asia/Shanghai")


def _number(text: str) -> int | str:
    plain = text.strip()[:12]
    return int(plain) if plain.isascii() and plain.isdigit() else plain


_NO_TIME: Final = "请填写日期和时间，例如 2027-03-02、09:00。 · Give a day and a time, such as 2027-03-02, 09:00."


def read(typed: Typed) -> tuple[dict[str, Any], Wrong]:
    """What was typed as the body of an event, and what of it cannot be read."""
    wrong: Wrong = {}
    body: dict[str, Any] = {name: first(typed, name).strip() or None for name in TEXTS}
    body["title"] = first(typed, "title").strip()
    body |= {"kind": first(typed, "kind"), "format": first(typed, "format"), "time_zone": first(typed, "time_zone")}
    zone = zone_of(body["time_zone"])
    for name in TIMES:
        day, time = first(typed, f"{name}.day"), first(typed, f"{name}.time")
        body[name] = moment(day, time, zone)
        if body[name] is None and (day.strip() or time.strip() or name in {"starts_at", "ends_at"}):
            wrong[name] = [told(_NO_TIME)]
    region = _codes("region", typed.get("region", []), "regions", wrong)
    body["region"] = region[0] if region else None
    body |= {name: _codes(name, typed.get(name, []), table, wrong) for name, table in CODED.items()}
    body |= {name: typed.get(name, []) for name in ("languages", "calls_for")}
    body["needs_approval"] = first(typed, "needs_approval") == "1"
    body |= {name: _number(text) for name in NUMBERS if (text := first(typed, name)).strip()}
    contact = {part: first(typed, f"contact.{part}").strip() or None for part in CONTACT}
    body["contact"] = contact if any(contact.values()) else None
    body["capacities"] = [
        {"kind": kind, "seats": _number(seats) if (seats := first(typed, f"seats.{kind}")).strip() else None}
        for kind in typed.get("invited", [])
    ]
    body["questions"] = [
        one for block in range(QUESTIONS) if (one := _question(typed, f"question.{block}")) is not None
    ]
    return body, wrong


def _codes(name: str, texts: Iterable[str], table: str, wrong: Wrong) -> list[str]:
    made = []
    for text in texts:
        if text.strip():
            found = coding.read(text, table)
            if found.code is None:
                wrong.setdefault(name, []).append(found.said)
            else:
                made.append(found.code)
    return made


def _question(typed: Typed, at: str) -> dict[str, Any] | None:
    text = first(typed, f"{at}.text").strip()
    if not text:
        return None
    return {
        "text": text,
        "text_en": first(typed, f"{at}.text_en").strip() or None,
        "kind": first(typed, f"{at}.kind") or QuestionKind.LINE.value,
        "options": [line.strip() for line in first(typed, f"{at}.options").splitlines() if line.strip()],
        "required": first(typed, f"{at}.required") == "1",
        "asked_of": typed.get(f"{at}.asked_of", []),
    }


def told_wrong(errors: Sequence[FieldError], wrong: Wrong) -> Wrong:
    """What was refused, by the name of the field, with which of several it is about."""
    unread = set(wrong)
    for error in errors:
        name, *rest = error.pointer.strip("/").split("/")
        if name in unread:
            continue
        nth = say.t("第 {n} 项： · number {n}: ", n=int(rest[0]) + 1) if rest and rest[0].isdigit() else ""
        wrong.setdefault(name, []).append(nth + told(error.detail))
    return wrong


def _parts(name: str, at: datetime | None, zone: ZoneInfo) -> Typed:
    local = at.astimezone(zone) if at is not None else None
    return {
        f"{name}.day": [f"{local:%Y-%m-%d}" if local else ""],
        f"{name}.time": [f"{local:%H:%M}" if local else ""],
    }


def _text(value: object) -> str:
    return "" if value is None else str(value)


def shown(one: EventView) -> Typed:
    """An event, as its form shows it."""
    zone = ZoneInfo(one.time_zone)
    typed: Typed = {name: [_text(getattr(one, name))] for name in (*TEXTS, *NUMBERS, "kind", "format", "time_zone")}
    for name in TIMES:
        typed |= _parts(name, getattr(one, name), zone)
    typed["region"] = [say.written_code(one.region, "regions")]
    typed |= {name: [say.written_code(code, table) for code in getattr(one, name)] for name, table in CODED.items()}
    typed |= {"languages": list(one.languages), "calls_for": list(one.calls_for)}
    typed["needs_approval"] = ["1"] if one.needs_approval else []
    typed |= {f"contact.{part}": [_text(getattr(one.contact, part, None))] for part in CONTACT}
    typed["invited"] = [place.kind.value for place in one.capacities]
    typed |= {f"seats.{place.kind}": [_text(place.seats)] for place in one.capacities}
    for block, question in enumerate(one.questions):
        at = f"question.{block}"
        typed |= {f"{at}.{name}": [_text(getattr(question, name))] for name in ("text", "text_en", "kind")}
        typed |= {f"{at}.options": ["\n".join(question.options)], f"{at}.required": ["1"] if question.required else []}
        typed[f"{at}.asked_of"] = list(question.asked_of)
    return typed


def blank() -> Typed:
    """A form that nothing was written into yet."""
    return {
        "kind": ["docking"], "format": ["onsite"], "time_zone": ["Asia/Shanghai"], "languages": ["zh"],
        "offer_hours": ["24"], "people_most": ["5"], "records_most": ["10"], "meetings_promised": ["0"],
        "invited": [ParticipantKind.ENTERPRISE.value, ParticipantKind.ACADEMIC.value],
    }  # fmt: skip


def blocks(typed: Typed, prefix: str, name: str, most: int, spare: int) -> range:
    """How many blocks of a form to show: those that are written in, and some to write into."""
    filled = [block for block in range(most) if first(typed, f"{prefix}.{block}.{name}").strip()]
    return range(min(most, (filled[-1] + 1 if filled else 0) + spare))


def read_agenda(typed: Typed, before: AgendaView) -> tuple[dict[str, Any], Wrong]:
    """What was typed as an agenda. What the form does not show of a table that keeps its name stays as it is."""
    zone, wrong = ZoneInfo(before.time_zone), Wrong()
    sessions: list[dict[str, Any]] = []
    for block in range(SESSIONS):
        at = f"session.{block}"
        title, since, until = (first(typed, f"{at}.{name}").strip() for name in ("title", "from", "to"))
        if not (title or since or until):
            continue
        day = first(typed, f"{at}.day")
        begins, ends = moment(day, since, zone), moment(day, until, zone)
        if begins is None or ends is None:
            nth = say.t("第 {n} 项： · number {n}: ", n=len(sessions) + 1)
            wrong.setdefault("sessions", []).append(nth + told(_NO_TIME))
        numbers = {
            name: _number(text)
            for name in ("slot_minutes", "gap_minutes")
            if (text := first(typed, f"{at}.{name}")).strip()
        }
        sessions.append(
            {"title": title, "title_en": first(typed, f"{at}.title_en").strip() or None,
             "kind": first(typed, f"{at}.kind") or SessionKind.MEETINGS.value, "starts_at": begins, "ends_at": ends, **numbers}
        )  # fmt: skip
    return {"sessions": sessions, "venues": _venues(typed, before)}, wrong


def _venues(typed: Typed, before: AgendaView) -> list[dict[str, Any]]:
    known = {
        (venue.name, room.name, table.name): {"instrument_id": table.instrument_id, "closed": table.closed}
        for venue in before.venues
        for room in venue.rooms
        for table in room.tables
    }
    made: dict[str, dict[str, Any]] = {}
    for block in range(VENUES):
        at = f"venue.{block}"
        name, room = first(typed, f"{at}.name").strip(), first(typed, f"{at}.room").strip()
        if not (name or room):
            continue
        venue = made.setdefault(
            name, {"name": name, "address": first(typed, f"{at}.address").strip() or None, "rooms": []}
        )
        tables = [
            {"name": table, "url": url} | known.get((name, room, table), {})
            for table, url in _tables(first(typed, f"{at}.tables"))
        ]
        venue["rooms"].append({"name": room, "tables": tables})
    return list(made.values())


def _tables(text: str) -> Iterator[tuple[str, str | None]]:
    """A table a line; online, its address stands after the name."""
    for line in text.splitlines():
        name, _, last = line.strip().rpartition(" ")
        if name and last.startswith("https://"):
            yield name.strip(), last
        elif line.strip():
            yield line.strip(), None


def shown_agenda(agenda: AgendaView) -> Typed:
    """An agenda, as its form shows it."""
    zone, typed = ZoneInfo(agenda.time_zone), Typed()
    for block, one in enumerate(agenda.sessions):
        values: Mapping[str, object] = {
            "title": one.title, "title_en": one.title_en, "kind": one.kind, "slot_minutes": one.slot_minutes,
            "gap_minutes": one.gap_minutes or None, "day": f"{one.starts_at.astimezone(zone):%Y-%m-%d}",
            "from": f"{one.starts_at.astimezone(zone):%H:%M}", "to": f"{one.ends_at.astimezone(zone):%H:%M}",
        }  # fmt: skip
        typed |= {f"session.{block}.{name}": [_text(value)] for name, value in values.items()}
    rooms = [(venue, room) for venue in agenda.venues for room in venue.rooms]
    for block, (venue, room) in enumerate(rooms):
        lines = [f"{table.name} {table.url}" if table.url else table.name for table in room.tables]
        values = {"name": venue.name, "address": venue.address, "room": room.name, "tables": "\n".join(lines)}
        typed |= {f"venue.{block}.{name}": [_text(value)] for name, value in values.items()}
    return typed
