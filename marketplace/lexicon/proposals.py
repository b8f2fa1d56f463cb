"""What discovery proposes as terms: written down, listed, accepted into the draft, rejected for good, undecided again."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import Paging, page
from marketplace.lexicon import facts, terms
from marketplace.lexicon.models import Term, TermProposal
from marketplace.lexicon.policy import require_keeper, require_reader
from schemas.lexicon import ProposalState, TermDecisions, TermOrigin, TermProposalFilter, TermsDecided

if TYPE_CHECKING:  # numpy is wanted by whoever discovers, and not by whoever reads
    from matching.compounds import Compound

MOST: Final = 2000
"""Of one discovery, the best."""
EXAMPLES: Final = 3
_SOME: Final = 500


async def listed(
    session: AsyncSession, actor: Actor, wish: TermProposalFilter, paging: Paging
) -> tuple[list[TermProposal], str | None]:
    """Those that were ever found, the best first."""
    require_reader(actor)
    statement = select(TermProposal).execution_options(populate_existing=True)
    if wish.state is not None:
        statement = statement.where(TermProposal.state == wish.state)
    by = (TermProposal.worth, float), (TermProposal.id, UUID)
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker


async def decided(session: AsyncSession) -> set[str]:
    """The spellings that are not proposed again."""
    rows = await session.scalars(select(TermProposal.key).where(TermProposal.state != ProposalState.PROPOSED))
    return set(rows.all())


async def drafted(session: AsyncSession) -> set[str]:
    return set((await session.scalars(select(Term.key))).all())


async def find(
    session: AsyncSession, found: "Sequence[Compound]", examples: Mapping[str, Sequence[UUID]], *, by: UUID | None
) -> int:
    """What is found now takes the place of what waited undecided; what was decided stays as it is. Answers how many are
    proposed now."""
    known = await decided(session) | await drafted(session)
    kept = [one for one in found if one.text not in known][:MOST]
    before = set((await session.scalars(select(TermProposal.key))).all())
    keys = {one.text for one in kept}
    await session.execute(
        delete(TermProposal)
        .where(TermProposal.state == ProposalState.PROPOSED, TermProposal.key.not_in(keys))
        .execution_options(synchronize_session=False)
    )
    now = clock.now()
    made = insert(TermProposal)
    told = ("frequency", "records", "cohesion", "left_entropy", "right_entropy", "worth", "examples", "found_at")
    upsert = made.on_conflict_do_update(
        index_elements=["key"],
        set_={name: made.excluded[name] for name in told},
        where=TermProposal.state == ProposalState.PROPOSED,
    )
    for start in range(0, len(kept), _SOME):
        values = [
            {
                "id": uuid7(), "key": one.text, "state": ProposalState.PROPOSED, "frequency": one.frequency,
                "records": one.texts, "cohesion": one.cohesion, "left_entropy": one.left, "right_entropy": one.right,
                "worth": one.worth, "examples": list(examples.get(one.text, ()))[:EXAMPLES], "found_at": now,
            }
            for one in kept[start : start + _SOME]
        ]  # fmt: skip
        await session.execute(upsert.values(values))
    await record(session, facts.TermsProposed(len(kept), len(keys - before)), by=by)
    return len(kept)


async def decide(session: AsyncSession, actor: Actor, wish: TermDecisions) -> TermsDecided:
    """Accept some into the draft, reject some, open some again. One that is decided already stays as it is, until
    it is opened again. An id that stands in several lists is opened first, then rejected rather than accepted."""
    require_keeper(actor)
    reopened = await _turn(session, wish.reopen, ProposalState.PROPOSED, None)
    await session.execute(
        delete(Term)
        .where(Term.key.in_(reopened), Term.origin == TermOrigin.DISCOVERED)
        .execution_options(synchronize_session=False)
    )
    rejected = await _turn(session, wish.reject, ProposalState.REJECTED, actor.person, only=ProposalState.PROPOSED)
    accepted = await _turn(session, wish.accept, ProposalState.ACCEPTED, actor.person, only=ProposalState.PROPOSED)
    if accepted:
        await terms.room_for(session, len(accepted))
        await terms.put(session, [(key, key, None) for key in sorted(accepted)], TermOrigin.DISCOVERED, actor.person)
    done = TermsDecided(accepted=len(accepted), rejected=len(rejected), reopened=len(reopened))
    if accepted or rejected or reopened:
        await record(session, facts.TermProposalsDecided(done.accepted, done.rejected, done.reopened), by=actor.person)
    return done


async def _turn(
    session: AsyncSession,
    ids: Collection[UUID],
    state: ProposalState,
    by: UUID | None,
    *,
    only: ProposalState | None = None,
) -> list[str]:
    """Those of some that are in another state (in `only`) are now in this one; answers their spellings."""
    if not ids:
        return []
    open_ = state is ProposalState.PROPOSED
    wanted = TermProposal.state != state if only is None else TermProposal.state == only
    turned = (
        update(TermProposal)
        .where(TermProposal.id.in_(ids), wanted)
        .values(state=state, decided_at=None if open_ else clock.now(), decided_by=by)
        .returning(TermProposal.key)
        .execution_options(synchronize_session=False)
    )
    return list((await session.scalars(turned)).all())
