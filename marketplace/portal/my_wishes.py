"""`/registrations/{id}/wishes`: whom one is proposed and why, who asks, what one answers, and who else comes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import events, registrations, shapes, wish_desk, wish_lists, wishes
from marketplace.docking.registration_models import Registration
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotFound
from marketplace.portal import acting, forms
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.narrowing import Asked
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.events import EventAct, EventView, ParticipantKind
from schemas.registrations import RegistrationState, RegistrationView
from schemas.wishes import ParticipantFilter, WishAnswer, WishBody, WishFilter, WishNew

router = APIRouter(
    prefix="/registrations/{registration_id:uuid}/wishes", route_class=PageRoute, include_in_schema=False
)

PAGE: Final = 20
ASKS: Final = 100
# What of one's list is shown, by the word in the address; `people` are all who come.
SHOWN: Final[Mapping[str, WishFilter]] = {
    "": WishFilter(),
    "open": WishFilter(open=True),
    "asked": WishFilter(asked=True),
    **{answer.value: WishFilter(answer=answer) for answer in WishAnswer},
}
PEOPLE: Final = "people"


@dataclass(frozen=True)
class Mine:
    """A meeting list of one's own, its event, and what can be done with it now."""

    listed: Registration
    row: RegistrationView
    one: EventView
    keeps: bool
    comes: bool

    def may(self, act: EventAct) -> bool:
        return self.keeps and self.comes and act in self.one.possible


async def mine(session: AsyncSession, actor: Actor, registration_id: UUID) -> Mine:
    """One's own list. To the desk it is none: wishes are told to those whose they are."""
    await wish_lists.meeting_list(session, actor, registration_id)
    found = await registrations.read(session, actor, registration_id)
    one = await shapes.view(session, actor, await events.read(session, actor, found.event_id))
    return Mine(
        listed=found,
        row=shapes.registration(found, all_of_it=True),
        one=one,
        keeps=await wish_lists.kept(session, actor, registration_id),
        comes=found.state is RegistrationState.CONFIRMED,
    )


async def _page(
    visit: Visit, session: AsyncSession, registration_id: UUID, *, wrong: list[str] | None = None, status: int = 200
) -> Response:
    """The list, narrowed to what the address asks for; or, under `people`, everybody who lets themselves be shown."""
    request, actor = visit.request, visit.require()
    own = await mine(session, actor, registration_id)
    asked = Asked(request)
    show = asked.said("show") if asked.said("show") in {*SHOWN, PEOPLE} else ""
    cursor = asked.typed.get("cursor") if request.method in {"GET", "HEAD"} else None
    paging = Paging(request, cursor, PAGE)
    rules, _ = await wish_desk.terms(session, own.one.id)
    rows: list[Any] = []
    marker = None
    if show == PEOPLE and own.comes:
        asked.plain("q")
        asked.chosen("kind", ParticipantKind)
        if (narrowed := asked.read(ParticipantFilter)) is not None:
            people, marker = await wish_lists.participants(session, actor, registration_id, narrowed, paging)
            known = await wish_lists.spoken_of(session, own.listed, [one.registration_id for one in people])
            rows = [(card, known.get(card.registration_id)) for card in people]
    elif show != PEOPLE:
        found, marker = await wish_lists.listed(session, actor, registration_id, SHOWN[show], paging)
        rows = [(one.other, one) for one in found]
    waiting, _ = await wish_lists.listed(
        session, actor, registration_id, WishFilter(open=True, asked=True), Paging(request, None, ASKS)
    )
    first = own.may(EventAct.WISH) and show not in {"asked", PEOPLE} and cursor is None
    if first:
        asking = {one.id for one in waiting}
        rows = [(card, wish) for card, wish in rows if wish.id not in asking]
    return visit.page(
        "wishes.html",
        422 if asked.wrong else status,
        own=own,
        row=own.row,
        one=own.one,
        answers=list(WishAnswer),
        show=show,
        tabs=(*SHOWN, PEOPLE),
        rows=rows,
        marker=marker,
        later=cursor is not None,
        waiting=[(one.other, one) for one in waiting],
        # Whoever asks is answered first, and then not shown once more below.
        first=first,
        rules=rules,
        outstanding=await wish_lists.outstanding(session, registration_id, clock.now()),
        open=own.may(EventAct.WISH),
        kinds=[place.kind for place in own.one.capacities],
        typed=asked.typed,
        wrong=[*(wrong or []), *asked.reasons],
        here=f"/registrations/{registration_id}/wishes",
    )


@router.get("", response_class=Response)
async def listed(registration_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, registration_id)


def _other(typed: Typed) -> UUID:
    try:
        return UUID(forms.first(typed, "other_id"))
    except ValueError:
        raise NotFound from None


@router.post("", response_class=Response)
async def answer(registration_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Speak of somebody for the first time, answer, change the answer, or (an empty one) take it back."""
    actor, said = visit.require(), forms.first(typed, "answer")
    here = f"/registrations/{registration_id}/wishes"

    async def work() -> str:
        other = _other(typed)
        if not said:
            await wishes.take_back(session, actor, registration_id, other, acting.version_of(typed))
        elif forms.first(typed, "version"):
            body = WishBody.model_validate({"answer": said})
            version = acting.version_of(typed)
            await wishes.answer(session, actor, registration_id, other, version, body.answer)
        else:
            wish = WishNew.model_validate({"other_id": other, "answer": said})
            await wishes.ask(session, actor, registration_id, wish.other_id, wish.answer)
        show = forms.first(typed, "show")
        return (f"{here}?show={show}" if show in {*SHOWN, PEOPLE} and show else here) + f"#w-{other}"

    return await acting.act(
        visit, session, work, "wished" if said else "wish-back", partial(_page, visit, session, registration_id), {}
    )
