"""What can be held for a time, and who holds it when.

An instrument, a person, a table in a hall: to the calendar all of them are resources. A claim is live as long as its row
is there; what became of it is told by the booking or meeting that held it.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel.base import Base, Key, Now
from marketplace.kernel.columns import words

LONGEST: Final = timedelta(days=31)


class ResourceKind(StrEnum):
    INSTRUMENT = "instrument"
    PERSON = "person"
    PLACE = "place"


class Resource(Base):
    """What can be held. Those who change its calendar in more than one place take turns at it: `claims.take_turns`."""

    __tablename__ = "resource"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[ResourceKind] = mapped_column(words(ResourceKind))


class Claim(Base):
    """Time held on one resource. Two claims on one never overlap: PostgreSQL sees to it.

    An empty range overlaps nothing and an unbounded one everything, so neither may stand here.
    """

    __tablename__ = "claim"
    __table_args__ = (
        ExcludeConstraint(("resource_id", "="), ("during", "&&"), name="claim_no_overlap", using="gist"),
        # What is held at a time, of all there is: in the index of the constraint those lie wherever their resource does.
        Index("claim_during_idx", "during", postgresql_using="gist", postgresql_include=["resource_id"]),
        CheckConstraint("not isempty(during)", name="not_empty"),
        CheckConstraint(
            "lower(during) is not null and upper(during) is not null"
            " and isfinite(lower(during)) and isfinite(upper(during))",
            name="bounded",
        ),
        CheckConstraint("lower_inc(during) and not upper_inc(during)", name="half_open"),
        CheckConstraint(f"upper(during) - lower(during) <= interval '{LONGEST.days} days'", name="length"),
    )

    id: Mapped[Key]
    resource_id: Mapped[UUID] = mapped_column(ForeignKey("resource.id"))
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    held_by: Mapped[UUID] = mapped_column(index=True)
    created_at: Mapped[Now]
