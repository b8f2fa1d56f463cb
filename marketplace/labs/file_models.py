"""Photos and documents of instruments."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel.base import Base, Key, Moment, Versioned
from marketplace.kernel.columns import words
from schemas.instrument_files import FilePurpose


class InstrumentFile(Versioned, Base):
    """A photo or a document, kept in the database like all files: one backup, one transaction, no orphans.

    `preview` is the photo made small, so that a list of twenty does not weigh as much as twenty photos.
    """

    __tablename__ = "instrument_file"
    __table_args__ = (
        CheckConstraint("place > 0", name="place"),
        CheckConstraint(
            "(purpose = 'photo') = (width is not null) and (purpose = 'photo') = (height is not null)"
            " and (purpose = 'photo') = (preview is not null) and (purpose <> 'photo' or alt is not null)",
            name="photo",
        ),
        Index(
            "instrument_file_shown_idx", "instrument_id", "purpose", "place", postgresql_where=sql("removed_at is null")
        ),
        Index(
            "instrument_file_live_key",
            "instrument_id",
            "purpose",
            "sha256",
            unique=True,
            postgresql_where=sql("removed_at is null"),
        ),
    )

    id: Mapped[Key]
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    purpose: Mapped[FilePurpose] = mapped_column(words(FilePurpose))
    place: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str]
    alt: Mapped[str | None]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    width: Mapped[int | None]
    height: Mapped[int | None]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    preview: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    removed_at: Mapped[Moment | None]
