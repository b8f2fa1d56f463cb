"""`python -m matching` compiles the kernels of the ranking and of the timetable, so that nobody waits for that first."""

from matching.segments.index import warm
from matching.timetable.agenda import Agenda, Answer, Participant, Slot, Table, Wish
from matching.timetable.solving import solve


def _crowded() -> Agenda:
    """Five whom five others want, and not tables enough for everybody to stay: every kernel has something to do."""
    sides = [[f"{side}{n}" for n in range(5)] for side in "ab"]
    return Agenda(
        slots=tuple(Slot(str(n), "am" if n < 4 else "pm") for n in range(8)),
        tables=tuple(Table(str(n), "east" if n % 2 else "west") for n in range(3)),
        participants=tuple(Participant.alone(id_) for side in sides for id_ in side),
        wishes=tuple(Wish(one, other, first_says=Answer.MEET) for one in sides[0] for other in sides[1]),
    )


if __name__ == "__main__":
    warm()
    solve(_crowded())
