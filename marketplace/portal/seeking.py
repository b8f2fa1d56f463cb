"""What can be looked for with the box of the first page: one row each, with the filters it takes and who ranks it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import event_rankings
from marketplace.funding import rankings as funding
from marketplace.pairings import experts, instruments, pairings
from marketplace.portal.frame import Visit
from marketplace.portal.narrowing import RANKED_BY
from schemas.event_rankings import EventMatchRequest
from schemas.funding_rankings import FundingMatchRequest
from schemas.pairings import ExpertMatchRequest, MatchRequest, RankedPage, RankingQuery

Asking = Mapping[str, Any]


@dataclass(frozen=True)
class Sought:
    """One kind. `shape` checks text, limit, filters and minutes; `ranked` answers that."""

    value: str
    label: str
    shape: Callable[[str, int, Asking, Asking], BaseModel]
    ranked: Callable[[Visit, AsyncSession, Any], Awaitable[RankedPage]]
    # Where the pages of what is found begin, and what of parts/macros.html shows one of them.
    at: str
    macro: str = "pairing"
    # Whether one says for how many minutes it is needed.
    timed: bool = False
    # Whether a text that reads like the report of work is asked as one, unless somebody says that it is a need.
    styled: bool = False
    # Whether what is said beside the text leaves anything out; for funding it says who applies.
    narrows: bool = True

    @property
    def filters(self) -> tuple[str, ...]:
        return RANKED_BY[self.value]


def _match(kind: str) -> Callable[[str, int, Asking, Asking], BaseModel]:
    def made(text: str, limit: int, filters: Asking, more: Asking) -> BaseModel:
        told = RankingQuery.model_validate(filters).model_dump(exclude_unset=True)
        return MatchRequest.model_validate({"text": text, "kind": kind, "limit": limit, "filters": told, **more})

    return made


def _event_match(text: str, limit: int, filters: Asking, more: Asking) -> BaseModel:
    return EventMatchRequest.model_validate({"text": text, "limit": limit, **filters, **more})


def _expert_match(text: str, limit: int, filters: Asking, more: Asking) -> BaseModel:
    return ExpertMatchRequest.model_validate({"text": text, "limit": limit, "filters": filters, **more})


def _funding_match(text: str, limit: int, filters: Asking, more: Asking) -> BaseModel:
    told = {name: said[0] for name, said in filters.items()}
    return FundingMatchRequest.model_validate({"text": text, "limit": limit, **told, **more})


async def _listings(visit: Visit, session: AsyncSession, wish: MatchRequest) -> RankedPage:
    return await pairings.for_text(session, visit.request.app.state.engine, wish)


async def _instruments(visit: Visit, session: AsyncSession, wish: MatchRequest) -> RankedPage:
    return await instruments.for_text(session, visit.request.app.state.engine, visit.actor, wish)


async def _experts(visit: Visit, session: AsyncSession, wish: ExpertMatchRequest) -> RankedPage:
    return await experts.for_text(session, visit.request.app.state.engine, wish)


async def _events(visit: Visit, session: AsyncSession, wish: EventMatchRequest) -> RankedPage:
    state = visit.request.app.state
    return await event_rankings.for_text(session, state.engine, state.upcoming, wish)


async def _funding(visit: Visit, session: AsyncSession, wish: FundingMatchRequest) -> RankedPage:
    state = visit.request.app.state
    return await funding.for_text(session, state.engine, state.open_calls, wish)


SOUGHT: Final = {
    one.value: one
    for one in (
        Sought(
            "achievement",
            "找能解决它的成果 · find achievements that solve it",
            _match("achievement"),
            _listings,
            "/achievements",
            styled=True,
        ),
        Sought("problem", "找需要它的难题 · find problems that need it", _match("problem"), _listings, "/problems"),
        Sought(
            "instrument",
            "找用得上的仪器 · find instruments for it",
            _match("instrument"),
            _instruments,
            "/instruments",
            timed=True,
        ),
        Sought("expert", "找合适的专家 · find experts for it", _expert_match, _experts, "/experts"),
        Sought("event", "找合适的活动 · find events for it", _event_match, _events, "/events", macro="event_pairing"),
        Sought("funding", "找可申报的资金 · find funding for it", _funding_match, _funding, "/funding", narrows=False),
    )
}
FIRST: Final = SOUGHT["achievement"]
EVERY_FILTER: Final = tuple(dict.fromkeys(name for one in SOUGHT.values() for name in one.filters))
