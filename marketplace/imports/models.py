"""Files that wait to be imported, as tables."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel.base import Base, Key, Moment, Now
from marketplace.kernel.columns import many, words
from schemas.imports import ImportKind, UndoOutcome, UndoReason


class Upload(Base):
    """A file handed in for an import, kept until its operation ends. `wish` is what was asked for with it."""

    __tablename__ = "upload"
    __table_args__ = (CheckConstraint("size >= 0", name="size"),)

    operation_id: Mapped[UUID] = mapped_column(ForeignKey("operation.id"), primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    name: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    wish: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[Now]


class FileImport(Base):
    """An import that was written. Under the id of its operation, where it was asked for through one.

    This table and the next bear the name of the first kind that could be undone.
    """

    __tablename__ = "instrument_import"
    __table_args__ = (
        CheckConstraint("undone_by is null or undone_at is not null", name="undone"),
        Index("instrument_import_organisation_idx", "organisation_id", "at", "id"),
    )

    id: Mapped[Key]
    kind: Mapped[ImportKind] = mapped_column(words(ImportKind), server_default="instrument")
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str]
    by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[Now]
    undone_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    undone_at: Mapped[Moment | None]


class ImportedRecord(Base):
    """What an import did to one record: by field what it said before and says since. An id alone: it may be gone.

    `published`: the import put it before everybody's eyes, or handed a draft that was there to the review that comes first.
    """

    __tablename__ = "imported_instrument"
    __table_args__ = (
        Index("imported_instrument_instrument_idx", "instrument_id"),
        CheckConstraint("outcome is null or (outcome in ('kept', 'partly')) = (because is not null)", name="because"),
    )

    import_id: Mapped[UUID] = mapped_column(ForeignKey("instrument_import.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    sheet: Mapped[str | None]
    row: Mapped[int]
    record_id: Mapped[UUID] = mapped_column("instrument_id")
    name: Mapped[str]
    created: Mapped[bool]
    published: Mapped[bool]
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    version: Mapped[int]
    outcome: Mapped[UndoOutcome | None] = mapped_column(words(UndoOutcome))
    because: Mapped[UndoReason | None] = mapped_column(words(UndoReason))
    kept_fields: Mapped[list[str] | None] = mapped_column(many())


class UploadPart(Base):
    """A piece of the file, so that no process has to hold all of it."""

    __tablename__ = "upload_part"

    operation_id: Mapped[UUID] = mapped_column(ForeignKey("upload.operation_id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
