"""成果产出: what use of an instrument led to, written down by those whom it served and by its keepers."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, false, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, Invalid, NotFound, refusing
from marketplace.labs import facts, instruments
from marketplace.labs.booking_models import Usage
from marketplace.labs.models import Instrument
from marketplace.labs.output_models import Output
from marketplace.labs.policy import instrument_kept_by, instrument_visible_to, usage_served, usage_visible_to
from schemas.base import FieldError
from schemas.identity import Permission
from schemas.outputs import OutputFilter, OutputKind, OutputNew, OutputView

MOST: Final = 100


class CountedAlready(Conflict):
    """这台仪器已登记过这一成果。 · That output is written down for this instrument already."""


class UseNeeded(Forbidden):
    """请注明来自您或您单位的哪次使用；只有管理员可以只写仪器。 · Name the use of yours or your organisation's that it came of; only keepers may name the instrument alone."""


class NotYourOutput(Forbidden):
    """只有登记人和仪器管理员可以移除。 · Only whoever wrote it down and the keepers may take it out."""


class NoSuchUse(Invalid):
    """这台仪器没有您可以看到的这次使用。 · This instrument has no such use that you can see."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/usage_id", code="unknown", detail=self.title())])


class NotYet(Invalid):
    """年份不能晚于今年。 · The year cannot be later than this one."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/year", code="not_yet", detail=self.title())])


def stands() -> ColumnElement[bool]:
    return Output.removed_at.is_(None)


def _known(actor: Actor) -> ColumnElement[bool]:
    """Whether the actor may know whose use it came of."""
    if Permission.READ_ALL in actor.platform:
        return true()
    if actor.person_id is None:
        return false()
    return or_(instrument_kept_by(actor), usage_served(actor), Output.added_by == actor.person_id)


def chosen(actor: Actor) -> Any:
    """Outputs that stand, of instruments that the actor sees, each with whether they may know of the use."""
    return (
        select(Output, _known(actor).label("known"), instrument_kept_by(actor).label("keeper"))
        .join(Instrument, Instrument.id == Output.instrument_id)
        .join(Organisation, Organisation.id == Instrument.organisation_id)
        .outerjoin(Usage, Usage.id == Output.usage_id)
        .where(stands(), instrument_visible_to(actor))
    )


BY = tuple(zip((Output.created_at, Output.id), BY_TIME_AND_ID, strict=True))


async def listed(
    session: AsyncSession, actor: Actor, instrument_id: UUID, wish: OutputFilter, paging: Paging
) -> tuple[list[Any], str | None]:
    """What use of an instrument led to, latest written down first."""
    await instruments.read(session, actor, instrument_id)
    statement = chosen(actor).where(Output.instrument_id == instrument_id)
    if wish.year is not None:
        statement = statement.where(Output.year == wish.year)
    if wish.kind is not None:
        statement = statement.where(Output.kind == wish.kind)
    return await page(session, statement, BY, paging)


async def of_usage(session: AsyncSession, actor: Actor, usage_id: UUID) -> list[Any]:
    """What one use led to."""
    statement = chosen(actor).where(Output.usage_id == usage_id).order_by(Output.created_at, Output.id).limit(MOST)
    return list((await session.execute(statement)).all())


async def read(session: AsyncSession, actor: Actor, output_id: UUID) -> Any:
    found = (await session.execute(chosen(actor).where(Output.id == output_id))).one_or_none()
    if found is None:
        raise NotFound
    return found


async def add(session: AsyncSession, actor: Actor, instrument_id: UUID, wish: OutputNew) -> Any:
    """Write down what use led to. It counts once an instrument, however often it is said."""
    await instruments.read(session, actor, instrument_id)
    keeper = await instruments.keeps(session, actor, instrument_id)
    if wish.usage_id is not None:
        await _require_use(session, actor, instrument_id, wish.usage_id, keeper=keeper)
    elif not keeper:
        raise UseNeeded
    if wish.year > clock.today().year:
        raise NotYet
    output = Output(
        instrument_id=instrument_id,
        by_keeper=keeper,
        added_by=actor.person,
        created_at=clock.now(),
        **wish.model_dump(),
    )
    with refusing(output_once_key=CountedAlready):
        async with session.begin_nested():
            session.add(output)
    added = facts.OutputAdded(instrument_id, output.id)
    await record(session, added, subject=output.id, by=actor.person)
    return await read(session, actor, output.id)


async def _require_use(
    session: AsyncSession, actor: Actor, instrument_id: UUID, usage_id: UUID, *, keeper: bool
) -> None:
    row = (
        await session.execute(
            select(literal(value=True) if keeper else usage_served(actor))
            .select_from(Usage)
            .join(Instrument, Instrument.id == Usage.instrument_id)
            .where(Usage.id == usage_id, Usage.instrument_id == instrument_id, usage_visible_to(actor))
        )
    ).scalar_one_or_none()
    if row is None and keeper:
        raise NoSuchUse
    if not row:
        raise UseNeeded


async def remove(session: AsyncSession, actor: Actor, output_id: UUID) -> None:
    """Take it out: it counts no more, and stays as history."""
    output, _, keeper = await read(session, actor, output_id)
    if not keeper and output.added_by != actor.person:
        raise NotYourOutput
    await session.refresh(output, with_for_update=True)
    if output.removed_at is not None:
        raise NotFound
    output.removed_at, output.removed_by = clock.now(), actor.person
    await session.flush()
    removed = facts.OutputRemoved(output.instrument_id, output.id)
    await record(session, removed, subject=output.id, by=actor.person)


def view(row: Any) -> OutputView:
    one: Output = row[0]
    return OutputView(
        id=one.id, instrument_id=one.instrument_id, kind=one.kind, title=one.title, number=one.number,
        link=f"https://doi.org/{one.number}" if one.kind is OutputKind.PAPER else None, year=one.year,
        usage_id=one.usage_id if row.known else None, by_keeper=one.by_keeper, created_at=one.created_at,
    )  # fmt: skip
