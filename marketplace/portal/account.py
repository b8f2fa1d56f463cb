"""Signing in and out, registering, and the pages that letters lead to."""

from collections.abc import Awaitable
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity import members, people, tokens
from marketplace.identity.models import Token
from marketplace.kernel import validation
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.refusals import NotFound, NotSignedIn, Refusal, StaleVersion
from marketplace.portal import forms
from marketplace.portal.frame import Visit, Visited, language_of, local
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent
from marketplace.settings import Mode
from schemas.identity import (
    Confirmation,
    InvitationToken,
    MePatch,
    PasswordChange,
    PasswordForgotten,
    PasswordReset,
    Registration,
    SignIn,
)

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Done = TypeVar("Done")
Written = Annotated[str, Form()]


def carry(visit: Visit, response: Response, made: tuple[str, Token]) -> Response:
    """Let the browser carry the session, out of reach of scripts and of other sites' forms."""
    tokens.keep_in_browser(response, *made, public_url=visit.request.app.state.settings.public_url)
    visit.lapsed = False
    return response


def _address(visit: Visit) -> str | None:
    return visit.request.client.host if visit.request.client else None


def _wrong(error: ValidationError) -> list[str]:
    return [f"{told(one.detail)}" for one in validation.as_refusal(error).errors]


def _kept_here(visit: Visit) -> bool:
    """Whether letters land in a folder on this machine instead of in the post."""
    settings = visit.request.app.state.settings
    return settings.mode is Mode.DEVELOPMENT and settings.smtp_url is None


@router.get("/sign-in", response_class=Response)
async def sign_in_form(visit: Visited, session: Reading, next: Annotated[str, Query()] = "") -> Response:
    if visit.signed_in:
        return visit.go(local(next, "/desk"))
    return visit.page("account/sign_in.html", next=local(next, ""), email="", wrong=[])


@router.post("/sign-in", response_class=Response)
async def sign_in(
    visit: Visited,
    session: Writing,
    email: Written = "",
    password: Written = "",
    next: Written = "",
) -> Response:
    """The answer is the same for an unknown address and a wrong password; a failed try is counted."""
    request = visit.request
    there = local(next, "/desk")
    wrong, status = [told(people.WrongCredentials.title())], 401
    try:
        wish = SignIn.model_validate({"email": email.strip(), "password": password})
        made = await people.sign_in(
            session,
            wish.email,
            wish.password.get_secret_value(),
            address=_address(visit),
            name=tokens.agent_of(request),
            tries=request.app.state.settings.sign_ins_per_quarter_hour,
        )
        if made is not None:
            return carry(visit, visit.go(there), made)
    except ValidationError:
        pass
    except people.TooManyTries as refusal:
        wrong, status = [told(refusal.title())], 429
    return visit.page("account/sign_in.html", status, here="/sign-in", next=local(next, ""), email=email, wrong=wrong)


@router.post("/sign-out", response_class=Response)
async def sign_out(request: Request, session: Writing) -> Response:
    """Whoever asks is signed out, a suspended account and a session that has ended included."""
    tokens.refuse_foreign(request)
    visit = Visit(request, language=language_of(request), lapsed=True)
    try:
        actor = await tokens.actor_of(session, request)
        if actor.token_id is not None:
            await tokens.revoke(session, actor, actor.token_id)
    except (NotSignedIn, NotFound):
        pass
    return visit.go("/", "signed-out")


@router.get("/register", response_class=Response)
async def register_form(visit: Visited, session: Reading) -> Response:
    return visit.page("account/register.html", typed={}, wrong=[])


@router.post("/register", response_class=Response)
async def register(visit: Visited, session: Writing, email: Written = "", name: Written = "") -> Response:
    try:
        wish = Registration.model_validate({"email": email.strip(), "name": name.strip(), "locale": visit.language})
    except ValidationError as error:
        typed = {"email": email, "name": name}
        return visit.page("account/register.html", 422, here="/register", typed=typed, wrong=_wrong(error))
    try:
        await people.register(
            session, wish, address=_address(visit), public_url=visit.request.app.state.settings.public_url
        )
    except people.TooManyLetters as refusal:
        typed = {"email": email, "name": name}
        return visit.page("account/register.html", 429, here="/register", typed=typed, wrong=[told(refusal.title())])
    return visit.page("account/letter.html", here="/register", email=wish.email, kept_here=_kept_here(visit))


@router.get("/forgot", response_class=Response)
async def forgot_form(visit: Visited, session: Reading) -> Response:
    return visit.page("account/forgot.html", email="", wrong=[])


@router.post("/forgot", response_class=Response)
async def forgot(visit: Visited, session: Writing, email: Written = "") -> Response:
    try:
        wish = PasswordForgotten.model_validate({"email": email.strip()})
    except ValidationError as error:
        return visit.page("account/forgot.html", 422, here="/forgot", email=email, wrong=_wrong(error))
    try:
        await people.forgot_password(
            session, wish.email, address=_address(visit), public_url=visit.request.app.state.settings.public_url
        )
    except people.TooManyLetters as refusal:
        return visit.page("account/forgot.html", 429, here="/forgot", email=email, wrong=[told(refusal.title())])
    return visit.page("account/letter.html", here="/forgot", email=wish.email, kept_here=_kept_here(visit))


_LETTERS: Final = {
    "confirm": "确认邮箱 · Confirm your address",
    "reset": "重设密码 · Set a new password",
}


def _letter_page(visit: Visit, purpose: str, token: str, wrong: list[str], status: int = 200) -> Response:
    here = f"/{purpose}?{urlencode({'token': token})}"
    return visit.page(
        "account/password.html",
        status,
        here=here,
        purpose=purpose,
        title=told(_LETTERS[purpose]),
        token=token,
        wrong=wrong,
    )


async def _trying(work: Awaitable[Done], session: AsyncSession) -> tuple[Done | None, list[str]]:
    """What came of it, or why not; a refusal leaves nothing behind."""
    try:
        async with session.begin_nested():
            return await work, []
    except Refusal as refusal:
        return None, [told(refusal.detail or refusal.title())]


def _same(password: str, again: str) -> list[str]:
    return [] if password == again else [told("两次输入的密码不一致。 · The two passwords are not the same.")]


@router.get("/confirm", response_class=Response)
async def confirm_form(visit: Visited, session: Reading, token: Annotated[str, Query()] = "") -> Response:
    return _letter_page(visit, "confirm", token, [])


@router.post("/confirm", response_class=Response)
async def confirm(
    visit: Visited, session: Writing, token: Written = "", password: Written = "", again: Written = ""
) -> Response:
    wrong = _same(password, again)
    try:
        wish = Confirmation.model_validate({"token": token.strip(), "password": password})
    except ValidationError as error:
        wrong += _wrong(error)
    if wrong:
        return _letter_page(visit, "confirm", token, wrong, 422)
    made, wrong = await _trying(
        people.confirm(session, wish.token, wish.password.get_secret_value(), name=tokens.agent_of(visit.request)),
        session,
    )
    if made is None:
        return _letter_page(visit, "confirm", token, wrong, 422)
    return carry(visit, visit.go("/desk", "welcome"), made)


@router.get("/reset", response_class=Response)
async def reset_form(visit: Visited, session: Reading, token: Annotated[str, Query()] = "") -> Response:
    return _letter_page(visit, "reset", token, [])


@router.post("/reset", response_class=Response)
async def reset(
    visit: Visited, session: Writing, token: Written = "", password: Written = "", again: Written = ""
) -> Response:
    wrong = _same(password, again)
    try:
        wish = PasswordReset.model_validate({"token": token.strip(), "password": password})
    except ValidationError as error:
        wrong += _wrong(error)
    if not wrong:
        _, wrong = await _trying(people.reset_password(session, wish.token, wish.password.get_secret_value()), session)
    if wrong:
        return _letter_page(visit, "reset", token, wrong, 422)
    return visit.go("/sign-in", "reset")


@router.get("/join", response_class=Response)
async def join_form(visit: Visited, session: Reading, token: Annotated[str, Query()] = "") -> Response:
    here = f"/join?{urlencode({'token': token})}"
    return visit.page("account/join.html", token=token, wrong=[], here=here, back=here)


@router.post("/join", response_class=Response)
async def join(visit: Visited, session: Writing, token: Written = "") -> Response:
    actor = visit.require()
    here = f"/join?{urlencode({'token': token})}"
    try:
        wish = InvitationToken.model_validate({"token": token.strip()})
    except ValidationError as error:
        return visit.page("account/join.html", 422, token=token, wrong=_wrong(error), here=here, back=here)
    made, wrong = await _trying(members.join(session, actor, wish.token), session)
    if made is None:
        return visit.page("account/join.html", 422, token=token, wrong=wrong, here=here, back=here)
    return visit.go(f"/organisations/{made.organisation_id}", "joined")


async def _account(visit: Visit, session: AsyncSession, status: int = 200, **more: Any) -> Response:
    actor = visit.require() if visit.request.method != "GET" else visit.actor
    if not visit.signed_in:
        raise NotSignedIn
    person, memberships = await people.read_me(session, actor)
    live = await tokens.live(session, actor)
    values = {
        "person": person,
        "memberships": memberships,
        "live": live,
        "wrong": [],
        "profile_wrong": [],
        "typed": {},
    } | more
    return visit.page("account/account.html", status, here="/account", **values)


@router.get("/account", response_class=Response)
async def account(visit: Visited, session: Reading) -> Response:
    return await _account(visit, session)


@router.post("/account/profile", response_class=Response)
async def edit_profile(visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()
    text = forms.first(typed, "version")
    try:
        patch = MePatch.model_validate(
            {
                "name": forms.first(typed, "name").strip(),
                "phone": forms.first(typed, "phone").strip() or None,
                "locale": forms.first(typed, "locale"),
            }
        )
        async with session.begin_nested():
            await people.edit_me(session, actor, int(text) if text.isdecimal() and len(text) < 10 else 0, patch)
    except ValidationError as error:
        return await _account(visit, session, 422, profile_wrong=_wrong(error), typed=typed)
    except StaleVersion as refusal:
        return await _account(visit, session, 412, profile_wrong=[told(refusal.title())], typed=typed)
    return visit.go("/account", "saved")


@router.post("/account/password", response_class=Response)
async def change_password(
    visit: Visited, session: Writing, current: Written = "", new: Written = "", again: Written = ""
) -> Response:
    actor = visit.require()
    wrong = _same(new, again)
    try:
        wish = PasswordChange.model_validate({"current": current, "new": new})
    except ValidationError as error:
        return await _account(visit, session, 422, wrong=wrong + _wrong(error))
    if not wrong:
        tries = visit.request.app.state.settings.sign_ins_per_quarter_hour
        try:
            async with session.begin_nested():
                await people.change_password(
                    session, actor, wish.current.get_secret_value(), wish.new.get_secret_value(), tries=tries
                )
        except Refusal as refusal:
            wrong = [told(error.detail) for error in refusal.errors] or [told(refusal.title())]
    if wrong:
        return await _account(visit, session, 422, wrong=wrong)
    visit.lapsed = True
    return visit.go("/sign-in", "password")


@router.post("/account/tokens/{token_id:uuid}/revocation", response_class=Response)
async def revoke(token_id: UUID, visit: Visited, session: Writing) -> Response:
    await tokens.revoke(session, visit.require(), token_id)
    return visit.go("/account", "revoked")
