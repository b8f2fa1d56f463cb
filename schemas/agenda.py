"""The agenda of an event: where it is, in rooms with tables, and when, in sessions that are cut into slots."""

from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from schemas.base import Message, ends_later, wrong_at
from schemas.events import WebAddress
from schemas.text import Line, Moment, Title, Whole

DAY_MINUTES: Final = 24 * 60


class SessionKind(StrEnum):
    """洽谈、大会、路演、参观、休息."""

    MEETINGS = "meetings"
    PLENARY = "plenary"
    ROADSHOW = "roadshow"
    VISIT = "visit"
    BREAK = "break"


class Between(Message):
    """From one moment up to, and without, another."""

    starts_at: Moment
    ends_at: Moment

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        ends_later(self.starts_at, self.ends_at)
        return self


class TableBody(Message):
    """A place where one meeting at a time can sit; online it has an address."""

    name: Annotated[str, Line(100)]
    url: WebAddress | None = None
    instrument_id: Annotated[
        UUID | None, Field(description="实验室参观：所看的仪器 · for visits: the instrument that is seen there")
    ] = None
    closed: Annotated[list[Between], Field(max_length=50, description="不可用的时段 · when it is not there")] = []


class RoomBody(Message):
    name: Annotated[str, Line(100)]
    tables: Annotated[list[TableBody], Field(max_length=500)] = []


class VenueBody(Message):
    name: Annotated[str, Line(200)]
    address: Annotated[str, Line(300)] | None = None
    rooms: Annotated[list[RoomBody], Field(min_length=1, max_length=100)]


class SessionBody(Between):
    """A part of the programme. One for meetings is cut into slots of one length, with a gap between two."""

    title: Title
    title_en: Title | None = None
    kind: SessionKind = SessionKind.MEETINGS
    slot_minutes: Annotated[
        Annotated[int, Whole(5, DAY_MINUTES)] | None,
        Field(description="每场洽谈多少分钟 · length of a slot; meetings only"),
    ] = None
    gap_minutes: Annotated[
        Annotated[int, Whole(0, 120)], Field(description="两场之间多少分钟 · between two slots; meetings only")
    ] = 0

    @model_validator(mode="after")
    def _slots(self) -> Self:
        meetings = self.kind is SessionKind.MEETINGS
        if meetings and self.slot_minutes is None:
            raise wrong_at("slot_minutes", "slots_missing", "洽谈须写明每场多少分钟 · say how long a slot is")
        if not meetings and (self.slot_minutes is not None or self.gap_minutes):
            raise wrong_at("slot_minutes", "slots_unused", "只有洽谈分场次 · only meetings are cut into slots")
        if self.slot_minutes is not None and self.starts_at + timedelta(minutes=self.slot_minutes) > self.ends_at:
            raise wrong_at(
                "slot_minutes",
                "no_slot_fits",
                "这段时间放不下一场：请缩短每场时间或延长时段 · no slot fits: shorten the slots or lengthen the session",
            )
        return self


class AgendaBody(Message):
    """Where and when: venues with rooms and tables, sessions one after the other. It replaces what was written before.

    What keeps its name (of tables) or its times (of slots) keeps its id.
    """

    venues: Annotated[list[VenueBody], Field(max_length=20)] = []
    sessions: Annotated[list[SessionBody], Field(max_length=100)] = []

    @model_validator(mode="after")
    def _apart(self) -> Self:
        for one, other in pairwise(sorted(self.sessions, key=lambda each: each.starts_at)):
            if other.starts_at < one.ends_at:
                raise wrong_at(
                    "sessions",
                    "sessions_overlap",
                    "议程不能重叠：请调整开始或结束时间 · sessions must not overlap: change when they begin or end",
                )
        _each_named_once("venues", [venue.name for venue in self.venues])
        for venue in self.venues:
            _each_named_once("venues", [room.name for room in venue.rooms])
            for room in venue.rooms:
                _each_named_once("venues", [table.name for table in room.tables])
        return self


def _each_named_once(field: str, names: list[str]) -> None:
    if len(names) != len(set(names)):
        raise wrong_at(field, "named_twice", "同名：请给每个起不同的名字 · two have one name: name them differently")


class TableView(TableBody):
    id: UUID


class RoomView(Message):
    id: UUID
    name: str
    tables: list[TableView]


class VenueView(Message):
    id: UUID
    name: str
    address: str | None
    rooms: list[RoomView]


class SlotView(Message):
    id: UUID
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class SessionView(Message):
    id: UUID
    title: str
    title_en: str | None
    kind: SessionKind
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    slot_minutes: int | None
    gap_minutes: int
    slots: list[SlotView]


class AgendaView(Message):
    event_id: UUID
    version: Annotated[int, Field(description="活动的版本 · the version of the event")]
    time_zone: str
    venues: list[VenueView]
    sessions: list[SessionView]
