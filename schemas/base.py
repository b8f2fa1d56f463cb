"""What every message on the wire has in common."""

from datetime import datetime
from typing import Annotated, Generic, LiteralString, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Item = TypeVar("Item")


class Message(BaseModel):
    """A value that crosses the wire; unknown fields are refused, objects are accepted."""

    model_config = ConfigDict(from_attributes=True, extra="forbid", frozen=True)


def wrong_at(field: str, code: LiteralString, told: LiteralString) -> PydanticCustomError:
    """What a look at a whole message finds wrong with one of its fields; the answer points at that field."""
    return PydanticCustomError(code, told, {"at": field})


def ends_later(starts_at: datetime, ends_at: datetime) -> None:
    """Refuse a period that ends before it begins, or is none."""
    if ends_at <= starts_at:
        raise wrong_at("ends_at", "period_order", "结束须晚于开始 · it has to end after it begins")


class Filter(Message):
    """What a list is asked for in its address. The route refuses the names that nobody reads, paging's are not ours."""

    model_config = ConfigDict(extra="ignore")


class _Secret:
    """Marks a value that is told once and kept nowhere but as its hash."""


ShownOnce = Annotated[str, Field(description="请妥善保存，只显示一次 · keep it; it is shown once"), _Secret()]
"""A secret in an answer. A route whose answer has one does not remember it for repeats."""


def shows_a_secret(answer: object) -> bool:
    """Whether a message of this type has a value that is shown once."""
    if not (isinstance(answer, type) and issubclass(answer, BaseModel)):
        return False
    return any(isinstance(mark, _Secret) for field in answer.model_fields.values() for mark in field.metadata)


class Page(BaseModel, Generic[Item]):
    """Some items, and where to continue from (`null` when this was the last page)."""

    model_config = ConfigDict(from_attributes=True)

    items: list[Item]
    next_cursor: str | None = None


class FieldError(Message):
    """One field that needs changing."""

    pointer: Annotated[str, Field(description="JSON pointer (RFC 6901) into the body, or the parameter's name")]
    code: str
    detail: str
    waivable: Annotated[
        bool | None, Field(description="管理员可否放行（预约规则） · whether a keeper may waive it (rules of bookings)")
    ] = None


class RefusalDocument(Message):
    """An error, as RFC 9457 writes it."""

    type: Annotated[str, Field(examples=["/problems/not-found"])]
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None
    trace_id: str | None = None
    errors: list[FieldError] = []
