"""The meetings of the sample events: proposed, wished for, planned by the solver and published, held and spoken of.

All of it goes through the verbs and jobs that everybody uses. What is there already is left alone, so that a demo that
was interrupted goes on where it stopped, and one that is complete begins as quickly as before.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.demo_events import actor_of, in_time
from marketplace.docking import (
    meetings,
    outcomes,
    planning,
    proposing,
    publishing,
    schedules,
    steps,
    wishes,
)
from marketplace.docking.meeting_models import Meeting, Publication, Schedule
from marketplace.docking.models import Event
from marketplace.docking.outcome_models import Outcome
from marketplace.docking.registration_models import Registration
from marketplace.docking.wish_models import Wish
from marketplace.identity.models import Person
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Database
from marketplace.kernel.jobs import Place
from marketplace.kernel.operations import ENDED, Operation
from marketplace.settings import Settings
from schemas.events import NEXT, EventState
from schemas.meetings import MeetingState, Publishing, ScheduleNew
from schemas.outcomes import InterestNew, OutcomeBody, OutcomeStage
from schemas.wishes import WishAnswer

TO_COME: Final = frozenset({EventState.OPEN, EventState.CLOSED, EventState.SCHEDULED})
SECONDS: Final = 3
"""What counts of some fifteen participants is proven at once; fewer changes of table are looked for until then."""


async def load(settings: Settings, database: Database, rows: Sequence[Mapping[str, Any]]) -> None:
    """Bring the meetings of the sample events to where the sample says they are."""
    place = Place(database, settings)
    for row in rows:
        if "meetings" not in row:
            continue
        async with database.reading() as session:
            event = await session.scalar(select(Event).where(Event.title == row["event"]["title"]))
            if event is None or event.state not in TO_COME:
                continue
            spoken = await session.scalar(
                select(
                    exists().where(
                        Wish.event_id == event.id, or_(Wish.first_at.is_not(None), Wish.second_at.is_not(None))
                    )
                )
            )
            published = await session.scalar(select(exists().where(Publication.event_id == event.id)))
        told = row["meetings"]
        with in_time(row):
            if not spoken:
                await _propose(place, event.id, row)
                await _wish(database, event.id, told["wishes"])
            if "publish" in told and not published:
                await _publish(place, event.id, row)
        if "said" in told:
            await _over(database, event.id, row)


async def _desk(session: AsyncSession, row: Mapping[str, Any]) -> Actor:
    return await actor_of(session, row["event"]["contact"]["email"])


async def _propose(place: Place, event_id: UUID, row: Mapping[str, Any]) -> None:
    async with place.database.writing.begin() as session:
        operation = await proposing.start(session, await _desk(session, row), event_id)
    await proposing.run(place, {"operation_id": str(operation.id), "event_id": str(event_id)})


async def _lists(session: AsyncSession, event_id: UUID) -> Mapping[str, tuple[Actor, UUID]]:
    """By the name before the @, who registered, and their list."""
    found = await session.execute(
        select(Registration.id, Person.email)
        .join(Person, Person.id == Registration.made_by)
        .where(Registration.event_id == event_id)
    )
    return {row.email.partition("@")[0]: (await actor_of(session, row.email), row.id) for row in found.all()}


async def _wish(database: Database, event_id: UUID, told: Sequence[Sequence[str | None]]) -> None:
    async with database.writing.begin() as session:
        lists = await _lists(session, event_id)
        for by, of, says, answer in told:
            assert by is not None
            assert of is not None
            actor, mine = lists[by]
            other, theirs = lists[of]
            await wishes.ask(session, actor, mine, theirs, WishAnswer(says or WishAnswer.MEET))
            if answer is not None:
                await wishes.ask(session, other, theirs, mine, WishAnswer(answer))


async def _publish(place: Place, event_id: UUID, row: Mapping[str, Any]) -> None:
    """Publish the last of the drafts that the sample tells of; those before it are there to be compared with."""
    for wish in (*row["meetings"].get("drafts", ()), {}):
        draft = await _draft(place, event_id, row, ScheduleNew.model_validate({"seconds": SECONDS, **wish}))
    async with place.database.writing.begin() as session:
        desk = await _desk(session, row)
        await publishing.publish(session, desk, draft, Publishing(row["meetings"]["publish"]))


async def _draft(place: Place, event_id: UUID, row: Mapping[str, Any], wish: ScheduleNew) -> UUID:
    async with place.database.writing.begin() as session:
        draft = await session.scalar(
            select(Schedule)
            .join(Operation, Operation.id == Schedule.operation_id)
            .where(
                Schedule.event_id == event_id,
                Schedule.fill == wish.fill,
                or_(Schedule.planned_at.is_not(None), Operation.state.not_in(ENDED)),
            )
            .order_by(Schedule.number.desc())
            .limit(1)
        )
        if draft is None:
            draft = await schedules.request(session, await _desk(session, row), event_id, wish)
    await planning.run(place, {"operation_id": str(draft.operation_id), "schedule_id": str(draft.id)})
    return draft.id


async def _over(database: Database, event_id: UUID, row: Mapping[str, Any]) -> None:
    """It took place: who came met, who did not come is noted, and the two sides say what came of it."""
    told = row["meetings"]
    async with database.writing.begin() as session:
        if await session.scalar(select(func.count()).select_from(Outcome).where(Outcome.event_id == event_id)):
            return
        desk = await _desk(session, row)
        event = await session.get_one(Event, event_id, with_for_update=True, populate_existing=True)
        for state in (EventState.RUNNING, EventState.ENDED):
            if state in NEXT[event.state]:
                await steps.enter(session, event, state, by=desk.person_id)
        lists = await _lists(session, event_id)
        found = await session.scalars(
            select(Meeting).where(Meeting.event_id == event_id, Meeting.state == MeetingState.PLANNED)
        )
        by_sides = {frozenset(one.sides()): one.id for one in found.all()}
        missed = {frozenset((lists[who][1], lists[whom][1])): lists[who][1] for who, whom in told["missed"]}
        for sides, meeting_id in by_sides.items():
            if sides in missed:
                await meetings.miss(session, desk, meeting_id, [missed[sides]])
            else:
                await meetings.confirm(session, desk, meeting_id)
        for who, whom, result, stars, signed, note in told["said"]:
            actor, mine = lists[who]
            meeting_id = by_sides[frozenset((mine, lists[whom][1]))]
            said = OutcomeBody(result=result, stars=stars, signed_yuan=signed, note=note)
            await outcomes.say(session, actor, mine, meeting_id, OutcomeStage.RIGHT_AFTER, 0, said)
        for who, whom, note in told["interested"]:
            actor, mine = lists[who]
            meeting_id = by_sides[frozenset((mine, lists[whom][1]))]
            await outcomes.declare(session, actor, mine, meeting_id, InterestNew(note=note))
