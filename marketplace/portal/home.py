"""`/`: what this is, the box that matches a text, what is new, and who can sign in to try."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import event_rankings
from marketplace.kernel import rate, validation
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import Refusal
from marketplace.listings import desk, records
from marketplace.pairings import instruments, pairings
from marketplace.pairings.reading import INSTRUMENT
from marketplace.portal import kinds
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.sample import ACCOUNTS, PASSWORD_FILE, SOURCE
from marketplace.settings import Mode
from schemas.event_rankings import EventMatchRequest, EventRankingPage
from schemas.listings import ListingKind
from schemas.pairings import InstrumentRankingPage, MatchRequest, RankingPage

router = APIRouter(route_class=PageRoute, include_in_schema=False)

LATEST: Final = 6
EVENT: Final = "event"
SHOWN: Final = 8
# What to try: a good fit, a fit the other way round, and one that nothing here fits.
EXAMPLES: Final = (
    (
        "铝合金锻造模具龟裂 · cracking forging dies",
        "achievement",
        (
            "铝合金控制臂热锻模具打到五六千件就出现网状龟裂，主要是热疲劳。想找型腔表面强化办法，"
            "例如激光熔覆或渗氮加涂层，要求既硬又不脆，旧模具也能修复后继续使用。"
        ),
    ),
    (
        "我有秸秆制品技术 · we make things from straw",
        "problem",
        "玉米秸秆纤维制备全生物降解材料与可降解地膜，已完成中试，寻找农业企业合作应用。",
    ),
    (
        "这里解决不了的 · nobody here can",
        "achievement",
        "需要一套面向深海载人潜水器的高分辨率声呐成像算法。",
    ),
)


async def _around(visit: Visit, session: AsyncSession) -> dict[str, Any]:
    """What stands around the box."""
    state = visit.request.app.state
    latest = Paging(visit.request, None, LATEST)
    sample = state.settings.mode is Mode.DEVELOPMENT and await desk.any_from(session, SOURCE)
    return {
        "counts": {kind.plural: await records.count_open(session, kind.name) for kind in kinds.KINDS.values()},
        "latest": {
            kind.plural: (await kind.cards(session, visit.actor, kind.filter(), latest))[0]
            for kind in kinds.KINDS.values()
        },
        "accounts": ACCOUNTS if sample else (),
        "password_file": PASSWORD_FILE,
        "examples": EXAMPLES,
        "kinds": kinds.KINDS,
    }


async def _match(visit: Visit, session: AsyncSession, text: str, kind: str, minutes: str = "") -> dict[str, Any]:
    """The ranking of a text, or why there is none."""
    page: RankingPage | InstrumentRankingPage | EventRankingPage | None = None
    wrong: list[str] = []
    status = 200
    if text.strip():
        try:
            long = minutes.strip() if kind == INSTRUMENT else ""
            told_long = {"minutes": int(long) if long.isascii() and long.isdigit() else long} if long else {}
            wish: MatchRequest | EventMatchRequest = (
                EventMatchRequest.model_validate({"text": text, "limit": SHOWN})
                if kind == EVENT
                else MatchRequest.model_validate({"text": text, "kind": kind, "limit": SHOWN} | told_long)
            )
        except ValidationError as error:
            wrong, status = [told(one.detail) for one in validation.as_refusal(error).errors], 422
        else:
            request = visit.request
            place = rate.place(request.client.host if request.client else None)
            caller = str(visit.actor.person_id) if visit.signed_in else place
            try:
                request.app.state.matches_limit.spend(caller)
                if isinstance(wish, EventMatchRequest):
                    state = request.app.state
                    page = await event_rankings.for_text(session, state.engine, state.upcoming, wish)
                elif wish.kind == INSTRUMENT:
                    page = await instruments.for_text(session, request.app.state.engine, visit.actor, wish)
                else:
                    page = await pairings.for_text(session, request.app.state.engine, wish)
            except Refusal as refusal:
                wrong, status = [told(refusal.detail or refusal.title())], refusal.status
    return {
        "text": text,
        "kind": kind,
        "minutes": minutes,
        "ranking": page,
        "wrong": wrong,
        "asked": bool(text.strip()),
        "status": status,
    }


@router.get("/", response_class=Response)
async def home(visit: Visited, session: Reading, example: Annotated[str, Query()] = "") -> Response:
    chosen = EXAMPLES[int(example)] if example in {str(place) for place in range(len(EXAMPLES))} else None
    matched = await _match(visit, session, chosen[2] if chosen else "", chosen[1] if chosen else "achievement")
    return visit.page("home.html", **await _around(visit, session), **matched)


@router.post("/match", response_class=Response)
async def match(
    visit: Visited,
    session: Writing,
    text: Annotated[str, Form()] = "",
    kind: Annotated[str, Form()] = ListingKind.ACHIEVEMENT.value,
    minutes: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Nothing of the text is kept."""
    kind = kind if kind in {*ListingKind, INSTRUMENT, EVENT} else ListingKind.ACHIEVEMENT.value
    matched = await _match(visit, session, text, kind, minutes)
    if visit.partly:
        return visit.page("parts/matches.html", **matched)
    return visit.page("home.html", **await _around(visit, session), **matched)


@router.get("/match", response_class=Response)
async def match_again(visit: Visited) -> Response:
    """Somebody reloads the page of results: the box is on the first page."""
    return visit.go("/")
