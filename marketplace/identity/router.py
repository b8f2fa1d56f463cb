"""`/api/v1`: sessions, people, organisations."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from marketplace.identity import members, organisations, people, tokens
from marketplace.identity.models import Invitation, Membership, Organisation, Token
from marketplace.kernel import etag
from marketplace.kernel.actor import AccountSuspended, Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.etag import IfMatch, MaybeIfMatch
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import (
    Forbidden,
    NotFound,
    NotSignedIn,
    StaleVersion,
    VersionMissing,
    problems,
)
from schemas import uscc
from schemas.base import FieldError, Page
from schemas.codes import RegionCode
from schemas.identity import (
    Accepted,
    Confirmation,
    InvitationNew,
    InvitationToken,
    InvitationView,
    Me,
    MembershipPatch,
    MembershipTaken,
    MembershipView,
    MemberView,
    MePatch,
    OrganisationCard,
    OrganisationKind,
    OrganisationNew,
    OrganisationPatch,
    OrganisationView,
    PasswordChange,
    PasswordForgotten,
    PasswordReset,
    Permission,
    Registration,
    SignedInView,
    SignIn,
    SuspensionNew,
    TokenMade,
    TokenNew,
    TokenView,
    Verification,
    VerificationDecision,
    VerificationRequest,
    VerificationView,
)
from schemas.text import Words

router = APIRouter(prefix="/api/v1", route_class=TransactionRoute)

LETTER_SENT = (
    "如果可以，我们已向此邮箱发送一封信，请查收。 · If that is possible, a letter is on its way to this address."
)


def _letter_sent() -> Accepted:
    return Accepted(message=told(LETTER_SENT))


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None


def _signed_in(text: str, token: Token) -> SignedInView:
    return SignedInView(token=text, expires_at=token.expires_at, person_id=token.person_id)


@router.post(
    "/sessions", status_code=201, tags=["identity"], responses=problems(people.WrongCredentials, people.TooManyTries)
)
async def sign_in(wish: SignIn, session: Writing, request: Request) -> SignedInView:
    """登录 · Sign in. The answer is the same for an unknown address and a wrong password."""
    made = await people.sign_in(
        session,
        wish.email,
        wish.password.get_secret_value(),
        address=_address(request),
        name=tokens.agent_of(request),
        tries=request.app.state.settings.sign_ins_per_quarter_hour,
    )
    if made is None:
        raise people.WrongCredentials
    return _signed_in(*made)


@router.get("/sessions", tags=["identity"], responses=problems(NotSignedIn, AccountSuspended))
async def sessions(session: Reading, actor: SignedIn, paging: Paged, response: Response) -> Page[TokenView]:
    """有效的会话与令牌 · Your sessions and tokens that still open something."""
    rows, marker = await tokens.listed(session, actor, paging)
    paging.link(response, marker)
    return Page[TokenView](items=[TokenView.model_validate(token) for token in rows], next_cursor=marker)


@router.delete("/sessions/current", status_code=204, tags=["identity"], responses=problems(NotSignedIn))
async def sign_out(session: Writing, actor: SignedIn) -> None:
    """退出 · Sign out."""
    assert actor.token_id is not None
    await tokens.revoke(session, actor, actor.token_id)


@router.delete("/sessions/{token_id}", status_code=204, tags=["identity"], responses=problems(NotSignedIn, NotFound))
async def revoke(token_id: UUID, session: Writing, actor: SignedIn) -> None:
    """撤销一个会话或令牌 · Revoke a session or token of your own."""
    await tokens.revoke(session, actor, token_id)


@router.post("/tokens", status_code=201, tags=["identity"], responses=problems(NotSignedIn, tokens.SessionNeeded))
async def make_token(wish: TokenNew, session: Writing, actor: SignedIn) -> TokenMade:
    """个人访问令牌 · A token for a program of yours, shown once."""
    text, token = await tokens.make_personal(session, actor, wish)
    return TokenMade(token=text, **TokenView.model_validate(token).model_dump())


@router.post("/people", status_code=202, tags=["identity"], responses=problems(people.TooManyLetters))
async def register(wish: Registration, session: Writing, request: Request) -> Accepted:
    """注册 · Open an account. A letter goes to the address; the answer never says whether it is known."""
    await people.register(session, wish, address=_address(request), public_url=request.app.state.settings.public_url)
    return _letter_sent()


@router.post("/people/confirmations", status_code=201, tags=["identity"], responses=problems(people.LinkSpent))
async def confirm(wish: Confirmation, session: Writing, request: Request) -> SignedInView:
    """确认邮箱并设置密码 · Confirm the address with the letter's code, choose a password, be signed in."""
    made = await people.confirm(session, wish.token, wish.password.get_secret_value(), name=tokens.agent_of(request))
    return _signed_in(*made)


@router.post("/password-resets", status_code=202, tags=["identity"], responses=problems(people.TooManyLetters))
async def forgot_password(wish: PasswordForgotten, session: Writing, request: Request) -> Accepted:
    """忘记密码 · Ask for a letter to set a new password."""
    await people.forgot_password(
        session, wish.email, address=_address(request), public_url=request.app.state.settings.public_url
    )
    return _letter_sent()


@router.post("/password-resets/completions", status_code=204, tags=["identity"], responses=problems(people.LinkSpent))
async def reset_password(wish: PasswordReset, session: Writing) -> None:
    """重设密码 · Set a new password with the letter's code. Every session ends."""
    await people.reset_password(session, wish.token, wish.password.get_secret_value())


@router.post(
    "/me/password",
    status_code=204,
    tags=["identity"],
    responses=problems(NotSignedIn, tokens.SessionNeeded, people.WrongPassword, people.TooManyTries),
)
async def change_password(wish: PasswordChange, session: Writing, actor: SignedIn, request: Request) -> None:
    """修改密码 · Change your password. Every session ends, this one too."""
    await people.change_password(
        session,
        actor,
        wish.current.get_secret_value(),
        wish.new.get_secret_value(),
        tries=request.app.state.settings.sign_ins_per_quarter_hour,
    )


@router.get("/me", tags=["identity"], responses=problems(NotSignedIn, AccountSuspended))
async def me(session: Reading, actor: SignedIn, response: Response) -> Me:
    """我的账号与身份 · Your account and your roles."""
    person, memberships = await people.read_me(session, actor)
    etag.stamp(response, person.version)
    return Me(
        id=person.id,
        email=person.email,
        name=person.name,
        phone=person.phone,
        locale=person.locale,
        version=person.version,
        memberships=[
            MembershipView(
                id=membership.id,
                organisation=OrganisationCard.model_validate(organisation) if organisation else None,
                role=membership.role,
                since=membership.since,
            )
            for membership, organisation in memberships
        ],
    )


@router.patch("/me", tags=["identity"], responses=problems(NotSignedIn, StaleVersion, VersionMissing))
async def edit_me(patch: MePatch, version: IfMatch, session: Writing, actor: SignedIn, response: Response) -> Me:
    """修改个人资料 · Change your name, phone or language."""
    await people.edit_me(session, actor, version, patch)
    return await me(session, actor, response)


@router.post(
    "/me/memberships",
    status_code=201,
    tags=["identity"],
    responses=problems(NotSignedIn, NotFound, members.NotTheInvited, members.AlreadyMember),
)
async def join(wish: InvitationToken, session: Writing, actor: SignedIn) -> MembershipTaken:
    """接受邀请 · Take up an invitation with the code from the letter."""
    membership = await members.join(session, actor, wish.token)
    assert membership.organisation_id is not None
    return MembershipTaken(id=membership.id, organisation_id=membership.organisation_id, role=membership.role)


@router.post(
    "/people/{person_id}/suspension",
    status_code=204,
    tags=["identity"],
    responses=problems(NotSignedIn, NotFound, Forbidden),
)
async def suspend(person_id: UUID, wish: SuspensionNew, session: Writing, actor: SignedIn) -> None:
    """停用账号（平台管理员） · Suspend an account (platform administrators)."""
    await people.suspend(session, actor, person_id, wish.reason)


@router.post(
    "/people/{person_id}/reinstatement", status_code=204, tags=["identity"], responses=problems(NotSignedIn, NotFound)
)
async def reinstate(person_id: UUID, wish: SuspensionNew, session: Writing, actor: SignedIn) -> None:
    """恢复账号（平台管理员） · Reinstate an account (platform administrators)."""
    await people.reinstate(session, actor, person_id, wish.reason)


def _view(organisation: Organisation, response: Response | None = None) -> OrganisationView:
    if response is not None:
        etag.stamp(response, organisation.version)
    return OrganisationView(
        **{name: getattr(organisation, name) for name in OrganisationView.model_fields if name != "warnings"},
        warnings=[
            FieldError(pointer="/uscc", code=doubt.code, detail=told(doubt.detail))
            for doubt in uscc.warnings(organisation.uscc)
        ],
    )


@router.get("/organisations", tags=["organisations"])
async def list_organisations(
    session: Reading,
    actor: Anyone,
    paging: Paged,
    response: Response,
    kind: OrganisationKind | None = None,
    region: Annotated[
        list[RegionCode], Query(max_length=20, description="地区，包括其下级 · a code takes in what stands below it")
    ] = [],  # noqa: B006 -- FastAPI copies it
    verification: Verification | None = None,
    q: Annotated[Words | None, Query(description="名称中的文字 · text in the name")] = None,
    mine: bool = False,
) -> Page[OrganisationView]:
    """单位名录 · Organisations: the verified ones, and your own."""
    rows, marker = await organisations.listed(
        session, actor, paging, kind=kind, region=region, verification=verification, q=q, mine=mine
    )
    paging.link(response, marker)
    return Page[OrganisationView](items=[_view(row) for row in rows], next_cursor=marker)


@router.post(
    "/organisations",
    status_code=201,
    tags=["organisations"],
    responses=problems(NotSignedIn, organisations.OrganisationKnown),
)
async def register_organisation(
    wish: OrganisationNew, session: Writing, actor: SignedIn, response: Response
) -> OrganisationView:
    """登记单位 · Register an organisation; you become its administrator."""
    organisation = await organisations.register(session, actor, wish)
    response.headers["Location"] = f"/api/v1/organisations/{organisation.id}"
    return _view(organisation, response)


@router.get("/organisations/{organisation_id}", tags=["organisations"], responses=problems(NotFound))
async def read_organisation(
    organisation_id: UUID, session: Reading, actor: Anyone, response: Response
) -> OrganisationView:
    """一个单位 · One organisation."""
    return _view(await organisations.read(session, actor, organisation_id), response)


@router.patch(
    "/organisations/{organisation_id}",
    tags=["organisations"],
    responses=problems(NotSignedIn, NotFound, organisations.NotYours, StaleVersion, VersionMissing),
)
async def edit_organisation(
    organisation_id: UUID,
    patch: OrganisationPatch,
    version: IfMatch,
    session: Writing,
    actor: SignedIn,
    response: Response,
) -> OrganisationView:
    """修改单位资料（改名、改类型、迁往外省需重新认证） · Change an organisation; another name, kind or province asks for a new verification."""
    return _view(await organisations.edit(session, actor, organisation_id, version, patch), response)


def _verification(organisation: Organisation, response: Response) -> VerificationView:
    etag.stamp(response, organisation.version)
    return VerificationView(
        version=organisation.version,
        verification=organisation.verification,
        evidence=organisation.evidence,
        reason=organisation.decision_reason,
        decided_by=organisation.decided_by,
        verified_at=organisation.verified_at,
    )


@router.get(
    "/organisations/{organisation_id}/verification",
    tags=["organisations"],
    responses=problems(NotSignedIn, NotFound, Forbidden),
)
async def read_verification(
    organisation_id: UUID, session: Reading, actor: SignedIn, response: Response
) -> VerificationView:
    """认证材料与结论（成员与平台） · Evidence and decision, for members and the platform."""
    organisation = await organisations.read(session, actor, organisation_id)
    if not actor.may(Permission.READ_OWN, organisation_id) and Permission.READ_ALL not in actor.platform:
        raise Forbidden
    return _verification(organisation, response)


@router.post(
    "/organisations/{organisation_id}/verification",
    tags=["organisations"],
    responses=problems(NotSignedIn, NotFound, organisations.NotYours, organisations.WrongStep),
)
async def ask_verification(
    organisation_id: UUID, wish: VerificationRequest, session: Writing, actor: SignedIn, response: Response
) -> VerificationView:
    """申请认证 · Ask to be verified."""
    return _verification(await organisations.ask_verification(session, actor, organisation_id, wish), response)


@router.post(
    "/organisations/{organisation_id}/verification/decisions",
    tags=["organisations"],
    responses=problems(NotSignedIn, NotFound, Forbidden, StaleVersion, organisations.WrongStep),
)
async def decide_verification(
    organisation_id: UUID,
    decision: VerificationDecision,
    version: MaybeIfMatch,
    session: Writing,
    actor: SignedIn,
    response: Response,
) -> VerificationView:
    """认证、退回、暂停或恢复（平台管理员） · Verify, refuse, suspend or reinstate (platform administrators).

    With `If-Match`, the decision holds only if the organisation is still as you saw it.
    """
    organisation = await organisations.decide_verification(session, actor, organisation_id, decision, version=version)
    return _verification(organisation, response)


def _member(membership: Membership) -> MemberView:
    return MemberView(
        id=membership.id,
        person_id=membership.person_id,
        name=membership.person.name,
        email=membership.person.email,
        role=membership.role,
        since=membership.since,
        version=membership.version,
    )


@router.get(
    "/organisations/{organisation_id}/members",
    tags=["organisations"],
    responses=problems(NotSignedIn, NotFound, Forbidden),
)
async def list_members(
    organisation_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[MemberView]:
    """成员 · Members."""
    rows, marker = await members.listed(session, actor, organisation_id, paging)
    paging.link(response, marker)
    return Page[MemberView](items=[_member(row) for row in rows], next_cursor=marker)


@router.patch(
    "/organisations/{organisation_id}/members/{membership_id}",
    tags=["organisations"],
    responses=problems(
        NotSignedIn, NotFound, organisations.NotYours, members.LastAdministrator, StaleVersion, VersionMissing
    ),
)
async def change_role(
    organisation_id: UUID,
    membership_id: UUID,
    patch: MembershipPatch,
    version: IfMatch,
    session: Writing,
    actor: SignedIn,
    response: Response,
) -> MemberView:
    """改变成员角色 · Change a member's role."""
    membership = await members.change_role(session, actor, organisation_id, membership_id, version, patch.role)
    etag.stamp(response, membership.version)
    return _member(membership)


@router.delete(
    "/organisations/{organisation_id}/members/{membership_id}",
    status_code=204,
    tags=["organisations"],
    responses=problems(
        NotSignedIn, NotFound, organisations.NotYours, members.LastAdministrator, StaleVersion, VersionMissing
    ),
)
async def end_membership(
    organisation_id: UUID, membership_id: UUID, version: IfMatch, session: Writing, actor: SignedIn
) -> None:
    """移除成员，或自己离开 · Let a member go, or leave yourself."""
    await members.end(session, actor, organisation_id, membership_id, version)


@router.get(
    "/organisations/{organisation_id}/invitations",
    tags=["organisations"],
    responses=problems(NotSignedIn, NotFound, organisations.NotYours),
)
async def list_invitations(
    organisation_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[InvitationView]:
    """未接受的邀请 · Open invitations."""
    rows, marker = await members.invitations(session, actor, organisation_id, paging)
    paging.link(response, marker)
    return Page[InvitationView](items=[InvitationView.model_validate(row) for row in rows], next_cursor=marker)


@router.post(
    "/organisations/{organisation_id}/invitations",
    status_code=201,
    tags=["organisations"],
    responses=problems(
        NotSignedIn,
        NotFound,
        organisations.NotYours,
        members.AlreadyInvited,
        members.AlreadyMember,
        people.TooManyLetters,
    ),
)
async def invite(
    organisation_id: UUID, wish: InvitationNew, session: Writing, actor: SignedIn, request: Request
) -> InvitationView:
    """邀请成员 · Invite a member by e-mail."""
    invitation: Invitation = await members.invite(
        session, actor, organisation_id, wish, public_url=request.app.state.settings.public_url
    )
    return InvitationView.model_validate(invitation)


@router.delete(
    "/organisations/{organisation_id}/invitations/{invitation_id}",
    status_code=204,
    tags=["organisations"],
    responses=problems(NotSignedIn, NotFound, organisations.NotYours),
)
async def revoke_invitation(organisation_id: UUID, invitation_id: UUID, session: Writing, actor: SignedIn) -> None:
    """撤销邀请 · Revoke an invitation."""
    await members.revoke_invitation(session, actor, organisation_id, invitation_id)
