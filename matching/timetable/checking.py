"""Agendas that no timetable can be made of: refused with everything there is to change, at once."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from matching.timetable.agenda import Agenda, Keeping, Participant, Published, Wish


class FlawKind(StrEnum):
    NO_SLOTS = "no_slots"
    NO_TABLES = "no_tables"
    NO_PARTICIPANTS = "no_participants"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"
    TORN_SESSION = "torn_session"
    NEGATIVE = "negative"
    NOBODY = "nobody"
    SELF_WISH = "self_wish"
    SCORE = "score"
    LENGTH = "length"
    VISIT_WITHOUT_PLACE = "visit_without_place"
    PUBLISHED_WITHOUT_WISH = "published_without_wish"
    PUBLISHED_BREAKS_RULE = "published_breaks_rule"


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing to change: its kind, the ids that it is about, and what to do in both languages."""

    kind: FlawKind
    about: tuple[str, ...]
    advice: str

    def __str__(self) -> str:
        return f"{self.advice} [{', '.join(self.about)}]" if self.about else self.advice


class AgendaRefused(ValueError):  # noqa: N818 - a refusal, in the words of the house
    """议程无法排程。 · No timetable can be made of this agenda. ``flaws`` says what to change."""

    def __init__(self, flaws: Iterable[Flaw]) -> None:
        self.flaws = tuple(flaws)
        super().__init__("\n".join(map(str, self.flaws)))


_ADVICE = {
    FlawKind.NO_SLOTS: "请至少设置一个时段。 · Add at least one slot.",
    FlawKind.NO_TABLES: "请至少设置一张洽谈桌。 · Add at least one table.",
    FlawKind.NO_PARTICIPANTS: "请至少登记一位参会者。 · Add at least one participant.",
    FlawKind.DUPLICATE: "编号或约见重复，请只保留一个。 · Given twice; keep one of them.",
    FlawKind.UNKNOWN: "引用了不存在的编号，请更正或删除。 · Names something that is not in the agenda; correct or remove it.",
    FlawKind.TORN_SESSION: "同一场次的时段须连续排列。 · The slots of a session must follow each other; reorder or rename.",
    FlawKind.NEGATIVE: "数量不能为负。 · A number of meetings cannot be negative; use zero or leave it out.",
    FlawKind.NOBODY: "参会单位至少需要一位人员。 · A participant needs at least one person.",
    FlawKind.SELF_WISH: "不能约见自己。 · Nobody can wish to meet themselves; remove the wish.",
    FlawKind.SCORE: "匹配得分须在 0 到 1 之间。 · A match score lies between 0 and 1.",
    FlawKind.LENGTH: "时长须为一个或多个时段，且不超过最长的场次。 · A meeting takes one slot or more, and fits into a session.",
    FlawKind.VISIT_WITHOUT_PLACE: (
        "多时段的参观须指定地点。 · A visit of several slots must say where: give the wish or one side a table."
    ),
    FlawKind.PUBLISHED_WITHOUT_WISH: (
        "已公布的洽谈没有对应的约见，请补充约见或取消洽谈。 · A published meeting has no wish; add it, or cancel the meeting."
    ),
    FlawKind.PUBLISHED_BREAKS_RULE: (
        "已公布的洽谈违反规则，请取消或改为允许移动。"
        " · A published meeting breaks a rule; cancel it, or let published meetings move."
    ),
}


def flaw(kind: FlawKind, *about: str) -> Flaw:
    return Flaw(kind, about, _ADVICE[kind])


def check(agenda: Agenda) -> None:
    """AgendaRefused with all flaws, if there are any. What published meetings must keep is checked in ``keeping``."""
    flaws = [*_frame(agenda), *_people(agenda), *_wishes(agenda), *_published(agenda)]
    if flaws:
        raise AgendaRefused(flaws)


def _frame(agenda: Agenda) -> Iterator[Flaw]:
    for kind, given in (
        (FlawKind.NO_SLOTS, agenda.slots),
        (FlawKind.NO_TABLES, agenda.tables),
        (FlawKind.NO_PARTICIPANTS, agenda.participants),
    ):
        if not given:
            yield flaw(kind)
    yield from _twice(slot.id for slot in agenda.slots)
    yield from _twice(table.id for table in agenda.tables)
    ended: set[str] = set()
    for before, slot in zip(agenda.slots, agenda.slots[1:], strict=False):
        if slot.session != before.session:
            ended.add(before.session)
            if slot.session in ended:
                yield flaw(FlawKind.TORN_SESSION, slot.session)
    for table in agenda.tables:
        yield from _unknown(table.closed, {slot.id for slot in agenda.slots}, table.id)
    if agenda.floor < 0:
        yield flaw(FlawKind.NEGATIVE, "floor")
    worth = agenda.worth
    if min(worth.must, worth.meet, worth.both, worth.score, worth.one_sided, worth.unasked) < 0:
        yield flaw(FlawKind.NEGATIVE, "worth")


def _people(agenda: Agenda) -> Iterator[Flaw]:
    slots = {slot.id for slot in agenda.slots}
    tables = {table.id for table in agenda.tables}
    yield from _twice(each.id for each in agenda.participants)
    yield from _twice(person.id for each in agenda.participants for person in each.people)
    for each in agenda.participants:
        if not each.people:
            yield flaw(FlawKind.NOBODY, each.id)
        if min(each.floor or 0, each.most or 0, *(person.most or 0 for person in each.people), 0) < 0:
            yield flaw(FlawKind.NEGATIVE, each.id)
        if each.table is not None:
            yield from _unknown({each.table}, tables, each.id)
        for person in each.people:
            yield from _unknown(person.absent, slots, person.id)


def _wishes(agenda: Agenda) -> Iterator[Flaw]:
    known = {each.id: each for each in agenda.participants}
    tables = {table.id for table in agenda.tables}
    longest = max(Counter(slot.session for slot in agenda.slots).values(), default=0)
    yield from _twice(" + ".join(sorted(wish.pair)) for wish in agenda.wishes)
    for wish in agenda.wishes:
        if wish.first == wish.second:
            yield flaw(FlawKind.SELF_WISH, wish.first)
        yield from _unknown(wish.pair, known.keys(), *wish.pair)
        if wish.table is not None:
            yield from _unknown({wish.table}, tables, *wish.pair)
        if not 0 <= wish.score <= 1:
            yield flaw(FlawKind.SCORE, *wish.pair)
        if not 1 <= wish.length <= max(longest, 1):
            yield flaw(FlawKind.LENGTH, *wish.pair)
        if wish.length > 1 and not _placed(wish, known):
            yield flaw(FlawKind.VISIT_WITHOUT_PLACE, *wish.pair)


def _placed(wish: Wish, known: dict[str, Participant]) -> bool:
    return wish.table is not None or any(side in known and known[side].table is not None for side in wish.pair)


def _published(agenda: Agenda) -> Iterator[Flaw]:
    published = agenda.published
    if published is None:
        return
    yield from _unknown(published.late, {each.id for each in agenda.participants}, "late")
    yield from _twice(" + ".join(sorted(meeting.pair)) for meeting in published.meetings)
    if published.keeping is Keeping.FIXED:
        yield from _known_meetings(agenda, published)


def _known_meetings(agenda: Agenda, published: Published) -> Iterator[Flaw]:
    wished = {frozenset(wish.pair) for wish in agenda.wishes}
    slots = {slot.id for slot in agenda.slots}
    tables = {table.id for table in agenda.tables}
    of = {each.id: {person.id for person in each.people} for each in agenda.participants}
    for meeting in published.meetings:
        if frozenset(meeting.pair) not in wished:
            yield flaw(FlawKind.PUBLISHED_WITHOUT_WISH, *meeting.pair)
        yield from _unknown(meeting.slots, slots, *meeting.pair)
        yield from _unknown({meeting.table}, tables, *meeting.pair)
        for side, person in zip(meeting.pair, meeting.people, strict=True):
            yield from _unknown({person}, of.get(side, set()), *meeting.pair)


def _twice(ids: Iterable[str]) -> Iterator[Flaw]:
    yield from (flaw(FlawKind.DUPLICATE, each) for each, count in Counter(ids).items() if count > 1)


def _unknown(ids: Iterable[str], known: Iterable[str], *where: str) -> Iterator[Flaw]:
    yield from (flaw(FlawKind.UNKNOWN, each, *where) for each in sorted(set(ids) - set(known)))
