"""Who meets whom, at which table, in which slot: wishes, absences and tables in; meetings and a proof out."""

from matching.timetable.agenda import (
    Agenda,
    Answer,
    Keeping,
    Meeting,
    Participant,
    Person,
    Published,
    Slot,
    Table,
    Wish,
    Worth,
)
from matching.timetable.checking import AgendaRefused, Flaw, FlawKind
from matching.timetable.comparing import Difference, Shift, compare
from matching.timetable.plan import (
    Ended,
    Level,
    Numbers,
    Objective,
    Plan,
    Progress,
    Stage,
    Status,
    Unplaced,
    Why,
)
from matching.timetable.solving import solve

__all__ = [
    "Agenda",
    "AgendaRefused",
    "Answer",
    "Difference",
    "Ended",
    "Flaw",
    "FlawKind",
    "Keeping",
    "Level",
    "Meeting",
    "Numbers",
    "Objective",
    "Participant",
    "Person",
    "Plan",
    "Progress",
    "Published",
    "Shift",
    "Slot",
    "Stage",
    "Status",
    "Table",
    "Unplaced",
    "Why",
    "Wish",
    "Worth",
    "compare",
    "solve",
]
