"""Profiles of experts: found, listed, written, edited."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager
from uuid_utils.compat import uuid7

from marketplace.experts import facts
from marketplace.experts.models import Expert, Representative
from marketplace.experts.policy import expert_open, expert_owned_by, expert_visible_to, expert_written_by
from marketplace.identity.models import Organisation
from marketplace.kernel import clock, etag, searching
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Invalid, NotFound
from marketplace.listings import derived, records
from marketplace.listings.desk import MOST
from marketplace.listings.models import Achievement
from schemas.base import FieldError
from schemas.experts import ExpertBody, ExpertFilter, ExpertNew, ExpertPatch, ExpertState
from schemas.identity import Permission
from schemas.listings import CompletenessItem

DESCRIBE = (
    "写明研究内容、做过的项目和能解决的问题，企业和匹配都看这里。"
    " · Say what they work on, what they have done and what they can solve: firms and the ranking read this."
)


UNDESCRIBED = CompletenessItem(field="description", required=True, advice=DESCRIBE)


class NotTheirAchievement(Invalid):
    """只能选本单位的成果。 · Only achievements of the same organisation speak for an expert."""


class AgreedByName(Conflict):
    """同意是以现在的姓名登记的：要改姓名，先撤回同意，改好后重新征得同意并登记。 · Consent was given under this name: to change it, take the consent back first, and record it anew afterwards."""


def chosen() -> Select[Expert]:
    """Experts beside their organisation, which every rule looks at."""
    return (
        select(Expert)
        .join(Organisation, Organisation.id == Expert.organisation_id)
        .options(contains_eager(Expert.organisation))
    )


async def read(session: AsyncSession, actor: Actor, expert_id: UUID, *, lock: bool = False) -> Expert:
    """One profile that the actor may see; to everybody else it does not exist."""
    statement = chosen().where(Expert.id == expert_id, expert_visible_to(actor))
    if lock:
        statement = statement.with_for_update(of=Expert).execution_options(populate_existing=True)
    found = await session.scalar(statement)
    if found is None:
        raise NotFound
    return found


async def own(session: AsyncSession, actor: Actor, expert_id: UUID) -> Expert:
    """One profile that the actor may change, locked."""
    expert = await read(session, actor, expert_id, lock=True)
    if not await session.scalar(select(Expert.id).where(Expert.id == expert_id, expert_written_by(actor))):
        raise records.NotYourRecord
    return expert


def narrowed(actor: Actor, wish: ExpertFilter) -> Select[Expert]:
    """The experts that a filter leaves of those that the actor may see."""
    statement = chosen()
    if wish.mine:
        statement = statement.where(expert_owned_by(actor))
    elif wish.state in {None, ExpertState.PUBLISHED}:
        statement = statement.where(expert_open())
    else:
        statement = statement.where(expert_visible_to(actor))
    if wish.state is not None:
        statement = statement.where(Expert.state == wish.state)
    if wish.organisation is not None:
        statement = statement.where(Expert.organisation_id == wish.organisation)
    for letter, values in (("r", wish.region), ("i", wish.industry), ("d", wish.discipline), ("v", wish.service)):
        if values:
            statement = statement.where(Expert.facets.overlap(derived.wanted(letter, values)))
    return statement.where(*searching.holds_all(Expert.words, derived.asked(wish.q)))


async def listed(
    session: AsyncSession, actor: Actor, wish: ExpertFilter, paging: Paging
) -> tuple[list[Expert], str | None]:
    """A page of experts, newest first."""
    by = tuple(zip((Expert.created_at, Expert.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, narrowed(actor, wish), by, paging)
    return [row[0] for row in rows], marker


async def to_confirm(session: AsyncSession, actor: Actor, *, before: datetime) -> Sequence[Expert]:
    """The profiles that need the actor's word that they still hold: expired, or about to; soonest first."""
    found = await session.scalars(
        select(Expert)
        .where(
            expert_written_by(actor),
            or_(
                Expert.state == ExpertState.EXPIRED,
                (Expert.state == ExpertState.PUBLISHED) & (Expert.confirmed_until <= before),
            ),
        )
        .order_by(Expert.confirmed_until, Expert.id)
        .limit(MOST)
    )
    return found.all()


def columns(body: ExpertBody, *, only_given: bool = False) -> dict[str, Any]:
    """The body as columns; the achievements are rows of their own."""
    given = body.model_fields_set if only_given else type(body).model_fields.keys()
    return body.model_dump(include=set(given) - {"organisation_id", "achievement_ids"})


def derive(expert: Expert) -> None:
    """Bring the codes and the searched text up to what the profile says now."""
    coded = {"industries": expert.industries, "disciplines": expert.disciplines, "region": expert.region}
    expert.facets = sorted({*derived.facets(coded), *derived.wanted("v", expert.services)})
    said = (
        expert.name, expert.academic_title, expert.position, expert.unit, expert.focus, expert.description,
        *expert.keywords,
    )  # fmt: skip
    expert.words = derived.folded("\n".join(part for part in said if part))


def written_down(organisation_id: UUID, body: ExpertBody, *, by: UUID | None) -> Expert:
    """A draft that nobody has seen yet, without the achievements that speak for it."""
    now = clock.now()
    expert = Expert(
        id=uuid7(), organisation_id=organisation_id, created_by=by, state=ExpertState.DRAFT, created_at=now,
        updated_at=now, version=1, **columns(body),
    )  # fmt: skip
    derive(expert)
    return expert


async def put(session: AsyncSession, organisation_id: UUID, body: ExpertBody, *, by: UUID | None) -> Expert:
    """A draft whose right to be there was looked at, with the achievements that speak for it."""
    expert = written_down(organisation_id, body, by=by)
    session.add(expert)
    await session.flush()
    await _represent(session, expert, body.achievement_ids)
    return expert


async def create(session: AsyncSession, actor: Actor, wish: ExpertNew) -> Expert:
    """A draft in the name of an organisation that the actor edits for."""
    if wish.organisation_id not in actor.organisations_where(Permission.WRITE_RECORDS):
        raise records.NotYourOrganisation
    made = await put(session, wish.organisation_id, wish, by=actor.person)
    await record(session, facts.ExpertDrafted(made.id), subject=made.id, by=actor.person)
    return await read(session, actor, made.id)


async def edit(session: AsyncSession, actor: Actor, expert_id: UUID, version: int, patch: ExpertPatch) -> Expert:
    """Change what a profile says. What it said before is not kept: it is personal. A published one stays publishable."""
    expert = await own(session, actor, expert_id)
    etag.check(version, expert.version)
    values: Mapping[str, Any] = columns(patch, only_given=True)
    changed = sorted(name for name, value in values.items() if getattr(expert, name) != value)
    if "achievement_ids" in patch.model_fields_set:
        before = await representatives(session, [expert_id])
        if before.get(expert_id, []) != patch.achievement_ids:
            await _represent(session, expert, patch.achievement_ids)
            changed.append("achievement_ids")
    if not changed:
        return expert
    if "name" in changed and expert.consented_at is not None:
        # What one person agreed to must not come to show another.
        raise AgreedByName
    for name in values.keys() & changed:
        setattr(expert, name, values[name])
    if expert.state is ExpertState.PUBLISHED:
        require_complete(expert)
    derive(expert)
    touch(expert)
    await session.flush()
    await record(session, facts.ExpertEdited(expert.id, changed), subject=expert.id, by=actor.person)
    return expert


def touch(expert: Expert) -> None:
    expert.version += 1
    expert.updated_at = clock.now()


def require_complete(expert: Expert) -> None:
    """Refuse what readers could not use."""
    if not expert.description:
        records.require([UNDESCRIBED])


async def _represent(session: AsyncSession, expert: Expert, ids: Sequence[UUID]) -> None:
    """Let these achievements speak for an expert, in this order. Others' are refused like those that are nowhere."""
    theirs = set(
        await session.scalars(
            select(Achievement.id).where(Achievement.id.in_(ids), Achievement.organisation_id == expert.organisation_id)
        )
    )
    wrong = [
        FieldError(pointer=f"/achievement_ids/{place}", code="not_theirs", detail=NotTheirAchievement.title())
        for place, one in enumerate(ids)
        if one not in theirs
    ]
    if wrong:
        raise NotTheirAchievement(errors=wrong)
    await spoken_for(session, {expert.id: ids})


async def spoken_for(session: AsyncSession, by_expert: Mapping[UUID, Sequence[UUID]]) -> None:
    """Let achievements of their own organisation, which the caller looked at, speak for experts, each in their order."""
    await session.execute(delete(Representative).where(Representative.expert_id.in_(by_expert)))
    rows = [
        {"expert_id": expert_id, "achievement_id": one, "place": place}
        for expert_id, ids in by_expert.items()
        for place, one in enumerate(ids, 1)
    ]
    if rows:
        await session.execute(insert(Representative), rows)


async def representatives(session: AsyncSession, expert_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """By expert, every achievement that speaks for them, open or not, in their order."""
    rows = await session.execute(
        select(Representative.expert_id, Representative.achievement_id)
        .where(Representative.expert_id.in_(expert_ids))
        .order_by(Representative.expert_id, Representative.place, Representative.achievement_id)
    )
    found: dict[UUID, list[UUID]] = {}
    for expert_id, achievement_id in rows:
        found.setdefault(expert_id, []).append(achievement_id)
    return found
