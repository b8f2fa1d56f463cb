"""Which events to come fit a text or a record, by the engine that ranks everything else (`pairings.few`)."""

from collections.abc import Collection
from functools import partial
from typing import ClassVar, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import events, shapes
from marketplace.docking.models import Event
from marketplace.docking.policy import event_public
from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.listings import records
from marketplace.listings.models import Listing
from marketplace.pairings import fields, pairings, reading
from marketplace.pairings.engine import Engine
from marketplace.pairings.few import Few
from matching import Document, Facets, Filters, Query
from matching.blend import FieldWeights
from matching.records import NO_FILTERS
from matching.tuning import Tuning
from schemas.event_rankings import EventMatchRequest, EventPairing, EventRankingPage, EventRankingQuery
from schemas.events import EventState
from schemas.pairings import Reasons

NO_EVENT: Final = (
    "近期没有与此相关的活动。可以看看全部活动，或稍后再来。"
    " · No event to come has to do with this. Look at all events, or come again later."
)
NONE_WITHIN: Final = (
    "近期没有符合筛选条件的活动。请放宽筛选，或稍后再来。"
    " · No event to come is within the filters. Loosen them, or come again later."
)
NONE_FITS: Final = (
    "没有主题真正对口的活动；下面只是最接近的。 · No event is really about this; these are only the nearest."
)


def to_come() -> ColumnElement[bool]:
    """Public, and one can register now or will be able to. The statement joins `Organisation`."""
    now = clock.now()
    return and_(
        event_public(),
        Event.state.in_((EventState.PUBLISHED, EventState.OPEN)),
        Event.ends_at > now,
        or_(Event.registration_closes_at.is_(None), Event.registration_closes_at > now),
    )


def document(event: Event) -> Document:
    """An event as it is found: what it is about, where, for which trades."""
    parts = (event.title_en, event.summary, event.description, event.place)
    facets = Facets(industries=tuple(event.industries), disciplines=tuple(event.disciplines), region=event.region)
    return Document(event.title, "\n".join(part for part in parts if part), facets)


class Upcoming(Few[Event, None]):
    """The events to come, ready to be ranked; the next ones, where there are too many of them."""

    tuning: ClassVar[Tuning] = Tuning(weights=FieldWeights(), least={"request": 0.0005, "report": 0.0005})

    def there(self) -> Select[UUID, int]:
        found = select(Event.id, Event.version).join(Organisation, Organisation.id == Event.organisation_id)
        return found.where(to_come()).order_by(Event.starts_at, Event.id)

    def rows(self, ids: Collection[UUID]) -> Select[Event]:
        return events.chosen().where(Event.id.in_(ids))

    def document(self, row: Event) -> Document:
        return document(row)

    def beside(self, row: Event) -> None:  # noqa: ARG002 -- nothing is kept of an event
        return None

    def id_of(self, row: Event) -> UUID:
        return row.id


async def for_text(
    session: AsyncSession, engine: Engine, upcoming: Upcoming, wish: EventMatchRequest
) -> EventRankingPage:
    """The events that fit a text. Nothing of it is kept."""
    query = Query(body=wish.text, side=wish.side, synonyms=engine.synonyms, style="request")
    return await ranked(session, engine, upcoming, query, filters(wish), wish.limit)


async def for_listing(
    session: AsyncSession,
    engine: Engine,
    upcoming: Upcoming,
    actor: Actor,
    cls: type[Listing],
    listing_id: UUID,
    wish: EventRankingQuery,
    paging: Paging,
) -> EventRankingPage:
    """The events that fit a record that the actor may see, best first."""
    listing = await records.read(session, actor, cls, listing_id)
    query = reading.query(listing, engine.synonyms)
    return await ranked(session, engine, upcoming, query, filters(wish), paging.limit, paging)


def filters(wish: EventMatchRequest | EventRankingQuery) -> Filters:
    return Filters(regions=tuple(wish.region), industries=reading.industries(wish.industry))


async def ranked(
    session: AsyncSession,
    engine: Engine,
    upcoming: Upcoming,
    query: Query,
    wanted: Filters,
    limit: int,
    paging: Paging | None = None,
) -> EventRankingPage:
    """One page of them, each with its reasons."""
    query, field = await fields.fielded(session, engine, query)
    snapshot, _ = await upcoming.now(session, engine)
    place = paging.place((float, str, float)) if paging else None
    now, after = (clock.now().timestamp(), None) if place is None else (place[2], (place[0], place[1]))
    rank = partial(snapshot.rank, query, k=limit + 1, now=now, filters=wanted, after=after)
    ranking = await engine.off_the_loop(rank)
    kept, more = ranking.items[:limit], ranking.items[limit:]
    statement = events.chosen().where(Event.id.in_([UUID(one.key) for one in kept]))
    rows = {str(row.id): row for row in (await session.scalars(statement)).all()}

    def explained() -> list[EventPairing]:
        return [
            EventPairing(
                id=row.id,
                kind="event",
                score=why.score,
                event=shapes.card(row),
                reasons=Reasons.model_validate(pairings.reasons_of(why, in_full=False)),
            )
            for one in kept
            for row in [rows[one.key]]
            for why in [snapshot.explain(query, one.key, document(row), now=now, in_full=False)]
        ]

    return EventRankingPage(
        items=await engine.off_the_loop(explained),
        field=field,
        next_cursor=paging.marker([kept[-1].score, kept[-1].key, now]) if paging and more else None,
        fits=ranking.fits,
        message=None
        if ranking.fits
        else told(NONE_FITS if kept else NO_EVENT if ranking.considered or wanted == NO_FILTERS else NONE_WITHIN),
        considered=ranking.considered,
        best_text=ranking.best_text,
        threshold=ranking.threshold,
        read_as=ranking.style,
    )
