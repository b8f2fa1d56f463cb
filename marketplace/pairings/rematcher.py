"""The rematching process: `python -m marketplace.pairings.rematcher`, told on standard input which run to do.

Everybody is matched here and not beside the event loop, so that whoever asks something meanwhile is answered. What was
computed stands in the run's folder: a process that dies is followed by one that goes on where it stopped. Standard output
carries one JSON object a line: progress, then the end. When standard input ends, nobody waits for the answer any more.
"""

import asyncio
import json
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TextIO
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

import marketplace.reservations.models  # noqa: F401 -- a table that those of the instruments point at
from marketplace.kernel import clock, operations, work
from marketplace.kernel.db import Database
from marketplace.kernel.facts import record
from marketplace.kernel.prepared import connected
from marketplace.kernel.refusals import Refusal
from marketplace.pairings import facts, rematching
from marketplace.pairings.rematch_models import COLUMNS, KEPT, Rematch, RematchPair
from marketplace.pairings.rematching import Proposed, RematchRunning, Wish
from matching.segments.rematch import Run
from schemas.operations import OperationState
from schemas.rematches import Why

NICE: Final = 5
"""Those who ask come first on a machine that is busy."""
LOOK_SECONDS: Final = 1.0
COPIED: Final = 20_000

_answers: TextIO = sys.stdout

Told = Callable[[int, int], None]


async def carry_out(
    database: Database, home: Path, rematch_id: UUID, told: Told, *, threads: int = 2, scheduler: str | None = None
) -> None:
    """Do one run: match, share out, write down. Done twice it has one effect. ``work.Stopped`` when it is wanted no more."""
    async with database.writing.begin() as session:
        run = await session.get_one(Rematch, rematch_id, with_for_update=True)
        resumed = run.began_at is not None
        run.began_at = run.began_at or clock.now()
    wish = Wish(
        most=run.proposals, places=run.places, floor=run.floor, by_organisation=run.by_organisation, all=run.unfit
    )
    folder, by = await rematching.written_down(database, home), await rematching.words(database)
    while True:
        try:
            with rematching.begun(folder, depth=run.depth, anew=False, by=by, current=not resumed) as batch:
                await rematching.worded(database, batch, by)
                _match(batch, told, threads, scheduler)
                out = await rematching.proposed(database, batch, wish, back=True)
            break
        except RematchRunning:  # a terminal's, or that of a process whose worker has just died
            await asyncio.sleep(LOOK_SECONDS)
        except rematching.DepthDiffers:  # somebody else began another one meanwhile
            resumed = False
    async with database.writing.begin() as session:
        await _write(session, run, out)
        every = batch.progress()[1] + 1
        await operations.progress(session, run.operation_id, every, every)
        result = {"rematch_id": str(run.id), "short": out.short}
        await operations.end(session, run.operation_id, OperationState.DONE, result=result)


def _match(batch: Run, told: Told, threads: int, scheduler: str | None) -> None:
    """What is left of it; to share out and write down is one step more."""
    done, every = batch.progress()
    told(done, every + 1)
    rematching.match(batch, lambda done, every: told(done, every + 1), threads=threads, scheduler=scheduler)


async def _write(session: AsyncSession, run: Rematch, out: Proposed) -> None:
    await work.still_wanted(session, run.operation_id)
    await session.execute(delete(RematchPair).where(RematchPair.rematch_id == run.id))
    raw = await connected(session)
    rows, granted, passed = [], 0, 0
    for row in pairs(run, out):
        rows.append(tuple(row[name] for name in COLUMNS))
        granted, passed = granted + row["granted"], passed + (not row["granted"])
        if len(rows) == COPIED:
            await raw.copy_records_to_table(RematchPair.__tablename__, records=rows, columns=COLUMNS)
            rows = []
    await raw.copy_records_to_table(RematchPair.__tablename__, records=rows, columns=COLUMNS)
    numbers = {
        "problems": len(out.asking),
        "achievements": out.answering,
        "granted": granted,
        "passed": passed,
        "without": sum(not proposals for _, proposals, _ in out.asking),
        "short": out.short,
        "plain": out.plain,
        "total": out.total,
    }
    await session.execute(update(Rematch).where(Rematch.id == run.id).values(finished_at=clock.now(), **numbers))
    await _prune(session)
    await record(session, facts.RematchFinished(run.id), subject=run.id, by=run.made_by)


_SOME_GO: Final = """
with gone as (
    delete from rematch_pair where ctid = any(array(
        select ctid from rematch_pair where rematch_id = any($1) limit $2
    )) returning 1
)
select count(*) from gone
"""


async def _prune(session: AsyncSession) -> None:
    """The pairs of all runs but the latest few go; who asked for them, when, and what came of it stays."""
    old = (
        await session.scalars(
            select(Rematch.id)
            .where(Rematch.finished_at.is_not(None), Rematch.pruned_at.is_(None))
            .order_by(Rematch.finished_at.desc(), Rematch.id.desc())
            .offset(KEPT)
            .with_for_update()
        )
    ).all()
    if old:
        raw = await connected(session)
        # Some at a time: no statement takes longer than one may.
        while await raw.fetchval(_SOME_GO, list(old), COPIED):
            pass
        await session.execute(update(Rematch).where(Rematch.id.in_(old)).values(pruned_at=clock.now()))


def pairs(run: Rematch, out: Proposed) -> Iterator[dict[str, Any]]:
    """Every row of a run, with the reason of each: which place of how many, or to whom the places went."""
    taking: dict[str, list[tuple[float, str, str]]] = defaultdict(list)
    for problem, proposals, _ in out.asking:
        for one in proposals:
            taking[_limited(run, out, one.key)[0]].append((-one.score, problem, one.key))
    place = {
        (problem, key): number for those in taking.values() for number, (_, problem, key) in enumerate(sorted(those), 1)
    }
    for problem, proposals, passed in out.asking:
        for one in proposals:
            why = Why.FLOOR if one.kept else Why.GRANTED
            places = _limited(run, out, one.key)[1]
            yield _row(run, out, problem, one, why) | {"place": place[problem, one.key], "places": places}
        for over in passed:
            why = Why.ORGANISATION_FULL if run.by_organisation and not over.own else Why.TEAM_FULL
            spent = {"places": over.places, "lowest": over.lowest, "highest": over.highest}
            yield _row(run, out, problem, over, why) | spent


def _limited(run: Rematch, out: Proposed, key: str) -> tuple[str, int | None]:
    """Whose places an achievement takes, and how many those are."""
    named = out.names[key]
    if named.talks is not None:
        return key, named.talks
    return (str(named.organisation_id) if run.by_organisation else key), run.places


def _row(run: Rematch, out: Proposed, problem: str, one: Any, why: Why) -> dict[str, Any]:
    return {
        "rematch_id": run.id,
        "problem_id": UUID(problem),
        "achievement_id": UUID(one.key),
        "score": one.score,
        "rank": one.rank,
        "rank_back": out.back.get(one.key, {}).get(problem),
        "granted": why in {Why.GRANTED, Why.FLOOR},
        "why": why.value,
        "place": None,
        "places": None,
        "lowest": None,
        "highest": None,
    }


def say(**what: Any) -> None:
    _answers.write(json.dumps(what, ensure_ascii=True) + "\n")
    _answers.flush()


def _leave_with_the_worker() -> None:
    sys.stdin.read()
    os._exit(1)


async def _main(task: dict[str, Any]) -> None:
    database = Database(task["url"], pool_size=2, name="duijie-rematch")
    try:
        await carry_out(
            database,
            Path(task["home"]),
            UUID(task["rematch_id"]),
            lambda done, of: say(done=done, of=of),
            scheduler=task["scheduler"],
        )
        say(ended="done")
    except work.Stopped:
        say(ended="stopped")
    except Refusal as refusal:
        say(ended="refused", why=refusal.detail or refusal.title())
    finally:
        await database.close()


def main() -> None:
    global _answers  # noqa: PLW0603 -- set once, before anything is said
    os.nice(NICE)
    # What is logged on the way goes where the worker's own log goes, and not among the answers.
    _answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_leave_with_the_worker, daemon=True).start()
    asyncio.run(_main(task))


if __name__ == "__main__":
    main()
