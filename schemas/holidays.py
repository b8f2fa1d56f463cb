"""Days on which the whole platform does not follow the weekday."""

from datetime import date
from typing import Annotated

from pydantic import Field

from schemas.base import Message
from schemas.text import Line, Whole


class HolidayWritten(Message):
    name: Annotated[str, Line(100)]
    follows: Annotated[
        Annotated[int, Whole(1, 7)] | None,
        Field(description="调休上班：按星期几开放；不填为放假 · worked like this weekday; without it, a day off"),
    ] = None


class HolidayView(HolidayWritten):
    day: date
