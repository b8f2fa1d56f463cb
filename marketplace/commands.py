"""What the commands of `duijie` do, apart from reading their options."""

from enum import StrEnum
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import select

from marketplace.identity import facts as identity_facts
from marketplace.identity import passwords
from marketplace.identity.models import Membership, Person
from marketplace.kernel import clock
from marketplace.kernel.db import Database
from marketplace.kernel.facts import record
from marketplace.pairings import pairings
from marketplace.pairings.engine import Engine
from schemas.identity import Confirmation, Registration, Role
from schemas.pairings import MatchRequest, Pairing, RankingPage, TermReason


class Kind(StrEnum):
    ACHIEVEMENT = "achievement"
    PROBLEM = "problem"


class CommandRefused(Exception):  # noqa: N818 -- it is shown to the person at the terminal
    """A command that cannot do what was asked; the text says why and what to do."""


SIGNALS = {"field": "领域", "trl": "就绪度", "region": "地区", "budget": "预算", "freshness": "新近"}


async def match(
    database: Database, home: Path, text: str, *, kind: Kind, limit: int, as_json: bool, console: Console
) -> None:
    """Rank records for a text and print them with their reasons."""
    try:
        wish = MatchRequest(text=text, kind=kind.value, limit=limit)
    except ValidationError as error:
        raise CommandRefused("; ".join(str(wrong["msg"]) for wrong in error.errors())) from None
    engine = Engine(database, home)
    await engine.open()
    await engine.catch_up()
    async with database.reading() as session:
        page = await pairings.for_text(session, engine, wish)
    if as_json:
        console.print_json(page.model_dump_json())
        return
    console.print(ranking_table(page))


def ranking_table(page: RankingPage, *, title: str | None = None) -> Table:
    """A ranking as a table: place, score, record, and why."""
    table = Table(
        title=title, title_justify="left", show_lines=True, caption=page.message, caption_style="yellow", expand=True
    )
    table.add_column("#", justify="right", width=3)
    table.add_column("得分", justify="right", width=6)
    table.add_column("记录 record", ratio=2, overflow="fold")
    table.add_column("理由 why", ratio=3, overflow="fold")
    for place, pairing in enumerate(page.items, 1):
        table.add_row(
            str(place),
            f"{pairing.score:.4f}",
            f"{escape(pairing.title)}\n[dim]{escape(pairing.organisation.name)}[/dim]",
            why(pairing),
        )
    return table


def why(pairing: Pairing) -> str:
    """The parts of a score on a few lines; they add up to it."""
    reasons = pairing.reasons
    terms = "  ".join(f"{_named(term)} {term.contribution:.4f}" for term in reasons.terms[:6])
    rest = reasons.other.contribution + sum(term.contribution for term in reasons.terms[6:])
    signals = "  ".join(
        f"{SIGNALS.get(signal.name, signal.name)} +{signal.contribution:.4f}"
        for signal in reasons.signals
        if signal.contribution
    )
    lines = [
        f"{terms}  其余 other {rest:.4f}" if rest >= 0.00005 else terms,
        f"[cyan]{signals}[/cyan]" if signals else "",
    ]
    if reasons.sentence is not None:
        lines.append(f"[italic]“{_marked(reasons.sentence.text, reasons.sentence.spans)}”[/italic]")
    return "\n".join(line for line in lines if line)


def _named(term: TermReason) -> str:
    """The term, and what was said instead where only a synonym found it."""
    return escape(term.term if term.synonym_of is None else f"{term.term}（={term.synonym_of}）")


def _marked(text: str, spans: list[tuple[int, int]]) -> str:
    out, at = [], 0
    for start, end in spans:
        out.append(f"{escape(text[at:start])}[bold]{escape(text[start:end])}[/bold]")
        at = end
    return ("".join(out) + escape(text[at:])).strip()


async def create_admin(database: Database, *, email: str, name: str, password: str, console: Console) -> None:
    """Make a person a platform administrator; one who has an account keeps it and gets the role and password."""
    try:
        registration = Registration(email=email, name=name)
        Confirmation(token="-", password=password)  # noqa: S106 -- only the password is checked
    except ValidationError as error:
        raise CommandRefused(
            "\n".join(
                f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}" for wrong in error.errors(include_input=False)
            )
        ) from None
    hashed = await passwords.hashed(password)
    async with database.writing.begin() as session:
        person = await session.scalar(select(Person).where(Person.email == registration.email).with_for_update())
        now = clock.now()
        if person is None:
            person = Person(email=registration.email, name=registration.name, created_at=now, updated_at=now, version=1)
            session.add(person)
        person.password_hash, person.confirmed_at = hashed, person.confirmed_at or now
        await session.flush()
        known = await session.scalar(
            select(Membership.id).where(
                Membership.person_id == person.id,
                Membership.organisation_id.is_(None),
                Membership.ended_at.is_(None),
            )
        )
        if known is None:
            session.add(Membership(person_id=person.id, organisation_id=None, role=Role.PLATFORM_ADMIN))
            await record(session, identity_facts.MemberJoined(None, person.id, Role.PLATFORM_ADMIN), subject=person.id)
        await record(session, identity_facts.PasswordChanged(person.id), subject=person.id)
    console.print(f"平台管理员已就绪 · platform administrator is ready: {registration.email}")
