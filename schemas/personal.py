"""What is kept of a person."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field

from schemas.base import Message


class KeptRows(Message):
    """What is kept of one kind."""

    name: str
    title: str
    rows: list[dict[str, Any]]
    more: Annotated[bool, Field(description="还有更早的没有列出 · there are older ones that are not listed")]


class PersonalData(Message):
    """All that is kept of you, by kind. Passwords and secrets are kept as hashes alone, and hashes are left out."""

    person_id: UUID
    made_at: AwareDatetime
    kept: list[KeptRows]
