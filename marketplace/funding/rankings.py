"""Which funding calls fit a text or a record, and whether one may apply: by the engine that ranks everything else
(`pairings.few`), with every rule of each call decided.

Order: calls of which no rule is broken come first, then those with a rule that is not met; within both, the higher score
first, and the lower id where scores are equal.
"""

from collections.abc import Collection, Sequence
from functools import partial
from typing import ClassVar, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.funding import calls, eligibility, shapes
from marketplace.funding.eligibility import Applicant, Decided
from marketplace.funding.models import FundingCall
from marketplace.funding.policy import call_open
from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.listings import records
from marketplace.listings.models import Achievement, Listing
from marketplace.pairings import fields, pairings, reading
from marketplace.pairings.engine import Engine
from marketplace.pairings.few import Few, Held
from matching import Document, Facets, Filters, Match, Query, Ranking
from matching.blend import FieldWeights
from matching.tuning import Tuning
from schemas.funding import Eligibility, FundingKind
from schemas.funding_rankings import (
    FundingMatchRequest,
    FundingPairing,
    FundingRankingPage,
    FundingRankingQuery,
    FundingStanding,
)
from schemas.identity import Verification
from schemas.pairings import Reasons

NO_CALL: Final = (
    "现在没有与此相关的资金。可以看看全部资金，或稍后再来。"
    " · No open call has to do with this. Look at all of them, or come again later."
)
NONE_FITS: Final = (
    "没有主题真正对口的资金；下面只是最接近的。 · No call is really about this; these are only the nearest."
)
ALL_LEFT_OUT: Final = (
    "相关的资金都有不符合的规则，未列出；取消“只看可申报的”即可看到原因。"
    " · Of every call that has to do with this a rule is not met, so none is listed; ask for all of them to see why."
)
ORDER: Final = (
    "没有不符合规则的在前，有规则不符合的在后；两组之内按得分从高到低。"
    " · Calls of which no rule is broken come first, those with a rule that is not met after them; within both, the"
    " higher score first."
)


def document(call: FundingCall) -> Document:
    """A call as it is found: what it supports, in which fields, where."""
    parts = (call.title_en, call.summary, call.description, "，".join(call.keywords))
    rules = calls.rules_of(call)
    regions = rules.project_regions or rules.applicant_regions
    # The kind stands where listings say how they cooperate: it does not count, it only filters.
    facets = Facets(
        industries=tuple(call.industries or rules.industries),
        disciplines=tuple(call.disciplines or rules.disciplines),
        region=regions[0] if len(regions) == 1 else None,
        modes=frozenset({call.kind.value}),
    )
    return Document(call.title, "\n".join(part for part in parts if part), facets)


class Terms(NamedTuple):
    """What of a call decides who may apply."""

    organisation_id: UUID
    kind: FundingKind
    rules: Eligibility


class OpenCalls(Few[FundingCall, Terms]):
    """The calls that one can apply to, or will be able to, with their rules; where there are too many, the newest."""

    tuning: ClassVar[Tuning] = Tuning(weights=FieldWeights(), least={"request": 0.001, "report": 0.001})

    def there(self) -> Select[UUID, int]:
        found = select(FundingCall.id, FundingCall.version)
        found = found.join(Organisation, Organisation.id == FundingCall.organisation_id)
        return found.where(call_open(clock.now())).order_by(FundingCall.listed_at.desc(), FundingCall.id.desc())

    def rows(self, ids: Collection[UUID]) -> Select[FundingCall]:
        return calls.chosen().where(FundingCall.id.in_(ids))

    def document(self, row: FundingCall) -> Document:
        return document(row)

    def beside(self, row: FundingCall) -> Terms:
        return Terms(row.organisation_id, row.kind, calls.rules_of(row))

    def id_of(self, row: FundingCall) -> UUID:
        return row.id


class _Placed(NamedTuple):
    """A call in the order, with its rules decided. The first three say where it stands."""

    tier: int
    against: float
    key: str
    match: Match
    rules: list[Decided]


def applicant_of(listing: Listing) -> Applicant:
    """What a record and its organisation tell of who applies, and with what."""
    made = listing if isinstance(listing, Achievement) else None
    return Applicant(
        kinds=listing.organisation.kinds,
        region=listing.organisation.region,
        project_region=listing.region,
        industries=listing.industries,
        disciplines=listing.disciplines,
        trl=made.trl if made else None,
        verified=listing.organisation.verification is Verification.VERIFIED,
        publicly_funded=made.publicly_funded if made else None,
    )


def _said(code: str | None) -> tuple[str, ...]:
    return () if code is None else (code,)


async def for_text(
    session: AsyncSession, engine: Engine, held: OpenCalls, wish: FundingMatchRequest
) -> FundingRankingPage:
    """The calls that fit a text. Nothing of it is kept."""
    industries, disciplines = _said(wish.industry), _said(wish.discipline)
    query = Query(
        body=wish.text, side=wish.side, synonyms=engine.synonyms, style="request",
        facets=Facets(industries=industries, disciplines=disciplines, region=wish.region),
    )  # fmt: skip
    who = Applicant(
        kinds=_said(wish.organisation_kind), region=wish.region, project_region=wish.region, industries=industries,
        disciplines=disciplines, trl=wish.trl,
    )  # fmt: skip
    return await ranked(session, engine, held, query, who, wish.kind, wish.limit, eligible=wish.eligible)


async def for_listing(
    session: AsyncSession,
    engine: Engine,
    held: OpenCalls,
    actor: Actor,
    cls: type[Listing],
    listing_id: UUID,
    wish: FundingRankingQuery,
    paging: Paging,
) -> FundingRankingPage:
    """The calls that fit a record that the actor may see, with whether its organisation may apply with it."""
    listing = await records.read(session, actor, cls, listing_id)
    query, who = reading.query(listing, engine.synonyms), applicant_of(listing)
    own = listing.organisation_id
    return await ranked(
        session, engine, held, query, who, wish.kind, paging.limit, paging, eligible=wish.eligible, own=own
    )


def _placed(
    held: Held[Terms], query: Query, who: Applicant, filters: Filters, now: float, own: UUID | None
) -> tuple[Ranking, list[_Placed]]:
    """All that shares a term with the query, in the order; what the applicant offers itself is not among them."""
    ranking = held.snapshot.rank(query, k=max(1, len(held.snapshot)), now=now, filters=filters)
    placed = []
    for one in ranking.items:
        terms = held.kept[UUID(one.key)]
        if terms.organisation_id == own:
            continue
        rules = eligibility.decided(terms.rules, who)
        broken = eligibility.standing(rules) is FundingStanding.NOT_ELIGIBLE
        placed.append(_Placed(int(broken), -one.score, one.key, one, rules))
    return ranking, sorted(placed, key=lambda one: one[:3])


async def ranked(
    session: AsyncSession,
    engine: Engine,
    open_calls: OpenCalls,
    query: Query,
    who: Applicant,
    kinds: Sequence[FundingKind],
    limit: int,
    paging: Paging | None = None,
    *,
    eligible: bool,
    own: UUID | None = None,
) -> FundingRankingPage:
    """One page of them, each with its reasons and its rules. Nobody is told of what is their own (`own`)."""
    query, field = await fields.fielded(session, engine, query)
    held = await open_calls.now(session, engine)
    place = paging.place((int, float, str, float)) if paging else None
    now = clock.now().timestamp() if place is None else place[3]
    filters = Filters(modes=tuple(kind.value for kind in kinds))
    ranking, placed = await engine.off_the_loop(partial(_placed, held, query, who, filters, now, own))
    mine = sum(one.organisation_id == own and (not kinds or one.kind in kinds) for one in held.kept.values())
    shown = [one for one in placed if not (eligible and one.tier)]
    fits = {one.key for one in shown if one.match.text * ranking.known >= ranking.threshold}
    left = shown if place is None else [one for one in shown if one[:3] > tuple(place[:3])]
    kept, more = left[:limit], left[limit:]
    found = await session.scalars(open_calls.rows([UUID(one.key) for one in kept]))
    rows = {str(row.id): row for row in found.all()}

    def explained() -> list[FundingPairing]:
        return [
            FundingPairing(
                id=row.id,
                kind="funding",
                score=why.score,
                fits=one.key in fits,
                funding=shapes.card(row),
                reasons=Reasons.model_validate(pairings.reasons_of(why, in_full=False)),
                standing=eligibility.standing(one.rules),
                rules=[eligibility.explained(rule) for rule in one.rules],
            )
            for one in kept
            for row in [rows[one.key]]
            for why in [held.snapshot.explain(query, one.key, document(row), now=now, in_full=False)]
        ]

    last = kept[-1] if kept else None
    nothing = ALL_LEFT_OUT if placed and not shown else NONE_FITS if shown else NO_CALL
    return FundingRankingPage(
        items=await engine.off_the_loop(explained),
        field=field,
        next_cursor=paging.marker([*last[:3], now]) if paging and more and last else None,
        fits=bool(fits),
        message=None if fits else told(nothing),
        considered=ranking.considered - mine,
        best_text=max((one.match.text for one in placed), default=0.0),
        threshold=ranking.threshold,
        read_as=ranking.style,
        order=told(ORDER),
        left_out=len(placed) - len(shown),
    )
