"""Checking in at the doors. Whoever goes through several is counted once; the same code at the same door changes nothing."""

from uuid import UUID

from sqlalchemy import Select, distinct, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from marketplace.docking import badges, events, facts, groups
from marketplace.docking.registration_models import Attendee, CheckIn, Registration
from marketplace.docking.registrations import changing
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Invalid, NotFound
from schemas.base import FieldError
from schemas.event_extras import GroupFilter
from schemas.events import EventAct
from schemas.registrations import CheckInNew, CheckInView, Presence, RegistrationState


class NoSuchBadge(Invalid):
    """无法识别此码，或已换新证：请到服务台核对。 · This code is nobody's here, or a newer badge was given: ask at the desk."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/code", code="no_such_badge", detail=self.title())])


class NotConfirmed(Conflict):
    """此人的报名尚未确认，或已取消。 · The registration of this person is not confirmed, or was cancelled."""


def _with_registration() -> Select[Attendee]:
    return (
        select(Attendee)
        .join(Registration, Registration.id == Attendee.registration_id)
        .options(contains_eager(Attendee.registration).joinedload(Registration.organisation))
    )


async def check_in(session: AsyncSession, actor: Actor, event_id: UUID, wish: CheckInNew, key: bytes) -> CheckInView:
    """Somebody shows a badge at a door (the desk)."""
    event = await events.desk(session, actor, event_id)
    events.require(event, EventAct.CHECK_IN)
    found = badges.read(key, wish.code)
    attendee = None
    if found is not None:
        who, badge = found
        attendee = await session.scalar(
            _with_registration().where(Attendee.id == who, Attendee.event_id == event_id, Attendee.badge == badge)
        )
    if attendee is None:
        raise NoSuchBadge
    if attendee.left_at is not None or attendee.registration.state is not RegistrationState.CONFIRMED:
        raise NotConfirmed
    now = clock.now()
    made = await session.scalar(
        insert(CheckIn)
        .values(attendee_id=attendee.id, door=wish.door, event_id=event_id, at=now, by=actor.person)
        .on_conflict_do_nothing()
        .returning(CheckIn.at)
    )
    if made is not None:
        came = facts.AttendeeCheckedIn(attendee.registration_id, event_id, attendee.id, wish.door)
        await record(session, came, subject=attendee.registration_id, by=actor.person)
    first = made or await session.scalar(
        select(CheckIn.at).where(CheckIn.attendee_id == attendee.id, CheckIn.door == wish.door)
    )
    assert first is not None
    return CheckInView(
        **_who(attendee), door=wish.door, at=first, before=made is None,
    )  # fmt: skip


def _who(attendee: Attendee) -> dict[str, object]:
    registration = attendee.registration
    return {
        "registration_id": registration.id,
        "person_id": attendee.id,
        "name": attendee.name,
        "organisation": registration.organisation.name if registration.organisation is not None else None,
        "kind": registration.kind,
    }


async def listed(
    session: AsyncSession, actor: Actor, event_id: UUID, paging: Paging, wish: GroupFilter | None = None
) -> tuple[list[CheckInView], str | None]:
    """Who came through which door, latest first (the desk)."""
    await events.desk(session, actor, event_id)
    statement = (
        select(CheckIn)
        .join(Attendee, Attendee.id == CheckIn.attendee_id)
        .options(
            contains_eager(CheckIn.attendee).joinedload(Attendee.registration).joinedload(Registration.organisation)
        )
        .where(CheckIn.event_id == event_id, *groups.among(wish, Attendee.registration_id))
    )
    by = tuple(zip((CheckIn.at, CheckIn.attendee_id, CheckIn.door), (*BY_TIME_AND_ID, str), strict=True))
    rows, marker = await page(session, statement, by, paging)
    views = [CheckInView(**_who(row[0].attendee), door=row[0].door, at=row[0].at, before=True) for row in rows]
    return views, marker


async def presence(session: AsyncSession, actor: Actor, event_id: UUID) -> Presence:
    """How many are expected and how many came (the desk)."""
    await events.desk(session, actor, event_id)
    expected = (
        select(func.coalesce(func.sum(Registration.seats), 0))
        .where(Registration.event_id == event_id, Registration.state == RegistrationState.CONFIRMED)
        .scalar_subquery()
    )
    came = select(func.count(distinct(CheckIn.attendee_id))).where(CheckIn.event_id == event_id).scalar_subquery()
    row = (await session.execute(select(expected, came))).one()
    return Presence(confirmed=row[0], present=row[1])


async def renew_badge(session: AsyncSession, actor: Actor, registration_id: UUID, attendee_id: UUID) -> None:
    """A badge was lost: the next one has another code, and the old one opens no door."""
    registration, _ = await changing(session, actor, registration_id, EventAct.RENEW_BADGE)
    attendee = next((one for one in registration.people if one.id == attendee_id), None)
    if attendee is None:
        raise NotFound
    attendee.badge += 1
    await session.flush()
    renewed = facts.BadgeRenewed(registration.id, registration.event_id, attendee.id)
    await record(session, renewed, subject=registration.id, by=actor.person)
