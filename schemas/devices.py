"""签到终端与计量终端: the tablet beside an instrument, and the device that measures its runs."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from schemas.base import Message, ShownOnce, ends_later, wrong_at
from schemas.bookings import LONGEST
from schemas.text import Line, Moment, Name, Whole

# How far the clock of a device may be off, and so how long a signed request can be sent again.
SKEW = timedelta(minutes=5)
# A device that was cut off hands in later what it measured; not what is older than this.
OLDEST = timedelta(days=31)
MOST_EVENTS = 100


class DeviceKind(StrEnum):
    """签到终端、计量终端."""

    KIOSK = "kiosk"
    METER = "meter"


class DeviceNew(Message):
    kind: DeviceKind
    name: Annotated[Name, Field(description="放在哪里、叫什么 · what it is called, where it stands")]


class DeviceView(Message):
    id: UUID
    instrument_id: UUID
    kind: DeviceKind
    name: str
    created_at: AwareDatetime
    seen_at: Annotated[AwareDatetime | None, Field(description="最近一次使用 · when it was last heard of")]
    revoked_at: AwareDatetime | None


class DeviceMade(Message):
    """A device with its key, which is not shown again."""

    id: UUID
    kind: DeviceKind
    name: str
    address: Annotated[
        str,
        Field(description="终端打开或上报的地址 · the page that a kiosk opens, or where a meter posts"),
    ]
    key: ShownOnce


class MeterKind(StrEnum):
    """开机、关机、一次运行."""

    START = "start"
    STOP = "stop"
    RUN = "run"


class MeterEvent(Message):
    """What a meter saw. `start` and `stop` make a run together; `run` says when it began and ended."""

    id: Annotated[
        str,
        Line(100),
        Field(
            description="设备自编的事件号，同号只记一次 · the device's own id of it: entered once, however often sent"
        ),
    ]
    kind: MeterKind
    at: Annotated[Moment, Field(description="start、run：开始；stop：结束 · when it began, or (stop) when it ended")]
    until: Annotated[Moment | None, Field(description="仅 run：结束 · of a run alone: when it ended")] = None
    samples: Annotated[int, Whole(0, 1_000_000)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.kind is MeterKind.RUN) != (self.until is not None):
            raise wrong_at(
                "until", "run_until", "run 须写明结束，其他不写 · a run says when it ended, the others do not"
            )
        if self.until is not None:
            ends_later(self.at, self.until)
            if self.until - self.at > LONGEST:
                raise wrong_at("until", "period_length", "最长 31 天 · 31 days at most")
        return self


class MeterReport(Message):
    """Events in the order in which they happened; all of them are entered, or none."""

    events: Annotated[list[MeterEvent], Field(min_length=1, max_length=MOST_EVENTS)]


class MeterOutcome(StrEnum):
    """What came of an event.

    已开机、未见关机、已录入机时、已并入机时、此预约已有机时（不重复计）、已并入运行、没有对应的开机.
    """

    OPEN = "open"
    UNFINISHED = "unfinished"
    ENTERED = "entered"
    ADDED = "added"
    KNOWN = "known"
    CLOSED = "closed"
    UNMATCHED = "unmatched"


class MeterResult(Message):
    id: str
    outcome: MeterOutcome
    usage_id: UUID | None


class MeterReceipt(Message):
    """What came of each event, in the order in which they were sent."""

    results: list[MeterResult]


class MeterEventView(Message):
    """An event as its keepers see it."""

    id: UUID
    device_id: UUID
    event_id: str
    kind: MeterKind
    at: AwareDatetime
    until: AwareDatetime | None
    samples: int | None
    outcome: MeterOutcome
    usage_id: UUID | None
    received_at: AwareDatetime


class BookingCode(Message):
    """What is shown or typed at the kiosk beside the instrument."""

    booking_id: UUID
    code: str
