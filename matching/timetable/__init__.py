"""Who meets whom, at which table, in which slot: wishes, absences and tables in; meetings and a proof out.

    from matching.timetable.solving import solve  # apart, because the solver is slow to import

    plan = solve(Agenda(slots, tables, participants, wishes, floor=3), seconds=30, seed=1)

What counts
-----------
Level by level; one counts only among plans that are equal in all before it (``Objective``):

1.  floor: as many participants as possible reach the meetings that they were promised;
2.  value: what the granted wishes are worth (``Worth``), in thousandths, whole numbers so that "equal" means equal;
3.  moved: published meetings that are not where they were (only when a plan is made anew);
4.  idle: slots in which somebody who could meet waits between two meetings of a session;
5.  changes: of table, and once more of room, between two meetings of a session.

What always holds
-----------------
A person sits in one meeting at a time, and only when present. A table serves one meeting at a time, and only when open. A
pair meets once at most. Nobody, person or participant, has more meetings than they want. Both people of a meeting have a
language in common, where languages are given. A host stays at the host's table, a visit where it must be; such tables
serve nobody else. A visit takes consecutive slots of one session. Fixed meetings are there as they were. An agenda that
cannot be is refused at once with everything that is to be changed (``AgendaRefused``).

A participant is a meeting list. When several people share one, any of them may sit; who of them does is part of the plan.

How it is found, and what is proven (``solving``)
-------------------------------------------------
``choosing``     Which wishes, before when and where: a b-matching, by HiGHS, with Hall's condition for absences as cutting
                 planes. Every timetable obeys its rows, so it bounds floor and value from above.
``colouring``    Without absences, visits and hosts, between two sides: König's and de Werra's theorems seat any such choice
                 in polynomial time. The bound is met, always.
``placing``      Otherwise the chosen wishes are seated by guided ejection. If all find a seat, the bound is met: optimal.
``improving``    What is left over: a few slots at a time, solved exactly with all wishes that wait.
``smoothing``    Fewer idle slots, then fewer changes of table, with the same meetings: exchanges of two slots (Kempe),
                 annealed (``kernels``). No idle slot left: optimal.
``counting``     How many changes of table there are in every plan that is as good: a linear program.
``seating``      Tables, slot by slot as assignment problems, then exchanges of two tables (``kernels``).
``proving``      Small timetables as one whole-number program (``whole``), level by level: exact in all five.
``reasons``      For each wish that was not placed, why.

So the first two levels are usually proven for hundreds of participants, idle slots when there are none, changes of table
for small timetables; in dense ones their bound is near to what is reached. ``Level.bound`` says what is known;
``Level.gap`` is a proven distance, never an estimate.

Sizes, with n participants, w wishes, s slots: time of a stage is about linear in w · s; memory some 100 bytes per wish
and slot. One core is used.
"""

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
]
