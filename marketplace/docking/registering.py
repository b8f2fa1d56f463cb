"""Registering, and changing what was registered. Places are counted by the database; here it is said who may ask."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.docking import answers, events, facts
from marketplace.docking.models import Event, EventCapacity, EventSlot
from marketplace.docking.registration_models import HOLDING_STATES, Absence, Attendee, BroughtListing, Registration
from marketplace.docking.registrations import changing, read, touch
from marketplace.docking.steps import RegistrationOver, closing
from marketplace.identity.models import Organisation, Person
from marketplace.kernel import clock, etag
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.refusals import Conflict, Forbidden, Invalid, refusing
from marketplace.listings import derived
from marketplace.listings.models import OPEN_STATES, Listing
from schemas.base import FieldError
from schemas.events import EventAct, ParticipantKind
from schemas.identity import Permission
from schemas.registrations import AttendeeBody, RegistrationBody, RegistrationNew, RegistrationPatch, RegistrationState


class Full(Conflict):
    """名额已满；可以候补。 · All places are taken; you can get in line."""


class NotInTheirName(Forbidden):
    """您不属于该单位，不能以它的名义报名。 · You do not belong to that organisation and cannot register in its name."""


class AlreadyRegistered(Conflict):
    """其中有人已报名此活动；每人只能报名一次。 · Somebody among them is registered already; each person comes once."""


class NotRegistrable(Invalid):
    """报名信息有误，请按提示修改。 · This registration cannot be taken; change what is named."""


_PEOPLE: Final = ("name", "email", "phone", "job", "languages", "meetings_most")


async def register(session: AsyncSession, actor: Actor, event_id: UUID, wish: RegistrationNew) -> Registration:
    """Come to an event: at once, after the desk's word, or (if asked for) in the line of those who wait."""
    await events.read(session, actor, event_id)
    if wish.organisation_id is not None and wish.organisation_id not in actor.organisations_where(Permission.READ_OWN):
        raise NotInTheirName
    await events.beside(session, event_id)
    event = await events.read(session, actor, event_id)
    events.require(event, EventAct.REGISTER)
    now = clock.now()
    if closing(event) <= now:
        raise RegistrationOver
    await _require_registrable(session, event, wish.kind, wish, wish.organisation_id)
    state = RegistrationState.REQUESTED if event.needs_approval else RegistrationState.CONFIRMED
    registration = Registration(
        id=uuid7(), event_id=event_id, organisation_id=wish.organisation_id, made_by=actor.person, kind=wish.kind,
        seats=len(wish.people), answers=answers.kept(wish.answers), created_at=now, updated_at=now, version=1,
        state=state, **_told(wish), words=await _words(session, wish.organisation_id, wish.people),
    )  # fmt: skip
    await enter(session, registration, state, wait=wish.wait, now=now)
    await _put_people(session, registration, wish.people, new=True)
    await _put_records(session, registration, wish.records, new=True)
    await record(session, _came_to(registration), subject=registration.id, by=actor.person)
    return await read(session, actor, registration.id)


def _told(body: RegistrationBody) -> dict[str, Any]:
    return {name: getattr(body, name) for name in ("introduction", "wanted", "accessibility", "meetings_most", "shown")}


def _came_to(registration: Registration) -> facts.OfRegistration:
    kinds: dict[RegistrationState, type[facts.OfRegistration]] = {
        RegistrationState.REQUESTED: facts.RegistrationRequested,
        RegistrationState.CONFIRMED: facts.RegistrationConfirmed,
        RegistrationState.WAITING: facts.RegistrationQueued,
    }
    return kinds[registration.state](registration.id, registration.event_id)


async def enter(
    session: AsyncSession, registration: Registration, state: RegistrationState, *, wait: bool, now: datetime
) -> RegistrationState:
    """Enter a state if there is room; else the line, or a refusal. Who comes later than others who wait, waits."""
    if state is RegistrationState.CONFIRMED and (
        await _others_wait(session, registration) or not await room(session, registration, registration.seats)
    ):
        if not wait:
            raise Full
        state, registration.waiting_since = RegistrationState.WAITING, now
    await hold(session, registration, state)
    return state


async def room(session: AsyncSession, registration: Registration, people: int) -> bool:
    """Whether so many more find a place. A yes holds until the transaction ends: nobody takes one meanwhile."""
    place = select(EventCapacity.seats, EventCapacity.taken).where(
        EventCapacity.event_id == registration.event_id, EventCapacity.kind == registration.kind
    )
    # Where all is taken already, nobody waits in the queue of those who still might get one.
    for look in (place, place.with_for_update(key_share=True)):
        seats, taken = (await session.execute(look)).one()
        if seats is not None and taken + people > seats:
            return False
    return True


async def hold(session: AsyncSession, registration: Registration, state: RegistrationState) -> None:
    """Enter a state. Should it take places that are not there, the table refuses."""
    registration.state = state
    session.add(registration)
    with refusing(event_capacity_not_over_check=Full):
        await session.flush()


async def _others_wait(session: AsyncSession, registration: Registration) -> bool:
    return bool(
        await session.scalar(
            select(
                exists().where(
                    Registration.event_id == registration.event_id,
                    Registration.kind == registration.kind,
                    Registration.state == RegistrationState.WAITING,
                    Registration.id != registration.id,
                )
            )
        )
    )


async def _words(session: AsyncSession, organisation_id: UUID | None, people: Sequence[AttendeeBody]) -> str:
    """What the desk searches: the organisation, the names and addresses of its people."""
    organisation = await session.get(Organisation, organisation_id) if organisation_id is not None else None
    said = [organisation.name, organisation.name_en or ""] if organisation is not None else []
    return derived.folded("\n".join([*said, *(f"{one.name}\n{one.email}" for one in people)]))


async def _require_registrable(
    session: AsyncSession,
    event: Event,
    kind: ParticipantKind,
    body: RegistrationBody,
    organisation_id: UUID | None,
) -> None:
    """Refuse with everything that has to change at once."""
    given = body.model_fields_set if isinstance(body, RegistrationPatch) else set(RegistrationBody.model_fields)
    found: list[FieldError] = []
    if kind not in {one.kind for one in await events.capacities(session, event.id)}:
        found.append(_flaw("/kind", "kind_not_invited", "此活动不面向这个类别。 · This event is not for that kind."))
    if "people" in given:
        found += await _people_flaws(session, event, body.people)
    if "answers" in given:
        found += answers.flaws(await events.questions(session, event.id), kind, body.answers)
    if "records" in given:
        found += await _record_flaws(session, event, organisation_id, body.records)
    if found:
        raise NotRegistrable(errors=found[:50])


def _flaw(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)


async def _people_flaws(session: AsyncSession, event: Event, people: Sequence[AttendeeBody]) -> list[FieldError]:
    found = []
    if len(people) > event.people_most:
        found.append(
            _flaw(
                "/people",
                "too_many_people",
                f"每份报名最多 {event.people_most} 人。 · At most {event.people_most} people in one registration.",
            )
        )
    addresses = [one.email for one in people]
    if len(set(addresses)) < len(addresses):
        found.append(_flaw("/people", "email_twice", "同一邮箱写了两次。 · One address is written twice."))
    wanted = {slot for one in people for slot in one.absent}
    if wanted:
        there = await session.scalars(
            select(EventSlot.id).where(EventSlot.event_id == event.id, EventSlot.id.in_(wanted))
        )
        known = set(there.all())
        found += [
            _flaw(f"/people/{number}/absent", "unknown", "没有这个场次。 · There is no such slot.")
            for number, one in enumerate(people)
            if not known.issuperset(one.absent)
        ]
    return found


async def _record_flaws(
    session: AsyncSession, event: Event, organisation_id: UUID | None, records: Sequence[UUID]
) -> list[FieldError]:
    """Records that are brought are the organisation's own, published, and of a kind that is called for."""
    if not records:
        return []
    if len(records) > event.records_most or not event.calls_for:
        most = event.records_most if event.calls_for else 0
        return [_flaw("/records", "too_many_records", f"最多带 {most} 项。 · At most {most} records.")]
    there = await session.scalars(
        select(Listing.id).where(
            Listing.id.in_(records),
            Listing.organisation_id == organisation_id,
            Listing.kind.in_(event.calls_for),
            Listing.state.in_(OPEN_STATES),
        )
    )
    known = set(there.all())
    return [
        _flaw(
            f"/records/{number}",
            "not_to_be_brought",
            "只能带本单位已发布的、征集范围内的记录。 · Bring published records of your organisation, of a kind that is called for.",
        )
        for number, one in enumerate(records)
        if one not in known
    ]


async def _put_people(
    session: AsyncSession, registration: Registration, people: Sequence[AttendeeBody], *, new: bool = False
) -> None:
    """Let these come, and nobody else. Who came before under the same address stays who they are.

    Of a registration that is new nothing is looked for: it holds the last places while others wait for them.
    """
    before: dict[str, Attendee] = {}
    if not new:
        there = await session.scalars(
            select(Attendee).where(Attendee.registration_id == registration.id, Attendee.left_at.is_(None))
        )
        before = {one.email: one for one in there.all()}
    now = clock.now()
    for address in before.keys() - {one.email for one in people}:
        before.pop(address).left_at = now
    await session.flush()
    accounts = await session.execute(
        select(Person.email, Person.id).where(
            Person.email.in_([one.email for one in people]), Person.confirmed_at.is_not(None)
        )
    )
    known = {row.email: row.id for row in accounts}
    comes: list[Attendee] = []
    for position, one in enumerate(people):
        values = {name: getattr(one, name) for name in _PEOPLE} | {
            "position": position,
            "person_id": known.get(one.email),
        }
        attendee = before.get(one.email) or Attendee(
            id=uuid7(), event_id=registration.event_id, registration_id=registration.id, badge=1, created_at=now
        )
        for name, value in values.items():
            setattr(attendee, name, value)
        comes.append(attendee)
    with refusing(attendee_once_key=AlreadyRegistered):
        async with session.begin_nested():
            session.add_all(comes)
    if not new:
        await session.execute(delete(Absence).where(Absence.attendee_id.in_([one.id for one in comes])))
    rows = [
        {"attendee_id": attendee.id, "slot_id": slot, "event_id": registration.event_id}
        for attendee, one in zip(comes, people, strict=True)
        for slot in one.absent
    ]
    if rows:
        await session.execute(insert(Absence), rows)


async def _put_records(
    session: AsyncSession, registration: Registration, records: Sequence[UUID], *, new: bool = False
) -> None:
    if not new:
        await session.execute(delete(BroughtListing).where(BroughtListing.registration_id == registration.id))
    rows = [
        {"registration_id": registration.id, "listing_id": one, "position": place} for place, one in enumerate(records)
    ]
    if rows:
        await session.execute(insert(BroughtListing), rows)


async def edit(
    session: AsyncSession, actor: Actor, registration_id: UUID, version: int, patch: RegistrationPatch
) -> Registration:
    """Change what was registered; more people need places."""
    registration, event = await changing(session, actor, registration_id, EventAct.CHANGE_REGISTRATION)
    etag.check(version, registration.version)
    given = patch.model_fields_set
    await _require_registrable(session, event, registration.kind, patch, registration.organisation_id)
    if not given:
        return registration
    values = {name: value for name, value in _told(patch).items() if name in given}
    if "answers" in given:
        values["answers"] = answers.kept(patch.answers)
    if "people" in given:
        values |= {
            "seats": len(patch.people),
            "words": await _words(session, registration.organisation_id, patch.people),
        }
    more = len(patch.people) - registration.seats if "people" in given else 0
    if more > 0 and registration.state in HOLDING_STATES and not await room(session, registration, more):
        raise Full
    for name, value in values.items():
        setattr(registration, name, value)
    touch(registration)
    # The places before the people: everybody reaches for the two in this order.
    await hold(session, registration, registration.state)
    if "people" in given:
        await _put_people(session, registration, patch.people)
    if "records" in given:
        await _put_records(session, registration, patch.records)
    await session.flush()
    edited = facts.RegistrationEdited(registration.id, registration.event_id, sorted(given))
    await record(session, edited, subject=registration.id, by=actor.person)
    return await read(session, actor, registration.id)
