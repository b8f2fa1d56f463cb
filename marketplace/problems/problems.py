"""What can be done with a problem (企业技术难题)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, case, cast, func
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import Paging
from marketplace.listings import facts, records
from marketplace.listings.cards import Cards
from marketplace.listings.models import OPEN_STATES, Problem
from schemas.listings import Completeness, CompletenessItem, ListingState
from schemas.problems import Budget, ProblemBody, ProblemFilter, ProblemNew, ProblemPatch

CARDS = Cards(
    Problem,
    {
        "industry": Problem.industries[1],
        "disciplines": Problem.disciplines,
        "budget": case(
            (
                func.num_nonnulls(Problem.budget_low, Problem.budget_high) > 0,
                func.json_build_object("low", cast(Problem.budget_low, Text), "high", cast(Problem.budget_high, Text)),
            )
        ),
        "deadline": Problem.deadline,
        "bounty": cast(Problem.bounty, Text),
    },
)


def columns(body: ProblemBody, *, only_given: bool = False) -> dict[str, Any]:
    """The body as columns of the table; with `only_given`, no more than was sent."""
    given = body.model_dump(
        mode="python", exclude={"organisation_id", "source", "external_id"}, exclude_unset=only_given
    )
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name == "industry":
            values["industries"] = [value] if value is not None else []
        elif name == "budget":
            values |= {
                "budget_low": body.budget.low if body.budget else None,
                "budget_high": body.budget.high if body.budget else None,
            }
        elif name == "ip_wish":
            values["ip_wish"] = value.value if value is not None else None
        elif name == "cooperation_modes":
            values[name] = [mode.value for mode in value]
        elif name == "indicators":
            values[name] = [indicator.model_dump(mode="json") for indicator in body.indicators]
        else:
            values[name] = value
    return values


def budget_of(listing: Problem) -> Budget | None:
    if listing.budget_low is None and listing.budget_high is None:
        return None
    return Budget(low=listing.budget_low, high=listing.budget_high)


_ADVICE: tuple[tuple[str, bool, str], ...] = (
    ("description", True, "写明要解决的技术问题。 · Say which technical problem has to be solved."),
    (
        "indicators",
        False,
        "列出必须达到的指标（名称、数值、单位），解题方据此判断能否做到。 · List the figures that must be met (name, value, unit).",
    ),
    ("deadline", False, "写明时限。 · Say by when."),
    ("budget_high", False, "给出预算上限，哪怕是估计。 · Give the most you would spend, even as an estimate."),
    ("ip_wish", False, "说明知识产权归属意愿。 · Say who should own the results."),
    (
        "solver_conditions",
        False,
        "说明对解题方的条件（资质、设备、团队）。 · Say what a solver must have (standing, equipment, team).",
    ),
    ("background", False, "补充生产背景。 · Add the background."),
    ("tried", False, "说明已尝试过什么、为什么不行。 · Say what was tried and why it did not do."),
    ("industries", False, "选择行业。 · Choose your industry."),
    (
        "disciplines",
        False,
        "选择相关学科，高校才能筛选到。 · Choose the disciplines concerned, so that universities can filter for it.",
    ),
    ("cooperation_modes", False, "选择合作方式。 · Choose how you would work together."),
    ("contact", False, "填写联系人。 · Name whom to ask."),
    ("region", False, "填写所在地区。 · Give your region."),
)
_ON_THE_WIRE = {"industries": "industry", "budget_high": "budget"}


def completeness(listing: Problem) -> Completeness:
    """What a solver will miss."""
    missing = [
        CompletenessItem(field=_ON_THE_WIRE.get(field, field), required=required, advice=advice)
        for field, required, advice in _ADVICE
        if getattr(listing, field) in (None, [], "")
    ]
    if listing.deadline is not None and listing.deadline < clock.now().date():
        missing.insert(
            0,
            CompletenessItem(
                field="deadline", required=True, advice="时限已过，请更新。 · The deadline has passed; renew it."
            ),
        )
    return Completeness(score=max(0, round(100 * (1 - len(missing) / len(_ADVICE)))), missing=missing)


async def create(session: AsyncSession, actor: Actor, wish: ProblemNew) -> Problem:
    """A draft problem."""
    return await records.create(
        session, actor, Problem, wish.organisation_id, columns(wish), source=wish.source, external_id=wish.external_id
    )


async def edit(session: AsyncSession, actor: Actor, problem_id: UUID, version: int, patch: ProblemPatch) -> Problem:
    return await records.edit(session, actor, Problem, problem_id, version, columns(patch, only_given=True))


async def publish(
    session: AsyncSession, actor: Actor, problem_id: UUID, *, reviewed_first: bool, fresh_for: timedelta
) -> Problem:
    listing = await records.own(session, actor, Problem, problem_id)
    return await records.publish(
        session,
        actor,
        Problem,
        problem_id,
        complete=completeness(listing),
        reviewed_first=reviewed_first,
        fresh_for=fresh_for,
    )


async def begin_talks(session: AsyncSession, actor: Actor, problem_id: UUID) -> Problem:
    """Somebody is at the table: readers see it, and the problem stays in the ranking until it is solved."""
    listing = await records.own(session, actor, Problem, problem_id)
    if listing.state is ListingState.IN_TALKS:
        return listing
    if listing.state is not ListingState.PUBLISHED:
        raise records.WrongState
    listing.state = ListingState.IN_TALKS
    records.touch(listing)
    await session.flush()
    await record(session, facts.TalksBegun(listing.id, listing.kind), subject=listing.id, by=actor.person)
    return listing


async def solve(session: AsyncSession, actor: Actor, problem_id: UUID) -> Problem:
    """Solved: out of lists and rankings, for good."""
    listing = await records.own(session, actor, Problem, problem_id)
    if listing.state is ListingState.SOLVED:
        return listing
    if listing.state not in OPEN_STATES:
        raise records.WrongState
    listing.state = ListingState.SOLVED
    records.touch(listing)
    await session.flush()
    await record(session, facts.ProblemSolved(listing.id, listing.kind), subject=listing.id, by=actor.person)
    return listing


async def listed(
    session: AsyncSession, actor: Actor, wish: ProblemFilter, paging: Paging
) -> tuple[list[str], str | None]:
    """A page of cards as JSON, newest first: one statement."""
    more: list[ColumnElement[bool]] = []
    if wish.bounty is not None:
        more.append(Problem.bounty.is_not(None) if wish.bounty else Problem.bounty.is_(None))
    return await CARDS.page(session, actor, wish, paging, *more)
