"""The sample data, loaded once, and what a newcomer sees first."""

import json
import secrets
from collections.abc import Iterator
from datetime import timedelta
from importlib.resources import files
from typing import Any, Final
from uuid import UUID

from rich.console import Console
from rich.panel import Panel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace import demo_bookings, demo_events, demo_labs, demo_meetings, demo_pictures, demo_verdicts
from marketplace.commands import CommandRefused, ranking_table
from marketplace.experts import experts
from marketplace.experts import publication as showing
from marketplace.identity import passwords
from marketplace.identity.models import Membership, Organisation, Person
from marketplace.kernel import clock, facts
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Database
from marketplace.labs import instrument_files, instruments
from marketplace.labs.facts import InstrumentPublished
from marketplace.labs.models import Instrument
from marketplace.listings import bodies, confidential, publication, records
from marketplace.listings.models import Achievement, Confidential, Listing, Problem
from marketplace.money import quotas, tariffs, vouchers
from marketplace.pairings import pairings, reading
from marketplace.pairings.engine import Engine
from marketplace.sample import ACCOUNTS, PASSWORD_FILE, SOURCE
from marketplace.settings import Mode, Settings
from marketplace.wiring import LISTENERS, WITHIN
from schemas.achievements import AchievementBody
from schemas.charges import VoucherNew
from schemas.experts import ExpertBody
from schemas.identity import Permission, Role, Verification
from schemas.instrument_files import FilePurpose
from schemas.labs import InstrumentBody, InstrumentState
from schemas.listings import ListingKind
from schemas.pairings import RankingFilter
from schemas.problems import ProblemBody
from schemas.tariffs import FreeQuotaNew, TariffNew

# A great fit; one that region and price decide; one that nobody here can solve.
SHOWN: Final = ("S-P001", "S-P043", "S-P023")
CONSENT: Final = "示例：本人签署的同意书"


def rows(name: str) -> Iterator[dict[str, Any]]:
    for line in (files("marketplace.sample") / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        if line.strip():
            yield json.loads(line)


def _password_file(settings: Settings) -> str:
    """The password of the sample accounts: made here on this machine, the same for all of them."""
    kept = settings.home / PASSWORD_FILE
    if not kept.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(f"demo-{secrets.token_hex(4)}")
    return kept.read_text()


async def show(settings: Settings, database: Database, console: Console) -> None:
    """Load the sample data if it is not there yet, then rank three problems."""
    if settings.mode is Mode.PRODUCTION:
        raise CommandRefused(
            "生产模式下不载入示例账号。 · Sample accounts are not made in production mode (DUIJIE_MODE=production)."
        )
    facts.listen(LISTENERS, WITHIN)
    with console.status("载入示例数据… · loading sample data…"):
        await load(settings, database)
        await demo_meetings.load(settings, database, list(rows("events")))
    engine = Engine(database, settings.home)
    with console.status("建立索引… · building the ranking…"):
        await engine.open()
        await engine.catch_up()
    await demo_verdicts.load(database, engine)
    async with database.reading() as session:
        for external_id in SHOWN:
            await _show_one(session, engine, external_id, console)


async def _show_one(session: AsyncSession, engine: Engine, external_id: str, console: Console) -> None:
    problem = await session.scalar(
        records.chosen(Problem).where(Problem.source == SOURCE, Problem.external_id == external_id)
    )
    assert problem is not None
    page = await pairings.ranked(
        session,
        engine,
        reading.query(problem, engine.synonyms),
        ListingKind.ACHIEVEMENT,
        reading.filters(RankingFilter()),
        limit=3,
    )
    console.print()
    console.print(ranking_table(page, title=f"难题 · problem：{problem.title}（{problem.organisation.name}）"))


def invite(settings: Settings, console: Console, *, host: str, port: int) -> None:
    """Say where it is and who can sign in."""
    people = "\n".join(f"  {email:30} {what}" for email, what in ACCOUNTS)
    console.print(
        Panel(
            f"[bold]http://{host}:{port}[/bold]        网站 · portal\n"
            f"[bold]http://{host}:{port}/docs[/bold]   接口文档 · API\n\n"
            f"{people}\n\n密码 · password: [bold]{_password_file(settings)}[/bold]\n\nCtrl-C 停止 · stops everything",
            title="对接 Duijie",
            expand=False,
        )
    )


async def load(settings: Settings, database: Database) -> bool:
    """Put the sample data in, in one transaction. Answers whether there was anything to do."""
    password = _password_file(settings)
    async with database.writing.begin() as session:
        if await session.scalar(select(Listing.id).where(Listing.source == SOURCE).limit(1)):
            return False
        hashed = await passwords.hashed(password)
        now = clock.now()
        organisations: dict[str, Organisation] = {}
        for row in rows("organisations"):
            verification = Verification(row.pop("verification"))
            organisations[row["uscc"]] = Organisation(
                **row,
                verification=verification,
                verified_at=now if verification is Verification.VERIFIED else None,
                created_at=now,
                updated_at=now,
                version=1,
            )
        session.add_all(organisations.values())
        await session.flush()
        writers = await _people(session, organisations, hashed)
        await _listings(session, settings, organisations, writers)
        await _experts(session, settings, organisations, writers)
        shared = await _instruments(session, organisations)
        await _money(session, organisations, shared)
        keeper = await session.scalar(select(Person.id).where(Person.email == "lab@duijie.example"))
        assert keeper is not None
        await demo_labs.load(session, rows("usages"), rows("outputs"), organisations, shared, keeper)
        await demo_bookings.load(session, organisations, shared)
        await demo_events.load(session, rows("events"), organisations, settings.signing_key())
    return True


async def _money(session: AsyncSession, organisations: dict[str, Organisation], shared: dict[str, Instrument]) -> None:
    """What use of some instruments costs, what of it is free, and vouchers of two firms."""
    keeper = await session.scalar(select(Person.id).where(Person.email == "lab@duijie.example"))
    programme = await session.scalar(select(Person.id).where(Person.email == "admin@duijie.example"))
    today = clock.today()
    for row in rows("tariffs"):
        instrument, free = shared[row.pop("instrument")], row.pop("free")
        owner = frozenset({instrument.organisation_id})
        actor = Actor(person_id=keeper, where={Permission.READ_OWN: owner, Permission.MANAGE_LABS: owner})
        # Before the use that they charge.
        with clock.ahead(-demo_bookings.PUBLISHED_AGO):
            tariff = TariffNew.model_validate(row | {"effective_from": clock.today()})
            await tariffs.publish(session, actor, instrument.id, tariff)
        if free is not None:
            quota = FreeQuotaNew.model_validate(free | {"year": today.year})
            await quotas.declare(session, actor, instrument.id, quota)
    issuer = Actor(person_id=programme, platform=frozenset({Permission.READ_ALL, Permission.MANAGE_VOUCHERS}))
    for row in rows("vouchers"):
        told = {
            "organisation_id": organisations[row.pop("organisation")].id,
            "valid_until": today + timedelta(days=365),
        }
        await vouchers.issue(session, issuer, VoucherNew.model_validate(row | told))


async def _instruments(session: AsyncSession, organisations: dict[str, Organisation]) -> dict[str, Instrument]:
    """What the sample laboratories share, open to those whom their terms name."""
    shared = {}
    for row in rows("instruments"):
        organisation = organisations[row.pop("organisation")]
        external_id = row.pop("external_id")
        body = InstrumentBody.model_validate(row)
        made = await instruments.put(session, organisation.id, body, by=None, state=InstrumentState.PUBLISHED)
        made.source, made.external_id = SOURCE, external_id
        await facts.record(session, InstrumentPublished(made.id), subject=made.id)
        for name, alt, content in demo_pictures.of(external_id):
            await instrument_files.put(
                session, made, FilePurpose.PHOTO, name=name, content=content, alt=alt, most_bytes=len(content), by=None
            )
        shared[external_id] = made
    return shared


async def _people(session: AsyncSession, organisations: dict[str, Organisation], hashed: str) -> dict[UUID, UUID]:
    """The sample people; answers who writes for each organisation."""
    writers: dict[UUID, UUID] = {}
    now = clock.now()
    for row in rows("people"):
        person = await session.scalar(select(Person).where(Person.email == row["email"]))
        if person is None:
            person = Person(
                email=row["email"],
                name=row["name"],
                locale=row["locale"],
                password_hash=hashed,
                confirmed_at=now,
                created_at=now,
                updated_at=now,
                version=1,
            )
            session.add(person)
            await session.flush()
        for given in row["roles"]:
            place = organisations[given["organisation"]] if given["organisation"] else None
            role = Role(given["role"])
            session.add(Membership(person_id=person.id, organisation_id=place.id if place else None, role=role))
            if place is not None and role in {Role.EDITOR, Role.ORGANISATION_ADMIN}:
                writers.setdefault(place.id, person.id)
    await session.flush()
    return writers


async def _listings(
    session: AsyncSession, settings: Settings, organisations: dict[str, Organisation], writers: dict[UUID, UUID]
) -> None:
    now = clock.now()
    for kind in ("achievements", "problems"):
        for row in rows(kind):
            organisation = organisations[row.pop("organisation")]
            external_id, secret = row.pop("external_id"), row.pop("confidential")
            listing: Listing
            if kind == "achievements":
                listing = Achievement(**bodies.columns(AchievementBody.model_validate(row)))
            else:
                listing = Problem(**bodies.columns(ProblemBody.model_validate(row)))
            listing.organisation_id, listing.created_by = organisation.id, writers.get(organisation.id)
            listing.source, listing.external_id = SOURCE, external_id
            listing.created_at = listing.updated_at = listing.listed_at = now
            listing.version = 1
            records.derive(listing)
            session.add(listing)
            await session.flush()
            if secret:
                session.add(Confidential(listing_id=listing.id, version=1, text=secret, by=None, at=now))
                await confidential.mark(session, listing, text=secret)
            await publication.open_up(session, listing, fresh_for=timedelta(days=settings.freshness_days), by=None)


async def _experts(
    session: AsyncSession, settings: Settings, organisations: dict[str, Organisation], writers: dict[UUID, UUID]
) -> None:
    """The sample experts, who agreed to be shown."""
    rows_of = await session.execute(select(Achievement.external_id, Achievement.id).where(Achievement.source == SOURCE))
    achievements = {external_id: id_ for external_id, id_ in rows_of}  # noqa: C416 -- rows are no pairs to mypy
    for row in rows("experts"):
        organisation = organisations[row.pop("organisation")]
        row.pop("external_id")
        speak = [achievements[one] for one in row.pop("achievements")]
        writer = writers[organisation.id]
        made = await experts.put(
            session, organisation.id, ExpertBody.model_validate(row | {"achievement_ids": speak}), by=writer
        )
        made.consented_at, made.consented_by, made.consent_evidence = clock.now(), writer, CONSENT
        await showing.open_up(session, made, fresh_for=timedelta(days=settings.freshness_days), by=None)
