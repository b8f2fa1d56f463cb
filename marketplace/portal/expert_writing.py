"""`/desk/experts/new` and `/experts/{id}/edit`: writing a profile, the person's consent, showing it, taking it back."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.experts import experts, publication, shapes
from marketplace.identity import people
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.refusals import Forbidden, Invalid, Refusal, StaleVersion
from marketplace.listings import records
from marketplace.listings.models import Achievement
from marketplace.listings.shapes import fresh_for
from marketplace.portal import acting, forms, say, trying, words
from marketplace.portal.forms import Wrong
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.experts import ConsentNew, ExpertBody, ExpertNew, ExpertPatch, ExpertView
from schemas.identity import Permission

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_NEW: Final = "/desk/experts/new"
_AT: Final = "/experts/{expert_id:uuid}"
_FIELDS: Final = tuple(forms.fields_of(ExpertBody))
_NAMES: Final = tuple(name for _, several in _FIELDS for name in several)
# So many of an organisation's achievements are offered to be ticked; any other is named by its address.
OFFERED: Final = 40
OTHERS: Final = "achievement_addresses"
_ID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


class NotSure(Invalid):
    """请先勾选“我确认”。删除后无法恢复。 · Tick “I am sure” first: what is erased cannot be brought back."""


async def _form(
    visit: Visit,
    session: AsyncSession,
    typed: Typed,
    *,
    one: ExpertView | None = None,
    opened: str | None = None,
    version: int | None = None,
    wrong: Wrong | None = None,
    both: dict[str, str] | None = None,
    said: list[str] | None = None,
    status: int = 200,
) -> Response:
    """The form. `opened` is what stood in it when its writer began, to tell apart who changed what."""
    homes = [] if one else await people.homes(session, visit.actor, Permission.WRITE_RECORDS)
    if not one and not homes:
        raise Forbidden(
            "先登记或加入一个单位，并由管理员给您编辑权限，才能填写。"
            " · Register or join an organisation first, as its editor or administrator."
        )
    return visit.page(
        "expert_write.html",
        status,
        here=f"/experts/{one.id}/edit" if one else _NEW,
        one=one,
        typed=typed,
        first=lambda name: forms.first(typed, name),
        opened=opened if opened is not None else forms.kept(typed, _NAMES),
        version=version if version is not None else one.version if one else 0,
        organisations=homes,
        offered=await _offered(session, one.organisation.id, typed.get("achievement_ids", [])) if one else [],
        wrong=wrong or {},
        both=both or {},
        said=said or [],
        fields=words.FIELDS | {OTHERS: words.FIELDS["achievement_ids"]},
    )


async def _offered(session: AsyncSession, organisation_id: UUID, ticked: Sequence[str]) -> list[Achievement]:
    """The organisation's achievements to choose from: those that are ticked in their order, then the newest."""
    mine = select(Achievement).where(Achievement.organisation_id == organisation_id)
    chosen = [one for one in ticked if _ID.fullmatch(one)]
    place = {one: number for number, one in enumerate(chosen)}
    kept = (await session.scalars(mine.where(Achievement.id.in_(chosen)))).all() if chosen else []
    newest = await session.scalars(
        mine.where(Achievement.id.not_in(chosen))
        .order_by(Achievement.listed_at.desc(), Achievement.id.desc())
        .limit(OFFERED)
    )
    return [*sorted(kept, key=lambda one: place[str(one.id)]), *newest]


def _read(shape: type[ExpertBody], typed: Typed, **more: Any) -> tuple[Any, Wrong]:
    """The profile that was typed. Achievements are ticked, or named by their addresses."""
    named = _ID.findall(forms.first(typed, OTHERS).lower())
    chosen = dict.fromkeys([*typed.get("achievement_ids", []), *named])
    wish, wrong = forms.read(shape, typed, achievement_ids=list(chosen), **more)
    if forms.first(typed, OTHERS).strip() and not named:
        wrong[OTHERS] = [say.t("请填写成果页面的网址。 · Write the address of an achievement's page.")]
        return None, wrong
    return wish, wrong


def _shown(one: ExpertView) -> Typed:
    return forms.shown(one.model_dump(include=set(ExpertBody.model_fields)) | {"achievement_ids": one.achievement_ids})


async def _mine(visit: Visit, session: AsyncSession, expert_id: UUID) -> ExpertView:
    """A profile that the visitor writes."""
    actor = visit.require()
    expert = await experts.read(session, actor, expert_id)
    if expert.organisation_id not in actor.organisations_where(Permission.WRITE_RECORDS):
        raise records.NotYourRecord
    return await shapes.view(session, visit.actor, expert)


async def _again(visit: Visit, session: AsyncSession, expert_id: UUID, **more: Any) -> Response:
    """The form of a profile as it stands now."""
    one = await _mine(visit, session, expert_id)
    return await _form(visit, session, _shown(one), one=one, **more)


@router.get(_NEW, response_class=Response)
async def new_form(visit: Visited, session: Reading) -> Response:
    visit.require()
    return await _form(visit, session, {})


@router.post(_NEW, response_class=Response)
async def create(visit: Visited, session: Writing, typed: Sent) -> Response:
    """A draft; consent and publication come next, on its page."""
    actor = visit.require()
    wish, wrong = _read(ExpertNew, typed, organisation_id=trying.said(typed, "organisation_id") or None)
    said: list[str] = []
    if wish is not None:
        try:
            async with session.begin_nested():
                made = await experts.create(session, actor, wish)
            return visit.go(f"/experts/{made.id}/edit", "drafted")
        except Refusal as refusal:
            said, wrong = [told(refusal.detail or refusal.title())], forms.beside(refusal)
    return await _form(visit, session, typed, wrong=wrong, said=said, status=422)


@router.get(_AT + "/edit", response_class=Response)
async def edit_form(expert_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _again(visit, session, expert_id)


@router.post(_AT + "/edit", response_class=Response)
async def edit(expert_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()
    opened = trying.said(typed, "opened")
    number = trying.number(typed, "version")
    version = number if isinstance(number, int) else 0
    wish, wrong = _read(ExpertPatch, typed)
    said: list[str] = []
    if wish is not None:
        try:
            async with session.begin_nested():
                await experts.edit(session, actor, expert_id, version, wish)
            return visit.go(f"/experts/{expert_id}/edit", "saved")
        except StaleVersion:
            return await _stale(visit, session, expert_id, typed, forms.as_opened(opened, _NAMES))
        except Refusal as refusal:
            if not refusal.errors and refusal.status in {401, 403, 404}:
                raise
            said, wrong = [told(refusal.detail or refusal.title())], forms.beside(refusal)
    one = await _mine(visit, session, expert_id)
    return await _form(
        visit, session, typed, one=one, opened=opened, version=version, wrong=wrong, said=said, status=422
    )


async def _stale(visit: Visit, session: AsyncSession, expert_id: UUID, typed: Typed, opened: Typed | None) -> Response:
    """Somebody saved it meanwhile: what only one of the two changed is kept, the rest is shown side by side."""
    one = await _mine(visit, session, expert_id)
    theirs = _shown(one)
    made, both = forms.merged(_FIELDS, theirs if opened is None else opened, typed, theirs)
    said = forms.told_of_stale(both)
    return await _form(
        visit, session, made, one=one, opened=forms.kept(theirs, _NAMES), both=both, said=said, status=412
    )


async def _step(
    visit: Visit, session: AsyncSession, expert_id: UUID, step: Callable[[], Awaitable[Any]], to: str, said: str
) -> Response:
    """One click on the whole; refused, its form says why."""

    async def work() -> str:
        await step()
        return to

    async def again(wrong: list[str], status: int) -> Response:
        return await _again(visit, session, expert_id, said=wrong, status=status)

    return await acting.act(visit, session, work, said, again, words.FIELDS | {"evidence": "同意凭据 · evidence"})


@router.post(_AT + "/consent", response_class=Response)
async def consent(expert_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def step() -> None:
        wish = ConsentNew.model_validate({"evidence": forms.first(typed, "evidence")})
        await publication.consent(session, actor, expert_id, wish)

    return await _step(visit, session, expert_id, step, f"/experts/{expert_id}/edit", "consented")


@router.post(_AT + "/consent/withdrawal", response_class=Response)
async def end_consent(expert_id: UUID, visit: Visited, session: Writing) -> Response:
    """For the profile's editors, and the platform's administrators to whom the person turned."""
    actor = visit.require()
    await publication.end_consent(session, actor, expert_id)
    return visit.go(f"/experts/{expert_id}", "unconsented")


@router.post(_AT + "/publication", response_class=Response)
async def publish(expert_id: UUID, visit: Visited, session: Writing) -> Response:
    actor, fresh = visit.require(), fresh_for(visit.request)

    async def step() -> None:
        await publication.publish(session, actor, expert_id, fresh_for=fresh)

    return await _step(visit, session, expert_id, step, f"/experts/{expert_id}", "published")


@router.post(_AT + "/confirmation", response_class=Response)
async def confirm(expert_id: UUID, visit: Visited, session: Writing) -> Response:
    actor, fresh = visit.require(), fresh_for(visit.request)

    async def step() -> None:
        await publication.confirm(session, actor, expert_id, fresh_for=fresh)

    return await _step(visit, session, expert_id, step, f"/experts/{expert_id}/edit", "confirmed")


@router.post(_AT + "/withdrawal", response_class=Response)
async def withdraw(expert_id: UUID, visit: Visited, session: Writing) -> Response:
    actor = visit.require()

    async def step() -> None:
        await publication.withdraw(session, actor, expert_id)

    return await _step(visit, session, expert_id, step, f"/experts/{expert_id}/edit", "withdrawn")


@router.post(_AT + "/erasure", response_class=Response)
async def erase(expert_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def step() -> None:
        if forms.first(typed, "sure") != "1":
            raise NotSure
        await publication.erase(session, actor, expert_id)

    return await _step(visit, session, expert_id, step, "/experts?mine=1", "erased")
