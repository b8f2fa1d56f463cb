"""Calendars as files (RFC 5545): what a calendar program needs of a list of bookings, and no more."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
LONGEST_LINE: Final = 75


class Method(StrEnum):
    """What an invitation asks a calendar to do (RFC 5546)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Event:
    """One booking. A change raises `sequence`; one that no longer holds stays, as cancelled."""

    uid: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    changed_at: datetime
    summary: str
    location: str | None
    status: str


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(value: str) -> str:
    """Text as a value: what the format uses is escaped, and nothing can begin a line of its own."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "\\n".join(escaped.splitlines())


def _folded(line: str) -> Iterator[str]:
    """At most 75 octets a line, never cutting a character in two; what follows begins with a space."""
    room, piece = LONGEST_LINE, ""
    for char in line:
        size = len(char.encode())
        if size > room:
            yield piece
            room, piece = LONGEST_LINE - 1, " "
        piece += char
        room -= size
    yield piece


_HEAD: Final = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Duijie//Bookings//ZH", "CALSCALE:GREGORIAN")


def _event_lines(event: Event, *between: str) -> Iterator[str]:
    yield from ("BEGIN:VEVENT", f"UID:{event.uid}", f"SEQUENCE:{event.sequence}")
    yield f"DTSTAMP:{_moment(event.changed_at)}"
    yield f"DTSTART:{_moment(event.starts_at)}"
    yield f"DTEND:{_moment(event.ends_at)}"
    yield f"STATUS:{event.status}"
    yield f"SUMMARY:{_text(event.summary)}"
    if event.location:
        yield f"LOCATION:{_text(event.location)}"
    yield from between
    yield "END:VEVENT"


def _lines(name: str, events: Iterable[Event]) -> Iterator[str]:
    yield from _HEAD
    yield from (f"X-WR-CALNAME:{_text(name)}", "X-WR-TIMEZONE:Asia/Shanghai")
    for event in events:
        yield from _event_lines(event)
    yield "END:VCALENDAR"


def _file(lines: Iterable[str]) -> str:
    """With the line ends that the format asks for."""
    return "".join(f"{piece}\r\n" for line in lines for piece in _folded(line))


def written(name: str, events: Iterable[Event]) -> str:
    """A calendar of these events."""
    return _file(_lines(name, events))


def invitation(method: Method, event: Event, organizer: str, attendee: str) -> str:
    """One event as a mail's calendar part: a calendar program enters, changes or strikes it out by UID and SEQUENCE."""
    who = (f"ORGANIZER:mailto:{organizer}", f"ATTENDEE;PARTSTAT=ACCEPTED;RSVP=FALSE:mailto:{attendee}")
    return _file([*_HEAD, f"METHOD:{method}", *_event_lines(event, *who), "END:VCALENDAR"])
