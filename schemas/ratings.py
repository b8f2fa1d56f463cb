"""What users say of an instrument after they used it, and what the lab answers."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from schemas.base import Message
from schemas.labs import CustomerClass
from schemas.text import Text, Whole

Said = Annotated[str, Text(2000)]


class RatingNew(Message):
    stars: Annotated[int, Whole(1, 5)]
    text: Said | None = None


class RatingAnswer(Message):
    answer: Said


class RatingView(Message):
    """Who used it is told to its keepers and to those who did; others see what class of customer it was."""

    id: UUID
    instrument_id: UUID
    booking_id: UUID | None
    organisation_id: UUID | None
    customer_class: CustomerClass
    stars: int
    text: str | None
    created_at: AwareDatetime
    answer: Annotated[str | None, Field(description="实验室的答复 · what the lab answers")]
    answered_at: AwareDatetime | None
