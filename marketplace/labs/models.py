"""What labs let others use: instruments, who keeps them, when they are open, when they are out of order, and who may
use them alone."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, Numeric, SmallInteger
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.identity.models import Organisation, Person
from marketplace.kernel.base import Base, Key, Moment, Now, Versioned
from marketplace.kernel.columns import many, words
from schemas.labs import DAY_MINUTES, Audience, InstrumentKind, InstrumentState, Operation

CLASSES = "array['internal', 'academic', 'province_firm', 'other']"


class Instrument(Versioned, Base):
    """An instrument, a test service or an open laboratory. Its calendar is the resource of the same id.

    What was bought with public money is open to the firms of its province, unless a confidentiality reason is stated:
    the table itself refuses to hide it.
    """

    __tablename__ = "instrument"
    __table_args__ = (
        CheckConstraint(
            "not publicly_funded or closed_because is not null"
            " or (audience <> 'own' and 'province_firm' = any (customers))",
            name="public_is_open",
        ),
        CheckConstraint(f"customers <@ {CLASSES} and confirmed_at_once <@ {CLASSES}", name="customer_classes"),
        CheckConstraint("min_minutes <= max_minutes and min_minutes > 0", name="lengths"),
        CheckConstraint("slot_minutes > 0", name="grain"),
        CheckConstraint("value >= 0", name="value"),
        CheckConstraint(
            "notice_minutes >= 0 and horizon_days > 0 and buffer_minutes >= 0 and late_cancel_minutes >= 0",
            name="terms",
        ),
        CheckConstraint("(source is null) = (external_id is null)", name="origin"),
        CheckConstraint(
            "(position is null) = (wgs_latitude is null) and (position is null) = (wgs_longitude is null)"
            " and wgs_latitude between -90 and 90 and wgs_longitude between -180 and 180",
            name="position",
        ),
        Index(
            "instrument_source_key",
            "organisation_id",
            "source",
            "external_id",
            unique=True,
            postgresql_where=sql("source is not null"),
        ),
        # A box of degrees is a stretch of this index: peers within some kilometres are looked for in it.
        Index(
            "instrument_near_idx",
            "wgs_latitude",
            "wgs_longitude",
            postgresql_where=sql("state = 'published' and wgs_latitude is not null"),
        ),
        Index("instrument_listed_idx", "created_at", "id", postgresql_where=sql("state = 'published'")),
        Index("instrument_harvest_idx", "updated_at", "id", postgresql_where=sql("state <> 'draft'")),
        # How long the longest buffer is.
        Index("instrument_buffer_idx", "buffer_minutes"),
        Index("instrument_owner_idx", "organisation_id", "created_at", "id"),
        Index("instrument_grams_idx", sql("grams(words)"), postgresql_using="gin"),
        Index("instrument_facets_idx", "facets", postgresql_using="gin"),
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("resource.id"), primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[InstrumentKind] = mapped_column(words(InstrumentKind))
    state: Mapped[InstrumentState] = mapped_column(words(InstrumentState), default=InstrumentState.DRAFT)
    name: Mapped[str]
    name_en: Mapped[str | None]
    model: Mapped[str | None]
    maker: Mapped[str | None]
    class_code: Mapped[str | None]
    value: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    publicly_funded: Mapped[bool]
    closed_because: Mapped[str | None]
    audience: Mapped[Audience] = mapped_column(words(Audience))
    customers: Mapped[list[str]] = mapped_column(many())
    confirmed_at_once: Mapped[list[str]] = mapped_column(many())
    region: Mapped[str]
    lab: Mapped[str | None]
    location: Mapped[str | None]
    position: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    capabilities: Mapped[str | None]
    accreditation: Mapped[str | None]
    keywords: Mapped[list[str]] = mapped_column(many())
    contact: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    operation: Mapped[Operation] = mapped_column(words(Operation))
    needs_qualification: Mapped[bool]
    slot_minutes: Mapped[int]
    min_minutes: Mapped[int]
    max_minutes: Mapped[int]
    notice_minutes: Mapped[int]
    horizon_days: Mapped[int]
    buffer_minutes: Mapped[int]
    late_cancel_minutes: Mapped[int]
    no_show_minutes: Mapped[int | None]
    person_week_minutes: Mapped[int | None]
    organisation_week_minutes: Mapped[int | None]
    person_upcoming: Mapped[int | None]
    order_form: Mapped[list[str]] = mapped_column(many())
    # What it is called where it was imported from.
    source: Mapped[str | None]
    external_id: Mapped[str | None]
    # Kept by `labs.instruments`: codes with what stands above them, the folded text that `q` searches, and the position
    # by the one datum that distances are counted in.
    facets: Mapped[list[str]] = mapped_column(many())
    words: Mapped[str]
    wgs_latitude: Mapped[float | None] = mapped_column(Double)
    wgs_longitude: Mapped[float | None] = mapped_column(Double)

    hours: Mapped[list["OpeningHours"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by="OpeningHours.weekday, OpeningHours.opens"
    )
    exceptions: Mapped[list["OpeningException"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by="OpeningException.day, OpeningException.opens"
    )
    organisation: Mapped[Organisation] = relationship(lazy="raise")


class Keeper(Base):
    """A person who looks after an instrument: approves, waives, checks in, writes down what was used."""

    __tablename__ = "keeper"

    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True, index=True)
    since: Mapped[Now]

    person: Mapped[Person] = relationship(lazy="raise")


class OpeningHours(Base):
    """One stretch of a weekday, 1 (Monday) to 7, in minutes since midnight in China."""

    __tablename__ = "opening_hours"
    __table_args__ = (
        CheckConstraint("weekday between 1 and 7", name="weekday"),
        CheckConstraint(f"opens >= 0 and opens < closes and closes <= {DAY_MINUTES}", name="in_order"),
        ExcludeConstraint(
            ("instrument_id", "="),
            ("weekday", "="),
            (sql("int4range(opens, closes)"), "&&"),
            name="opening_hours_no_overlap",
            using="gist",
        ),
        # With the hours themselves: a search by time reads a weekday of all instruments in the index alone.
        Index("opening_hours_weekday_idx", "weekday", "instrument_id", postgresql_include=["opens", "closes"]),
    )

    id: Mapped[Key]
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"), index=True)
    weekday: Mapped[int] = mapped_column(SmallInteger)
    opens: Mapped[int] = mapped_column(SmallInteger)
    closes: Mapped[int] = mapped_column(SmallInteger)


class OpeningException(Base):
    """A day that is not like its weekday. Without hours it is closed: a holiday."""

    __tablename__ = "opening_exception"
    __table_args__ = (
        CheckConstraint("(opens is null) = (closes is null)", name="pair"),
        CheckConstraint(f"opens >= 0 and opens < closes and closes <= {DAY_MINUTES}", name="in_order"),
        # A closed day is a day without hours: nothing else may stand beside it.
        ExcludeConstraint(
            ("instrument_id", "="),
            ("day", "="),
            (sql(f"int4range(coalesce(opens, 0), coalesce(closes, {DAY_MINUTES}))"), "&&"),
            name="opening_exception_no_overlap",
            using="gist",
        ),
        Index("opening_exception_day_idx", "day", "instrument_id"),
    )

    id: Mapped[Key]
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"), index=True)
    day: Mapped[date]
    opens: Mapped[int | None] = mapped_column(SmallInteger)
    closes: Mapped[int | None] = mapped_column(SmallInteger)
    reason: Mapped[str]


class Outage(Base):
    """A time in which it is out of order; without an end, until somebody says that it works again."""

    __tablename__ = "outage"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="in_order"),
        Index("outage_instrument_idx", "instrument_id", "starts_at", "id"),
    )

    id: Mapped[Key]
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment | None]
    reason: Mapped[str]
    reported_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    reported_at: Mapped[Now]


class Qualification(Base):
    """That whoever signs in with this address may use an instrument alone, until a day. The revoked ones are history."""

    __tablename__ = "qualification"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        Index(
            "qualification_live_key",
            "instrument_id",
            "email",
            unique=True,
            postgresql_where=sql("revoked_at is null"),
        ),
        Index("qualification_instrument_idx", "instrument_id", "granted_at", "id"),
    )

    id: Mapped[Key]
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    email: Mapped[str]
    expires_on: Mapped[date | None]
    note: Mapped[str | None]
    granted_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    granted_at: Mapped[Now]
    revoked_at: Mapped[Moment | None]


class Holiday(Base):
    """A day on which the whole country does not follow its weekday: a holiday, or (`follows`) worked like another one.

    An exception of the instrument's own comes before it.
    """

    __tablename__ = "holiday"
    __table_args__ = (CheckConstraint("follows between 1 and 7", name="follows"),)

    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str]
    follows: Mapped[int | None] = mapped_column(SmallInteger)
