"""The planning process: `python -m marketplace.docking.planner`, told on standard input what to plan.

The timetable is computed here and not beside the event loop, so that whoever asks something meanwhile is answered. It
knows neither database nor settings. Standard output carries one JSON object a line: progress, then the plan, or what is
wrong with the agenda. A second line on standard input, or its end, asks for the plan so far.
"""

import json
import os
import sys
import threading
from typing import Any

from pydantic import TypeAdapter

from matching.timetable import Agenda, AgendaRefused, Plan, Progress

AGENDA: TypeAdapter[Agenda] = TypeAdapter(Agenda)
PLAN: TypeAdapter[Plan] = TypeAdapter(Plan)
NICE = 5
"""Those who ask come first on a machine that is busy."""


def say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def _tell(progress: Progress) -> None:
    say(
        stage=progress.stage,
        seconds=progress.seconds,
        meetings=progress.meetings,
        value=progress.value,
        value_bound=progress.value_bound,
    )


def _hear(cancel: threading.Event) -> None:
    sys.stdin.readline()
    cancel.set()


def main() -> None:
    from matching.timetable.solving import solve  # noqa: PLC0415 -- slow to import, and needed in this process alone

    os.nice(NICE)
    task = json.loads(sys.stdin.readline())
    cancel = threading.Event()
    threading.Thread(target=_hear, args=(cancel,), daemon=True).start()
    agenda = AGENDA.validate_python(task["agenda"])
    try:
        plan = solve(agenda, seconds=task["seconds"], seed=task["seed"], progress=_tell, cancel=cancel)
    except AgendaRefused as refused:
        say(refused=[[one.advice, *one.about] for one in refused.flaws[:20]])
        return
    say(plan=PLAN.dump_python(plan, mode="json"))


if __name__ == "__main__":
    main()
