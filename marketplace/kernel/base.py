"""The declarative base, and the columns that many tables share."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import DateTime, MetaData, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )


# Version 7 grows with time, so new rows land at the end of their index; it names no person and counts nothing.
Key = Annotated[UUID, mapped_column(primary_key=True, default=uuid7)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Now = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())]


class Versioned:
    """A row whose every change is counted; the count is its ETag."""

    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    created_at: Mapped[Now]
    updated_at: Mapped[Now]
