"""What the commands of `duijie` do, apart from reading their options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.funding import rankings as funding
from marketplace.funding import sheets
from marketplace.funding.names import STANDINGS
from marketplace.identity import passwords, people
from marketplace.identity.models import Organisation
from marketplace.kernel.actor import NOBODY, Actor
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.db import Database
from marketplace.pairings import experts, instruments, pairings
from marketplace.pairings.engine import Engine
from schemas.funding_rankings import FundingMatchRequest, FundingPairing, FundingRankingPage
from schemas.identity import Confirmation, Permission, Registration, Role
from schemas.pairings import (
    ExpertMatchRequest,
    ExpertPairing,
    ExpertRankingPage,
    InstrumentPairing,
    InstrumentRankingPage,
    MatchRequest,
    Pairing,
    RankingPage,
    TermReason,
)
from schemas.tariffs import Unpriced


class CommandRefused(Exception):  # noqa: N818 -- it is shown to the person at the terminal
    """A command that cannot do what was asked; the text says why and what to do."""


Page = RankingPage | InstrumentRankingPage | ExpertRankingPage | FundingRankingPage
Reasoned = Pairing | InstrumentPairing | ExpertPairing | FundingPairing

SIGNALS = {"field": "领域", "trl": "就绪度", "region": "地区", "budget": "预算", "freshness": "新近"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be ranked, of which kind. `organisation` is the credit code of whom the prices of instruments are for."""

    text: str
    kind: str
    limit: int
    minutes: int | None = None
    organisation: str | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)


async def match(database: Database, home: Path, asked: Asked, *, as_json: bool, console: Console) -> None:
    """Rank records for a text and print them with their reasons."""
    try:
        wish = _wish(asked)
    except ValidationError as error:
        raise CommandRefused("; ".join(_told(wrong) for wrong in error.errors())) from None
    if asked.organisation is not None and asked.kind != "instrument":
        raise CommandRefused("--organisation 只用于匹配仪器 · --organisation is for instruments alone")
    engine = Engine(database, home)
    await engine.open()
    await engine.catch_up()
    page: Page
    async with database.reading() as session:
        if isinstance(wish, FundingMatchRequest):
            page = await funding.for_text(session, engine, funding.OpenCalls(), wish)
        elif isinstance(wish, ExpertMatchRequest):
            page = await experts.for_text(session, engine, wish)
        elif asked.kind == "instrument":
            actor = await _as_member(session, asked.organisation)
            page = await instruments.for_text(session, engine, actor, wish)
        else:
            page = await pairings.for_text(session, engine, wish)
    if as_json:
        console.print_json(page.model_dump_json())
        return
    console.print(ranking_table(page))


def _told(wrong: Any) -> str:
    """What is wrong, and with which option where it is one of the filters."""
    place = [str(part) for part in wrong["loc"]]
    said = str(wrong["msg"])
    return f"--{place[1].replace('_', '-')}: {said}" if place[:1] == ["filters"] and len(place) > 1 else said


def _wish(asked: Asked) -> MatchRequest | ExpertMatchRequest | FundingMatchRequest:
    told: dict[str, Any] = {"text": asked.text, "limit": asked.limit}
    if asked.kind in {"expert", "funding"} and asked.minutes is not None:
        raise CommandRefused("--minutes 只用于匹配仪器 · --minutes is for instruments alone")
    if asked.kind == "expert":
        return ExpertMatchRequest.model_validate(told | {"filters": asked.filters})
    if asked.kind == "funding":
        return FundingMatchRequest.model_validate(told | _applying(asked.filters))
    told |= {"kind": asked.kind, "minutes": asked.minutes, "filters": asked.filters}
    return MatchRequest.model_validate(told)


def _applying(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Funding is not narrowed by these: they say who applies, from one place, in one field."""
    told: dict[str, Any] = {}
    for name, values in filters.items():
        if name not in {"region", "industry", "discipline"} or len(values) != 1:
            raise CommandRefused(
                "匹配资金时，--region、--industry、--discipline 各说一个，说的是申报单位；没有其他筛选"
                " · for funding, --region, --industry and --discipline say who applies, one each; there are no other filters"
            )
        told[name] = values[0]
    return told


async def _as_member(session: AsyncSession, uscc: str | None) -> Actor:
    """Who sees and pays what a member of the organisation does; without one, a visitor."""
    if uscc is None:
        return NOBODY
    found = await session.scalar(select(Organisation.id).where(Organisation.uscc == uscc.strip().upper()))
    if found is None:
        raise CommandRefused("没有这个统一社会信用代码的单位。 · No organisation has this credit code.")
    return Actor(where={Permission.READ_OWN: frozenset({found})})


def ranking_table(page: Page, *, title: str | None = None) -> Table | Text:
    """A ranking as a table: place, score, record, and why. Where nothing was found, the message alone."""
    if not page.items:
        return Text(page.message or "", style="yellow")
    table = Table(
        title=title, title_justify="left", show_lines=True, caption=page.message, caption_style="yellow", expand=True
    )
    table.add_column("#", justify="right", width=3)
    table.add_column("得分", justify="right", width=6)
    table.add_column("记录 record", ratio=2, overflow="fold")
    table.add_column("理由 why", ratio=3, overflow="fold")
    items: Sequence[Reasoned] = page.items
    for place, pairing in enumerate(items, 1):
        table.add_row(
            str(place),
            f"{pairing.score:.4f}",
            _record(pairing),
            why(pairing),
        )
    return table


def _record(pairing: Reasoned) -> str:
    """What a record is called and whose it is, with what one can do with it."""
    if not isinstance(pairing, FundingPairing):
        return f"{escape(pairing.title)}\n[dim]{escape(pairing.organisation.name)}[/dim]{_beside(pairing)}"
    call = pairing.funding
    left = "" if call.days_left is None else f"（还剩 {call.days_left} 天 days left）"
    return (
        f"{escape(call.title)}\n[dim]{escape(call.organisation.name)}[/dim]"
        f"\n[green]截止 closes {sheets.deadline(call.closes_at)}{left}[/green]\n{STANDINGS[pairing.standing]}"
    )


def _beside(pairing: Pairing | InstrumentPairing | ExpertPairing) -> str:
    """Who an expert is; when an instrument could be used, and what that costs."""
    if isinstance(pairing, ExpertPairing):
        return "\n" + escape(" ".join(part for part in (pairing.name, pairing.academic_title, pairing.unit) if part))
    if not isinstance(pairing, InstrumentPairing):
        return ""
    if pairing.unpriced is Unpriced.NOT_ADMITTED:
        return "\n[dim]不接受此类用户的预约，请咨询机组 · such customers are not admitted; ask the lab[/dim]"
    if pairing.first_free is None:
        return "\n[dim]14 天内没有空闲 · nothing free within 14 days[/dim]"
    since, until = (moment.astimezone(BEIJING) for moment in (pairing.first_free.starts_at, pairing.first_free.ends_at))
    ends = f"{until:%H:%M}" if since.date() == until.date() else f"{until:%m-%d %H:%M}"
    price = pairing.price
    costs = "未公布收费标准，请咨询机组 · no price published; ask the lab"
    if price is not None:
        costs = f"{price.payer_amount} 元 CNY"
        if price.payer_amount != price.gross:
            costs += f"（原价 of {price.gross}）"
    return f"\n[green]最早 first free {since:%Y-%m-%d %H:%M}–{ends}[/green]\n{costs}"


def why(pairing: Reasoned) -> str:
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
    sign = "←" if term.raised > 1 else "="  # a test that it needs, or another word for it
    return escape(term.term if term.synonym_of is None else f"{term.term}（{sign}{term.synonym_of}）")


def _marked(text: str, spans: list[tuple[int, int]]) -> str:
    out, at = [], 0
    for start, end in spans:
        out.append(f"{escape(text[at:start])}[bold]{escape(text[start:end])}[/bold]")
        at = end
    return ("".join(out) + escape(text[at:])).strip()


async def create_admin(
    database: Database, *, email: str, name: str, password: str, console: Console, role: Role = Role.PLATFORM_ADMIN
) -> None:
    """Give a person a role on the platform; one who has an account keeps it and gets the role and password."""
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
        await people.appoint(session, registration, hashed, role)
    console.print(f"{_APPOINTED[role]}: {registration.email}")


_APPOINTED: Final = {
    Role.PLATFORM_ADMIN: "平台管理员已就绪 · platform administrator is ready",
    Role.AUDITOR: "审计员已就绪 · auditor is ready",
}
