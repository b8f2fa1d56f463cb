"""How rankings are tuned now, and the versions of the weights: kept, activated, gone back to."""

from dataclasses import asdict, fields
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import Paging, page
from marketplace.kernel.refusals import Conflict, NotFound
from marketplace.tuning import facts, terms
from marketplace.tuning.models import MatchingModel
from marketplace.tuning.policy import require_keeper, require_reader
from matching.blend import DEFAULT_WEIGHTS, Weights
from matching.tuning import Lowered, Tuning
from schemas.tuning import LearntFrom, Measured, ModelState, ModelView, SignalWeights


class NotBetter(Conflict):
    """离线比较没有证明它更好，不能启用。 · Offline it is not certainly better than the version it was compared with; it is not activated."""


class ComparedWithAnother(Conflict):
    """它是与另一个版本比较的，请重新学习。 · It was compared with a version that is active no more; learn again."""


def weights_of(model: MatchingModel) -> Weights:
    """A signal that is younger than the version counts for nothing in it."""
    if model.weights is None:
        return DEFAULT_WEIGHTS
    return Weights(**{one.name: model.weights.get(one.name, 0.0) for one in fields(Weights)})


async def active(session: AsyncSession) -> MatchingModel:
    """The version that everything is ranked by; there always is one."""
    found = await session.scalar(
        select(MatchingModel).where(MatchingModel.state == ModelState.ACTIVE).execution_options(populate_existing=True)
    )
    assert found is not None
    return found


async def current(session: AsyncSession) -> Tuning:
    """What rankings are made with from now on."""
    model = await active(session)
    return Tuning(model.number, weights_of(model), Lowered.of(await terms.standing(session)))


async def listed(session: AsyncSession, actor: Actor, paging: Paging) -> tuple[list[MatchingModel], str | None]:
    """All versions, latest first."""
    require_reader(actor)
    rows, marker = await page(session, select(MatchingModel), ((MatchingModel.number, int),), paging)
    return [row[0] for row in rows], marker


async def read(session: AsyncSession, actor: Actor, model_id: UUID) -> MatchingModel:
    require_reader(actor)
    found = await session.get(MatchingModel, model_id, populate_existing=True)
    if found is None:
        raise NotFound
    return found


async def alone(session: AsyncSession) -> None:
    """Versions are numbered and activated one after the other; the starting one, which never goes, is the turnstile."""
    await session.execute(select(MatchingModel.id).where(MatchingModel.number == 0).with_for_update())


async def keep(
    session: AsyncSession,
    weights: Weights,
    learnt_from: LearntFrom,
    measured: Measured,
    *,
    better: bool,
    against: int,
    by: UUID | None,
) -> MatchingModel:
    """Write learnt weights down as a candidate; nothing is ranked by them yet."""
    await alone(session)
    last = await session.scalar(select(func.max(MatchingModel.number)))
    assert last is not None
    model = MatchingModel(
        id=uuid7(), number=last + 1, state=ModelState.CANDIDATE, weights=asdict(weights),
        learnt_from=learnt_from.model_dump(), measured=measured.model_dump(), better=better, against=against,
        created_at=clock.now(), created_by=by,
    )  # fmt: skip
    session.add(model)
    await session.flush()
    await record(session, facts.WeightsProposed(model.id, model.number, better), subject=model.id, by=by)
    return model


async def activate(session: AsyncSession, actor: Actor, model_id: UUID) -> MatchingModel:
    """Rank by this version from now on. A new one has to be better offline; to one that was active before the way back is
    always open. The active one stays as it is."""
    require_keeper(actor)
    return await put_to_use(session, model_id, by=actor.person)


async def put_to_use(session: AsyncSession, model_id: UUID, *, by: UUID | None) -> MatchingModel:
    await alone(session)
    model = await session.get(MatchingModel, model_id, populate_existing=True)
    if model is None:
        raise NotFound
    before = await active(session)
    if model.state is ModelState.ACTIVE:
        return model
    if model.state is ModelState.CANDIDATE:
        if not model.better:
            raise NotBetter
        if model.against != before.number:
            raise ComparedWithAnother
    before.state = ModelState.RETIRED
    await session.flush()
    model.state, model.activated_at, model.activated_by = ModelState.ACTIVE, clock.now(), by
    await session.flush()
    done = facts.WeightsActivated(model.id, model.number, before.number)
    await record(session, done, subject=model.id, by=by)
    return model


def shown(model: MatchingModel) -> ModelView:
    plain: dict[str, Any] = {name: getattr(model, name) for name in ModelView.model_fields if name != "weights"}
    return ModelView(weights=SignalWeights(**asdict(weights_of(model))), **plain)
