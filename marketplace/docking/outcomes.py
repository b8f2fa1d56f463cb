"""What each side says came of a meeting, right after it and half a year later, and the interest that it became."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.docking import cards, events, groups, meeting_facts, registrations, wish_lists
from marketplace.docking.meeting_models import Meeting
from marketplace.docking.meeting_policy import meeting_list_kept_by, meeting_list_seen_by, of_event_run_by
from marketplace.docking.models import Event
from marketplace.docking.outcome_models import Interest, Outcome
from marketplace.docking.registration_models import Registration
from marketplace.docking.wish_models import Wish
from marketplace.kernel import clock, etag
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, NotFound
from schemas.events import EventAct
from schemas.identity import Permission
from schemas.meetings import MeetingState
from schemas.outcomes import (
    InterestFilter,
    InterestNew,
    InterestView,
    OutcomeBody,
    OutcomeFilter,
    OutcomeStage,
    OutcomeView,
)
from schemas.wishes import ParticipantCard, WishReason

LATER: Final = timedelta(days=150)
"""From when on the second question is answered: half a year, and some who are early."""


class NothingToTell(Conflict):
    """洽谈尚未进行，或没有进行。 · The meeting has not taken place yet, or did not."""


class TooEarly(Conflict):
    """请在洽谈约半年后填写。 · That is asked about half a year after the meeting."""


class InterestThere(Conflict):
    """已登记意向。 · You have declared your interest already."""


def outcome_visible_to(actor: Actor) -> ColumnElement[bool]:
    """What one's own list said, and all of an event for those who run it. The statement joins `Registration`."""
    if Permission.READ_ALL in actor.platform:
        return true()
    return or_(meeting_list_seen_by(actor), of_event_run_by(actor, Outcome.event_id))


def interest_visible_to(actor: Actor) -> ColumnElement[bool]:
    """One's own, what somebody has in one's own organisation, and all of an event for those who run it."""
    if Permission.READ_ALL in actor.platform:
        return true()
    ours = Interest.to_organisation_id.in_(actor.organisations_where(Permission.READ_OWN))
    return or_(meeting_list_seen_by(actor), ours, of_event_run_by(actor, Interest.event_id))


async def _of_side(
    session: AsyncSession, actor: Actor, registration_id: UUID, meeting_id: UUID
) -> tuple[Registration, Meeting]:
    """A meeting of a list that the actor answers for, when something may have come of it."""
    seen: Registration | None = await session.scalar(
        registrations.chosen().where(Registration.id == registration_id, meeting_list_seen_by(actor))
    )
    meeting: Meeting | None = await session.scalar(
        select(Meeting)
        .where(Meeting.id == meeting_id, or_(Meeting.first_id == registration_id, Meeting.second_id == registration_id))
        .execution_options(populate_existing=True)
    )
    if seen is None or meeting is None:
        raise NotFound
    await events.beside(session, seen.event_id)
    if not await session.scalar(
        select(exists().where(Registration.id == registration_id, meeting_list_kept_by(actor)))
    ):
        raise registrations.NotYourRegistration
    event = (await session.scalars(events.chosen().where(Event.id == seen.event_id))).one()
    events.require(event, EventAct.FOLLOW_UP)
    took_place = meeting.state in (MeetingState.PLANNED, MeetingState.HELD) and meeting.starts_at <= clock.now()
    if not took_place:
        raise NothingToTell
    return seen, meeting


async def say(
    session: AsyncSession,
    actor: Actor,
    registration_id: UUID,
    meeting_id: UUID,
    stage: OutcomeStage,
    version: int,
    said: OutcomeBody,
) -> Outcome:
    """Say what came of a meeting, or say it anew (version 0: for the first time). The other side is not told."""
    _, meeting = await _of_side(session, actor, registration_id, meeting_id)
    if stage is OutcomeStage.LATER and meeting.ends_at + LATER > clock.now():
        raise TooEarly
    now = clock.now()
    values = said.model_dump() | {"by": actor.person, "updated_at": now}
    # Whoever says it first makes the row; of two at once the second finds it and is told that it is out of date.
    await session.execute(
        insert(Outcome)
        .values(
            id=uuid7(), event_id=meeting.event_id, meeting_id=meeting.id, registration_id=registration_id,
            stage=stage, version=0, created_at=now, **values,
        )
        .on_conflict_do_nothing(constraint="outcome_once_key")
    )  # fmt: skip
    row = await session.scalar(
        select(Outcome)
        .where(Outcome.meeting_id == meeting.id, Outcome.registration_id == registration_id, Outcome.stage == stage)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    assert row is not None
    etag.check(version, row.version)
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    await session.flush()
    fact = meeting_facts.OutcomeEntered(meeting.id, meeting.event_id, row.id)
    await record(session, fact, subject=meeting.id, by=actor.person)
    return row


async def listed(
    session: AsyncSession, actor: Actor, wish: OutcomeFilter, paging: Paging
) -> tuple[list[OutcomeView], str | None]:
    """What one's own lists said, and all of the events that one runs, latest first."""
    by = tuple(zip((Outcome.created_at, Outcome.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, narrowed(wish).where(outcome_visible_to(actor)), by, paging)
    return await views(session, [row[0] for row in rows]), marker


async def of_list(
    session: AsyncSession, actor: Actor, registration_id: UUID
) -> tuple[Mapping[tuple[UUID, OutcomeStage], Outcome], frozenset[UUID]]:
    """What one's own list said of each meeting, and the meetings of which it declared an interest."""
    mine = await wish_lists.meeting_list(session, actor, registration_id)
    said = await session.scalars(
        select(Outcome).where(Outcome.registration_id == registration_id).execution_options(populate_existing=True)
    )
    own = and_(Interest.event_id == mine.event_id, Interest.registration_id == registration_id)
    declared = await session.scalars(select(Interest.meeting_id).where(own))
    return {(one.meeting_id, one.stage): one for one in said.all()}, frozenset(declared.all())


def narrowed(wish: OutcomeFilter) -> Select[Outcome]:
    statement = (
        select(Outcome)
        .join(Registration, Registration.id == Outcome.registration_id)
        .where(*groups.among(wish, Registration.id))
        .execution_options(populate_existing=True)
    )
    equal: dict[Any, Any] = {Outcome.event_id: wish.event, Outcome.stage: wish.stage, Outcome.result: wish.result}
    return statement.where(*(column == value for column, value in equal.items() if value is not None))


async def views(session: AsyncSession, found: list[Outcome]) -> list[OutcomeView]:
    rows = await session.scalars(select(Meeting).where(Meeting.id.in_({one.meeting_id for one in found})))
    meetings = {one.id: one for one in rows.all()}
    sides = await cards.of(session, {side for one in meetings.values() for side in one.sides()})
    plain = set(OutcomeView.model_fields) & set(Outcome.__mapper__.columns.keys())
    made = []
    for one in found:
        meeting = meetings[one.meeting_id]
        other = meeting.second_id if one.registration_id == meeting.first_id else meeting.first_id
        made.append(
            OutcomeView(
                **{name: getattr(one, name) for name in plain},
                participant=sides[one.registration_id],
                other=sides[other],
            )
        )
    return made


# --- a meeting becomes an interest


async def declare(
    session: AsyncSession, actor: Actor, registration_id: UUID, meeting_id: UUID, wish: InterestNew
) -> Interest:
    """More is to come of a meeting. The ids of what led to it are kept: they are the chain to the contract."""
    mine, meeting = await _of_side(session, actor, registration_id, meeting_id)
    other_id = meeting.second_id if registration_id == meeting.first_id else meeting.first_id
    other = await session.get_one(Registration, other_id)
    pair = await session.get(Wish, meeting.wish_id) if meeting.wish_id is not None else None
    because = [WishReason.model_validate(one) for one in pair.because] if pair is not None else []
    made = await session.scalar(
        insert(Interest)
        .values(
            id=uuid7(),
            event_id=meeting.event_id,
            meeting_id=meeting.id,
            registration_id=registration_id,
            organisation_id=mine.organisation_id,
            to_organisation_id=other.organisation_id,
            wish_id=meeting.wish_id,
            problem_id=because[0].problem.id if because else None,
            achievement_id=because[0].achievement.id if because else None,
            note=wish.note,
            made_by=actor.person,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(constraint="interest_once_key")
        .returning(Interest.id)
    )
    if made is None:
        raise InterestThere
    fact = meeting_facts.InterestDeclared(meeting.id, meeting.event_id, made)
    await record(session, fact, subject=meeting.id, by=actor.person)
    return await session.get_one(Interest, made)


async def interests(
    session: AsyncSession, actor: Actor, wish: InterestFilter, paging: Paging
) -> tuple[list[InterestView], str | None]:
    """One's own, those in one's own organisation, and all of the events that one runs, latest first."""
    statement = (
        select(Interest)
        .join(Registration, Registration.id == Interest.registration_id)
        .where(interest_visible_to(actor), *groups.among(wish, Registration.id))
        .execution_options(populate_existing=True)
    )
    if wish.event is not None:
        statement = statement.where(Interest.event_id == wish.event)
    if wish.industry is not None and Permission.READ_ALL not in actor.platform:
        # What the other side brings may not be public yet: it is for the desk.
        statement = statement.where(of_event_run_by(actor, Interest.event_id))
    by = tuple(zip((Interest.created_at, Interest.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return [InterestView.model_validate(row[0]) for row in rows], marker


async def parties(
    session: AsyncSession, found: Sequence[InterestView]
) -> Mapping[UUID, tuple[ParticipantCard, ParticipantCard]]:
    """By interest, whose it is and in whom."""
    rows = await session.scalars(select(Meeting).where(Meeting.id.in_({one.meeting_id for one in found})))
    sides = {one.id: one.sides() for one in rows.all()}
    known = await cards.of(session, {side for each in sides.values() for side in each})
    whom = {one.id: next(side for side in sides[one.meeting_id] if side != one.registration_id) for one in found}
    return {one.id: (known[one.registration_id], known[whom[one.id]]) for one in found}
