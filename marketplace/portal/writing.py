"""`/desk/{problems|achievements}/…`: writing a record, publishing it, keeping it true."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity import people
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import MOST, Paging
from marketplace.kernel.refusals import Forbidden, Refusal, StaleVersion
from marketplace.listings import bodies, completeness, duplicates, publication, records
from marketplace.listings.models import Listing
from marketplace.listings.shapes import fresh_for, reviewed_first
from marketplace.portal import forms, kinds, words
from marketplace.portal.forms import Wrong
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.kinds import Kind
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from marketplace.problems import problems
from schemas.codes import IP_TYPES, TRL
from schemas.identity import Permission
from schemas.listings import CompletenessItem, CooperationMode, ListingState, NearDuplicate, Part, Stage
from schemas.problems import IpWish, Operator

BLANK_ROWS: Final = 2
# So many of the records that say nearly the same are named to whoever writes or reviews one.
ALIKE: Final = 3


async def _form(
    kind: Kind,
    visit: Visit,
    session: AsyncSession,
    typed: Typed,
    *,
    status: int = 200,
    listing: Listing | None = None,
    wrong: Wrong | None = None,
    both: dict[str, str] | None = None,
    version: int | None = None,
    said: list[str] | None = None,
    missing: list[CompletenessItem] | None = None,
) -> Response:
    """The form, filled with what was typed, beside what its readers would miss."""
    organisations = [] if listing else await people.homes(session, visit.actor, Permission.WRITE_RECORDS)
    if not listing and not organisations:
        raise Forbidden(
            "先登记或加入一个单位，并由管理员给您编辑权限，才能填写。"
            " · Register or join an organisation first, as its editor or administrator."
        )
    complete = completeness.of(kind.name, listing) if listing else None
    alike: list[NearDuplicate] = []
    if listing is not None:
        paging = Paging(visit.request, None, ALIKE)
        alike, _ = await duplicates.of(session, visit.actor, kind.cls, listing.id, paging)
    return visit.page(
        "write.html",
        status,
        here=f"/desk/{kind.plural}/{listing.id}" if listing else f"/desk/{kind.plural}/new",
        kind=kind,
        typed=typed,
        first=lambda name: forms.first(typed, name),
        rows=lambda name: [*forms.rows(typed, name), *({} for _ in range(BLANK_ROWS))],
        listing=listing,
        version=version if version is not None else listing.version if listing else 0,
        organisations=organisations,
        wrong=wrong or {},
        both=both or {},
        said=said or [],
        complete=complete,
        missing=missing or [],
        alike=alike,
        files=await records.attachments(session, listing.id, Part.PUBLIC) if listing else (),
        modes=list(CooperationMode),
        stages=list(Stage),
        operators=list(Operator),
        ip_wishes=list(IpWish),
        ip_types=list(IP_TYPES),
        trls=list(TRL),
        fields=words.FIELDS,
    )


def _wrongs(refusal: Refusal) -> tuple[list[str], Wrong]:
    """A refusal as what stands above the form, and beside its fields."""
    return [told(refusal.detail or refusal.title())], forms.beside(refusal)


async def _publish(kind: Kind, visit: Visit, session: AsyncSession, listing_id: UUID) -> tuple[str, Refusal | None]:
    """What can be said about publishing it: the word for it, or why not."""
    request = visit.request
    try:
        async with session.begin_nested():
            listing = await kind.publish(
                session,
                visit.actor,
                listing_id,
                reviewed_first=reviewed_first(request),
                fresh_for=fresh_for(request),
            )
    except Refusal as refusal:
        return "", refusal
    return ("in-review" if listing.state is ListingState.IN_REVIEW else "published"), None


async def _after(
    kind: Kind, visit: Visit, session: AsyncSession, listing_id: UUID, typed: Typed, said: str
) -> Response:
    """Where to go once it is saved: to the record if it was to be published, else back to the form."""
    there = f"/desk/{kind.plural}/{listing_id}"
    if forms.first(typed, "then") != "publish":
        return visit.go(there, said)
    word, refusal = await _publish(kind, visit, session, listing_id)
    if refusal is None:
        return visit.go(f"/{kind.plural}/{listing_id}", word)
    listing = await records.read(session, visit.actor, kind.cls, listing_id)
    above, wrong = _wrongs(refusal)
    above.append(told("内容已保存，但还没有发布。 · What you wrote is saved, but not published yet."))
    shown = forms.shown(bodies.written(listing, kind.body))
    return await _form(kind, visit, session, shown, status=refusal.status, listing=listing, wrong=wrong, said=above)


async def _create(kind: Kind, visit: Visit, session: AsyncSession, typed: Typed) -> Response:
    actor = visit.require()
    wish, wrong = forms.read(kind.new, typed, organisation_id=forms.first(typed, "organisation_id") or None)
    said: list[str] = []
    if wish is not None:
        try:
            async with session.begin_nested():
                listing = await kind.create(session, actor, wish)
            return await _after(kind, visit, session, listing.id, typed, "drafted")
        except Refusal as refusal:
            said, wrong = _wrongs(refusal)
    return await _form(kind, visit, session, typed, status=422, wrong=wrong, said=said)


async def _edit(kind: Kind, visit: Visit, session: AsyncSession, listing_id: UUID, typed: Typed) -> Response:
    actor = visit.require()
    text = forms.first(typed, "version")
    version = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    wish, wrong = forms.read(kind.patch, typed)
    said: list[str] = []
    if wish is not None:
        try:
            async with session.begin_nested():
                await kind.edit(session, actor, listing_id, version, wish)
            return await _after(kind, visit, session, listing_id, typed, "saved")
        except StaleVersion:
            return await _stale(kind, visit, session, listing_id, version, typed)
        except Refusal as refusal:
            if not refusal.errors and refusal.status in {401, 403, 404}:
                raise
            said, wrong = _wrongs(refusal)
    listing = await records.read(session, actor, kind.cls, listing_id)
    return await _form(
        kind, visit, session, typed, status=422, listing=listing, wrong=wrong, version=version, said=said
    )


async def _as_it_was(kind: Kind, visit: Visit, session: AsyncSession, listing: Listing, version: int) -> Typed:
    """The form as it was at a version: the oldest text kept from then on, or the present one if none was."""
    paging = Paging(visit.request, None, MOST)
    revisions, _ = await records.revisions(session, visit.actor, kind.cls, listing.id, paging)
    then = next((one for one in reversed(revisions) if one.version >= version), None)
    past = kind.cls(**then.body) if then is not None else listing
    return forms.shown(bodies.written(past, kind.body))


async def _stale(
    kind: Kind, visit: Visit, session: AsyncSession, listing_id: UUID, version: int, typed: Typed
) -> Response:
    """Somebody saved it meanwhile: what only one of the two changed is kept, the rest is shown side by side."""
    listing = await records.read(session, visit.actor, kind.cls, listing_id)
    before = await _as_it_was(kind, visit, session, listing, version)
    theirs = forms.shown(bodies.written(listing, kind.body))
    made, both = forms.merged(forms.fields_of(kind.body), before, typed, theirs)
    return await _form(
        kind, visit, session, made, status=412, listing=listing, both=both, said=forms.told_of_stale(both)
    )


async def _act(
    kind: Kind,
    visit: Visit,
    session: AsyncSession,
    listing_id: UUID,
    typed: Typed,
    work: Callable[[], Awaitable[Any]],
    said: str,
) -> Response:
    """One click on one record; refused, it is told above the record's form."""
    visit.require()
    there = {"desk": "/desk", "record": f"/{kind.plural}/{listing_id}"}.get(forms.first(typed, "back"))
    try:
        async with session.begin_nested():
            await work()
    except Refusal as refusal:
        if refusal.status in {401, 403, 404}:
            raise
        above, wrong = _wrongs(refusal)
        listing = await records.read(session, visit.actor, kind.cls, listing_id)
        shown = forms.shown(bodies.written(listing, kind.body))
        return await _form(kind, visit, session, shown, status=refusal.status, listing=listing, wrong=wrong, said=above)
    return visit.go(there or f"/desk/{kind.plural}/{listing_id}", said)


def _routes(kind: Kind) -> APIRouter:
    router = APIRouter(prefix=f"/desk/{kind.plural}", route_class=PageRoute, include_in_schema=False)

    @router.get("/new", response_class=Response)
    async def new_form(visit: Visited, session: Reading) -> Response:
        visit.require()
        return await _form(kind, visit, session, {})

    @router.post("/new", response_class=Response)
    async def create(visit: Visited, session: Writing, typed: Sent) -> Response:
        return await _create(kind, visit, session, typed)

    @router.get("/{listing_id:uuid}", response_class=Response)
    async def edit_form(listing_id: UUID, visit: Visited, session: Reading) -> Response:
        actor = visit.require()
        listing = await records.read(session, actor, kind.cls, listing_id)
        if listing.organisation_id not in actor.organisations_where(Permission.WRITE_RECORDS):
            raise records.NotYourRecord
        return await _form(kind, visit, session, forms.shown(bodies.written(listing, kind.body)), listing=listing)

    @router.post("/{listing_id:uuid}", response_class=Response)
    async def edit(listing_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
        return await _edit(kind, visit, session, listing_id, typed)

    @router.post("/{listing_id:uuid}/publication", response_class=Response)
    async def publish(listing_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
        visit.require()
        return await _after(kind, visit, session, listing_id, {"then": ["publish"]}, "saved")

    @router.post("/{listing_id:uuid}/withdrawal", response_class=Response)
    async def withdraw(listing_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
        return await _act(
            kind,
            visit,
            session,
            listing_id,
            typed,
            lambda: publication.withdraw(session, visit.actor, kind.cls, listing_id),
            "withdrawn",
        )

    @router.post("/{listing_id:uuid}/confirmation", response_class=Response)
    async def confirm(listing_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
        term = fresh_for(visit.request)
        return await _act(
            kind,
            visit,
            session,
            listing_id,
            typed,
            lambda: publication.confirm(session, visit.actor, kind.cls, listing_id, fresh_for=term),
            "confirmed",
        )

    if kind is kinds.PROBLEM:

        @router.post("/{listing_id:uuid}/talks", response_class=Response)
        async def talks(listing_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
            return await _act(
                kind,
                visit,
                session,
                listing_id,
                typed,
                lambda: problems.begin_talks(session, visit.actor, listing_id),
                "talks",
            )

        @router.post("/{listing_id:uuid}/solution", response_class=Response)
        async def solve(listing_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
            return await _act(
                kind,
                visit,
                session,
                listing_id,
                typed,
                lambda: problems.solve(session, visit.actor, listing_id),
                "solved",
            )

    return router


ROUTERS: Final = tuple(_routes(kind) for kind in kinds.KINDS.values())
