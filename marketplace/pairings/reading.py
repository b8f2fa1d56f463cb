"""How a record is read by the matcher: which fields are its text, which are its facets.

Only public fields are named here; the confidential part lives in another table and cannot get in.
"""

from collections.abc import Iterable
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, String, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute, aliased

from marketplace.experts.models import Expert, Representative
from marketplace.experts.policy import expert_open, representative_shown
from marketplace.identity.models import Organisation
from marketplace.labs.models import Instrument
from marketplace.labs.policy import instrument_offered
from marketplace.listings.models import Achievement, Listing, Problem
from marketplace.listings.policy import listing_open
from matching import Document, Facets, Filters, Query, Side
from matching.coverage import Indicator
from matching.synonyms import NO_SYNONYMS, Synonyms
from schemas import codes
from schemas.labs import Audience, InstrumentKind
from schemas.listings import CooperationMode, ListingKind
from schemas.pairings import ExpertRankingFilter, RankingFilter
from schemas.problems import Operator

INSTRUMENT: Final = "instrument"
EXPERT: Final = "expert"
Kind = ListingKind | Literal["instrument", "expert"]
"""What is ranked: the two kinds of listing, what labs share, and whom organisations send to firms."""

_COMMON: Final = ("id", "title", "description", "keywords", "industries", "disciplines", "region", "cooperation_modes",
                  "confirmed_at", "confirmed_until", "kind")  # fmt: skip
_OWN: Final[dict[ListingKind, tuple[str, ...]]] = {
    ListingKind.ACHIEVEMENT: ("summary", "trl", "stage", "price_low", "price_high"),
    ListingKind.PROBLEM: ("background", "indicators", "tried", "budget_low", "budget_high"),
}
_OF_INSTRUMENT: Final = ("id", "kind", "name", "name_en", "model", "maker", "lab", "capabilities", "accreditation",
                         "keywords", "region", "audience", "organisation_id")  # fmt: skip
_INSTRUMENTS: Final = frozenset(InstrumentKind)
# Not the name: nobody is to be found by whom they are, and it stays out of everything that is written to the disk.
OF_EXPERT: Final = ("id", "focus", "unit", "description", "keywords", "disciplines", "industries", "region",
                    "services", "confirmed_at", "confirmed_until")  # fmt: skip
EVERYBODY: Final = "everybody"
MODEL: Final[dict[ListingKind, type[Listing]]] = {
    ListingKind.ACHIEVEMENT: Achievement,
    ListingKind.PROBLEM: Problem,
}

# How ready a technology must be for each way of working together (our convention, GB/T 22900's nine levels): what is
# bought has to work in a real environment (7), a share is taken in what was piloted (5), joint development may begin
# from a proven concept (3). A problem that names several ways is content with the least of them.
READINESS: Final[dict[str, int]] = {
    CooperationMode.TRANSFER: 7,
    CooperationMode.LICENCE: 7,
    CooperationMode.SERVICE: 6,
    CooperationMode.EQUITY: 5,
    CooperationMode.JOINT_DEVELOPMENT: 3,
}


def columns(kind: ListingKind) -> list[InstrumentedAttribute[Any]]:
    """What is read from the database for the ranking."""
    return [getattr(MODEL[kind], name) for name in (*_COMMON, *_OWN[kind])]


def open_records(kind: Kind) -> tuple[InstrumentedAttribute[UUID], Select[Any]]:
    """What of a kind is ranked, and the key that it is read by."""
    if kind == INSTRUMENT:
        chosen = select(*(getattr(Instrument, name) for name in _OF_INSTRUMENT))
        offered = chosen.join(Organisation, Organisation.id == Instrument.organisation_id).where(instrument_offered())
        return Instrument.id, offered
    if kind == EXPERT:
        return Expert.id, profiles(*(getattr(Expert, name) for name in OF_EXPERT)).where(expert_open())
    model = MODEL[kind]
    chosen = select(*columns(kind)).join(Organisation, Organisation.id == model.organisation_id)
    return model.id, chosen.where(model.kind == kind, listing_open())


def profiles(*columns: InstrumentedAttribute[Any]) -> Select[Any]:
    """Experts beside their organisation, each with what its open representative achievements are called and about."""
    spoken = _spoken_for().label("achievements")
    return select(*columns, literal(EXPERT, String).label("kind"), spoken).join(
        Organisation, Organisation.id == Expert.organisation_id
    )


def _spoken_for() -> ScalarSelect[Any]:
    of_achievement = aliased(Organisation)
    lines = func.concat_ws("\n", Listing.title, func.array_to_string(Listing.keywords, "，"))
    return (
        select(func.array_agg(aggregate_order_by(lines, Representative.place, Listing.id)))
        .select_from(Representative)
        .join(Listing, Listing.id == Representative.achievement_id)
        .join(of_achievement, of_achievement.id == Listing.organisation_id)
        .where(Representative.expert_id == Expert.id, representative_shown(of_achievement))
        .correlate(Expert)
        .scalar_subquery()
    )


def beside_text(kind: ListingKind) -> list[InstrumentedAttribute[Any]]:
    """What `facets` reads."""
    own = (
        ("trl", "stage", "price_low", "price_high")
        if kind is ListingKind.ACHIEVEMENT
        else ("budget_low", "budget_high")
    )
    common = ("kind", "industries", "disciplines", "region", "cooperation_modes", "confirmed_at", "confirmed_until")
    return [getattr(MODEL[kind], name) for name in (*common, *own)]


def body(row: Any) -> str:
    """The text below the title."""
    if row.kind is ListingKind.ACHIEVEMENT:
        parts = [row.summary, row.description]
    else:
        parts = [row.background, row.description, _indicators(row.indicators or ()), row.tried]
    parts.append("，".join(row.keywords))
    return "\n".join(part for part in parts if part)


def _indicators(indicators: Any) -> str:
    return "；".join(
        f"{one['name']} {one['value']}–{one['upper']} {one['unit'] or ''}".strip()
        if one["operator"] == Operator.BETWEEN
        else f"{one['name']} {one['operator']} {one['value']} {one['unit'] or ''}".strip()
        for one in indicators
    )


def facets(row: Any) -> Facets:
    """What is known of the record beside its text."""
    if row.kind is ListingKind.ACHIEVEMENT:
        trl, stage, low, high = row.trl, row.stage, row.price_low, row.price_high
    else:
        trl = min((READINESS[mode] for mode in row.cooperation_modes), default=None)
        stage, low, high = None, row.budget_low, row.budget_high
    return Facets(
        industries=tuple(row.industries),
        disciplines=tuple(row.disciplines),
        region=row.region,
        trl=trl,
        stage=stage,
        modes=frozenset(row.cooperation_modes),
        money=None if low is None and high is None else (_yuan(low), _yuan(high)),
        confirmed_at=row.confirmed_at.timestamp() if row.confirmed_at else None,
        confirmed_until=row.confirmed_until.timestamp() if row.confirmed_until else None,
    )


def _yuan(amount: Any) -> float | None:
    return None if amount is None else float(amount)


def seen_by(row: Any) -> frozenset[str]:
    """Who may find an instrument, as marks: a ranking filtered by the marks of its reader tells of nothing hidden."""
    own = f"own:{row.organisation_id}"
    if row.audience is Audience.EVERYBODY:
        return frozenset({EVERYBODY, own})
    return frozenset({province_mark(row.region), own} if row.audience is Audience.PROVINCE else {own})


def province_mark(region: str) -> str:
    return f"province:{region[:2]}"


def _apparatus(row: Any) -> Document:
    parts = (row.name_en, row.model, row.maker, row.lab, row.capabilities, row.accreditation, "，".join(row.keywords))
    # Whom it is open to stands where listings say how they cooperate: neither signal counts, both only filter.
    facets = Facets(region=row.region, modes=seen_by(row))
    return Document(row.name, "\n".join(part for part in parts if part), facets)


def profile(row: Any) -> Document:
    """An expert as they are found; the name is not among it."""
    facets = Facets(
        industries=tuple(row.industries),
        disciplines=tuple(row.disciplines),
        region=row.region,
        # The ways of service stand where listings say how they cooperate: they filter, and are no signal.
        modes=frozenset(row.services),
        confirmed_at=row.confirmed_at.timestamp() if row.confirmed_at else None,
        confirmed_until=row.confirmed_until.timestamp() if row.confirmed_until else None,
    )
    parts = (row.unit, row.description, "，".join(row.keywords), *(row.achievements or ()))
    return Document(row.focus, "\n".join(part for part in parts if part), facets)


def document(row: Any) -> Document:
    """The record as it is found."""
    if row.kind in _INSTRUMENTS:
        return _apparatus(row)
    if row.kind == EXPERT:
        return profile(row)
    return Document(row.title, body(row), facets(row))


def texts(listing: Any) -> Document:
    """A listing's texts alone: what is known of it beside them was kept when it was ranked."""
    return Document(listing.title, body(listing))


def indicators(row: Any) -> list[Indicator]:
    """The figures that a problem's solver must meet."""
    return [
        Indicator(one["name"], one["operator"], one["value"], one["upper"], one["unit"]) for one in row.indicators or ()
    ]


def query(row: Any, synonyms: Synonyms = NO_SYNONYMS) -> Query:
    """The record as a question: what of the other kind fits it? However it is written, it looks for its counterpart."""
    side: Side = "achievement" if row.kind is ListingKind.ACHIEVEMENT else "problem"
    return Query(title=row.title, body=body(row), facets=facets(row), side=side, synonyms=synonyms, style="request")


def industries(wanted: Iterable[str]) -> tuple[str, ...]:
    """An industry section (C) stands for its divisions."""
    return tuple(code for one in wanted for code in codes.expand_section(one) or (one,))


def filters(wish: RankingFilter) -> Filters:
    """The wire's filters as the matcher's."""
    return Filters(
        regions=tuple(wish.region),
        industries=industries(wish.industry),
        disciplines=tuple(wish.discipline),
        trl_min=wish.trl_min,
        trl_max=wish.trl_max,
        stages=tuple(stage.value for stage in wish.stage),
        modes=tuple(mode.value for mode in wish.mode),
    )


def expert_filters(wish: ExpertRankingFilter) -> Filters:
    """The same for experts."""
    return Filters(
        regions=tuple(wish.region),
        industries=industries(wish.industry),
        disciplines=tuple(wish.discipline),
        modes=tuple(way.value for way in wish.service),
    )
