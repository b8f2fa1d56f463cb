"""`/desk/instruments/new` and `/instruments/{id}/edit`: writing an instrument, offering it, taking it back."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity import people
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.refusals import Refusal, StaleVersion
from marketplace.labs import instruments
from marketplace.portal import acting, forms, instrument_form, trying
from marketplace.portal.forms import Wrong
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.keeping import kept
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.identity import Permission
from schemas.labs import InstrumentNew, InstrumentPatch, InstrumentView

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_NEW: Final = "/desk/instruments/new"
_AT: Final = "/instruments/{instrument_id:uuid}"
_NOT_OFFERED: Final = "内容已保存，但还没有开放。 · What you wrote is saved, but not offered yet."


async def _form(
    visit: Visit,
    session: AsyncSession,
    typed: Typed,
    *,
    one: InstrumentView | None = None,
    opened: str | None = None,
    version: int | None = None,
    wrong: Wrong | None = None,
    both: dict[str, str] | None = None,
    said: list[str] | None = None,
    status: int = 200,
) -> Response:
    """The form. `opened` is what stood in it when its writer began, to tell apart who changed what."""
    labs = [] if one else await people.homes(session, visit.actor, Permission.MANAGE_LABS)
    if not one and not labs:
        raise instruments.NoLabOfYours
    return visit.page(
        "instrument_write.html",
        status,
        here=f"/instruments/{one.id}/edit" if one else _NEW,
        one=one,
        typed=typed,
        first=lambda name: forms.first(typed, name),
        opened=opened if opened is not None else instrument_form.kept(typed),
        version=version if version is not None else one.version if one else 0,
        labs=labs,
        groups=instrument_form.GROUPS,
        labels=instrument_form.LABELS,
        wrong=wrong or {},
        both=both or {},
        said=said or [],
        tables=sorted({field.table for field in instrument_form.FIELDS.values() if field.table}),
    )


async def _offer(visit: Visit, session: AsyncSession, instrument_id: UUID, said: str, *, publish: bool) -> Response:
    """On to the form; if it was to be offered, to its page, or to what is missing for that."""
    there = f"/instruments/{instrument_id}"
    if not publish:
        return visit.go(f"{there}/edit", said)
    try:
        async with session.begin_nested():
            await instruments.publish(session, visit.actor, instrument_id)
    except Refusal as refusal:
        above = [told(refusal.detail or refusal.title()), told(_NOT_OFFERED)]
        return await _shown(
            visit, session, instrument_id, said=above, wrong=forms.beside(refusal), status=refusal.status
        )
    return visit.go(there, "offered")


async def _shown(visit: Visit, session: AsyncSession, instrument_id: UUID, **more: Any) -> Response:
    """The form of an instrument as it stands now."""
    one = await kept(visit, session, instrument_id)
    return await _form(visit, session, instrument_form.shown(one), one=one, **more)


@router.get(_NEW, response_class=Response)
async def new_form(visit: Visited, session: Reading) -> Response:
    visit.require()
    return await _form(visit, session, instrument_form.fresh())


@router.post(_NEW, response_class=Response)
async def create(visit: Visited, session: Writing, typed: Sent) -> Response:
    """A draft, and with the other button an offer."""
    actor = visit.require()
    organisation_id = trying.said(typed, "organisation_id") or None
    wish, wrong = instrument_form.read(InstrumentNew, typed, organisation_id=organisation_id)
    said: list[str] = []
    if wish is not None:
        try:
            async with session.begin_nested():
                made = await instruments.create(session, actor, wish)
            return await _offer(visit, session, made.id, "drafted", publish=trying.said(typed, "then") == "publish")
        except Refusal as refusal:
            said, wrong = [told(refusal.detail or refusal.title())], forms.beside(refusal)
    return await _form(visit, session, typed, wrong=wrong, said=said, status=422)


@router.get(_AT + "/edit", response_class=Response)
async def edit_form(instrument_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _shown(visit, session, instrument_id)


@router.post(_AT + "/edit", response_class=Response)
async def edit(instrument_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()
    opened = trying.said(typed, "opened")
    number = trying.number(typed, "version")
    version = number if isinstance(number, int) else 0
    wish, wrong = instrument_form.read(InstrumentPatch, typed)
    said: list[str] = []
    if wish is not None:
        try:
            async with session.begin_nested():
                await instruments.edit(session, actor, instrument_id, version, wish)
            return await _offer(visit, session, instrument_id, "saved", publish=trying.said(typed, "then") == "publish")
        except StaleVersion:
            return await _stale(visit, session, instrument_id, typed, instrument_form.as_opened(opened))
        except Refusal as refusal:
            if not refusal.errors and refusal.status in {401, 403, 404}:
                raise
            said, wrong = [told(refusal.detail or refusal.title())], forms.beside(refusal)
    one = await kept(visit, session, instrument_id)
    return await _form(
        visit, session, typed, one=one, opened=opened, version=version, wrong=wrong, said=said, status=422
    )


async def _stale(
    visit: Visit, session: AsyncSession, instrument_id: UUID, typed: Typed, opened: Typed | None
) -> Response:
    """Somebody saved it meanwhile: what only one of the two changed is kept, the rest is shown side by side."""
    one = await kept(visit, session, instrument_id)
    theirs = instrument_form.shown(one)
    made, both = forms.merged(instrument_form.inputs(), theirs if opened is None else opened, typed, theirs)
    return await _form(
        visit, session, made, one=one, opened=instrument_form.kept(theirs), both=both,
        said=forms.told_of_stale(both), status=412,
    )  # fmt: skip


async def _step(
    visit: Visit, session: AsyncSession, instrument_id: UUID, step: Callable[..., Awaitable[Any]], said: str
) -> Response:
    """One click on the whole; refused, its form says why."""
    actor = visit.require()

    async def work() -> str:
        await step(session, actor, instrument_id)
        return f"/instruments/{instrument_id}"

    async def again(wrong: list[str], status: int) -> Response:
        return await _shown(visit, session, instrument_id, said=wrong, status=status)

    return await acting.act(visit, session, work, said, again, instrument_form.LABELS)


@router.post(_AT + "/publication", response_class=Response)
async def publish(instrument_id: UUID, visit: Visited, session: Writing) -> Response:
    return await _offer(visit, session, instrument_id, "saved", publish=True)


@router.post(_AT + "/retirement", response_class=Response)
async def retire(instrument_id: UUID, visit: Visited, session: Writing) -> Response:
    """Take it out of the catalogue, once nobody counts on it any more."""
    return await _step(visit, session, instrument_id, instruments.retire, "retired")
