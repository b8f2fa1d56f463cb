"""The rematching process, which stands still for good once a block has landed and says so with a file: to be killed there.

`python -m tests.marketplace.pairings.halting` in the place of the real one; only the first that comes to it stands still.
With an address and a folder behind it, it is a worker that starts such a process.
"""

import asyncio
import os
import sys
import threading
from pathlib import Path

from marketplace.kernel.db import Database
from marketplace.kernel.jobs import Place, Worker
from marketplace.pairings import rematch_job, rematcher
from marketplace.settings import Settings
from matching.segments.rematch import Block, Run

NAME = "tests.marketplace.pairings.halting"
_land = Run.land
_one_by_one = threading.Lock()


def marker(home: Path) -> Path:
    return home / "halted"


def _landing(run: Run, block: Block) -> None:
    told = marker(run.folder.parents[3])
    with _one_by_one:
        if told.exists():
            _land(run, block)
            return
        _land(run, block)
        told.with_suffix(".writing").write_text(str(os.getpid()))
        told.with_suffix(".writing").rename(told)
        threading.Event().wait()


def _work(url: str, home: str) -> None:
    rematch_job.PROCESS = NAME
    place = Place(Database(url), Settings(secret="x" * 40, home=Path(home)))
    asyncio.run(Worker(place, {rematch_job.JOB: rematch_job.run}, {}).run())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _work(sys.argv[1], sys.argv[2])
    else:
        Run.land = _landing
        rematcher.main()
