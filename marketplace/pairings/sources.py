"""What is ranked, kind by kind: where its records come from, which news are about them, whether verdicts tune it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, Uuid, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from marketplace.experts.models import Expert, Representative
from marketplace.labs.models import Instrument
from marketplace.listings.models import Listing
from marketplace.pairings.reading import EXPERT, INSTRUMENT, Kind
from matching.tuning import STARTING, Tuning
from schemas.listings import ListingKind

OF_ORGANISATION: Final = frozenset({"VerificationDecided", "OrganisationEdited"})


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of record. `news` are facts whose subject is one, `of_many` facts that list several by the field that
    holds their ids; `through` names the kind whose records are part of what is ranked here, and says which these are. `learns`: verdicts tune it; else `tuning` holds."""

    key: InstrumentedAttribute[UUID]
    organisation: InstrumentedAttribute[UUID]
    news: frozenset[str]
    of_many: Mapping[str, str] = field(default_factory=dict)
    through: tuple[Kind, InstrumentedAttribute[UUID], InstrumentedAttribute[UUID]] | None = None
    learns: bool = False
    tuning: Tuning = STARTING

    @property
    def heard(self) -> frozenset[str]:
        return self.news | self.of_many.keys()

    def owned(self, organisations: Collection[UUID]) -> Select[Any]:
        return select(self.key).where(self.organisation.in_(organisations))


_LISTING: Final = Source(
    key=Listing.id,
    organisation=Listing.organisation_id,
    news=frozenset(
        {
            "ListingPublished",
            "ListingEdited",
            "ListingConfirmed",
            "ListingWithdrawn",
            "ListingExpired",
            "TalksBegun",
            "ProblemSolved",
        }
    ),
    of_many={"ListingsImported": "listing_ids"},
    # Verdicts are on achievements and problems, and so is what is learnt from them.
    learns=True,
)
# A kind stands behind those whose records are part of it.
SOURCES: Final[dict[Kind, Source]] = {
    ListingKind.ACHIEVEMENT: _LISTING,
    ListingKind.PROBLEM: _LISTING,
    INSTRUMENT: Source(
        key=Instrument.id,
        organisation=Instrument.organisation_id,
        news=frozenset({"InstrumentPublished", "InstrumentEdited", "InstrumentRetired"}),
        of_many={"InstrumentsImported": "instrument_ids"},
        tuning=Tuning(least={"request": 0.0013, "report": 0.0013}),
    ),
    EXPERT: Source(
        key=Expert.id,
        organisation=Expert.organisation_id,
        news=frozenset(
            {
                "ExpertPublished",
                "ExpertEdited",
                "ExpertConfirmed",
                "ExpertWithdrawn",
                "ExpertExpired",
                "ExpertErased",
                "ConsentWithdrawn",
            }
        ),
        of_many={"ExpertsImported": "expert_ids"},
        through=(ListingKind.ACHIEVEMENT, Representative.achievement_id, Representative.expert_id),
    ),
}
HEARD: Final = OF_ORGANISATION.union(*(source.heard for source in SOURCES.values()))


async def concerned(session: AsyncSession, news: Sequence[Any]) -> dict[Kind, list[UUID]]:
    """The records that facts speak of, by kind; of a record that is part of others, those others too."""
    organisations = {fact.subject for fact in news if fact.name in OF_ORGANISATION}
    found: dict[Kind, dict[UUID, None]] = {}
    for kind, source in SOURCES.items():
        mine = found[kind] = {}
        for fact in news:
            if fact.name in source.news:
                mine[fact.subject] = None
            elif fact.name in source.of_many:
                mine.update(dict.fromkeys(UUID(one) for one in fact.body[source.of_many[fact.name]]))
        if organisations:
            mine.update(dict.fromkeys((await session.scalars(source.owned(organisations))).all()))
        if source.through is not None:
            of, part, whole = source.through
            if parts := list(found[of]):
                # One parameter, however many records a file brought in.
                among = any_(bindparam("parts", parts, type_=ARRAY(Uuid)))
                mine.update(dict.fromkeys((await session.scalars(select(whole).where(part == among))).all()))
    return {kind: list(ids) for kind, ids in found.items()}
