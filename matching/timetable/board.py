"""The plan while it is being made: who sits where, and what stands in the way of a seating."""

from collections.abc import Iterable, Mapping

from matching.timetable.model import POOL, Model, Seating


class Board:
    """Meetings by wish. Every rule holds after each ``put``; ``blockers`` says who would have to leave first."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.at: dict[int, Seating] = {}
        self.who = [[-1] * model.slots for _ in model.people]
        self.place = [[-1] * model.slots for _ in model.open]
        self.pooled: list[dict[int, None]] = [{} for _ in range(model.slots)]
        self.room = model.capacity()
        self.person_count = [0] * len(model.people)
        self.count = [0] * len(model.of)
        for edge, (seating, _) in model.fixed.items():
            self.put(edge, seating)

    def put(self, edge: int, seating: Seating) -> None:
        one = self.model.edges[edge]
        self.at[edge] = seating
        for slot in one.span(seating):
            self.who[seating.first][slot] = self.who[seating.second][slot] = edge
            if one.place == POOL:
                self.pooled[slot][edge] = None
            else:
                self.place[one.place][slot] = edge
        self._count(edge, seating, 1)

    def lift(self, edge: int) -> Seating:
        one = self.model.edges[edge]
        seating = self.at.pop(edge)
        for slot in one.span(seating):
            self.who[seating.first][slot] = self.who[seating.second][slot] = -1
            if one.place == POOL:
                del self.pooled[slot][edge]
            else:
                self.place[one.place][slot] = -1
        self._count(edge, seating, -1)
        return seating

    def _count(self, edge: int, seating: Seating, by: int) -> None:
        self.person_count[seating.first] += by
        self.person_count[seating.second] += by
        for side in self.model.edges[edge].sides:
            self.count[side] += by

    def crowded(self, seating: Seating) -> bool:
        """Whether one of the two people has all the meetings they want."""
        most = self.model.person_most
        return any(self.person_count[each] >= most[each] for each in seating[1:])

    def full(self, edge: int) -> bool:
        """Whether one of the two sides has all the meetings it wants."""
        return any(self.count[side] >= self.model.most[side] for side in self.model.edges[edge].sides)

    def blockers(self, edge: int, seating: Seating) -> set[int]:
        """The meetings that hold the two people or the place of a seating; a full pool blocks without a name."""
        one = self.model.edges[edge]
        found = set()
        for slot in one.span(seating):
            found |= {self.who[seating.first][slot], self.who[seating.second][slot]}
            if one.place != POOL:
                found.add(self.place[one.place][slot])
        found.discard(-1)
        return found

    def packed(self, edge: int, seating: Seating) -> bool:
        """Whether the pool has no table left for a seating."""
        one = self.model.edges[edge]
        return one.place == POOL and any(len(self.pooled[slot]) >= self.room[slot] for slot in one.span(seating))

    def fits(self, edge: int, seating: Seating) -> bool:
        return not (self.blockers(edge, seating) or self.packed(edge, seating) or self.crowded(seating))

    def restore(self, kept: Mapping[int, Seating]) -> None:
        """The board as it was."""
        for edge in list(self.at):
            if kept.get(edge) != self.at[edge]:
                self.lift(edge)
        self.replaced((edge, seating) for edge, seating in kept.items() if edge not in self.at)

    def replaced(self, seats: Iterable[tuple[int, Seating]]) -> None:
        """Put anew what was lifted or never was there."""
        for edge, seating in seats:
            self.put(edge, seating)

    def value(self) -> int:
        return sum(self.model.edges[edge].value for edge in self.at)

    def reached(self) -> int:
        """Participants who have what they were promised."""
        return sum(have >= floor for have, floor in zip(self.count, self.model.floor, strict=True))
