"""`/events/{id}/desk`: who registered, what the desk decides, the event's next step, and letters to participants."""

from functools import partial
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import (
    announcements,
    cloning,
    doors,
    events,
    registrations,
    reminders,
    roster,
    shapes,
    steps,
)
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.portal import acting, forms
from marketplace.portal.events import places
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.labs import local_moment
from marketplace.portal.narrowing import Asked
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.event_extras import ReminderTerms
from schemas.events import NEXT, POSSIBLE, EventAct, EventClone, EventState, EventStep
from schemas.registrations import AnnouncementNew, RegistrationFilter, RegistrationState

router = APIRouter(prefix="/events/{event_id:uuid}/desk", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
# What cannot be taken back is asked about first.
FINAL: Final = frozenset({EventState.RUNNING, EventState.ENDED, EventState.CANCELLED})


async def _desk(
    visit: Visit,
    session: AsyncSession,
    event_id: UUID,
    *,
    typed: Typed | None = None,
    wrong: list[str] | None = None,
    status: int = 200,
) -> Response:
    """The registrations by state, the figures above them, and what the event can become next."""
    request, actor = visit.request, visit.require()
    one = await shapes.view(session, actor, await events.desk(session, actor, event_id))
    asked = Asked(request)
    if request.method in {"GET", "HEAD"}:
        asked.plain(*RegistrationFilter.model_fields)
    wish = asked.read(RegistrationFilter) or RegistrationFilter()
    if asked.wrong:
        wrong, status = [*(wrong or []), *asked.reasons], 422
    rows, marker = await registrations.listed(
        session, actor, event_id, wish, Paging(request, asked.typed.get("cursor"), PAGE)
    )
    counted = await roster.counts(session, actor, event_id)
    return visit.page(
        "event_desk.html",
        status,
        one=one,
        rows=rows,
        marker=marker,
        later="cursor" in asked.typed,
        wish=wish,
        q=asked.typed.get("q", ""),
        counted=counted,
        nought=roster.Count(),
        by_state={
            state: sum(found.registrations for (_, of), found in counted.items() if of is state)
            for state in RegistrationState
        },
        kinds=[place.kind for place in places(one)],
        places={place.kind: place for place in one.capacities},
        presence=await doors.presence(session, actor, event_id),
        next_states=_onwards(one.state),
        changes={to: _changes(one.state, to) for to in NEXT[one.state]},
        back=[to for to in NEXT[one.state] if _before(to, one.state)],
        final=FINAL,
        decides=EventAct.DECIDE in one.possible,
        typed={name: values[0] for name, values in (typed or {}).items()},
        wrong=wrong or [],
        here=f"/events/{event_id}/desk",
    )


_ORDER: Final = tuple(EventState)


def _onwards(state: EventState) -> list[EventState]:
    """What may follow: steps onwards before those back, since the first is the one that is offered."""
    return sorted(NEXT[state], key=lambda to: (_before(to, state), _ORDER.index(to)))


def _changes(state: EventState, to: EventState) -> tuple[list[EventAct], list[EventAct]]:
    """What is possible now and no longer after that step, and what is then and is not yet."""
    lost = [act for act in EventAct if state in POSSIBLE[act] and to not in POSSIBLE[act]]
    return lost, [act for act in EventAct if state not in POSSIBLE[act] and to in POSSIBLE[act]]


def _before(one: EventState, other: EventState) -> bool:
    return _ORDER.index(one) < _ORDER.index(other)


@router.get("", response_class=Response)
async def desk(event_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _desk(visit, session, event_id)


@router.post("/state", response_class=Response)
async def step(event_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> str:
        wish = EventStep.model_validate({"to": forms.first(typed, "to"), "reason": acting.one_of(typed, "reason")})
        await steps.step(session, actor, event_id, acting.version_of(typed), wish)
        return f"/events/{event_id}/desk"

    again = partial(_desk, visit, session, event_id, typed=typed)
    return await acting.act(visit, session, work, "stepped", again, _FIELDS)


@router.post("/clones", response_class=Response)
async def clone(event_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> str:
        begins = local_moment(forms.first(typed, "day").strip(), forms.first(typed, "time").strip())
        wish = EventClone.model_validate({"title": forms.first(typed, "title"), "starts_at": begins})
        made = await cloning.clone(session, actor, event_id, wish)
        return f"/events/{made.id}/desk"

    again = partial(_desk, visit, session, event_id, typed=typed)
    return await acting.act(visit, session, work, "cloned", again, _FIELDS)


async def _letters(
    visit: Visit,
    session: AsyncSession,
    event_id: UUID,
    *,
    typed: Typed | None = None,
    wrong: list[str] | None = None,
    status: int = 200,
) -> Response:
    request, actor = visit.request, visit.require()
    one = await shapes.view(session, actor, await events.desk(session, actor, event_id))
    cursor = request.query_params.get("cursor") if request.method in {"GET", "HEAD"} else None
    rows, marker = await announcements.listed(session, actor, event_id, Paging(request, cursor, PAGE))
    terms, version = await reminders.terms(session, event_id)
    return visit.page(
        "event_letters.html",
        status,
        one=one,
        rows=rows,
        marker=marker,
        later=cursor is not None,
        states=list(RegistrationState),
        kinds=[place.kind for place in places(one)],
        announces=EventAct.ANNOUNCE in one.possible,
        terms=terms,
        version=version,
        typed=typed or {"states": [RegistrationState.CONFIRMED.value]},
        wrong=wrong or [],
        here=f"/events/{event_id}/desk/announcements",
    )


@router.get("/announcements", response_class=Response)
async def letters(event_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _letters(visit, session, event_id)


@router.post("/announcements", response_class=Response)
async def announce(event_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> str:
        told_of: dict[str, Any] = {name: forms.first(typed, name) for name in ("subject", "text")}
        told_of |= {"states": typed.get("states", []), "kinds": typed.get("kinds", [])}
        await announcements.announce(session, actor, event_id, AnnouncementNew.model_validate(told_of))
        return f"/events/{event_id}/desk/announcements"

    again = partial(_letters, visit, session, event_id, typed=typed)
    return await acting.act(visit, session, work, "announced", again, _FIELDS)


@router.post("/announcements/reminders", response_class=Response)
async def remind(event_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Which letters remind those who come, and when."""
    actor = visit.require()

    async def work() -> str:
        told_of = {
            "before_hours": acting.number_of(forms.first(typed, "before_hours")),
            "rate_after": forms.first(typed, "rate_after") == "1",
            "half_year_after": forms.first(typed, "half_year_after") == "1",
        }
        wish = ReminderTerms.model_validate(told_of)
        await reminders.set_terms(session, actor, event_id, acting.version_of(typed), wish)
        return f"/events/{event_id}/desk/announcements"

    again = partial(_letters, visit, session, event_id, typed=typed)
    return await acting.act(visit, session, work, "reminders", again, _FIELDS)


_FIELDS: Final = {
    "/before_hours": "提前几小时 · hours before",
    "/title": "标题 · title",
    "/starts_at": "开始时间 · beginning",
    "/reason": "原因 · reason",
    "/subject": "主题 · subject",
    "/text": "正文 · text",
    "/states": "发给 · to",
}
