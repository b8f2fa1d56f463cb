"""Looking after an instrument: its keepers, its outages, and who is qualified to use it alone."""

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from marketplace.identity.models import Membership, Person
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Invalid, NotFound, refusing
from marketplace.labs import facts, instruments
from marketplace.labs.models import Keeper, Outage, Qualification
from schemas.base import FieldError
from schemas.labs import KeeperNew, OutageNew, QualificationNew


class NotAMember(Invalid):
    """该邮箱不属于仪器所属单位的成员。 · Nobody with that address belongs to the instrument's organisation."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/email", code="not_a_member", detail=self.title())])


class AlreadyQualified(Conflict):
    """此人已有上机资格；如需更改，请先撤销。 · This person is qualified already; revoke that first to change it."""


class AlreadyOver(Conflict):
    """此停用已经结束。 · This outage is over already."""


async def keepers(
    session: AsyncSession, actor: Actor, instrument_id: UUID, paging: Paging
) -> tuple[list[Keeper], str | None]:
    """Who looks after it, latest first, for whoever does."""
    await _kept(session, actor, instrument_id)
    statement = (
        select(Keeper)
        .join(Person, Person.id == Keeper.person_id)
        .options(contains_eager(Keeper.person))
        .where(Keeper.instrument_id == instrument_id)
    )
    by = tuple(zip((Keeper.since, Keeper.person_id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker


async def _kept(session: AsyncSession, actor: Actor, instrument_id: UUID) -> None:
    await instruments.read(session, actor, instrument_id)
    if not await instruments.keeps(session, actor, instrument_id):
        raise instruments.NotItsKeeper


async def name_keeper(session: AsyncSession, actor: Actor, instrument_id: UUID, wish: KeeperNew) -> Keeper:
    """Let a member of the owning organisation look after it. Naming them again changes nothing."""
    instrument = await instruments.kept(session, actor, instrument_id)
    person_id = await session.scalar(
        select(Person.id)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Person.email == wish.email,
            Membership.organisation_id == instrument.organisation_id,
            Membership.ended_at.is_(None),
        )
    )
    if person_id is None:
        raise NotAMember
    named = await session.scalar(
        insert(Keeper)
        .values(instrument_id=instrument_id, person_id=person_id, since=clock.now())
        .on_conflict_do_nothing()
        .returning(Keeper.person_id)
    )
    if named is not None:
        await record(session, facts.KeeperNamed(instrument_id, person_id), subject=instrument_id, by=actor.person)
    return (
        await session.scalars(
            select(Keeper)
            .join(Person, Person.id == Keeper.person_id)
            .options(contains_eager(Keeper.person))
            .where(Keeper.instrument_id == instrument_id, Keeper.person_id == person_id)
        )
    ).one()


async def remove_keeper(session: AsyncSession, actor: Actor, instrument_id: UUID, person_id: UUID) -> None:
    await instruments.kept(session, actor, instrument_id)
    gone = await session.scalar(
        delete(Keeper)
        .where(Keeper.instrument_id == instrument_id, Keeper.person_id == person_id)
        .returning(Keeper.person_id)
    )
    if gone is None:
        raise NotFound
    await record(session, facts.KeeperRemoved(instrument_id, person_id), subject=instrument_id, by=actor.person)


async def outages(
    session: AsyncSession, actor: Actor, instrument_id: UUID, paging: Paging
) -> tuple[list[Outage], str | None]:
    """When it was and will be out of order, latest first, for whoever sees the instrument."""
    await instruments.read(session, actor, instrument_id)
    by = tuple(zip((Outage.starts_at, Outage.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, select(Outage).where(Outage.instrument_id == instrument_id), by, paging)
    return [row[0] for row in rows], marker


async def report_outage(session: AsyncSession, actor: Actor, instrument_id: UUID, wish: OutageNew) -> Outage:
    """From now on nothing is booked into that time; bookings that stand there are the keeper's to move."""
    await instruments.kept(session, actor, instrument_id)
    outage = Outage(
        instrument_id=instrument_id, starts_at=wish.starts_at, ends_at=wish.ends_at, reason=wish.reason,
        reported_by=actor.person, reported_at=clock.now(),
    )  # fmt: skip
    session.add(outage)
    await session.flush()
    await record(session, facts.OutageReported(instrument_id, outage.id), subject=instrument_id, by=actor.person)
    return outage


async def end_outage(session: AsyncSession, actor: Actor, instrument_id: UUID, outage_id: UUID) -> Outage:
    """It works again. What has not begun yet is called off altogether."""
    await instruments.kept(session, actor, instrument_id)
    outage = await session.get(Outage, outage_id, with_for_update=True)
    if outage is None or outage.instrument_id != instrument_id:
        raise NotFound
    now = clock.now()
    if outage.ends_at is not None and outage.ends_at <= now:
        raise AlreadyOver
    if outage.starts_at < now:
        outage.ends_at = now
    else:
        await session.delete(outage)
    await session.flush()
    await record(session, facts.OutageEnded(instrument_id, outage_id), subject=instrument_id, by=actor.person)
    return outage


async def qualifications(
    session: AsyncSession, actor: Actor, instrument_id: UUID, paging: Paging
) -> tuple[list[Qualification], str | None]:
    """Who may use it alone, who might once, latest first, for its keepers."""
    await _kept(session, actor, instrument_id)
    by = tuple(zip((Qualification.granted_at, Qualification.id), BY_TIME_AND_ID, strict=True))
    statement = select(Qualification).where(Qualification.instrument_id == instrument_id)
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker


async def qualify(session: AsyncSession, actor: Actor, instrument_id: UUID, wish: QualificationNew) -> Qualification:
    """Let whoever signs in with this address use it alone. Whether it has an account here is not told."""
    await instruments.kept(session, actor, instrument_id)
    qualification = Qualification(
        instrument_id=instrument_id, email=wish.email, expires_on=wish.expires_on, note=wish.note,
        granted_by=actor.person, granted_at=clock.now(),
    )  # fmt: skip
    with refusing(qualification_live_key=AlreadyQualified):
        async with session.begin_nested():
            session.add(qualification)
    await record(
        session, facts.QualificationGranted(instrument_id, qualification.id), subject=instrument_id, by=actor.person
    )
    return qualification


async def disqualify(session: AsyncSession, actor: Actor, instrument_id: UUID, qualification_id: UUID) -> None:
    """From now on this person books with an operator, or not at all."""
    await instruments.kept(session, actor, instrument_id)
    found = await session.get(Qualification, qualification_id, with_for_update=True)
    if found is None or found.instrument_id != instrument_id:
        raise NotFound
    if found.revoked_at is None:
        found.revoked_at = clock.now()
        await session.flush()
        await record(
            session, facts.QualificationRevoked(instrument_id, found.id), subject=instrument_id, by=actor.person
        )
