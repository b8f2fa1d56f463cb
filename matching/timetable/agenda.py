"""What is given: slots, tables, participants with their people, wishes, and what was published before."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

NOBODY: Final[frozenset[str]] = frozenset()


class Answer(StrEnum):
    """What one side says of meeting the other. Who says "no thanks" makes no wish: leave the pair out."""

    MUST = "must"
    MEET = "meet"
    SILENT = "silent"


class Keeping(StrEnum):
    """What becomes of the meetings that were published before."""

    FIXED = "fixed"
    """All stay as they are; the rest is planned around them."""
    FEWEST_MOVES = "fewest_moves"
    """They may move or go where floor or value gain by it, as few as possible."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of time; the agenda lists them in order. Slots of one session follow each other without a break."""

    id: str
    session: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A place where one meeting at a time can sit. ``closed``: the slots in which it is not there."""

    id: str
    room: str = ""
    closed: frozenset[str] = NOBODY


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sit in one meeting at a time.

    ``absent``: slots in which they cannot. ``most``: meetings they want at most. ``languages``: none given means any.
    """

    id: str
    absent: frozenset[str] = NOBODY
    most: int | None = None
    languages: frozenset[str] = NOBODY


@dataclass(frozen=True, slots=True)
class Participant:
    """One meeting list, kept by one person or shared by several of an organisation: any one of them may sit.

    ``floor``: the meetings promised to it (None: the agenda's). ``most``: meetings at most, of all its people together.
    ``table``: where it stays, if it does; then the other side comes to it.
    """

    id: str
    people: tuple[Person, ...]
    floor: int | None = None
    most: int | None = None
    table: str | None = None

    @classmethod
    def alone(
        cls,
        id: str,
        *,
        absent: frozenset[str] = NOBODY,
        most: int | None = None,
        languages: frozenset[str] = NOBODY,
        floor: int | None = None,
        table: str | None = None,
    ) -> Self:
        """A participant who is one person, under the same id."""
        return cls(id, (Person(id, absent, None, languages),), floor, most, table)


@dataclass(frozen=True, slots=True)
class Wish:
    """A pair that may meet, once. ``score``: the match score, 0 to 1; a pair of which nobody spoke can serve the floor.

    ``fills``: it may serve the floor and nothing else, so that it has a cost and no worth: less where one side asks.
    ``length``: consecutive slots of one session, more than one for a visit. ``table``: where it must be, a lab say.
    """

    first: str
    second: str
    first_says: Answer = Answer.SILENT
    second_says: Answer = Answer.SILENT
    score: float = 0.0
    length: int = 1
    table: str | None = None
    fills: bool = False

    @property
    def pair(self) -> tuple[str, str]:
        return self.first, self.second


@dataclass(frozen=True, slots=True)
class Worth:
    """What a wish is worth, in thousandths: each side's answer, more when both ask, and the match score on top.

    A pair that only fills costs ``one_sided`` where a side asks for it, and otherwise ``unasked`` less its match score.
    So a promise is kept by what people want as far as that goes, then by what one of two wants, then by the best matches.
    """

    must: int = 8_000
    meet: int = 3_000
    both: int = 2_000
    score: int = 1_000
    one_sided: int = 250
    unasked: int = 2_500

    def of(self, wish: Wish) -> int:
        if wish.fills:
            asked = (wish.first_says, wish.second_says) != (Answer.SILENT, Answer.SILENT)
            return -self.one_sided if asked else min(0, round(self.score * wish.score) - self.unasked)
        said = {Answer.MUST: self.must, Answer.MEET: self.meet, Answer.SILENT: 0}
        mutual = self.both if Answer.SILENT not in (wish.first_says, wish.second_says) else 0
        return said[wish.first_says] + said[wish.second_says] + mutual + round(self.score * wish.score)


@dataclass(frozen=True, slots=True)
class Meeting:
    """Who meets whom, when, where. ``people`` in the order of ``pair``; ``slots`` are consecutive."""

    pair: tuple[str, str]
    people: tuple[str, str]
    slots: tuple[str, ...]
    table: str


@dataclass(frozen=True, slots=True)
class Published:
    """Meetings that people already know of. ``late``: participants who may only fill what the others leave empty."""

    meetings: tuple[Meeting, ...]
    keeping: Keeping = Keeping.FIXED
    late: frozenset[str] = NOBODY


@dataclass(frozen=True, slots=True)
class Agenda:
    """Everything that a timetable is made of. ``floor``: meetings promised to each participant without its own."""

    slots: tuple[Slot, ...]
    tables: tuple[Table, ...]
    participants: tuple[Participant, ...]
    wishes: tuple[Wish, ...]
    floor: int = 0
    worth: Worth = field(default_factory=Worth)
    published: Published | None = None
