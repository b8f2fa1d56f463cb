"""What stands beside an instrument: tablets on which users check in, and meters that measure its runs."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.kernel.base import Base, Key, Moment, Now
from marketplace.kernel.columns import words
from marketplace.labs.models import Instrument
from schemas.devices import DeviceKind, MeterKind, MeterOutcome


class Device(Base):
    """A device of one instrument. Of a kiosk's key the hash is kept; a meter's key is derived, and kept nowhere."""

    __tablename__ = "device"
    __table_args__ = (
        CheckConstraint("(kind = 'kiosk') = (hash is not null)", name="hash"),
        Index("device_instrument_idx", "instrument_id", "created_at", "id"),
    )

    id: Mapped[Key]
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    kind: Mapped[DeviceKind] = mapped_column(words(DeviceKind))
    name: Mapped[str]
    hash: Mapped[bytes | None] = mapped_column(unique=True)
    made_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Now]
    seen_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]

    instrument: Mapped[Instrument] = relationship(lazy="raise")


class Metered(Base):
    """One event of a meter, as it came, and what came of it. Nothing of it is ever changed but the outcome."""

    __tablename__ = "meter_event"
    __table_args__ = (
        CheckConstraint("(kind = 'run') = (until is not null)", name="run_until"),
        CheckConstraint("until > at", name="in_order"),
        CheckConstraint("(outcome in ('entered', 'added', 'known')) = (usage_id is not null)", name="usage"),
        CheckConstraint("outcome not in ('open', 'unfinished', 'closed') or kind = 'start'", name="of_a_start"),
        # What a device says once is entered once.
        Index("meter_event_of_key", "device_id", "event_id", unique=True),
        # A device has started once at a time.
        Index("meter_event_open_key", "device_id", unique=True, postgresql_where=sql("outcome = 'open'")),
        Index("meter_event_instrument_idx", "instrument_id", "received_at", "id"),
    )

    id: Mapped[Key]
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"))
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    event_id: Mapped[str]
    kind: Mapped[MeterKind] = mapped_column(words(MeterKind))
    at: Mapped[Moment]
    until: Mapped[Moment | None]
    samples: Mapped[int | None]
    outcome: Mapped[MeterOutcome] = mapped_column(words(MeterOutcome))
    usage_id: Mapped[UUID | None] = mapped_column(ForeignKey("usage.id"))
    received_at: Mapped[Now]
