"""`/`: what this is, the box that matches a text, what is new, and who can sign in to try."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import ImmutableMultiDict

from marketplace.kernel import rate, validation
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import Refusal
from marketplace.listings import desk, records
from marketplace.portal import kinds, words
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.narrowing import Asked
from marketplace.portal.routes import PageRoute
from marketplace.portal.seeking import EVERY_FILTER, FIRST, SOUGHT, Sought
from marketplace.portal.sent import Sent
from marketplace.sample import ACCOUNTS, PASSWORD_FILE, SOURCE
from marketplace.settings import Mode
from schemas.pairings import RankedPage

router = APIRouter(route_class=PageRoute, include_in_schema=False)

LATEST: Final = 6
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
        "我有秸秆基质技术 · we make growing media from straw",
        "problem",
        "玉米秸秆发酵栽培基质，替代草炭，已在温室中试，找设施农业企业合作。",
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


async def _match(visit: Visit, session: AsyncSession, text: str, sought: Sought, narrow: Asked) -> dict[str, Any]:
    """The ranking of a text, or why there is none."""
    page: RankedPage | None = None
    beyond: RankedPage | None = None
    wrong = [f"{told(words.NARROWED[name])}{told('： · : ')}{' '.join(said)}" for name, said in narrow.wrong.items()]
    status = 422 if wrong else 200
    minutes = narrow.said("minutes")[:20]
    if text.strip() and not wrong:
        more: dict[str, Any] = {}
        if sought.timed and minutes:
            more["minutes"] = int(minutes) if minutes.isascii() and minutes.isdigit() else minutes
        if sought.styled and narrow.said("read_as") == "request":
            more["read_as"] = "request"
        try:
            wish = sought.shape(text, SHOWN, narrow.wish, more)
            request = visit.request
            place = rate.place(request.client.host if request.client else None)
            request.app.state.matches_limit.spend(str(visit.actor.person_id) if visit.signed_in else place)
            page = await sought.ranked(visit, session, wish)
            if narrow.wish and sought.narrows and not page.fits:
                beyond = await sought.ranked(visit, session, sought.shape(text, 1, {}, more))
        except ValidationError as error:
            wrong, status = [told(one.detail) for one in validation.as_refusal(error).errors], 422
        except Refusal as refusal:
            wrong, status = [told(refusal.detail or refusal.title())], refusal.status
    return {
        "text": text,
        "sought": sought,
        "every_kind": SOUGHT.values(),
        "every_filter": EVERY_FILTER,
        "narrow": narrow,
        "minutes": minutes,
        "ranking": page,
        "beyond": beyond,
        "wrong": wrong,
        "asked": bool(text.strip()),
        "status": status,
        "anew": False,
    }


@router.get("/", response_class=Response)
async def home(visit: Visited, session: Reading, example: Annotated[str, Query()] = "") -> Response:
    """An address may name what is looked for and the filters, so that they can be passed on; a text never stands in one."""
    chosen = EXAMPLES[int(example)] if example in {str(place) for place in range(len(EXAMPLES))} else None
    asked = Asked(visit.request)
    sought = SOUGHT.get(chosen[1] if chosen else asked.said("kind"), FIRST)
    matched = await _match(visit, session, chosen[2] if chosen else "", sought, asked.narrowed(sought.filters))
    return visit.page("home.html", **await _around(visit, session), **matched)


@router.post("/match", response_class=Response)
async def match(visit: Visited, session: Writing, typed: Sent) -> Response:
    """Nothing of the text is kept."""
    asked = Asked(visit.request, ImmutableMultiDict([(name, one) for name, some in typed.items() for one in some]))
    if drop := bool(asked.said("drop")):
        asked = Asked(
            visit.request,
            ImmutableMultiDict([pair for pair in asked.typed.multi_items() if pair[0] not in EVERY_FILTER]),
        )
    sought = SOUGHT.get(asked.said("kind"), FIRST)
    # As it was typed: what was left blank around it is the reader's.
    matched = await _match(visit, session, asked.typed.get("text", ""), sought, asked.narrowed(sought.filters))
    if visit.partly:
        # The row of filters is made anew where it is one of another kind, or was emptied; else it is being used.
        return visit.page("parts/matches.html", **matched | {"anew": drop or asked.said("row") != sought.value})
    return visit.page("home.html", **await _around(visit, session), **matched)


@router.get("/match", response_class=Response)
async def match_again(visit: Visited) -> Response:
    """Somebody reloads the page of results: the box is on the first page."""
    return visit.go("/")
