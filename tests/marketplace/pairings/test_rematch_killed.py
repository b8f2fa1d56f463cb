"""What works on a rematch is killed, really and in the middle: another goes on, and what comes of it is the same."""

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from marketplace.kernel import clock
from marketplace.kernel.jobs import Pace, Place, Worker
from marketplace.pairings import rematch_job, rematcher
from marketplace.pairings.rematch_models import COLUMNS, RematchPair
from matching.segments.rematch import Run
from tests.given import listings
from tests.marketplace.kernel.test_jobs import until
from tests.marketplace.pairings import halting

URL = "/api/v1/rematches"
SIDE = 1100
"""Two blocks a side."""
BLOCKS = 4
LONGEST = 120
"""Seconds: only ends a hang."""

_WHAT = ["固态电解质", "钛合金", "人参皂苷", "轴承钢", "陶瓷窑", "水稻", "汽轮机", "石墨烯", "光伏", "污泥"]
_OF_IT = ["界面", "疲劳", "提取", "检测", "节能", "育种", "振动", "涂层", "组件", "脱水", "铸造", "焊接", "干燥"]


@pytest.fixture
async def market(given_there):
    university, firm, admin = await given_there.university(), await given_there.enterprise(), await given_there.admin()
    # Confirmed tomorrow: freshness is 1 at whatever moment a run is.
    fresh = {"confirmed_at": clock.now() + timedelta(days=1)}
    titles = [
        f"{_WHAT[n % len(_WHAT)]}的{_OF_IT[n % len(_OF_IT)]}与{_WHAT[n % 7]}{_OF_IT[n % 11]}" for n in range(SIDE)
    ]
    await listings.achievements(
        given_there.session, university.organisation, *({"title": one, "description": one, **fresh} for one in titles)
    )
    await listings.problems(
        given_there.session, firm.organisation, *({"title": f"求{one}", "description": one, **fresh} for one in titles)
    )
    return admin


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def read(path: Path):
    return path.read_text() if path.exists() else None


async def asked(admin):
    answer = await admin.post(URL, json={"unfit": True, "places": 3, "depth": 20})
    assert answer.status_code == 202, answer.text
    return answer.json()


async def came_of(standing, run):
    """Every row of a run, whichever run it is."""
    async with standing.session() as session:
        rows = (await session.scalars(select(RematchPair).where(RematchPair.rematch_id == run["id"]))).all()
    return sorted([str(getattr(row, name)) for name in COLUMNS if name != "rematch_id"] for row in rows)


async def undisturbed(standing, admin, folder):
    """The rows and the blocks of a run that nobody disturbs, in a home of its own."""
    run = await asked(admin)
    async with standing.session() as session, session.begin():
        assert await rematch_job.work.begin(session, run["operation_id"])
    await rematcher.carry_out(standing.database, folder, run["id"], lambda _done, _of: None, threads=1)
    assert (await admin.get(f"{URL}/{run['id']}")).json()["state"] == "done"
    return await came_of(standing, run), landed(folder)


def landed(home):
    return {path.name: path.read_bytes() for path in home.glob("ranking/*/rematch/run/*.answers")}


def run_in(home):
    (folder,) = home.glob("ranking/*/rematch/run")
    return Run(folder)


@asynccontextmanager
async def halted(home):
    """Once one has landed a block and stands still: its pid, and what had landed."""
    await until(partial(asyncio.to_thread, read, halting.marker(home)), LONGEST)
    before = landed(home)
    assert len(before) == 1
    assert len(run_in(home).left()) == BLOCKS - 1
    yield int(read(halting.marker(home))), before


async def done(admin, run):
    return (await admin.get(f"{URL}/{run['id']}")).json()["state"] in {"done", "failed", "cancelled"}


async def test_a_rematching_process_that_is_killed_is_followed_by_another(
    standing, settings, market, tmp_path_factory, monkeypatch
):
    rows, blocks = await undisturbed(standing, market, tmp_path_factory.mktemp("undisturbed"))
    assert len(blocks) == BLOCKS
    assert len(rows) > SIDE
    monkeypatch.setattr(rematch_job, "PROCESS", halting.NAME)
    run = await asked(market)
    place = Place(standing.database, settings)
    job = asyncio.create_task(rematch_job.run(place, {"operation_id": run["operation_id"], "rematch_id": run["id"]}))
    async with halted(settings.home) as (pid, before):
        os.kill(pid, signal.SIGKILL)
    await job
    shown = (await market.get(f"{URL}/{run['id']}")).json()
    assert (shown["state"], shown["error"]) == ("done", None)
    assert await came_of(standing, run) == rows
    assert landed(settings.home) == blocks
    assert before.items() <= blocks.items()


async def test_a_worker_that_is_killed_takes_its_process_along_and_another_worker_goes_on(
    standing, settings, market, tmp_path_factory
):
    rows, blocks = await undisturbed(standing, market, tmp_path_factory.mktemp("undisturbed"))
    run = await asked(market)
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", halting.NAME, standing.database.url, str(settings.home)
    )
    async with halted(settings.home) as (pid, before):
        stamps = {path: path.stat().st_mtime_ns for path in run_in(settings.home).folder.glob("*.answers")}
        assert (await market.get(f"{URL}/{run['id']}")).json()["state"] == "running"
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
        await until(partial(asyncio.to_thread, gone, pid), LONGEST)
    assert landed(settings.home) == before, "nobody works on it any more"
    quick = Pace(heartbeat=timedelta(seconds=1))
    other = Worker(Place(standing.database, settings), {rematch_job.JOB: rematch_job.run}, {}, quick)
    working = asyncio.create_task(other.run())
    try:
        await until(partial(done, market, run), LONGEST)
    finally:
        await other.stop()
        await working
    assert (await market.get(f"{URL}/{run['id']}")).json()["state"] == "done"
    assert await came_of(standing, run) == rows
    assert landed(settings.home) == blocks
    assert stamps.items() <= {path: path.stat().st_mtime_ns for path in stamps}.items(), "what had landed stays"


async def test_a_process_that_dies_again_and_again_without_getting_further_is_given_up(
    standing, settings, market, monkeypatch
):
    monkeypatch.setattr(rematch_job, "PROCESS", "tests.marketplace.pairings.no_such_process")
    run = await asked(market)
    place = Place(standing.database, settings)
    await rematch_job.run(place, {"operation_id": run["operation_id"], "rematch_id": run["id"]})
    shown = (await market.get(f"{URL}/{run['id']}")).json()
    assert shown["state"] == "failed"
    assert "请重新开始" in shown["error"]
