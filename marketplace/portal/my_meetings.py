"""`/registrations/{id}/meetings`: when and where one meets whom, when one can, and what came of each meeting."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import events, meetings, outcomes, registering, shapes
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import MOST, Paging
from marketplace.kernel.refusals import NotFound
from marketplace.labs import calendars
from marketplace.portal import acting, forms, registration_form
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.my_calendars import address_of
from marketplace.portal.my_wishes import Mine, mine
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.agenda import AgendaView
from schemas.bookings import CalendarKind, CalendarNew
from schemas.events import EventAct
from schemas.meetings import MeetingCancellation, MeetingFilter, MeetingState, MeetingView
from schemas.outcomes import InterestNew, OutcomeBody, OutcomeStage, Result
from schemas.registrations import RegistrationPatch

router = APIRouter(
    prefix="/registrations/{registration_id:uuid}/meetings", route_class=PageRoute, include_in_schema=False
)

_FIELDS: Final = {
    "/result": "结果 · what came of it",
    "/stars": "评分 · stars",
    "/signed_yuan": "签约金额 · sum signed",
    "/note": "说明 · note",
    "/meetings_most": "最多洽谈几场 · meetings at most",
}


async def _page(
    visit: Visit,
    session: AsyncSession,
    registration_id: UUID,
    *,
    wrong: list[str] | None = None,
    status: int = 200,
    secret: str | None = None,
) -> Response:
    """The day as it comes, then what was called off; beside it the calendar, and when one is there."""
    request, actor = visit.request, visit.require()
    own = await mine(session, actor, registration_id)
    cursor = request.query_params.get("cursor") if request.method in {"GET", "HEAD"} else None
    found, marker = await meetings.listed(
        session, actor, MeetingFilter(registration=registration_id), Paging(request, cursor, MOST)
    )
    said, declared = await outcomes.of_list(session, actor, registration_id)
    event = await events.read(session, actor, own.one.id)
    agenda = await shapes.agenda_view(session, event, comes=own.comes)
    now = clock.now()
    standing = [one for one in found if one.state is not MeetingState.CANCELLED]
    return visit.page(
        "meetings.html",
        status,
        own=own,
        row=own.row,
        one=own.one,
        days=_by_day(standing, own, said, declared, now),
        off=[(one, _other(one, registration_id)) for one in found if one.state is MeetingState.CANCELLED],
        marker=marker,
        later=cursor is not None,
        urls={table.id: table.url for venue in agenda.venues for room in venue.rooms for table in room.tables},
        slots=_slots(agenda),
        calls_off=own.may(EventAct.SCHEDULE),
        changes=own.keeps and EventAct.CHANGE_REGISTRATION in own.one.possible,
        results=list(Result),
        stages=list(OutcomeStage),
        secret=secret,
        wrong=wrong or [],
        here=f"/registrations/{registration_id}/meetings",
    )


def _other(one: MeetingView, side: UUID) -> Any:
    return one.second if one.first.registration_id == side else one.first


def _by_day(
    found: list[MeetingView],
    own: Mine,
    said: Mapping[tuple[UUID, OutcomeStage], Any],
    declared: frozenset[UUID],
    now: datetime,
) -> list[tuple[str, list[dict[str, Any]]]]:
    """The meetings of each day by the clocks of the event, each as its side sees it."""
    zone, side = ZoneInfo(own.one.time_zone), own.row.id
    made: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        first = one.first.registration_id == side
        begins, ends = one.place.starts_at.astimezone(zone), one.place.ends_at.astimezone(zone)
        took_place = one.state is not MeetingState.NO_SHOW and one.place.starts_at <= now
        told = own.may(EventAct.FOLLOW_UP) and took_place
        made.setdefault(f"{begins:%Y-%m-%d}", []).append(
            {
                "meeting": one,
                "at": f"{begins:%H:%M}–{ends:%H:%M}",
                "other": one.second if first else one.first,
                "mine": one.first_person if first else one.second_person,
                "theirs": one.second_person if first else one.first_person,
                "to_come": one.state is MeetingState.PLANNED and one.place.starts_at > now,
                "missed_me": str(side) in map(str, one.absent),
                "said": {stage: said.get((one.id, stage)) for stage in OutcomeStage},
                "asks": [
                    stage
                    for stage in OutcomeStage
                    if told and (stage is OutcomeStage.RIGHT_AFTER or one.place.ends_at + outcomes.LATER <= now)
                ],
                "declared": one.id in declared,
                "declares": told and one.id not in declared,
            }
        )
    return list(made.items())


def _slots(agenda: AgendaView) -> list[tuple[str, list[tuple[str, UUID]]]]:
    """The slots in which one could meet, by the day and the clocks of the event."""
    zone = ZoneInfo(agenda.time_zone)
    made: dict[str, list[tuple[str, UUID]]] = {}
    for part in agenda.sessions:
        for slot in part.slots:
            begins, ends = slot.starts_at.astimezone(zone), slot.ends_at.astimezone(zone)
            made.setdefault(f"{begins:%Y-%m-%d}", []).append((f"{begins:%H:%M}–{ends:%H:%M}", slot.id))
    return list(made.items())


@router.get("", response_class=Response)
async def schedule(registration_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, registration_id)


async def _act(
    visit: Visit, session: AsyncSession, registration_id: UUID, work: Callable[[], Awaitable[Any]], said: str
) -> Response:
    here = f"/registrations/{registration_id}/meetings"

    async def done() -> str:
        await work()
        return here

    return await acting.act(visit, session, done, said, partial(_page, visit, session, registration_id), _FIELDS)


@router.post("/availability", response_class=Response)
async def be_there(registration_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """In which slots each of one's people can meet, and how many meetings at most. All else stays as it is."""
    actor = visit.require()

    async def work() -> None:
        own = await mine(session, actor, registration_id)
        as_form = registration_form.shown(own.row)
        as_form |= {name: typed[name] for name in as_form if name.endswith(".meetings_most") and name in typed}
        body = registration_form.read(as_form, own.one, own.row.kind).body
        every = set(typed.get("slots", []))
        for block, person in enumerate(body["people"]):
            person["absent"] = sorted(every - set(typed.get(f"people.{block}.there", [])))
        wish = {"people": body["people"], "meetings_most": acting.number_of(forms.first(typed, "meetings_most"))}
        patch = RegistrationPatch.model_validate(wish)
        await registering.edit(session, actor, registration_id, acting.version_of(typed), patch)

    return await _act(visit, session, registration_id, work, "availability")


@router.post("/calendar", response_class=Response)
async def share(registration_id: UUID, visit: Visited, session: Writing) -> Response:
    """A secret address for a calendar program. It is shown once, on the page that answers."""
    actor = visit.require()
    await mine(session, actor, registration_id)
    _, secret = await calendars.make(session, actor, CalendarNew(kind=CalendarKind.PERSON))
    return await _page(visit, session, registration_id, secret=address_of(visit, secret))


Step = Callable[[AsyncSession, Actor, UUID, UUID, Typed], Awaitable[Any]]


async def _call_off(session: AsyncSession, actor: Actor, mine_id: UUID, meeting_id: UUID, typed: Typed) -> Any:
    wish = MeetingCancellation.model_validate({"note": acting.one_of(typed, "note")})
    return await meetings.call_off(session, actor, meeting_id, acting.version_of(typed), wish.note)


async def _say(session: AsyncSession, actor: Actor, mine_id: UUID, meeting_id: UUID, typed: Typed) -> Any:
    stage = forms.first(typed, "stage")
    if stage not in set(OutcomeStage):
        raise NotFound
    told = OutcomeBody.model_validate(
        {
            "result": forms.first(typed, "result"),
            "stars": acting.number_of(forms.first(typed, "stars")),
            "signed_yuan": forms.amount(forms.first(typed, "signed_yuan")) or None,
            "note": acting.one_of(typed, "note"),
        }
    )
    version = acting.version_of(typed)
    return await outcomes.say(session, actor, mine_id, meeting_id, OutcomeStage(stage), version, told)


async def _declare(session: AsyncSession, actor: Actor, mine_id: UUID, meeting_id: UUID, typed: Typed) -> Any:
    wish = InterestNew.model_validate({"note": acting.one_of(typed, "note")})
    return await outcomes.declare(session, actor, mine_id, meeting_id, wish)


STEPS: Final[Mapping[str, tuple[Step, str]]] = {
    "cancellation": (_call_off, "meeting-off"),
    "outcome": (_say, "outcome"),
    "interest": (_declare, "interest"),
}


@router.post("/{meeting_id:uuid}/{step}", response_class=Response)
async def act(
    registration_id: UUID, meeting_id: UUID, step: str, visit: Visited, session: Writing, typed: Sent
) -> Response:
    """One step of one meeting of a list."""
    actor = visit.require()
    if step not in STEPS:
        raise NotFound
    work, said = STEPS[step]

    async def done() -> None:
        seen = await meetings.read(session, actor, meeting_id)
        if registration_id not in seen.sides():
            raise NotFound
        await mine(session, actor, registration_id)
        await work(session, actor, registration_id, meeting_id, typed)

    return await _act(visit, session, registration_id, done, said)
