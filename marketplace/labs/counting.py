"""Records of use put down, and kept true to all that was told of them: see `runs` for what counts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock
from marketplace.kernel.facts import record
from marketplace.kernel.refusals import Conflict, refusing
from marketplace.labs import facts, runs
from marketplace.labs.booking_models import Adjustment, Evidence, Usage
from marketplace.labs.runs import Claim, Counted, Granted, Told
from schemas.bookings import AdjustmentState, UsageNumbers, UsageSource
from schemas.labs import CustomerClass

NUMBERS: Final = tuple(UsageNumbers.model_fields)
MINUTES: Final = ("preparation_minutes", "run_minutes", "processing_minutes")
_PARTS: Final = {"preparation_minutes": "preparation", "run_minutes": "run", "processing_minutes": "processing"}
# Its charge refuses to change: it stays as it is, and the others take what is left.
_FROZEN: Final = 9


class EnteredAlready(Conflict):
    """此预约的机时已经录入；如需更正，请提出更正申请。 · The use of this booking is written down already; ask for an adjustment."""


class MoreThanTheClock(Conflict):
    """同一时段其他由管理员录入的机时加上这条，超过了这段时间本身。请核对起止时间和分钟数。 · With what keepers wrote down of the same time already, this is longer than that time. Look at the times and the minutes again."""


SAID_LEAVING: Final = "签退时填写。 · Said at checking out."
RAN_AGAIN: Final = "同一预约内又一次运行，由计量终端计入。 · Another run within the same booking, added by the meter."
MEASURED: Final = "计量终端测得的时间代替了此前的记录。 · What the meter measured takes the place of what stood."
CAME_AND_WENT: Final = "签到签退的时间代替了日志中的记录。 · Coming and going take the place of what the log said."
LOGGED: Final = "日志中的又一行。 · Another row of the log."
OVERLAPPED: Final = (
    "与同一仪器等级更高的记录重叠的时间只计一次。 · Time that overlaps with a record of higher rank counts once."
)
ENTERED_AGAIN: Final = "撤回后重新录入。 · Entered anew after it was withdrawn."
GIVEN_BACK: Final = (
    "占用这段时间的录入已撤回，时间归还本条。 · The entry that had this time was withdrawn; this record has it again."
)
SAID_BY_US: Final = {
    SAID_LEAVING, RAN_AGAIN, MEASURED, CAME_AND_WENT, LOGGED, OVERLAPPED, ENTERED_AGAIN, GIVEN_BACK,
}  # fmt: skip


def counts() -> ColumnElement[bool]:
    """Records that have some time: no other record has it, and they were not withdrawn."""
    return Usage.superseded_by_id.is_(None) & Usage.withdrawn_at.is_(None)


def written(instrument_id: UUID, source: UsageSource, by: UUID | None, values: dict[str, Any]) -> Usage:
    """A record of use that is to be put down, wherever it was measured."""
    now = clock.now()
    return Usage(
        instrument_id=instrument_id, source=source, entered_by=by, created_at=now, updated_at=now, version=1, **values
    )


def numbers(usage: Usage) -> dict[str, Any]:
    return {name: getattr(usage, name) for name in NUMBERS}


def told_of(usage: Usage, *, device: UUID | None = None) -> Evidence:
    """What is put down as the first that was told of it."""
    return Evidence(
        usage_id=usage.id, instrument_id=usage.instrument_id, source=usage.source, device_id=device,
        starts_at=usage.starts_at, ends_at=usage.ends_at, told_by=usage.entered_by, told_at=clock.now(),
        **numbers(usage),
    )  # fmt: skip


async def put(
    session: AsyncSession, *usages: Usage, asked_by: UUID | None, device: UUID | None = None, strict: bool = False
) -> Usage:
    """Put records of use down, each with its fact, and count anew what they overlap with; answers the last one.

    The use of a booking is put down once. Whoever calls is alone with the calendar of the instrument. `strict`: what a
    keeper says has to fit in with what keepers have said.
    """
    with refusing(usage_booking_key=EnteredAlready):
        async with session.begin_nested():
            session.add_all(usages)
    session.add_all([told_of(usage, device=device) for usage in usages])
    await session.flush()
    ids = {usage.id for usage in usages}
    for instrument_id, several in groupby(
        sorted(usages, key=lambda one: one.instrument_id), lambda one: one.instrument_id
    ):
        here = list(several)
        await settle(
            session, instrument_id, min(one.starts_at for one in here), max(one.ends_at for one in here),
            asked_by=asked_by, fresh=ids, cause=here[0].id if len(here) == 1 else None,
            strict=here[0].id if strict else None,
        )  # fmt: skip
    for usage in usages:
        entered = facts.UsageEntered(usage.id, usage.instrument_id)
        await record(session, entered, subject=usage.id, by=usage.entered_by)
    return usages[-1]


async def tell(
    session: AsyncSession, usage: Usage, evidence: Evidence, reason: str, *, asked_by: UUID, strict: bool = False
) -> bool:
    """Something more is told of a record that stands. Answers whether it changed what counts of it."""
    usage_id, instrument_id = usage.id, usage.instrument_id
    since, until = min(usage.starts_at, evidence.starts_at), max(usage.ends_at, evidence.ends_at)
    session.add(evidence)
    await session.flush()
    changed = await settle(
        session, instrument_id, since, until, asked_by=asked_by, about=usage_id, reason=reason,
        strict=usage_id if strict else None,
    )  # fmt: skip
    return usage_id in changed


async def withdraw(session: AsyncSession, usage: Usage, reason: str, *, by: UUID) -> bool:
    """Take back what keepers said of a record: it says what others told of it, or counts no more. False: nothing to."""
    said = await session.scalars(
        select(Evidence)
        .where(Evidence.usage_id == usage.id, Evidence.source == UsageSource.KEEPER, Evidence.withdrawn_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    rows = said.all()
    # Without an entry of theirs there are corrections alone, and those were asked for.
    if all(one.adjustment_id is not None for one in rows):
        return False
    for one in rows:
        one.withdrawn_at, one.withdrawn_by = clock.now(), by
    await session.flush()
    await settle(
        session, usage.instrument_id, usage.starts_at, usage.ends_at, asked_by=by, about=usage.id, reason=reason,
        others=GIVEN_BACK,
    )  # fmt: skip
    return True


class _Stuck(Exception):  # noqa: N818 -- never leaves this module
    def __init__(self, usage_id: UUID) -> None:
        self.usage_id = usage_id


async def settle(
    session: AsyncSession,
    instrument_id: UUID,
    since: datetime,
    until: datetime,
    *,
    asked_by: UUID | None,
    fresh: Collection[UUID] = (),
    about: UUID | None = None,
    cause: UUID | None = None,
    reason: str = OVERLAPPED,
    others: str = OVERLAPPED,
    strict: UUID | None = None,
) -> set[UUID]:
    """Let the records of some time say what counts of all that was told. Answers which of them changed.

    `fresh` ones have no fact and no charge yet; the others are changed by corrections that wait for nobody, the one that
    this is `about` for its own reason, the `others` because of it or of the `cause`. A record whose charge refuses to
    change stays as it is, and the others take what is left.
    """
    frozen: set[UUID] = set()
    while True:
        rows, claims = await _component(session, instrument_id, since, until, frozen)
        if strict is not None and not runs.fits(strict, claims):
            raise MoreThanTheClock
        found = runs.granted(claims)
        changed: set[UUID] = set()
        try:
            async with session.begin_nested():
                # What becomes less gives back before another takes.
                for usage in sorted(rows, key=lambda one: _minutes(found, one.id) - one.effective_minutes):
                    own = usage.id == about
                    why = _Why(reason if own else others, None if own else about or cause, asked_by)
                    if await _say(session, usage, found.get(usage.id), why, fresh=usage.id in fresh):
                        changed.add(usage.id)
        except _Stuck as stuck:
            frozen.add(stuck.usage_id)
        else:
            return changed


def _minutes(found: Mapping[UUID, Granted], usage_id: UUID) -> int:
    return found[usage_id].numbers.effective if usage_id in found else 0


@dataclass(frozen=True, slots=True)
class _Why:
    """For what reason a record changes, because of which other one, and on whose behalf."""

    reason: str
    cause: UUID | None
    asked_by: UUID | None


async def _say(session: AsyncSession, usage: Usage, found: Granted | None, why: _Why, *, fresh: bool) -> bool:
    """Let a record say what is left of it; without anything that is told of it, it is withdrawn."""
    if found is None:
        wished: dict[str, Any] = dict.fromkeys(_PARTS, 0) | {"samples": usage.samples}
        beside: dict[str, Any] = {"superseded_by_id": None, "withdrawn_at": usage.withdrawn_at or clock.now()}
    else:
        say = found.numbers
        wished = {name: getattr(say, part) for name, part in _PARTS.items()} | {"samples": say.samples}
        beside = {
            "source": say.source, "starts_at": say.since, "ends_at": say.until, "superseded_by_id": found.by,
            "withdrawn_at": None,
        }  # fmt: skip
    if all(getattr(usage, name) == value for name, value in (wished | beside).items()):
        return False
    if fresh or why.asked_by is None:
        for name, value in (wished | beside).items():
            setattr(usage, name, value)
        await session.flush()
        return True
    usage_id, cause = usage.id, why.cause or (found.by if found is not None else None)
    try:
        await amend(session, usage, wished, why.reason, asked_by=why.asked_by, beside=beside, cause=cause)
    except Conflict:
        raise _Stuck(usage_id) from None
    return True


async def amend(
    session: AsyncSession,
    usage: Usage,
    wished: Mapping[str, Any],
    reason: str,
    *,
    asked_by: UUID,
    beside: Mapping[str, Any] | None = None,
    cause: UUID | None = None,
) -> None:
    """Change a locked record by a correction that waits for nobody; what it said before is kept like any other's."""
    now, before = clock.now(), numbers(usage)
    adjustment = Adjustment(
        usage_id=usage.id, cause_id=cause, state=AdjustmentState.ACCEPTED, reason=reason, wished=before | dict(wished), before=before,
        asked_by=asked_by, asked_at=now, decided_at=now,
    )  # fmt: skip
    session.add(adjustment)
    for name, value in (dict(wished) | dict(beside or {})).items():
        setattr(usage, name, value)
    usage.version += 1
    usage.updated_at = now
    await session.flush()
    decided = facts.AdjustmentDecided(usage.id, adjustment.id, accepted=True)
    await record(session, decided, subject=usage.id, by=None)


async def _component(
    session: AsyncSession, instrument_id: UUID, since: datetime, until: datetime, frozen: Collection[UUID]
) -> tuple[list[Usage], dict[UUID, Claim]]:
    """The records of some time with all that overlap with them, and what was told of each."""
    while True:
        rows = list(
            await session.scalars(
                select(Usage)
                .where(Usage.instrument_id == instrument_id, Usage.starts_at < until, Usage.ends_at > since)
                .order_by(Usage.starts_at, Usage.id)
                .with_for_update(of=Usage)
                .execution_options(populate_existing=True)
            )
        )
        told = await _told(session, [row.id for row in rows])
        claims = {row.id: claim for row in rows if (claim := _claim(row, told.get(row.id), frozen)) is not None}
        ends = [(one.counted.numbers.since, one.counted.numbers.until) for one in claims.values()]
        ends += [(row.starts_at, row.ends_at) for row in rows]
        first, last = min(one for one, _ in [*ends, (since, since)]), max(one for _, one in [*ends, (until, until)])
        if first >= since and last <= until:
            return rows, claims
        since, until = min(first, since), max(last, until)


async def _told(session: AsyncSession, usage_ids: Collection[UUID]) -> dict[UUID, list[Told]]:
    """What was told of each record and not taken back; of what was all taken back, nothing."""
    found: dict[UUID, list[Told]] = {}
    evidence = await session.scalars(select(Evidence).where(Evidence.usage_id.in_(usage_ids)))
    for one in evidence.all():
        said = found.setdefault(one.usage_id, [])
        if one.withdrawn_at is None:
            said.append(told(one))
    return found


def told(one: Evidence) -> Told:
    return Told(
        one.source, one.starts_at, one.ends_at, one.preparation_minutes, one.run_minutes, one.processing_minutes,
        one.samples, one.device_id, corrects=one.adjustment_id is not None, at=one.told_at,
    )  # fmt: skip


def _claim(usage: Usage, evidence: list[Told] | None, frozen: Collection[UUID]) -> Claim | None:
    """What a record asks for by what was told of it; None where all of that was taken back."""
    # A record that nothing is told of says what it says.
    itself = Told(
        usage.source, usage.starts_at, usage.ends_at, usage.preparation_minutes, usage.run_minutes,
        usage.processing_minutes, usage.samples,
    )  # fmt: skip
    said = evidence or []
    if usage.id in frozen:
        now = runs.Numbers(
            usage.source, usage.starts_at, usage.ends_at, usage.preparation_minutes, usage.run_minutes,
            usage.processing_minutes, usage.samples,
        )  # fmt: skip
        found = Counted(now, ((usage.starts_at, usage.ends_at),), _FROZEN)
    elif evidence is not None and not evidence:
        return None
    else:
        found = runs.counted([itself, *said] if all(one.corrects for one in said) else said)
    booked = usage.booking_id is not None
    named = booked or usage.person_id is not None or usage.customer_class is not CustomerClass.INTERNAL
    return Claim(found, named, booked)
