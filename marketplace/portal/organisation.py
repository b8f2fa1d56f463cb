"""`/organisations`: the directory, one organisation, registering it, its verification, its people."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity import members, organisations, people
from marketplace.kernel import validation
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import Forbidden, NotSignedIn, Refusal, StaleVersion
from marketplace.portal import coding, forms, kinds, say, words
from marketplace.portal.forms import Wrong
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas import uscc
from schemas.identity import (
    InvitationNew,
    MembershipPatch,
    OrganisationKind,
    OrganisationNew,
    OrganisationPatch,
    Permission,
    Role,
    SuspensionNew,
    VerificationDecision,
    VerificationRequest,
)

router = APIRouter(prefix="/organisations", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 30
LATEST: Final = 10
MEMBERS: Final = 100
ROLES: Final = (
    Role.VIEWER,
    Role.EDITOR,
    Role.ORGANISATION_ADMIN,
    Role.LAB_MANAGER,
    Role.ORGANIZER,
    Role.BROKER,
)


@router.get("", response_class=Response)
async def directory(visit: Visited, session: Reading) -> Response:
    asked = visit.request.query_params
    q, kind, typed = asked.get("q", "").strip()[:200], asked.get("kind", ""), asked.get("region", "").strip()
    region = coding.read(typed, "regions") if typed else coding.Read(None)
    wrong: Wrong = {"region": [region.said]} if region.said else {}
    rows, marker = await organisations.listed(
        session,
        visit.actor,
        Paging(visit.request, asked.get("cursor"), PAGE),
        kind=OrganisationKind(kind) if kind in set(OrganisationKind) else None,
        region=[region.code] if region.code else [],
        verification=None,
        q=q or None,
        mine=False,
    )
    return visit.page(
        "organisation/directory.html",
        422 if wrong else 200,
        rows=[] if wrong else rows,
        marker=None if wrong else marker,
        wrong=wrong,
        q=q,
        kind=kind,
        region=say.written_code(region.code, "regions") if region.code else typed,
        organisation_kinds=list(OrganisationKind),
        later="cursor" in asked,
    )


def _body(typed: Typed, wrong: Wrong) -> dict[str, Any]:
    """What was typed of an organisation."""
    region = forms.first(typed, "region").strip()
    read = coding.read(region, "regions") if region else coding.Read(None)
    if read.said:
        wrong["region"] = [read.said]
    return {
        "name": forms.first(typed, "name").strip(),
        "name_en": forms.first(typed, "name_en").strip() or None,
        "kinds": typed.get("kinds", []),
        "region": read.code or region,
        "introduction": forms.first(typed, "introduction").strip() or None,
    }


def _read(shape: type[BaseModel], body: dict[str, Any], wrong: Wrong) -> Any:
    try:
        message = shape.model_validate(body)
    except ValidationError as error:
        for one in validation.as_refusal(error).errors:
            wrong.setdefault(one.pointer.strip("/").split("/")[0], []).append(told(one.detail))
        return None
    return None if wrong else message


def _new_page(
    visit: Visit, typed: Typed, wrong: Wrong, said: list[str] | None = None, *, status: int = 200
) -> Response:
    return visit.page(
        "organisation/new.html",
        status,
        here="/organisations/new",
        typed=typed,
        first=lambda name: forms.first(typed, name),
        wrong=wrong,
        said=said or [],
        organisation_kinds=list(OrganisationKind),
    )


@router.get("/new", response_class=Response)
async def new_form(visit: Visited, session: Reading) -> Response:
    visit.require()
    return _new_page(visit, {}, {})


@router.post("/new", response_class=Response)
async def register(visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()
    wrong: Wrong = {}
    wish = _read(OrganisationNew, _body(typed, wrong) | {"uscc": forms.first(typed, "uscc").strip()}, wrong)
    if wish is None:
        return _new_page(visit, typed, wrong, status=422)
    try:
        async with session.begin_nested():
            organisation = await organisations.register(session, actor, wish)
    except Refusal as refusal:
        return _new_page(visit, typed, {}, [told(refusal.detail or refusal.title())], status=refusal.status)
    return visit.go(f"/organisations/{organisation.id}", "organisation")


async def _people(visit: Visit, session: AsyncSession, organisation_id: UUID) -> dict[str, Any]:
    """Its members, and the invitations still open, as far as the visitor may see them."""
    actor = visit.actor
    # Whom the visitor may invite: the platform administrators alone.
    roles: tuple[Role, ...] = ROLES if organisation_id in actor.organisations_where(Permission.MANAGE_MEMBERS) else ()
    if not roles and Permission.VERIFY_ORGANISATIONS in actor.platform:
        roles = (Role.ORGANISATION_ADMIN,)
    cursor = visit.request.query_params.get("cursor") if visit.request.method in {"GET", "HEAD"} else None
    shown: dict[str, Any] = {"members": None, "more": None, "later": cursor, "invitations": (), "invites": roles}
    if actor.may(Permission.READ_OWN, organisation_id) or Permission.READ_ALL in actor.platform:
        paging = Paging(visit.request, cursor, MEMBERS)
        shown["members"], shown["more"] = await members.listed(session, actor, organisation_id, paging)
    if roles:
        paging = Paging(visit.request, None, MEMBERS)
        shown["invitations"], _ = await members.invitations(session, actor, organisation_id, paging)
    return shown


async def _page(
    visit: Visit,
    session: AsyncSession,
    organisation_id: UUID,
    *,
    status: int = 200,
    said: list[str] | None = None,
    typed: Typed | None = None,
    wrong: Wrong | None = None,
    version: int | None = None,
) -> Response:
    actor = visit.actor
    organisation = await organisations.read(session, actor, organisation_id)
    latest = Paging(visit.request, None, LATEST)
    records = {
        plural: (
            await kind.cards(session, actor, kind.filter.model_validate({"organisation": organisation_id}), latest)
        )[0]
        for plural, kind in kinds.KINDS.items()
    }
    platform = Permission.VERIFY_ORGANISATIONS in actor.platform
    return visit.page(
        "organisation/one.html",
        status,
        here=f"/organisations/{organisation_id}",
        organisation=organisation,
        doubts=[told(doubt.detail) for doubt in uscc.warnings(organisation.uscc)] if platform else [],
        records=records,
        kinds=kinds.KINDS,
        administrator=organisation_id in actor.organisations_where(Permission.EDIT_ORGANISATION),
        manager=organisation_id in actor.organisations_where(Permission.MANAGE_MEMBERS),
        insider=actor.may(Permission.READ_OWN, organisation_id) or Permission.READ_ALL in actor.platform,
        platform=platform,
        said=said or [],
        wrong=wrong or {},
        typed=typed or {},
        version=organisation.version if version is None else version,
        roles=ROLES,
        organisation_kinds=list(OrganisationKind),
        fields=words.FIELDS,
        **await _people(visit, session, organisation_id),
    )


async def _act(
    visit: Visit,
    session: AsyncSession,
    organisation_id: UUID,
    typed: Typed,
    work: Callable[[], Awaitable[Any]],
    said: str,
) -> Response:
    """One act on one organisation; refused, its page says why and keeps what was typed."""
    try:
        async with session.begin_nested():
            await work()
    except ValidationError as error:
        above = [told(one.detail) for one in validation.as_refusal(error).errors]
        return await _page(visit, session, organisation_id, status=422, said=above, typed=typed)
    except (NotSignedIn, Forbidden):
        raise
    except StaleVersion as refusal:
        above = [
            told(refusal.title()),
            told("下面是现在的内容，请核对后再提交。 · Below is what stands now; compare, then send it again."),
        ]
        return await _page(visit, session, organisation_id, status=412, said=above, typed=typed)
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        above = [told(refusal.detail or refusal.title())]
        return await _page(visit, session, organisation_id, status=refusal.status, said=above, typed=typed)
    return visit.go(f"/organisations/{organisation_id}", said)


def _version(typed: Typed) -> int:
    text = forms.first(typed, "version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


@router.get("/{organisation_id:uuid}", response_class=Response)
async def shown(organisation_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, organisation_id)


@router.post("/{organisation_id:uuid}", response_class=Response)
async def edit(organisation_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()
    wrong: Wrong = {}
    patch = _read(OrganisationPatch, _body(typed, wrong), wrong)
    if patch is None:
        return await _page(visit, session, organisation_id, status=422, typed=typed, wrong=wrong)
    return await _act(
        visit,
        session,
        organisation_id,
        typed,
        lambda: organisations.edit(session, actor, organisation_id, _version(typed), patch),
        "saved",
    )


@router.post("/{organisation_id:uuid}/verification", response_class=Response)
async def ask_verification(organisation_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> None:
        wish = VerificationRequest.model_validate({"evidence": forms.first(typed, "evidence")})
        await organisations.ask_verification(session, actor, organisation_id, wish)

    return await _act(visit, session, organisation_id, typed, work, "verification")


@router.post("/{organisation_id:uuid}/decision", response_class=Response)
async def decide(organisation_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> None:
        decision = VerificationDecision.model_validate(
            {"decision": forms.first(typed, "decision"), "reason": forms.first(typed, "reason")}
        )
        await organisations.decide_verification(session, actor, organisation_id, decision, version=_version(typed))

    return await _act(visit, session, organisation_id, typed, work, "decided")


@router.post("/{organisation_id:uuid}/invitations", response_class=Response)
async def invite(organisation_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()
    public_url: str = visit.request.app.state.settings.public_url

    async def work() -> None:
        wish = InvitationNew.model_validate(
            {"email": forms.first(typed, "email").strip(), "role": forms.first(typed, "role")}
        )
        await members.invite(session, actor, organisation_id, wish, public_url=public_url)

    return await _act(visit, session, organisation_id, typed, work, "invited")


@router.post("/{organisation_id:uuid}/invitations/{invitation_id:uuid}/revocation", response_class=Response)
async def revoke_invitation(
    organisation_id: UUID, invitation_id: UUID, visit: Visited, session: Writing, typed: Sent
) -> Response:
    actor = visit.require()
    return await _act(
        visit,
        session,
        organisation_id,
        typed,
        lambda: members.revoke_invitation(session, actor, organisation_id, invitation_id),
        "revoked",
    )


@router.post("/{organisation_id:uuid}/members/{membership_id:uuid}", response_class=Response)
async def change_role(
    organisation_id: UUID, membership_id: UUID, visit: Visited, session: Writing, typed: Sent
) -> Response:
    actor = visit.require()

    async def work() -> None:
        role = MembershipPatch.model_validate({"role": forms.first(typed, "role")}).role
        await members.change_role(session, actor, organisation_id, membership_id, _version(typed), role)

    return await _act(visit, session, organisation_id, typed, work, "role")


@router.post("/{organisation_id:uuid}/members/{membership_id:uuid}/end", response_class=Response)
async def end(organisation_id: UUID, membership_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()
    mine = await members.person_of(session, actor, organisation_id, membership_id) == actor.person_id
    answer = await _act(
        visit,
        session,
        organisation_id,
        typed,
        lambda: members.end(session, actor, organisation_id, membership_id, _version(typed)),
        "left",
    )
    # Whoever left may not see it any more.
    return visit.go("/desk", "gone") if mine and answer.status_code == 303 else answer


async def _account(
    organisation_id: UUID,
    membership_id: UUID,
    visit: Visit,
    session: AsyncSession,
    typed: Typed,
    verb: Callable[[AsyncSession, Actor, UUID, str], Awaitable[None]],
    said: str,
) -> Response:
    """What the platform does to the account of a member."""
    actor = visit.require()

    async def work() -> None:
        wish = SuspensionNew.model_validate({"reason": forms.first(typed, "reason")})
        person_id = await members.person_of(session, actor, organisation_id, membership_id)
        await verb(session, actor, person_id, wish.reason)

    return await _act(visit, session, organisation_id, typed, work, said)


@router.post("/{organisation_id:uuid}/members/{membership_id:uuid}/suspension", response_class=Response)
async def suspend(
    organisation_id: UUID, membership_id: UUID, visit: Visited, session: Writing, typed: Sent
) -> Response:
    return await _account(organisation_id, membership_id, visit, session, typed, people.suspend, "suspended")


@router.post("/{organisation_id:uuid}/members/{membership_id:uuid}/reinstatement", response_class=Response)
async def reinstate(
    organisation_id: UUID, membership_id: UUID, visit: Visited, session: Writing, typed: Sent
) -> Response:
    return await _account(organisation_id, membership_id, visit, session, typed, people.reinstate, "reinstated")
