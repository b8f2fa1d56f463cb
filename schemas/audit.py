"""What was done, as it is read."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from schemas.base import Filter, Message
from schemas.text import Line, Moment


class FactFilter(Filter):
    """Which facts. Several kinds mean any of them; everything else narrows."""

    name: Annotated[
        list[Annotated[str, Line(60)]],
        Field(max_length=20, description="事实的种类，如 ListingPublished · kinds of fact, such as ListingPublished"),
    ] = []
    by: Annotated[UUID | None, Field(description="谁做的 · the person who did it")] = None
    organisation: Annotated[
        UUID | None,
        Field(description="发生在哪个单位或其记录上 · the organisation on which, or on whose records, it was done"),
    ] = None
    record: Annotated[UUID | None, Field(description="发生在哪条记录上 · the record on which it was done")] = None
    since: Annotated[Moment | None, Field(description="从何时起 · from then on")] = None
    until: Annotated[Moment | None, Field(description="到何时止（不含） · before then")] = None


class Doer(Message):
    """Who did it."""

    id: UUID
    name: Annotated[str | None, Field(description="账号已删除时为空 · null when the account is gone")]


class FactView(Message):
    """Something that was done."""

    id: int
    name: str
    at: AwareDatetime
    by: Annotated[Doer | None, Field(description="由系统按时做的为空 · null for what the clock did")]
    record: Annotated[UUID | None, Field(description="发生在哪条记录上 · the record on which it was done")]
    told: Annotated[
        dict[str, bool | int | str | list[str] | None],
        Field(
            description="编号、状态与字段名；不含所写的文字 · ids, states and names of fields; nothing that anybody wrote"
        ),
    ]
