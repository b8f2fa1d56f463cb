"""The job that computes a draft: the agenda is composed here, solved in a process of its own, and written down."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.docking import events, meeting_facts
from marketplace.docking.composing import Composed, Side, compose
from marketplace.docking.meeting_models import Planned, Schedule, Unplaced
from marketplace.docking.models import Event
from marketplace.docking.planner import AGENDA, PLAN
from marketplace.kernel import clock, operations, work
from marketplace.kernel.facts import record
from marketplace.kernel.jobs import Place
from matching.timetable import Meeting, Plan
from schemas.meetings import Ground, ScheduleNumbers
from schemas.operations import OperationState
from schemas.wishes import WhyNot

JOB: Final = "docking.plan"
LINE: Final = 256 * 2**20
"""The longest line that the planning process may say: the plan of a very large event, with room to spare."""
PATIENCE: Final = timedelta(seconds=90)
"""How long beyond the time that was asked for the planning process may take, reading and writing included."""


class Impossible(Exception):  # noqa: N818 -- a refusal, kept as the operation's error
    """No plan can be made, and why."""


async def run(place: Place, args: dict[str, Any]) -> None:
    """Compute one draft. Done twice it has one effect: its end stands in the transaction of its meetings."""
    operation_id, schedule_id = UUID(args["operation_id"]), UUID(args["schedule_id"])
    async with place.database.writing.begin() as session:
        if not await work.begin(session, operation_id):
            return
    ended: tuple[OperationState, str | None]
    try:
        composed, seconds, seed = await _composed(place, schedule_id)
        plan = await _solved(place, operation_id, composed, seconds, seed)
        await _write(place, operation_id, schedule_id, composed, plan)
    except work.Stopped:
        ended = OperationState.CANCELLED, None
    except Impossible as why:
        ended = OperationState.FAILED, str(why)
    else:
        return
    async with place.database.writing.begin() as session:
        await operations.end(session, operation_id, ended[0], error=ended[1])


async def _composed(place: Place, schedule_id: UUID) -> tuple[Composed, int, int]:
    async with place.database.reading() as session:
        schedule = await session.get_one(Schedule, schedule_id)
        event = (await session.scalars(events.chosen().where(Event.id == schedule.event_id))).one()
        composed = await compose(session, event, schedule.planning, schedule.late, clock.now(), fill=schedule.fill)
        return composed, schedule.seconds, schedule.seed


async def _solved(place: Place, operation_id: UUID, composed: Composed, seconds: int, seed: int) -> Plan:
    """What the planning process says, while the operation tells how far it is and is asked to stop."""
    task = {"agenda": AGENDA.dump_python(composed.agenda, mode="json"), "seconds": seconds, "seed": seed}
    async with work.process("marketplace.docking.planner", task, longest=LINE) as said:
        return await _heard(place, operation_id, said, composed.names, seconds)


async def _heard(
    place: Place, operation_id: UUID, told: AsyncIterator[dict[str, Any]], names: Mapping[str, str], seconds: int
) -> Plan:
    loop = asyncio.get_running_loop()
    began, written = loop.time(), 0.0
    async for said in told:
        if "refused" in said:
            raise Impossible("\n".join(_advice(one, names) for one in said["refused"]))
        if "plan" in said:
            return PLAN.validate_python(said["plan"])
        spent = loop.time() - began
        if spent >= seconds + PATIENCE.total_seconds():
            break
        if spent - written >= work.BEAT:
            written = spent
            async with place.database.writing.begin() as session:
                # Percent of the time that it may take; whether it is done sooner is known when it is.
                if not await operations.progress(session, operation_id, min(99, int(100 * spent / seconds)), 100):
                    raise work.Stopped
    raise Impossible("排程程序没有给出结果，请重试。 · The planning process gave no answer; try again.")


def _advice(flaw: list[str], names: Mapping[str, str]) -> str:
    advice, *about = flaw
    return f"{advice} [{', '.join(names.get(one, one) for one in about)}]" if about else advice


async def _write(place: Place, operation_id: UUID, schedule_id: UUID, composed: Composed, plan: Plan) -> None:
    async with place.database.writing.begin() as session:
        await work.still_wanted(session, operation_id)
        schedule = await session.get_one(Schedule, schedule_id, with_for_update=True, populate_existing=True)
        for table in (Planned, Unplaced):
            await session.execute(delete(table).where(table.schedule_id == schedule_id))
        worth = composed.worth
        rows = [_planned(schedule_id, composed, worth, one) for one in plan.meetings]
        await _put(session, Planned, rows)
        await _put(session, Unplaced, list(_unplaced(schedule_id, composed, plan)))
        schedule.levels = [
            {"objective": one.objective, "reached": one.reached, "bound": one.bound, "status": one.status,
             "gap": one.gap}
            for one in plan.levels
        ]  # fmt: skip
        wished = {one.id for one in (*composed.agreed.values(), *composed.not_agreed)}
        counted = set(type(plan.numbers).__dataclass_fields__) & set(ScheduleNumbers.model_fields)
        schedule.numbers = {name: getattr(plan.numbers, name) for name in counted} | {
            "meetings": len(rows),
            "wishes": len(wished),
            "placed": sum(row["wish_id"] in wished for row in rows),
            "one_sided": sum(row["ground"] is Ground.ASKED for row in rows),
            "recommended": sum(row["ground"] is Ground.RECOMMENDED for row in rows),
        }
        schedule.ended, schedule.basis, schedule.planned_at = plan.ended, composed.basis, clock.now()
        schedule.version += 1
        await session.flush()
        fact = meeting_facts.SchedulePlanned(schedule.event_id, schedule_id)
        await record(session, fact, subject=schedule.event_id, by=schedule.made_by)
        await operations.progress(session, operation_id, 100, 100)
        result = {"schedule_id": str(schedule_id), "meetings": len(plan.meetings), "optimal": plan.optimal}
        await operations.end(session, operation_id, OperationState.DONE, result=result)


async def _put(session: AsyncSession, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        await session.execute(insert(table), rows)


def _planned(schedule_id: UUID, composed: Composed, worth: Mapping[Side, int], one: Meeting) -> dict[str, Any]:
    (first_id, second_id), (first, second) = (UUID(each) for each in one.pair), (UUID(each) for each in one.people)
    slots = [composed.slots[UUID(each)] for each in one.slots]
    sides = first_id, second_id
    pair = composed.agreed.get(sides) or composed.others.get(sides)
    return {
        "id": uuid7(),
        "schedule_id": schedule_id,
        "wish_id": pair.id if pair is not None else None,
        "first_id": first_id,
        "second_id": second_id,
        "first_person_id": first,
        "second_person_id": second,
        "value": max(0, worth[sides]),
        "ground": composed.grounds.get(sides),
        "table_id": UUID(one.table),
        "slot_id": slots[0].id,
        "until_slot_id": slots[-1].id,
        "starts_at": slots[0].starts_at,
        "ends_at": slots[-1].ends_at,
    }


def _unplaced(schedule_id: UUID, composed: Composed, plan: Plan) -> Any:
    """Of what both want the solver's reason; of what one side asked for that the two did not agree, and no more."""
    placed = {one.pair for one in plan.meetings}
    for one in plan.unplaced:
        sides = UUID(one.pair[0]), UUID(one.pair[1])
        pair = composed.agreed.get(sides)
        if pair is not None:
            yield _row(schedule_id, pair.id, sides, WhyNot(one.why), [list(each) for each in one.instead])
    for pair in composed.not_agreed:
        sides = pair.first_id, pair.second_id
        if (str(sides[0]), str(sides[1])) not in placed:
            yield _row(schedule_id, pair.id, sides, WhyNot.NOT_AGREED, [])


def _row(
    schedule_id: UUID, wish_id: UUID, sides: tuple[UUID, UUID], why: WhyNot, instead: list[list[str]]
) -> dict[str, Any]:
    return {
        "id": uuid7(), "schedule_id": schedule_id, "wish_id": wish_id, "first_id": sides[0], "second_id": sides[1],
        "why": why, "instead": instead,
    }  # fmt: skip
