"""Files that wait to be imported, as tables."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel.base import Base, Now


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


class UploadPart(Base):
    """A piece of the file, so that no process has to hold all of it."""

    __tablename__ = "upload_part"

    operation_id: Mapped[UUID] = mapped_column(ForeignKey("upload.operation_id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
