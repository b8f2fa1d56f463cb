"""Importing as it happens: through a worker, in a process of its own, several at once."""

import asyncio

import pytest

from marketplace.imports import imports, remembering
from marketplace.imports.imports import Import
from marketplace.kernel.jobs import Worker
from marketplace.pairings.engine import Engine
from marketplace.wiring import JOBS, SCHEDULES
from schemas.imports import ImportKind, ImportResult
from schemas.listings import ListingKind
from tests.marketplace.imports.conftest import TEXT, some_jsonl

ROWS = [{"title": f"第{n}项成果", "text": TEXT, "id": str(n)} for n in range(1_200)]


async def ended(really, me, answer) -> dict:
    while True:
        operation = await really.operation(me, answer)
        if operation["ended_at"] is not None:
            return operation
        await asyncio.sleep(0.1)


async def test_a_real_worker_does_it_and_the_ranking_sees_it(really, real, tmp_path) -> None:
    me = await real.given.university()
    engine = Engine(real.database, tmp_path)
    await engine.load()
    before = len(engine.snapshot(ListingKind.ACHIEVEMENT))
    worker = Worker(really.place, JOBS, SCHEDULES)
    running = asyncio.create_task(worker.run())
    try:
        answer = await really.hand_in(me, some_jsonl(*ROWS), "a.jsonl", publish=True)
        async with asyncio.timeout(120):
            operation = await ended(really, me, answer)
    finally:
        await worker.stop()
        await running
    assert (operation["state"], operation["result"]["created"]) == ("done", len(ROWS))
    await engine.catch_up()
    assert len(engine.snapshot(ListingKind.ACHIEVEMENT)) == before + len(ROWS)


async def test_imports_of_one_organisation_take_turns(really, real, tmp_path, monkeypatch) -> None:
    me = await real.given.university()
    path = tmp_path / "file"
    path.write_bytes(some_jsonl(*ROWS[:600]))
    asked = [Import(ImportKind.ACHIEVEMENT, me.organisation.id, "a.jsonl") for _ in range(3)]
    monkeypatch.setattr(imports, "_LOOK_SECONDS", 0.05)
    results: list[ImportResult] = await asyncio.gather(*(imports.run(real.database, one, path) for one in asked))
    assert sorted((result.created, result.unchanged) for result in results) == [(0, 600), (0, 600), (600, 0)]
    with pytest.raises(remembering.DoneAlready):
        await imports.run(real.database, asked[0], path)
