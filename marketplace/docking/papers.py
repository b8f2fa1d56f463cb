"""Who comes to an event, as files: badges to cut out, a sheet to sign, and a workbook."""

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import xlsxwriter
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import LongTable, Spacer, TableStyle

from marketplace.docking import badges, names
from marketplace.docking.answers import FIELDS
from marketplace.docking.models import Event, EventCapacity, EventQuestion
from marketplace.docking.registration_models import Attendee, Registration
from marketplace.kernel import qr
from marketplace.kernel.paper import FONT, GRID, TITLE, built, cell, ready
from marketplace.kernel.sheets import write_table
from schemas.events import ParticipantKind, QuestionKind

# A badge fits the holders that are sold everywhere; ten of them are cut out of a sheet.
WIDE: Final = 90 * mm
HIGH: Final = 54 * mm
COLUMNS: Final = 2
ROWS: Final = 5
_EDGE: Final = 4 * mm
_QR: Final = 27 * mm
_STRIP: Final = 8 * mm
_KINDS: Final = {
    ParticipantKind.ENTERPRISE: colors.HexColor(0x8A3A28),
    ParticipantKind.ACADEMIC: colors.HexColor(0x0F5C63),
    ParticipantKind.EXPERT: colors.HexColor(0x4A3C86),
    ParticipantKind.FINANCE: colors.HexColor(0x7A5200),
    ParticipantKind.BROKER: colors.HexColor(0x24587F),
    ParticipantKind.GOVERNMENT: colors.HexColor(0x3B4650),
    ParticipantKind.VISITOR: colors.HexColor(0x1D6B3A),
}
_SHEET: Final = TableStyle(
    [
        *GRID,
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("TOPPADDING", (0, 1), (-1, -1), 7),
        ("BOTTOMPADDING", (0, 1), (-1, -1), 7),
    ]
)
_CELL: Final = ParagraphStyle("cell", fontName=FONT, fontSize=9, leading=12, wordWrap="CJK")


def _both(text: str) -> str:
    """Both halves of a word: a badge is read by guests too."""
    return text.replace(" · ", " ")


def _people(rows: Iterable[Registration]) -> Iterator[tuple[Registration, Attendee]]:
    return ((row, person) for row in rows for person in row.people)


def _fitting(text: str, largest: float, width: float, smallest: float = 7) -> tuple[str, float]:
    """The text with the size in which it fits on one line; cut, where even the smallest is too large."""
    at_one = stringWidth(text, FONT, 1) or 1
    size = max(smallest, min(largest, width / at_one))
    while text and stringWidth(text, FONT, size) > width:
        text = text[:-2] + "…" if len(text) > 2 else ""
    return text, size


def _lines(text: str, size: float, width: float, most: int) -> list[str]:
    """The text in lines of at most `width`; what does not fit into `most` of them is cut."""
    made = [""]
    for char in text:
        if stringWidth(made[-1] + char, FONT, size) > width:
            if len(made) == most:
                made[-1] = made[-1][:-1] + "…"
                break
            # A word that does not fit any more goes to the next line as a whole, if the line has another.
            kept, space, word = made[-1].rpartition(" ")
            whole = bool(space and kept) and word.isascii() and char.isascii() and char != " "
            made[-1:] = [kept, word] if whole else [made[-1], ""]
        made[-1] += char if made[-1] or char != " " else ""
    return made


def _name(text: str, width: float) -> tuple[list[str], float]:
    """Somebody's name with its size: as large as it can be in one line, or in two or three that are smaller."""
    for most, size in ((1, 24.0), (1, 20.0), (1, 16.0), (2, 15.0), (2, 12.0), (3, 10.0), (3, 8.5)):
        lines = _lines(text, size, width, most)
        if not lines[-1].endswith("…"):
            break
    return lines, size


def badges_of(event: Event, rows: Sequence[Registration], key: bytes) -> bytes:
    """A badge of each of the people, ten a page, with the code that opens the doors."""
    ready()
    held = io.BytesIO()
    canvas = Canvas(held, pagesize=A4, invariant=1)
    canvas.setTitle(f"{event.title} 参会证")
    left, top = (A4[0] - COLUMNS * WIDE) / 2, A4[1] - (A4[1] - ROWS * HIGH) / 2
    people = list(_people(rows))
    # Even of nobody there is a page, or it would be no PDF.
    for first in range(0, max(len(people), 1), COLUMNS * ROWS):
        for place, (registration, person) in enumerate(people[first : first + COLUMNS * ROWS]):
            canvas.saveState()
            canvas.translate(left + place % COLUMNS * WIDE, top - (place // COLUMNS + 1) * HIGH)
            _badge(canvas, event, registration, person, badges.code(key, person))
            canvas.restoreState()
        canvas.showPage()
    canvas.save()
    return held.getvalue()


def _badge(canvas: Any, event: Event, registration: Registration, person: Attendee, code: str) -> None:
    canvas.setStrokeColor(colors.lightgrey)
    canvas.rect(0, 0, WIDE, HIGH)
    canvas.setFillColor(_KINDS[registration.kind])
    canvas.rect(0, 0, WIDE, _STRIP, stroke=0, fill=1)
    canvas.setFillColor(colors.white)
    canvas.setFont(FONT, 11)
    canvas.drawCentredString(WIDE / 2, 2.6 * mm, _both(names.PARTICIPANTS[registration.kind]))
    canvas.setFillColor(colors.black)
    y = HIGH - _EDGE - 7
    for line in _lines(event.title, 9, WIDE - 2 * _EDGE, 2):
        canvas.setFont(FONT, 9)
        canvas.drawString(_EDGE, y, line)
        y -= 11
    width = WIDE - 3 * _EDGE - _QR
    name, size = _name(person.name, width)
    canvas.setFont(FONT, size)
    for number, line in enumerate(reversed(name)):
        canvas.drawString(_EDGE, HIGH - 25 * mm + number * size * 1.15, line)
    y = HIGH - 31 * mm
    organisation = registration.organisation.name if registration.organisation is not None else ""
    for line, size in [(line, 9.0) for line in _lines(organisation, 9, width, 3)] + [
        _fitting(person.job or "", 9, width)
    ]:
        if line:
            canvas.setFont(FONT, size)
            canvas.drawString(_EDGE, y, line)
            y -= 11
    _draw(canvas, qr.code(code), WIDE - _EDGE - _QR, _STRIP + 2 * mm)


def _draw(canvas: Any, code: qr.Code, x: float, y: float) -> None:
    """A code with its quiet zone, `_QR` wide.

    Written as it stands in the file, a module a unit: a thousand codes take a third of the time that paths would.
    """
    module = _QR / code.side
    canvas.saveState()
    canvas.translate(x, y)
    canvas.scale(module, module)
    top = code.side - qr.QUIET - 1
    canvas.addLiteral(
        " ".join(f"{column + qr.QUIET} {top - row} {many} 1 re" for row, column, many in code.dark) + " f"
    )
    canvas.restoreState()


def sheet(event: Event, rows: Sequence[Registration]) -> bytes:
    """The people by kind and organisation, with room to sign."""
    ready()
    head = ("No.", "姓名 name", "单位 organisation", "职务 position", "类别 kind", "电话 phone", "签名 signature")
    table: list[tuple[Any, ...]] = [head]
    for number, (registration, person) in enumerate(_people(rows), 1):
        organisation = registration.organisation.name if registration.organisation is not None else ""
        kind = names.PARTICIPANTS[registration.kind].partition(" · ")[0]
        told = (person.name, organisation, person.job or "", kind, person.phone or "")
        table.append((str(number), *(cell(text, _CELL) for text in told), ""))
    story = [
        cell(f"{event.title} 签到表", TITLE),
        cell(f"{_local(event.starts_at, event)} {event.place or ''}　共 {len(table) - 1} 人 people"),
        Spacer(1, 8),
        LongTable(table, colWidths=(28, 66, 150, 76, 62, 70, 71), style=_SHEET, repeatRows=1),
    ]
    return built(f"{event.title} 签到表", story, wide=False)


def _local(moment: datetime | None, event: Event) -> str:
    return "" if moment is None else f"{moment.astimezone(ZoneInfo(event.time_zone)):%Y-%m-%d %H:%M}"


def workbook(
    event: Event, rows: Sequence[Registration], asked: Sequence[EventQuestion], places: Sequence[EventCapacity]
) -> bytes:
    """One row for each of the people with everything that was said, and the places by kind."""
    head = (
        "序号 · no.", "姓名 · name", "单位 · organisation", "类别 · kind", "状态 · state", "职务 · position", "邮箱 · e-mail",
        "电话 · phone", "语言 · languages", "首次签到 · first checked in", "带来的记录 · brought", "自我介绍 · introduction",
        "希望见到 · hopes for", "无障碍与其他需要 · needs", "备注 · note", "报名时间 · registered", "报名编号 · registration",
        *(question.text for question in asked),
    )  # fmt: skip
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        people = (
            (number, person.name, one.organisation.name if one.organisation is not None else "", names.PARTICIPANTS[one.kind],
             names.REGISTRATION_STATES[one.state], person.job, person.email, person.phone,
             "、".join(names.SPOKEN[code].partition(" · ")[0] for code in person.languages),
             _local(person.check_ins[0].at if person.check_ins else None, event),
             "\n".join(record.listing.title for record in one.records), one.introduction, one.wanted, one.accessibility,
             one.note, _local(one.created_at, event), str(one.id), *(_answer(one, question) for question in asked))
            for number, (one, person) in enumerate(_people(rows), 1)
        )  # fmt: skip
        write_table(book, "名单", f"{event.title} {_local(event.starts_at, event)}", head, people)
        totals = ((names.PARTICIPANTS[place.kind], place.seats, place.taken) for place in places)
        write_table(book, "名额", event.title, ("类别 · kind", "名额 · places", "已占 · taken"), totals)
    return held.getvalue()


def _answer(registration: Registration, question: EventQuestion) -> Any:
    value = registration.answers.get(str(question.id), {}).get(FIELDS[question.kind])
    if question.kind is QuestionKind.YES_NO and value is not None:
        return "是 · yes" if value else "否 · no"
    return "、".join(value) if isinstance(value, list) else value
