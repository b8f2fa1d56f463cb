"""What the world holds of verdicts and of what was learnt from them."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid4

from marketplace.kernel import clock
from marketplace.tuning.models import LoweredTerm, MatchingModel
from marketplace.verdicts.models import Verdict
from schemas.listings import ListingKind

SAID: dict[str, Any] = {
    "title": "固态电解质薄膜制备", "other_title": "固态电解质薄膜制备", "score": 0.5, "text": 0.45, "rank": 1, "model": 0,
    "signals": [{"name": "field", "value": None, "weight": 0.1}],
    "terms": [{"term": "固态", "contribution": 0.1}],
}  # fmt: skip


async def build(session: AsyncSession, world: Any, owners: dict[str, UUID], keeper: UUID) -> None:
    """Of each target's record a verdict of its own side; of the platform's a version and two terms."""
    for target, organisation_id in owners.items():
        names = world.targets[target]
        for kind in ListingKind:
            given = Verdict(
                kind=kind, listing_id=UUID(names[f"{kind}:listing_id"]), other_id=UUID(names[f"{kind}:other_id"]),
                organisation_id=organisation_id, grade=2, misleading=["固态"], industries=["38"], said=SAID, by=keeper,
                version=1, created_at=clock.now(), updated_at=clock.now(),
            )  # fmt: skip
            session.add(given)
    terms = [
        LoweredTerm(
            term=term, kind="38", factor=0.5, share=0.5, named_by=3, asked=4, spared=[], stands=True, version=1,
            created_at=clock.now(), updated_at=clock.now(), **struck,
        )
        for term, struck in (
            ("固态", {}),
            ("检测", {"struck_out_at": clock.now(), "struck_out_by": keeper, "reason": "正是要找的"}),
        )
    ]  # fmt: skip
    session.add_all(terms)
    await session.flush()
    model_id = await session.scalar(select(MatchingModel.id).where(MatchingModel.number == 0))
    world.targets["own"] |= {"model_id": str(model_id), "term_id": str(terms[0].id)}
    world.targets["absent"] |= {"model_id": str(uuid4()), "term_id": str(uuid4())}
    restored = "POST /api/v1/misleading-terms/{term_id}/restoration"
    world.instead[restored, "own"] = {"term_id": str(terms[1].id)}
