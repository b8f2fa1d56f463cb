"""Imports as jobs: cancelled, crashed, tried again, given up; in transactions that stand."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from marketplace.imports import imports, jobs, reading, writing
from marketplace.imports.imports import Import
from marketplace.imports.models import Upload
from marketplace.kernel import clock, operations
from marketplace.kernel.operations import Operation
from marketplace.kernel.refusals import NotFound, Unavailable
from marketplace.listings.models import Listing
from schemas.listings import ListingKind
from schemas.operations import OperationState
from tests.marketplace.imports.conftest import TEXT, some_jsonl

pytestmark = pytest.mark.usefixtures("checked_here")

ROWS = [{"title": f"第{n}项成果", "text": TEXT, "id": str(n)} for n in range(1_200)]


async def listed(session, organisation) -> int:
    return await session.scalar(
        select(func.count()).select_from(Listing).where(Listing.organisation_id == organisation.id)
    )


async def test_cancelled_while_it_waits_nothing_happens(given, importing, session) -> None:
    me = await given.university()
    answer = await importing.hand_in(me, some_jsonl(*ROWS), "a.jsonl")
    assert (await me.post(f"{answer.headers['location']}/cancellation")).json()["state"] == "cancelled"
    await jobs.run(importing.place, {"operation_id": answer.json()["id"]})
    assert (await importing.operation(me, answer))["state"] == "cancelled"
    assert await listed(session, me.organisation) == 0
    assert await session.scalar(select(func.count()).select_from(Upload)) == 0


@pytest.mark.parametrize("at", ["checking", "writing", "the end"])
async def test_cancelled_while_it_runs_nothing_is_left(given, importing, session, monkeypatch, at) -> None:
    me = await given.university()
    answer = await importing.hand_in(me, some_jsonl(*ROWS), "a.jsonl")
    operation_id = UUID(answer.json()["id"])
    progress, calls = operations.progress, []

    async def cancelling(session, id_, done, total) -> bool:
        calls.append(done)
        now = done < total // 2 if at == "checking" else done > total // 2
        if at != "the end" and now:
            await session.execute(text("update operation set cancel_asked_at = now() where id = :id"), {"id": id_})
        return await progress(session, id_, done, total)

    monkeypatch.setattr(operations, "progress", cancelling)
    if at == "the end":
        write = writing.write

        async def wrote(session, *more):
            found = await write(session, *more)
            await session.execute(
                text("update operation set cancel_asked_at = now() where id = :id"), {"id": operation_id}
            )
            return found

        monkeypatch.setattr(writing, "write", wrote)
    await jobs.run(importing.place, {"operation_id": str(operation_id)})
    operation = await importing.operation(me, answer)
    assert (operation["state"], operation["result"]) == ("cancelled", None)
    assert await listed(session, me.organisation) == 0
    assert await session.scalar(select(func.count()).select_from(Upload)) == 0


async def test_an_operation_that_was_asked_to_stop_before_a_crash_stops(given, importing, session) -> None:
    me = await given.university()
    answer = await importing.hand_in(me, some_jsonl(*ROWS[:2]), "a.jsonl")
    await session.execute(text("update operation set state = 'running', cancel_asked_at = now()"))
    await session.commit()
    await jobs.run(importing.place, {"operation_id": answer.json()["id"]})
    assert (await importing.operation(me, answer))["state"] == "cancelled"


async def test_an_organisation_that_is_not_there_imports_nothing(place, tmp_path) -> None:
    (tmp_path / "file").write_bytes(some_jsonl(*ROWS[:2]))
    with pytest.raises(NotFound):
        await imports.run(place.database, Import(ListingKind.PROBLEM, uuid4(), "a.jsonl"), tmp_path / "file")


async def test_a_job_without_an_operation_does_nothing(place) -> None:
    await jobs.run(place, {"operation_id": str(uuid4())})


class CrashError(Exception):
    """The process dies here."""


@pytest.mark.parametrize("at", ["while checking", "in the middle of writing", "before the commit", "after the commit"])
async def test_a_crash_leaves_all_or_nothing_and_another_try_doubles_nothing(really, real, monkeypatch, at) -> None:
    me = await real.given.university()
    answer = await really.hand_in(me, some_jsonl(*ROWS), "a.jsonl")
    args = {"operation_id": answer.json()["id"]}
    with monkeypatch.context() as patch:

        async def crash(*_, **__):
            raise CrashError

        if at == "while checking":
            patch.setattr(reading, "check", crash)
        elif at == "in the middle of writing":
            chunk, calls = writing._chunk, []

            async def second(*more):
                calls.append(1)
                return await (crash() if len(calls) == 2 else chunk(*more))

            patch.setattr(writing, "_chunk", second)
        elif at == "before the commit":
            patch.setattr(jobs, "_record", crash)
        else:
            patch.setattr(imports, "_settle", crash)
        with pytest.raises(CrashError):
            await jobs.run(really.place, args)
    async with real.database.reading() as session:
        assert await listed(session, me.organisation) == (len(ROWS) if at == "after the commit" else 0)
        state = await session.scalar(select(Operation.state).where(Operation.id == UUID(args["operation_id"])))
        assert state is (OperationState.DONE if at == "after the commit" else OperationState.RUNNING)
    for _ in range(2):
        await jobs.run(really.place, args)
    operation = await really.operation(me, answer)
    assert (operation["state"], operation["result"]["created"]) == ("done", len(ROWS))
    async with real.database.reading() as session:
        assert await listed(session, me.organisation) == len(ROWS)


async def test_a_database_that_is_away_leaves_the_job_to_be_tried_again(given, importing, session, monkeypatch) -> None:
    me = await given.university()
    answer = await importing.hand_in(me, some_jsonl(*ROWS[:2]), "a.jsonl")

    async def away(*_, **__):
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(writing, "write", away)
        with pytest.raises(Unavailable):
            await jobs.run(importing.place, {"operation_id": answer.json()["id"]})
    assert (await importing.operation(me, answer))["state"] == "running"
    await jobs.run(importing.place, {"operation_id": answer.json()["id"]})
    assert (await importing.operation(me, answer))["state"] == "done"


async def test_a_key_that_is_taken_and_set_free_again_is_a_case_for_another_try(
    given, importing, session, monkeypatch
) -> None:
    me = await given.university()

    async def none(*_, **__):
        return []

    monkeypatch.setattr(writing, "_create", none)
    answer = await importing.hand_in(me, some_jsonl(*ROWS[:2]), "a.jsonl")
    with pytest.raises(Unavailable):
        await jobs.run(importing.place, {"operation_id": answer.json()["id"]})


async def test_an_import_that_nobody_moves_is_given_up(given, importing, session) -> None:
    me = await given.university()
    stuck = await importing.hand_in(me, some_jsonl(*ROWS[:2]), "a.jsonl")
    waiting = await importing.hand_in(me, some_jsonl(*ROWS[:2]), "a.jsonl")
    await session.execute(
        text("update operation set state = 'running' where id = :id"), {"id": UUID(stuck.json()["id"])}
    )
    await session.commit()
    await jobs.sweep(importing.place, {})
    assert (await importing.operation(me, stuck))["state"] == "running"
    with clock.ahead(timedelta(hours=2)):
        await jobs.sweep(importing.place, {})
    assert (await importing.operation(me, stuck))["state"] == "failed"
    assert (await importing.operation(me, waiting))["state"] == "waiting"
    assert await session.scalar(select(func.count()).select_from(Upload)) == 1


async def test_progress_grows_and_ends_at_the_whole(given, importing, session, monkeypatch) -> None:
    me = await given.university()
    progress, seen = operations.progress, []

    async def noting(session, id_, done, total) -> bool:
        seen.append((done, total))
        return await progress(session, id_, done, total)

    monkeypatch.setattr(operations, "progress", noting)
    await importing(me, some_jsonl(*ROWS), "a.jsonl")
    assert seen[:5] == [(250, 1200), (500, 1200), (850, 1200), (1100, 1200), (1200, 1200)]
    assert set(seen[5:]) == {(1200, 1200)}


async def test_a_turn_that_never_comes_is_refused(really, real, tmp_path, monkeypatch) -> None:
    me = await real.given.university()
    path = tmp_path / "file"
    path.write_bytes(some_jsonl(*ROWS[:2]))
    asked = Import(ListingKind.ACHIEVEMENT, me.organisation.id, "a.jsonl")
    monkeypatch.setattr(imports, "TURN_SECONDS", 0.1)
    monkeypatch.setattr(imports, "_LOOK_SECONDS", 0.05)
    async with real.database.writing.begin() as session:
        assert await writing.alone(session, asked.kind, asked.organisation_id)
        with pytest.raises(imports.AnotherImport):
            await imports.run(real.database, asked, path)


async def test_a_record_written_by_hand_in_the_same_moment_is_updated_and_not_doubled(
    really, real, tmp_path, monkeypatch
) -> None:
    me = await real.given.university()
    create, raced = writing._create, []

    async def rival(*more):
        if not raced:
            raced.append(1)
            body = {
                "title": "手工填写",
                "organisation_id": str(me.organisation.id),
                "source": "import",
                "external_id": "0",
            }
            assert (await me.post("/api/v1/achievements", body)).status_code == 201
        return await create(*more)

    monkeypatch.setattr(writing, "_create", rival)
    operation = await really(me, some_jsonl(*ROWS[:3]), "a.jsonl")
    assert (operation["result"]["created"], operation["result"]["updated"]) == (2, 1)


async def test_large_imports_work_their_rows_into_the_index_on_the_way(given, importing, monkeypatch) -> None:
    me = await given.university()
    monkeypatch.setattr(writing, "SETTLE_CHARACTERS", 1)
    settle, calls = writing.settle, []

    async def noting(session, **more):
        calls.append(more)
        await settle(session, **more)

    monkeypatch.setattr(writing, "settle", noting)
    assert (await importing(me, some_jsonl(*ROWS), "a.jsonl"))["state"] == "done"
    assert calls == [{}, {}, {}, {"afterwards": True}]


async def test_an_index_that_cannot_be_settled_is_left_to_the_server(given, importing, monkeypatch) -> None:
    me = await given.university()

    async def cannot(session, **_):
        raise TimeoutError

    monkeypatch.setattr(writing, "settle", cannot)
    assert (await importing(me, some_jsonl(*ROWS[:2]), "a.jsonl"))["state"] == "done"
