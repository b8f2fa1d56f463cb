"""Long work: followed by who asked for it, stopped when they say so."""

import pytest
from sqlalchemy import select

from marketplace.kernel import operations
from marketplace.kernel.operations import Operation
from schemas.identity import Role
from schemas.operations import OperationState

URL = "/api/v1/operations"


@pytest.fixture
async def anna(given):
    return await given.person()


@pytest.fixture
def begun(session):
    async def begin(somebody=None, state=OperationState.RUNNING, **more) -> Operation:
        operation = Operation(kind="test", person_id=somebody.id if somebody else None, state=state, **more)
        session.add(operation)
        await session.commit()
        return operation

    return begin


async def test_who_asked_for_work_can_follow_it(anna, begun, session):
    operation = await begun(anna)
    assert await operations.progress(session, operation.id, 30, 100)
    await session.commit()
    seen = (await anna.get(f"{URL}/{operation.id}")).json()
    assert (seen["state"], seen["done"], seen["total"]) == ("running", 30, 100)
    assert seen["result"] is seen["error"] is seen["ended_at"] is None


async def test_it_is_not_there_for_anybody_else(anna, begun, given, client):
    url = f"{URL}/{(await begun(anna)).id}"
    nobodys = f"{URL}/{(await begun()).id}"
    for somebody in (await given.person(), await given.admin(), await given.person(Role.AUDITOR)):
        for address in (url, nobodys, f"{URL}/019aaaaa-0000-7000-8000-000000000000"):
            assert (await somebody.get(address)).status_code == 404
            assert (await somebody.post(f"{address}/cancellation")).status_code == 404
    assert (await client.get(url)).status_code == 401


async def test_what_waits_is_ended_at_once_when_it_is_cancelled(anna, begun, session):
    operation = await begun(anna, OperationState.WAITING)
    cancelled = (await anna.post(f"{URL}/{operation.id}/cancellation")).json()
    assert cancelled["state"] == "cancelled"
    assert cancelled["ended_at"] is not None


async def test_what_runs_is_told_to_stop_at_its_next_step(anna, begun, session):
    operation = await begun(anna)
    asked = (await anna.post(f"{URL}/{operation.id}/cancellation")).json()
    assert asked["state"] == "running"
    assert not await operations.progress(session, operation.id, 40, 100)
    await operations.end(session, operation.id, OperationState.CANCELLED, result={"rows": 40})
    await session.commit()
    ended = (await anna.get(f"{URL}/{operation.id}")).json()
    assert (ended["state"], ended["done"], ended["result"]) == ("cancelled", 40, {"rows": 40})


@pytest.mark.parametrize("state", [OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED])
async def test_what_has_ended_stays_as_it_ended(state, anna, begun, session):
    operation = await begun(anna)
    await operations.end(session, operation.id, state, result={"n": 1}, error="why")
    await operations.end(session, operation.id, OperationState.DONE, result={"n": 2})
    assert not await operations.progress(session, operation.id, 1, 2)
    await session.commit()
    refused = await anna.post(f"{URL}/{operation.id}/cancellation")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/already-ended")
    kept = await session.scalar(select(Operation).execution_options(populate_existing=True))
    assert (kept.state, kept.result, kept.error) == (state, {"n": 1}, "why")


async def test_no_more_is_done_than_there_is(anna, begun, session):
    operation = await begun(anna)
    await operations.progress(session, operation.id, 120, 100)
    await session.refresh(operation)
    assert (operation.done, operation.total) == (100, 100)


async def test_work_that_does_not_run_makes_no_progress(anna, begun, session):
    operation = await begun(anna, OperationState.WAITING)
    assert not await operations.progress(session, operation.id, 1, 2)
