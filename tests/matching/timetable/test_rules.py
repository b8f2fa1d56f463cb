"""Single rules and reasons, each on the smallest agenda that shows it."""

from dataclasses import replace
from threading import Event

import pytest

from matching.timetable import (
    Agenda,
    AgendaRefused,
    Answer,
    Ended,
    FlawKind,
    Keeping,
    Meeting,
    Objective,
    Participant,
    Person,
    Published,
    Slot,
    Stage,
    Table,
    Why,
    Wish,
    compare,
)
from matching.timetable.solving import solve
from tests.matching.timetable.given import broken_rules

SLOTS = tuple(Slot(f"s{n}") for n in range(3))
MUST, MEET = Answer.MUST, Answer.MEET


def alone(name, *absent, **more):
    return Participant.alone(name, absent=frozenset(absent), **more)


def agenda(*wishes, slots=2, tables=1, people=(), **more):
    """Wishes among a, b, c, … who are there all the time, unless given."""
    own = {each.id for each in people}
    others = sorted({side for wish in wishes for side in wish.pair} - own)
    places = tables if isinstance(tables, tuple) else tuple(Table(f"t{n}") for n in range(tables))
    return Agenda(SLOTS[:slots], places, (*people, *map(alone, others)), wishes, **more)


def why(given, **more):
    return {each.pair: each.why for each in solve(given, **more).unplaced}


def test_any_free_person_of_an_organisation_sits_for_it():
    org = Participant("org", (Person("ann", frozenset({"s0"})), Person("bob", frozenset({"s1"}))))
    plan = solve(agenda(Wish("org", "a", MEET), Wish("org", "b", MEET), tables=2, people=(org,)))
    assert {(meeting.people[0], meeting.slots) for meeting in plan.meetings} == {("bob", ("s0",)), ("ann", ("s1",))}


def test_two_people_of_an_organisation_meet_two_firms_at_once():
    org = Participant("org", (Person("ann"), Person("bob")))
    plan = solve(agenda(Wish("org", "a", MEET), Wish("org", "b", MEET), slots=1, tables=2, people=(org,)))
    assert {meeting.people[0] for meeting in plan.meetings} == {"ann", "bob"}


def test_the_person_who_speaks_the_language_sits():
    org = Participant("org", (Person("ann", languages=frozenset({"zh"})), Person("bob", languages=frozenset({"en"}))))
    guest = alone("guest", languages=frozenset({"en"}))
    plan = solve(agenda(Wish("org", "guest", MEET), people=(org, guest)))
    assert plan.meetings[0].people == ("bob", "guest")


def test_a_visit_takes_consecutive_slots_at_the_lab():
    tables = Table("t0"), Table("lab", "annex")
    given = agenda(Wish("a", "b", MUST, length=2, table="lab"), Wish("a", "c", MEET), slots=3, tables=tables)
    plan = solve(given)
    visit = next(meeting for meeting in plan.meetings if meeting.table == "lab")
    assert len(plan.meetings) == 2
    assert visit.slots in {("s0", "s1"), ("s1", "s2")}


def test_a_visit_does_not_go_through_a_break():
    given = agenda(Wish("a", "b", MUST, length=2, table="t0"))
    torn = replace(given, slots=(Slot("s0", "1"), Slot("s1", "2"), Slot("s2", "2")))
    assert solve(torn).meetings[0].slots == ("s1", "s2")


def test_the_promised_floor_goes_before_value():
    """One table, two slots: a and b would be worth most with c alone, but d was promised a meeting as well."""
    wishes = Wish("a", "c", MUST, MUST), Wish("b", "c", MUST, MUST), Wish("d", "e", MEET)
    plan = solve(agenda(*wishes, floor=1))
    assert plan.level(Objective.FLOOR).reached == 4
    assert ("d", "e") in {meeting.pair for meeting in plan.meetings}
    assert [each.why for each in plan.unplaced] == [Why.FLOOR]
    assert solve(agenda(*wishes)).unplaced[0].pair == ("d", "e")


def test_a_promise_is_filled_by_what_one_side_wants_before_what_nobody_asked_for_and_no_further():
    def fills(first, second, says=Answer.SILENT, score=0.0):
        return Wish(first, second, says, score=score, fills=True)

    wished = Wish("a", "b", MUST, MUST)
    asked, near, far = fills("c", "a", MEET), fills("d", "a", score=0.9), fills("d", "b", score=0.1)
    plan = solve(agenda(wished, asked, near, far, fills("c", "d"), slots=3, tables=2, floor=1))
    assert {meeting.pair for meeting in plan.meetings} == {wished.pair, asked.pair, near.pair}
    assert (plan.numbers.placed, plan.numbers.wishes, plan.numbers.filled) == (1, 1, 2)
    assert not plan.unplaced
    without = solve(agenda(wished, asked, near, far, slots=3, tables=2))
    assert {meeting.pair for meeting in without.meetings} == {wished.pair}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        pytest.param(
            agenda(Wish("x", "y"), people=(alone("x", "s0"), alone("y", "s1"))),
            Why.NO_COMMON_SLOT,
            id="never both there",
        ),
        pytest.param(
            agenda(
                Wish("x", "y"),
                people=(alone("x", languages=frozenset({"zh"})), alone("y", languages=frozenset({"en"}))),
            ),
            Why.NO_COMMON_LANGUAGE,
            id="no common language",
        ),
        pytest.param(
            agenda(Wish("x", "y"), tables=2, people=(alone("x", table="t0"), alone("y", table="t1"))),
            Why.HOSTS_APART,
            id="both stay at their tables",
        ),
        pytest.param(
            agenda(Wish("x", "y"), tables=(Table("t0", closed=frozenset({"s0"})),), people=(alone("x", "s1"),)),
            Why.NO_TABLE_OPEN,
            id="table closed when both are there",
        ),
        pytest.param(
            agenda(Wish("x", "y"), Wish("a", "b", MUST), slots=1), Why.NO_TABLE_LEFT, id="the only table is taken"
        ),
        pytest.param(
            agenda(Wish("x", "y"), Wish("x", "b", MUST), slots=1, tables=2),
            Why.PEOPLE_BUSY,
            id="busy with a better one",
        ),
        pytest.param(
            agenda(Wish("x", "y"), Wish("x", "b", MUST), tables=2, people=(Participant("x", (Person("x"),), most=1),)),
            Why.MAXIMUM_REACHED,
            id="a maximum reached by better wishes",
        ),
        pytest.param(
            agenda(
                Wish("x", "y", MUST),
                Wish("x", "b"),
                slots=1,
                published=Published((Meeting(("x", "b"), ("x", "b"), ("s0",), "t0"),)),
            ),
            Why.FIXED_MEETINGS,
            id="a published meeting stays",
        ),
    ],
)
def test_a_wish_that_was_not_placed_is_told_why(given, reason):
    assert why(given)["x", "y"] is reason


def test_a_meeting_that_holds_the_place_is_named():
    plan = solve(agenda(Wish("x", "y"), Wish("x", "b", MUST), slots=1, tables=2))
    assert plan.unplaced[0].instead == (("x", "b"),)


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        pytest.param({"slots": ()}, {FlawKind.NO_SLOTS}, id="no slots"),
        pytest.param({"tables": ()}, {FlawKind.NO_TABLES}, id="no tables"),
        pytest.param({"participants": (), "wishes": ()}, {FlawKind.NO_PARTICIPANTS}, id="nobody"),
        pytest.param({"slots": (SLOTS[0], SLOTS[0])}, {FlawKind.DUPLICATE}, id="a slot twice"),
        pytest.param({"tables": (Table("t0"), Table("t0"))}, {FlawKind.DUPLICATE}, id="a table twice"),
        pytest.param({"participants": (alone("a"), alone("b"), alone("a"))}, {FlawKind.DUPLICATE}, id="a person twice"),
        pytest.param({"wishes": (Wish("a", "b"), Wish("b", "a"))}, {FlawKind.DUPLICATE}, id="a pair twice"),
        pytest.param({"wishes": (Wish("a", "nobody"),)}, {FlawKind.UNKNOWN}, id="a wish to somebody unknown"),
        pytest.param({"wishes": (Wish("a", "a"),)}, {FlawKind.SELF_WISH}, id="a wish to oneself"),
        pytest.param({"wishes": (Wish("a", "b", score=1.5),)}, {FlawKind.SCORE}, id="a score above one"),
        pytest.param({"wishes": (Wish("a", "b", score=float("nan")),)}, {FlawKind.SCORE}, id="a score that is none"),
        pytest.param({"wishes": (Wish("a", "b", length=0),)}, {FlawKind.LENGTH}, id="no time at all"),
        pytest.param({"wishes": (Wish("a", "b", length=2),)}, {FlawKind.VISIT_WITHOUT_PLACE}, id="a visit nowhere"),
        pytest.param({"wishes": (Wish("a", "b", length=9, table="t0"),)}, {FlawKind.LENGTH}, id="a visit without end"),
        pytest.param({"floor": -1}, {FlawKind.NEGATIVE}, id="a negative floor"),
        pytest.param(
            {"participants": (alone("a", "noon"), Participant("b", (Person("b"),), most=-1))},
            {FlawKind.UNKNOWN, FlawKind.NEGATIVE},
            id="an unknown slot and a negative maximum",
        ),
        pytest.param({"participants": (alone("a"), Participant("b", ()))}, {FlawKind.NOBODY}, id="nobody to sit"),
        pytest.param(
            {"slots": (Slot("1", "am"), Slot("2", "pm"), Slot("3", "am"))}, {FlawKind.TORN_SESSION}, id="a torn session"
        ),
        pytest.param(
            {"published": Published((Meeting(("a", "c"), ("a", "c"), ("s0",), "t0"),))},
            {FlawKind.PUBLISHED_WITHOUT_WISH, FlawKind.UNKNOWN},
            id="published for nobody",
        ),
        pytest.param(
            {
                "participants": (alone("a", "s0"), alone("b")),
                "published": Published((Meeting(("a", "b"), ("a", "b"), ("s0",), "t0"),)),
            },
            {FlawKind.PUBLISHED_BREAKS_RULE},
            id="published for somebody who is away now",
        ),
    ],
)
def test_an_agenda_that_cannot_be_is_refused_with_what_to_change(change, kinds):
    with pytest.raises(AgendaRefused) as refused:
        solve(replace(agenda(Wish("a", "b", MEET)), **change))
    assert {flaw.kind for flaw in refused.value.flaws} == kinds
    assert all(" · " in flaw.advice for flaw in refused.value.flaws)


def test_published_meetings_that_cannot_both_stay_are_refused():
    held = tuple(Meeting(("a", side), ("a", side), ("s0",), f"t{n}") for n, side in enumerate("bc"))
    with pytest.raises(AgendaRefused, match="a, c"):
        solve(agenda(Wish("a", "b"), Wish("a", "c"), tables=2, published=Published(held)))


def test_who_came_late_only_fills_what_is_empty():
    """One table, two slots: the late must could push the early wish out, and may not; the second slot is free for it."""
    early = agenda(Wish("a", "b", MEET), slots=2)
    published = Published(solve(early).meetings, Keeping.FEWEST_MOVES, late=frozenset({"l"}))
    late = replace(
        early,
        participants=(*early.participants, alone("l")),
        wishes=(*early.wishes, Wish("l", "a", MUST, MUST), Wish("l", "b", MUST, MUST)),
        published=published,
    )
    plan = solve(late)
    assert published.meetings[0] in plan.meetings
    assert len(plan.meetings) == 2
    assert plan.level(Objective.MOVED).reached == 0
    assert published.meetings[0] not in solve(replace(late, published=None, slots=late.slots)).meetings


def crowd(count=12, slots=4):
    wishes = [
        Wish(f"a{n}", f"b{(n * step) % count}", MEET, score=(n % 10) / 10) for n in range(count) for step in (1, 5, 7)
    ]
    return agenda(*dict.fromkeys(wishes), slots=min(slots, 3), tables=4, floor=1)


def test_the_same_seed_gives_the_same_plan():
    assert solve(crowd(), seed=3).meetings == solve(crowd(), seed=3).meetings


def test_a_cancelled_search_still_gives_a_plan_that_keeps_all_rules():
    cancel, given = Event(), crowd()

    def stop(progress):
        if progress.stage is Stage.PLACING:
            cancel.set()

    plan = solve(given, cancel=cancel, progress=stop)
    assert plan.ended is Ended.CANCELLED
    assert broken_rules(given, plan.meetings) == []


def test_no_time_at_all_gives_a_plan_with_an_honest_gap():
    given = crowd()
    plan, best = solve(given, seconds=0), solve(given)
    assert plan.ended is Ended.OUT_OF_TIME
    assert broken_rules(given, plan.meetings) == []
    for quick, full in zip(plan.levels[:2], best.levels[:2], strict=True):
        assert quick.reached <= full.reached <= quick.bound


def test_progress_ends_with_what_the_plan_holds():
    told = []
    plan = solve(crowd(), progress=told.append)
    assert told[-1].stage is Stage.DONE
    assert (told[-1].meetings, told[-1].value) == (len(plan.meetings), plan.numbers.value)


def test_two_drafts_are_compared_by_who_gains_and_who_loses():
    given = agenda(Wish("a", "b", MUST), Wish("a", "c", MEET), slots=1)
    other = replace(given, participants=(alone("a"), alone("b", "s0"), alone("c")))
    found = compare(given, solve(given), solve(other))
    assert [shift.participant for shift in found.gain] == ["c"]
    assert [(shift.participant, shift.value) for shift in found.lose] == [("b", (8000, 0)), ("a", (8000, 3000))]
    assert [meeting.pair for meeting in found.added] == [("a", "c")]
    assert [meeting.pair for meeting in found.dropped] == [("a", "b")]


def test_a_meeting_at_another_time_is_one_that_moved():
    given = agenda(Wish("a", "b", MUST))
    one = solve(replace(given, participants=(alone("a", "s0"), alone("b"))))
    other = solve(replace(given, participants=(alone("a", "s1"), alone("b"))))
    assert [(was.slots, now.slots) for was, now in compare(given, one, other).moved] == [(("s1",), ("s0",))]
