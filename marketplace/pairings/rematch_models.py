"""Runs of the full rematch, and what each proposes."""

from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.kernel.base import Base, Key, Moment, Now
from marketplace.kernel.columns import words
from marketplace.kernel.operations import Operation
from schemas.rematches import Why


class Rematch(Base):
    """One run. Its row stays for good; its pairs are kept while it is among the latest."""

    __tablename__ = "rematch"
    __table_args__ = (
        CheckConstraint(
            "proposals between 1 and 100 and places between 1 and 10000 and floor between 0 and proposals"
            " and depth between proposals and 1000",
            name="terms",
        ),
        CheckConstraint("pruned_at is null or finished_at is not null", name="pruned"),
        Index("rematch_listed_idx", "created_at", "id"),
        # The newest, and those whose pairs are there.
        Index(
            "rematch_kept_idx", "finished_at", postgresql_where=text("finished_at is not null and pruned_at is null")
        ),
    )

    id: Mapped[Key]
    operation_id: Mapped[UUID] = mapped_column(ForeignKey("operation.id"), unique=True)
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    proposals: Mapped[int]
    places: Mapped[int | None]
    floor: Mapped[int]
    by_organisation: Mapped[bool]
    unfit: Mapped[bool]
    depth: Mapped[int]
    created_at: Mapped[Now]
    began_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]
    pruned_at: Mapped[Moment | None]
    problems: Mapped[int | None]
    achievements: Mapped[int | None]
    granted: Mapped[int | None]
    passed: Mapped[int | None]
    without: Mapped[int | None]
    short: Mapped[int | None]
    plain: Mapped[float | None] = mapped_column(Double)
    total: Mapped[float | None] = mapped_column(Double)

    operation: Mapped[Operation] = relationship(lazy="raise")


class RematchPair(Base):
    """A candidate of a problem that a run proposes, or passes over although it ranks as high."""

    __tablename__ = "rematch_pair"
    __table_args__ = (
        CheckConstraint("granted = (why in ('granted', 'floor'))", name="granted"),
        CheckConstraint("place between 1 and places", name="place"),
        Index("rematch_pair_problem_idx", "rematch_id", "problem_id", "granted", "score", "achievement_id"),
        Index("rematch_pair_achievement_idx", "rematch_id", "achievement_id", "granted", "score", "problem_id"),
    )

    rematch_id: Mapped[UUID] = mapped_column(ForeignKey("rematch.id"), primary_key=True)
    problem_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    achievement_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    score: Mapped[float] = mapped_column(Double)
    rank: Mapped[int]
    rank_back: Mapped[int | None]
    granted: Mapped[bool]
    why: Mapped[Why] = mapped_column(words(Why))
    place: Mapped[int | None]
    places: Mapped[int | None]
    lowest: Mapped[float | None] = mapped_column(Double)
    highest: Mapped[float | None] = mapped_column(Double)


COLUMNS = tuple(RematchPair.__table__.columns.keys())
"""In the order that pairs are copied in."""

KEPT = 5
"""Finished runs whose pairs are kept."""
