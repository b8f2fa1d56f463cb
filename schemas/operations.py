"""Long work and how far it is."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime

from schemas.base import Message


class OperationState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OperationView(Message):
    id: UUID
    kind: str
    state: OperationState
    done: int
    total: int | None
    result: dict[str, Any] | None
    error: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    ended_at: AwareDatetime | None
