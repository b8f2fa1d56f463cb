"""Events found, listed, written and changed."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Select, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager
from uuid_utils.compat import uuid7

from marketplace.docking import facts
from marketplace.docking.models import CoOrganizer, Event, EventCapacity, EventQuestion, EventSession
from marketplace.docking.names import EVENT_STATES
from marketplace.docking.policy import event_owned_by, event_public, event_run_by, event_visible_to
from marketplace.identity.models import Organisation
from marketplace.identity.policy import organisation_visible_to
from marketplace.kernel import clock, etag, locks, searching, validation
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.language import told
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, Invalid, NotFound, refusing
from marketplace.listings import derived
from schemas.base import FieldError
from schemas.events import (
    POSSIBLE,
    Capacity,
    CoOrganizerBody,
    EventAct,
    EventBody,
    EventFilter,
    EventNew,
    EventPatch,
    EventState,
    EventTimes,
    Question,
)
from schemas.identity import Permission


class NotItsOrganizer(Forbidden):
    """只有此活动的主办方可以这样做。 · Only those who run this event may do that."""


class NoEventsOfYours(Forbidden):
    """您不是该单位的活动组织者。 · You are not an organizer of that organisation."""


class NotInThisState(Conflict):
    """活动当前的状态不允许这样做。 · The event's state does not allow this any more, or not yet."""

    def __init__(self, now: EventState, allowed: Collection[EventState]) -> None:
        if not allowed:  # nothing leads there
            super().__init__()
            return
        states = (now, *(state for state in EventState if state in allowed))
        zh, en = [told(EVENT_STATES[one], "zh") for one in states], [told(EVENT_STATES[one], "en") for one in states]
        super().__init__(
            f"现在是“{zh[0]}”；要在“{'、'.join(zh[1:])}”时才可以。"
            f" · It is “{en[0]}” now; this is possible while it is “{'”, “'.join(en[1:])}”."
        )


class PlacesTaken(Conflict):
    """名额少于已占用的数量，请先取消一些报名。 · There would be fewer places than are taken; cancel registrations first."""


class KindRegistered(Conflict):
    """已有该类别的报名，不能删除此类别；可将名额改为 0。 · Some of that kind registered: keep the kind, with no places if need be."""


class AgendaOutside(Invalid):
    """议程会落在活动时间之外，请先修改议程。 · Sessions would lie outside the event; change the agenda first."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/starts_at", code="agenda_outside", detail=self.title())])


class NamesItself(Conflict):
    """主办单位不能同时是协办单位。 · The host cannot be a co-organizer too."""


_APART: Final = frozenset({"organisation_id", "capacities", "questions"})
_SEARCHED: Final = ("title", "title_en", "summary", "description", "place")


def chosen() -> Select[Event]:
    """Events beside their host, which every rule looks at."""
    return (
        select(Event)
        .join(Organisation, Organisation.id == Event.organisation_id)
        .options(contains_eager(Event.organisation))
        .execution_options(populate_existing=True)
    )


async def read(session: AsyncSession, actor: Actor, event_id: UUID) -> Event:
    """One event that the actor may see; to everybody else it does not exist."""
    found = await session.scalar(chosen().where(Event.id == event_id, event_visible_to(actor)))
    if found is None:
        raise NotFound
    return found


async def alone(session: AsyncSession, event_id: UUID) -> None:
    """Let nobody register, change a registration or a meeting until the transaction ends."""
    await session.execute(locks.wait_for("docking.event", event_id))


async def beside(session: AsyncSession, event_id: UUID) -> None:
    """Keep the event as it is until the transaction ends; others who register are not held up."""
    await locks.shared(session, locks.number("docking.event", event_id))


async def desk(session: AsyncSession, actor: Actor, event_id: UUID) -> Event:
    """One event that the actor runs, to look at what is told to its desk."""
    event = await read(session, actor, event_id)
    if not await session.scalar(select(Event.id).where(Event.id == event_id, event_run_by(actor))):
        raise NotItsOrganizer
    return event


async def run(session: AsyncSession, actor: Actor, event_id: UUID) -> Event:
    """One event that the actor runs, alone with it."""
    await desk(session, actor, event_id)
    await alone(session, event_id)
    return await desk(session, actor, event_id)


def require(event: Event, act: EventAct) -> None:
    """Refuse what the event's state makes impossible."""
    require_state(event.state, act)


def require_state(state: EventState, act: EventAct) -> None:
    if state not in POSSIBLE[act]:
        raise NotInThisState(state, POSSIBLE[act])


async def listed(
    session: AsyncSession, actor: Actor, wish: EventFilter, paging: Paging
) -> tuple[list[Event], str | None]:
    """A page of events, those that begin last first."""
    by = tuple(zip((Event.starts_at, Event.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, narrowed(actor, wish), by, paging)
    return [row[0] for row in rows], marker


def narrowed(actor: Actor, wish: EventFilter) -> Select[Event]:
    """The events that a filter leaves of those that the actor may see."""
    if wish.mine:
        statement = chosen().where(event_owned_by(actor))
    elif wish.state is None:
        statement = chosen().where(event_public())
    else:
        statement = chosen().where(event_visible_to(actor))
    equal: dict[Any, Any] = {
        Event.state: wish.state,
        Event.kind: wish.kind,
        Event.format: wish.format,
        Event.organisation_id: wish.organisation,
    }
    statement = statement.where(*(column == value for column, value in equal.items() if value is not None))
    if wish.region is not None:
        statement = statement.where(Event.facets.contains([f"r:{wish.region}"]))
    if wish.starts_from is not None:
        statement = statement.where(Event.starts_at >= wish.starts_from)
    if wish.starts_until is not None:
        statement = statement.where(Event.starts_at < wish.starts_until)
    return statement.where(*searching.holds_all(Event.words, derived.asked(wish.q)))


def columns(body: EventBody, *, only_given: bool = False) -> dict[str, Any]:
    """The body as columns; capacities and questions are rows of their own."""
    given = body.model_fields_set if only_given else type(body).model_fields.keys()
    return body.model_dump(include=set(given) - _APART)


def derive(event: Event) -> None:
    """Bring the codes and the searched text up to what the record says now."""
    values = {"industries": event.industries, "disciplines": event.disciplines, "region": event.region}
    event.facets = derived.facets(values)
    event.words = derived.folded("\n".join(part for name in _SEARCHED if (part := getattr(event, name))))


def touch(event: Event) -> None:
    event.version += 1
    event.updated_at = clock.now()


async def put(session: AsyncSession, organisation_id: UUID, body: EventBody, *, by: UUID | None, **more: Any) -> Event:
    """A draft whose right to be there was looked at, with its places and questions."""
    now = clock.now()
    event = Event(
        id=uuid7(), organisation_id=organisation_id, created_by=by, created_at=now, updated_at=now, version=1,
        **({"state": EventState.DRAFT} | columns(body) | more),
    )  # fmt: skip
    derive(event)
    session.add(event)
    await session.flush()
    await _put_capacities(session, event.id, body.capacities)
    await _put_questions(session, event.id, body.questions)
    return event


async def create(session: AsyncSession, actor: Actor, wish: EventNew) -> Event:
    """A draft in the name of an organisation whose events the actor organizes."""
    if wish.organisation_id not in actor.organisations_where(Permission.MANAGE_EVENTS):
        raise NoEventsOfYours
    made = await put(session, wish.organisation_id, wish, by=actor.person)
    await record(session, facts.EventDrafted(made.id), subject=made.id, by=actor.person)
    return await read(session, actor, made.id)


async def edit(session: AsyncSession, actor: Actor, event_id: UUID, version: int, patch: EventPatch) -> Event:
    """Change what is said of it and by which rules people register."""
    event = await run(session, actor, event_id)
    etag.check(version, event.version)
    require(event, EventAct.EDIT)
    values = columns(patch, only_given=True)
    changed = sorted(name for name, value in values.items() if getattr(event, name) != value)
    for name in changed:
        setattr(event, name, values[name])
    _require_possible_times(event)
    if "questions" in patch.model_fields_set and await _asks_anew(session, event_id, patch.questions):
        require(event, EventAct.EDIT_QUESTIONS)
        await session.execute(delete(EventQuestion).where(EventQuestion.event_id == event_id))
        await _put_questions(session, event_id, patch.questions)
        changed.append("questions")
    if "capacities" in patch.model_fields_set and await _set_capacities(session, event_id, patch.capacities):
        changed.append("capacities")
    if not changed:
        return event
    if {"starts_at", "ends_at"} & set(changed) and await _outside(session, event_id, event.starts_at, event.ends_at):
        raise AgendaOutside
    derive(event)
    touch(event)
    await session.flush()
    await record(session, facts.EventEdited(event.id, changed), subject=event.id, by=actor.person)
    return event


def _require_possible_times(event: Event) -> None:
    try:
        EventTimes.model_validate(event)
    except ValidationError as wrong:
        raise validation.as_refusal(wrong) from None


async def _outside(session: AsyncSession, event_id: UUID, starts_at: datetime, ends_at: datetime) -> bool:
    outside = select(EventSession.id).where(
        EventSession.event_id == event_id, (EventSession.starts_at < starts_at) | (EventSession.ends_at > ends_at)
    )
    return await session.scalar(outside.limit(1)) is not None


async def capacities(session: AsyncSession, event_id: UUID) -> Sequence[EventCapacity]:
    found = await session.scalars(
        select(EventCapacity)
        .where(EventCapacity.event_id == event_id)
        .order_by(EventCapacity.kind)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def questions(session: AsyncSession, event_id: UUID) -> Sequence[EventQuestion]:
    found = await session.scalars(
        select(EventQuestion).where(EventQuestion.event_id == event_id).order_by(EventQuestion.position)
    )
    return found.all()


async def _put_capacities(session: AsyncSession, event_id: UUID, wished: Sequence[Capacity]) -> None:
    rows = [{"event_id": event_id, "kind": one.kind, "seats": one.seats} for one in wished]
    await session.execute(insert(EventCapacity).values(rows))


async def _set_capacities(session: AsyncSession, event_id: UUID, wished: Sequence[Capacity]) -> bool:
    """Write the places anew; those that are taken stay taken. Answers whether anything changed."""
    before = {one.kind: one.seats for one in await capacities(session, event_id)}
    after = {one.kind: one.seats for one in wished}
    if before == after:
        return False
    gone = before.keys() - after.keys()
    rows = [{"event_id": event_id, "kind": kind, "seats": seats} for kind, seats in after.items()]
    upsert = insert(EventCapacity).values(rows)
    with refusing(registration_capacity_fkey=KindRegistered, event_capacity_not_over_check=PlacesTaken):
        async with session.begin_nested():
            await session.execute(
                delete(EventCapacity).where(EventCapacity.event_id == event_id, EventCapacity.kind.in_(gone))
            )
            await session.execute(
                upsert.on_conflict_do_update(
                    index_elements=[EventCapacity.event_id, EventCapacity.kind], set_={"seats": upsert.excluded.seats}
                )
            )
    return True


async def _asks_anew(session: AsyncSession, event_id: UUID, wished: Sequence[Question]) -> bool:
    there = await questions(session, event_id)
    return [Question.model_validate({name: getattr(one, name) for name in Question.model_fields}) for one in there] != [
        *wished
    ]


async def _put_questions(session: AsyncSession, event_id: UUID, wished: Sequence[Question]) -> None:
    session.add_all(
        EventQuestion(event_id=event_id, position=position, **one.model_dump()) for position, one in enumerate(wished)
    )
    await session.flush()


async def organizers(session: AsyncSession, event_id: UUID) -> Sequence[CoOrganizer]:
    found = await session.scalars(
        select(CoOrganizer)
        .join(Organisation, Organisation.id == CoOrganizer.organisation_id)
        .options(contains_eager(CoOrganizer.organisation))
        .where(CoOrganizer.event_id == event_id)
        .order_by(CoOrganizer.since, CoOrganizer.organisation_id)
    )
    return found.all()


async def name_organizer(
    session: AsyncSession, actor: Actor, event_id: UUID, organisation_id: UUID, wish: CoOrganizerBody
) -> Event:
    """Hold the event together with another organisation; saying it again changes its part."""
    event = await run(session, actor, event_id)
    require(event, EventAct.EDIT)
    seen = select(Organisation.id).where(Organisation.id == organisation_id, organisation_visible_to(actor))
    if await session.scalar(seen) is None:
        raise NotFound
    if organisation_id == event.organisation_id:
        raise NamesItself
    values = {"role": wish.role, "runs_desk": wish.runs_desk}
    named = insert(CoOrganizer).values(event_id=event_id, organisation_id=organisation_id, since=clock.now(), **values)
    key = [CoOrganizer.event_id, CoOrganizer.organisation_id]
    await session.execute(named.on_conflict_do_update(index_elements=key, set_=values))
    await record(session, facts.CoOrganizerNamed(event_id, organisation_id), subject=event_id, by=actor.person)
    return event


async def remove_organizer(session: AsyncSession, actor: Actor, event_id: UUID, organisation_id: UUID) -> None:
    event = await run(session, actor, event_id)
    require(event, EventAct.EDIT)
    gone = await session.scalar(
        delete(CoOrganizer)
        .where(CoOrganizer.event_id == event_id, CoOrganizer.organisation_id == organisation_id)
        .returning(CoOrganizer.organisation_id)
    )
    if gone is None:
        raise NotFound
    await record(session, facts.CoOrganizerRemoved(event_id, organisation_id), subject=event_id, by=actor.person)
