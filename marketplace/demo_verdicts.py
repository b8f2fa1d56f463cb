"""What some sample enterprises say of what was found for their problems, so that the pages of verdicts are not empty."""

from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Membership
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Database
from marketplace.listings import records
from marketplace.listings.models import Problem
from marketplace.pairings import reading
from marketplace.pairings.engine import Engine
from marketplace.sample import SOURCE
from marketplace.verdicts import verdicts
from marketplace.verdicts.models import Verdict
from schemas.identity import Permission, Role
from schemas.listings import ListingKind
from schemas.verdicts import VerdictBody

PROBLEMS: Final = 12
# Of the first, second and third that were found: a fit, a neighbour, and what one word alone brought here.
SAID: Final = ((3, "正对我们的问题。"), (1, None), (0, "只有个别词相同。"))


async def load(database: Database, engine: Engine) -> int:
    """Put them in, once. Answers how many there are then."""
    async with database.writing.begin() as session:
        if await session.scalar(select(Verdict.id).limit(1)):
            return 0
        problems = await session.scalars(
            records.chosen(Problem)
            .where(Problem.source == SOURCE, Problem.state == "published")
            .order_by(Problem.external_id)
            .limit(PROBLEMS)
        )
        return sum([await _of(session, engine, problem) for problem in problems.unique().all()])


async def _of(session: AsyncSession, engine: Engine, problem: Problem) -> int:
    writer = await session.scalar(
        select(Membership.person_id)
        .where(
            Membership.organisation_id == problem.organisation_id,
            Membership.role.in_((Role.EDITOR, Role.ORGANISATION_ADMIN)),
        )
        .order_by(Membership.person_id)
        .limit(1)
    )
    if writer is None:
        return 0
    own = frozenset({problem.organisation_id})
    actor = Actor(person_id=writer, where={Permission.READ_OWN: own, Permission.WRITE_RECORDS: own})
    now = problem.confirmed_at.timestamp() if problem.confirmed_at else 0.0
    ranking = engine.snapshot(ListingKind.ACHIEVEMENT).rank(
        reading.query(problem, engine.synonyms), k=len(SAID), now=now
    )
    for match, (grade, note) in zip(ranking.items, SAID, strict=False):
        other_id = UUID(match.key)
        misleading: list[str] = []
        if grade == 0:
            pairing = await verdicts.judged(session, engine, actor, problem, other_id)
            misleading = [one.term for one in pairing.said.terms[:1]]
        body = VerdictBody(grade=grade, misleading=misleading, note=note)
        await verdicts.say(session, engine, actor, Problem, problem.id, other_id, 0, body)
    return len(ranking.items)
