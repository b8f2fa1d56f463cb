"""What of all that was told about an instrument's use counts: mathematics alone, without a database.

Of one record of use the evidence of the highest rank stands: a keeper's word, then what a meter measured, then when
somebody came and went, then the instrument's log. Runs that overlap are one run. Of several records no minute of the
instrument counts twice: it belongs to the record whose evidence ranks higher; a metered run that nobody had booked, of which
nobody knows whom it served, is left what no other record accounts for. All of it follows from what was told alone,
so that it makes no difference in which order that arrived.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from schemas.bookings import UsageSource

RANK: Final = {UsageSource.LOG: 1, UsageSource.KIOSK: 2, UsageSource.METER: 3, UsageSource.KEEPER: 4}
_CORRECTED: Final = 5

Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Told:
    """What one source said of a use, as it said it."""

    source: UsageSource
    since: datetime
    until: datetime
    preparation: int = 0
    run: int = 0
    processing: int = 0
    samples: int | None = None
    device: UUID | None = None
    # A correction that a keeper accepted.
    corrects: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a record of use says."""

    source: UsageSource
    since: datetime
    until: datetime
    preparation: int
    run: int
    processing: int
    samples: int | None

    @property
    def effective(self) -> int:
        return self.preparation + self.run + self.processing


@dataclass(frozen=True, slots=True)
class Counted:
    """A record by its own evidence, and where in time its minutes lie."""

    numbers: Numbers
    stretches: tuple[Stretch, ...]
    rank: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A record among the others of its instrument. `named`: it says whom it served; a meter alone knows only when."""

    counted: Counted
    named: bool = True
    booked: bool = False


def minutes_between(since: datetime, until: datetime) -> int:
    """Whole minutes, begun ones counted; at least one."""
    return max(1, -int((since - until).total_seconds() // 60))


def merged(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """The same time, each moment of it once."""
    found: list[Stretch] = []
    for since, until in sorted(stretches):
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return tuple(found)


def counted(told: Sequence[Told]) -> Counted:
    """What a record says by everything that was told of it; there is something at least."""
    evidence = [one for one in told if not one.corrects]
    corrections = [one for one in told if one.corrects]
    if not corrections:
        return _by_source(evidence)
    last = max(corrections, key=_when)
    # What was told afterwards changes nothing of what the keeper decided on.
    source = _by_source([one for one in evidence if _when(one) <= _when(last)] or evidence).numbers.source
    # Who says that it was longer says that it went on.
    until = max(last.until, last.since + timedelta(minutes=last.preparation + last.run + last.processing))
    numbers = Numbers(source, last.since, until, last.preparation, last.run, last.processing, last.samples)
    return Counted(numbers, ((last.since, until),), _CORRECTED)


def _when(told: Told) -> float:
    return told.at.timestamp() if told.at is not None else 0.0


def _by_source(told: Sequence[Told]) -> Counted:
    source = max((one.source for one in told), key=RANK.__getitem__)
    best = [one for one in told if one.source is source]
    if source is UsageSource.METER:
        return _metered(best, [one for one in told if one.source is UsageSource.KIOSK])
    stretches = merged((one.since, one.until) for one in best)
    samples = [one.samples for one in best if one.samples is not None]
    numbers = Numbers(
        source, stretches[0][0], stretches[-1][1], sum(one.preparation for one in best), sum(one.run for one in best),
        sum(one.processing for one in best), sum(samples) if samples else None,
    )  # fmt: skip
    return Counted(_within(numbers, sum(minutes_between(*one) for one in stretches)), stretches, RANK[source])


def _metered(runs: Sequence[Told], left: Sequence[Told]) -> Counted:
    """Runs as one; preparation and post-processing as somebody said who left, before the first run and after the last."""
    stretches = merged((one.since, one.until) for one in runs)
    said = [*runs, *left]
    before, after = sum(one.preparation for one in said), sum(one.processing for one in said)
    # Two meters of one run count its samples, too.
    by_device: dict[UUID | None, int] = {}
    for one in runs:
        if one.samples is not None:
            by_device[one.device] = by_device.get(one.device, 0) + one.samples
    # Who left says it best.
    counts = [one.samples for one in left if one.samples is not None] or by_device.values()
    samples = max(counts, default=None)
    since, until = stretches[0][0], stretches[-1][1]
    run = min(sum(one.run for one in runs), sum(minutes_between(*one) for one in stretches))
    # What a meter's own time has no room for lies before and after it.
    spare = sum(minutes_between(*one) for one in stretches) - run
    early, late = max(0, before - spare), max(0, after - max(0, spare - before))
    whole = merged([(since - timedelta(minutes=early), since), *stretches, (until, until + timedelta(minutes=late))])
    numbers = Numbers(UsageSource.METER, whole[0][0], whole[-1][1], before, run, after, samples)
    return Counted(numbers, whole, RANK[UsageSource.METER])


def _within(numbers: Numbers, most: int) -> Numbers:
    """At most so many minutes: the run gives way first, then what came after it, then what came before."""
    over = numbers.effective - most
    left: list[int] = []
    for here in (numbers.run, numbers.processing, numbers.preparation):
        left.append(here - min(here, max(over, 0)))
        over -= here - left[-1]
    run, processing, preparation = left
    return replace(numbers, run=run, processing=processing, preparation=preparation)


def _shared(one: Sequence[Stretch], other: Sequence[Stretch]) -> float:
    """Seconds that two share."""
    return sum(
        max(0.0, (min(until, end) - max(since, start)).total_seconds()) for since, until in one for start, end in other
    )


@dataclass(frozen=True, slots=True)
class Granted:
    """What counts of a record. Where nothing of it does, `by` is the record that has its time."""

    numbers: Numbers
    by: UUID | None = None


def granted(claims: Mapping[UUID, Claim]) -> dict[UUID, Granted]:
    """What counts of each of some records of one instrument; a keeper's word is never cut.

    Each is left what those that rank higher cannot need of its time. They find room for all of their minutes whatever of
    the common time they take, so all minutes together fit into the time that the records cover.
    """
    order = sorted(claims, key=lambda key: _place(key, claims[key]))
    found: dict[UUID, Granted] = {}
    for key in order:
        one = claims[key].counted
        loss, most_shared, by = 0.0, 0.0, None
        for other, given in found.items():
            if given.numbers.until <= one.numbers.since or given.numbers.since >= one.numbers.until:
                continue
            shared = _shared(claims[other].counted.stretches, one.stretches)
            lost = min(given.numbers.effective * 60.0, shared)
            loss += lost
            if lost > most_shared:
                most_shared, by = lost, other
        found[key] = _left(one, loss, by)
    return found


def _place(key: UUID, claim: Claim) -> tuple[bool, bool, int, bool, datetime, datetime, str]:
    """Who comes first: a keeper's word, then who is named, then by rank; of equals whoever had booked, and came first."""
    rank, numbers = claim.counted.rank, claim.counted.numbers
    said = rank >= RANK[UsageSource.KEEPER]
    return not said, not claim.named, -rank, not claim.booked, numbers.since, numbers.until, str(key)


def fits(key: UUID, claims: Mapping[UUID, Claim]) -> bool:
    """Whether a keeper's word and those of other keepers about the same time fit into that time."""
    one = claims[key].counted
    room = 60 * sum(minutes_between(*stretch) for stretch in one.stretches)
    for other, claim in claims.items():
        if other != key and claim.counted.rank >= RANK[UsageSource.KEEPER]:
            room -= int(min(claim.counted.numbers.effective * 60.0, _shared(claim.counted.stretches, one.stretches)))
    return one.numbers.effective * 60 <= room


def _left(one: Counted, loss: float, by: UUID | None) -> Granted:
    if not loss or one.rank >= RANK[UsageSource.KEEPER]:
        return Granted(one.numbers)
    room = sum((until - since).total_seconds() for since, until in one.stretches) - loss
    numbers = _within(one.numbers, max(0, int(room // 60)))
    return Granted(numbers, None if numbers.effective else by)
