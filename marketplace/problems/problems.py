"""What can be done with a problem (企业技术难题)."""

from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import ColumnElement, Text, case, cast, func
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.actor import Actor
from marketplace.kernel.paging import Paging
from marketplace.listings import completeness as complete
from marketplace.listings import facts, publication, records
from marketplace.listings.bodies import columns
from marketplace.listings.cards import Cards
from marketplace.listings.models import Problem
from schemas.listings import ListingKind, ListingState
from schemas.problems import ProblemFilter, ProblemNew, ProblemPatch

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

completeness = partial(complete.of, ListingKind.PROBLEM)


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
    return await publication.publish(
        session, actor, Problem, problem_id, reviewed_first=reviewed_first, fresh_for=fresh_for
    )


async def begin_talks(session: AsyncSession, actor: Actor, problem_id: UUID) -> Problem:
    """Somebody is at the table: readers see it, and the problem stays in the ranking until it is solved."""
    return await publication.advance(
        session, actor, Problem, problem_id, to=ListingState.IN_TALKS, fact=facts.TalksBegun
    )


async def solve(session: AsyncSession, actor: Actor, problem_id: UUID) -> Problem:
    """Solved: out of lists and rankings, for good."""
    return await publication.advance(
        session, actor, Problem, problem_id, to=ListingState.SOLVED, fact=facts.ProblemSolved
    )


async def listed(
    session: AsyncSession, actor: Actor, wish: ProblemFilter, paging: Paging
) -> tuple[list[str], str | None]:
    """A page of cards as JSON, newest first: one statement."""
    more: list[ColumnElement[bool]] = []
    if wish.bounty is not None:
        more.append(Problem.bounty.is_not(None) if wish.bounty else Problem.bounty.is_(None))
    return await CARDS.page(session, actor, wish, paging, *more)
