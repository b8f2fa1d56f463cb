"""What can be done with a problem (企业技术难题)."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Text, case, cast, func
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import Paging
from marketplace.listings import facts, records
from marketplace.listings.cards import Cards
from marketplace.listings.models import OPEN_STATES, Problem
from marketplace.problems import written
from schemas.listings import ListingState
from schemas.problems import Budget, ProblemFilter, ProblemNew, ProblemPatch

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

# The importer checks files with the same two, in a process that knows no database.
columns, completeness = written.columns, written.completeness


def budget_of(listing: Problem) -> Budget | None:
    if listing.budget_low is None and listing.budget_high is None:
        return None
    return Budget(low=listing.budget_low, high=listing.budget_high)


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
