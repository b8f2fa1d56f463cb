"""The table plan, the door list and the schedules of people, on paper, in the time of the event."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from reportlab.platypus import CondPageBreak, KeepTogether, LongTable, PageBreak, Paragraph, Spacer, TableStyle

from marketplace.docking import names
from marketplace.docking.models import Event
from marketplace.kernel.language import Language, told
from marketplace.kernel.paper import GRID, MARGIN, TITLE, built, cell, ready
from schemas.meetings import DoorList, MeetingState, MeetingView, PlaceView, TablePlan

_GRID: Final = TableStyle([*GRID, ("TOPPADDING", (0, 1), (-1, -1), 4), ("BOTTOMPADDING", (0, 1), (-1, -1), 4)])
_EMPTY: Final = "没有洽谈。 · No meetings."
_OF_TABLE: Final = ("时间 · time", "一方 · one side", "出席人 · who sits", "另一方 · the other", "出席人 · who sits",
                    "状态 · state")  # fmt: skip
_OF_DOORS: Final = ("No.", "姓名 · name", "单位与职务 · organisation, position", "类别 · kind",
                    "无障碍需求 · needs", "洽谈时间与地点 · when and where they meet", "签到 · signature")  # fmt: skip
_OF_PERSON: Final = ("时间 · time", "地点 · where", "与谁洽谈 · who you meet", "对方出席人 · who sits there",
                     "我方出席人 · who sits for you", "备注 · notes")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Own:
    """The meetings of one meeting list, or of one of its people."""

    side: Any
    who: str
    organisation: str | None
    meetings: Sequence[MeetingView]


def _hours(event: Event, place: PlaceView) -> str:
    zone = ZoneInfo(event.time_zone)
    begins, ends = place.starts_at.astimezone(zone), place.ends_at.astimezone(zone)
    return f"{begins:%m-%d %H:%M}–{ends:%H:%M}"


def _made(event: Event, language: Language, made_at: Any) -> Paragraph:
    zone = ZoneInfo(event.time_zone)
    when = f"{event.starts_at.astimezone(zone):%Y-%m-%d %H:%M} {event.place or ''}"
    as_of = told("截至 · as of", language)
    return cell(f"{when}　{as_of} {made_at.astimezone(zone):%m-%d %H:%M}（{event.time_zone}）")


def _title(event: Event, language: Language) -> str:
    return (event.title_en if language == "en" else None) or event.title


def _headed(event: Event, name: str, language: Language) -> str:
    return f"{_title(event, language)}{' – ' if language == 'en' else ' '}{name}"


def _venues(places: Iterable[PlaceView]) -> bool:
    """Whether the venue has to be named beside the room."""
    return len({one.venue for one in places if one.venue}) > 1


def table_plan(event: Event, plan: TablePlan, language: Language) -> bytes:
    """Table by table, as they stand in the hall: to be laid on each of them."""
    ready()
    name = told("桌位表 · Table plan", language)
    story: list[Any] = [cell(_headed(event, name, language), TITLE), _made(event, language, plan.made_at)]
    if not plan.tables:
        story.append(cell(told("没有洽谈桌。 · There are no tables.", language)))
    for day in plan.tables:
        head = cell(f"{day.venue} {day.room} {day.table}", TITLE)
        rows = [tuple(told(one, language) for one in _OF_TABLE)]
        rows += [_at_table(event, one, language) for one in day.meetings]
        if not day.meetings:
            story.append(KeepTogether([Spacer(1, 8), head, cell(told(_EMPTY, language))]))
            continue
        # A heading does not stay alone at the foot of a page.
        story += [
            Spacer(1, 8),
            CondPageBreak(MARGIN * 3),
            head,
            LongTable(rows, (88, 205, 105, 205, 105, 61), style=_GRID, repeatRows=1),
        ]
    return built(f"{event.title} {name}", story, wide=True)


def _at_table(event: Event, one: MeetingView, language: Language) -> tuple[Any, ...]:
    sides = (one.first.name, one.first_person, one.second.name, one.second_person)
    state = told(names.MEETING_STATES[one.state], language) if one.state is not MeetingState.PLANNED else ""
    return (_hours(event, one.place), *map(cell, sides), state)


def door_list(event: Event, doors: DoorList, language: Language) -> bytes:
    """Everybody who is expected, by name, with where they are to be, and room to sign."""
    ready()
    name = told("入场名单 · Door list", language)
    rows: list[tuple[Any, ...]] = [tuple(told(one, language) for one in _OF_DOORS)]
    several = _venues(each for one in doors.people for each in one.meetings)
    for number, one in enumerate(doors.people, 1):
        where = "\n".join(
            f"{_hours(event, each)} {names.spot(each, with_venue=several)}" for each in one.meetings[:MOST_SHOWN]
        )
        if len(one.meetings) > MOST_SHOWN:
            where += "\n…"
        what = "，".join(filter(None, (one.organisation, one.job)))
        kind = told(names.PARTICIPANTS[one.kind], language)
        rows.append(
            (str(number), cell(one.name), cell(what), cell(kind), cell(one.accessibility or ""), _lines(where), "")
        )
    story = [
        cell(_headed(event, name, language), TITLE),
        _made(event, language, doors.made_at),
        cell(told(f"共 {len(doors.people)} 人 · {len(doors.people)} people", language)),
        Spacer(1, 8),
        LongTable(rows, (28, 90, 190, 70, 90, 220, 81), style=_GRID, repeatRows=1),
    ]
    return built(f"{event.title} {name}", story, wide=True)


MOST_SHOWN: Final = 40
"""Meetings in one cell: a row that is higher than a page cannot be printed."""


def _lines(text: str) -> list[Paragraph]:
    return [cell(line) for line in text.split("\n")] if text else [cell("")]


def schedules(event: Event, own: Sequence[Own], language: Language) -> bytes:
    """The schedule of each of these, each on a page of their own, to be taken along."""
    ready()
    name = told("洽谈日程 · Schedule of meetings", language)
    story: list[Any] = []
    for one in own:
        if story:
            story.append(PageBreak())
        story += _schedule(event, one, name, language)
    if not story:
        story = [cell(_headed(event, name, language), TITLE), cell(told(_EMPTY, language))]
    return built(f"{event.title} {name}", story, wide=True)


def _schedule(event: Event, own: Own, name: str, language: Language) -> Iterable[Any]:
    zone = ZoneInfo(event.time_zone)
    whose = "　".join(filter(None, (own.who, own.organisation if own.organisation != own.who else None)))
    yield cell(_headed(event, name, language), TITLE)
    yield cell(whose, TITLE)
    times = f"{event.starts_at.astimezone(zone):%Y-%m-%d %H:%M} – {event.ends_at.astimezone(zone):%m-%d %H:%M}"
    yield cell(f"{times}（{event.time_zone}） {event.place or ''}")
    yield Spacer(1, 8)
    if not own.meetings:
        yield cell(told(_EMPTY, language))
        return
    rows: list[tuple[Any, ...]] = [tuple(told(each, language) for each in _OF_PERSON)]
    for one in own.meetings:
        first = one.first.registration_id == own.side
        other, sits, ours = (
            (one.second, one.second_person, one.first_person)
            if first
            else (one.first, one.first_person, one.second_person)
        )
        note = names.MEETING_STATES[one.state]
        if one.state is MeetingState.PLANNED:
            note = names.GROUNDS.get(one.ground, "") if one.ground else ""
        note = told(note, language) if note else ""
        rows.append(
            (
                _hours(event, one.place),
                cell(names.spot(one.place)),
                cell(other.name),
                cell(sits),
                cell(ours),
                cell(note),
            )
        )
    yield LongTable(rows, (100, 180, 220, 90, 90, 90), style=_GRID, repeatRows=1)
