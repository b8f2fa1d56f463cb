"""What one's own side thinks of a pairing, said with a click where it is shown, and taken back with another."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Writing
from marketplace.kernel.refusals import NotFound, Unavailable
from marketplace.listings import records
from marketplace.listings.models import Listing
from marketplace.portal import acting, forms, kinds
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.kinds import Kind
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from marketplace.verdicts import verdicts
from marketplace.verdicts.models import Verdict
from schemas.identity import Permission
from schemas.pairings import Pairing
from schemas.verdicts import VerdictBody

_AT: Final = "/{listing_id:uuid}/pairings/{other_id:uuid}/verdict"
_FIELDS: Final = {"/note": "备注 · note", "/grade": "评价 · verdict"}


async def beside(
    session: AsyncSession, actor: Actor, listing: Listing, found: Sequence[Pairing]
) -> Mapping[UUID, Verdict] | None:
    """What one's side said of some pairings of its record; None for whoever does not speak for it."""
    if listing.organisation_id not in actor.organisations_where(Permission.WRITE_RECORDS):
        return None
    return await verdicts.of_listing(session, actor, listing.id, {one.id for one in found})


async def _box(
    visit: Visit, session: AsyncSession, kind: Kind, listing_id: UUID, other_id: UUID, **more: Any
) -> Response:
    """The box alone, to be put in the place of the one that was clicked."""
    actor = visit.actor
    listing = await records.read(session, actor, kind.cls, listing_id)
    given = (await verdicts.of_listing(session, actor, listing_id, {other_id})).get(other_id)
    try:
        pairing = await verdicts.judged(session, visit.request.app.state.engine, actor, listing, other_id)
        terms = [one.term for one in pairing.said.terms]
    except Unavailable:
        terms = []
    except NotFound:  # it has left the ranking meanwhile; what was done stays done
        terms, more["open"] = [], False
    status = more.pop("status", 200)
    values: dict[str, Any] = {"kind": kind, "listing": listing, "other_id": other_id, "terms": terms, "given": given}
    return visit.page(
        "parts/verdict_box.html", status, here="/", **({"wrong": [], "typed": None, "open": True} | values | more)
    )


async def _act(
    visit: Visit, session: AsyncSession, kind: Kind, listing_id: UUID, other_id: UUID, typed: Typed, *, give: bool
) -> Response:
    actor = visit.require()
    engine = visit.request.app.state.engine
    before: Typed | None = None
    if not give and (given := (await verdicts.of_listing(session, actor, listing_id, {other_id})).get(other_id)):
        # Said again with the next click, all of it is said again.
        before = {"misleading": list(given.misleading), "note": [given.note or ""]}

    async def work() -> str:
        version = acting.version_of(typed)
        if give:
            wish = VerdictBody.model_validate(
                {
                    "grade": acting.number_of(forms.first(typed, "grade")),
                    "misleading": typed.get("misleading", []),
                    "note": acting.one_of(typed, "note"),
                }
            )
            await verdicts.say(session, engine, actor, kind.cls, listing_id, other_id, version, wish)
        else:
            await verdicts.withdraw(session, actor, kind.cls, listing_id, other_id, version)
        return f"/{kind.plural}/{listing_id}/pairings/{other_id}"

    async def again(wrong: list[str], status: int) -> Response:
        # htmx puts nothing in the place of anything for an error; what is wrong is part of the answer.
        told = 200 if visit.partly else status
        template = {} if visit.partly else {"whole": True}
        return await _box(visit, session, kind, listing_id, other_id, wrong=wrong, typed=typed, status=told, **template)

    answer = await acting.act(visit, session, work, "judged" if give else "unjudged", again, _FIELDS)
    if visit.partly and answer.status_code == 303:
        return await _box(visit, session, kind, listing_id, other_id, done=True, typed=before)
    return answer


def _routes(kind: Kind) -> APIRouter:
    router = APIRouter(prefix=f"/{kind.plural}", route_class=PageRoute, include_in_schema=False)

    @router.post(_AT, response_class=Response)
    async def say(listing_id: UUID, other_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
        return await _act(visit, session, kind, listing_id, other_id, typed, give=True)

    @router.post(f"{_AT}/withdrawal", response_class=Response)
    async def withdraw(listing_id: UUID, other_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
        return await _act(visit, session, kind, listing_id, other_id, typed, give=False)

    return router


ROUTERS: Final = tuple(map(_routes, kinds.KINDS.values()))
