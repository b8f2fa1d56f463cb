"""Who is asking: tokens made, shown once, found again by their hash."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import Select, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by, array_agg
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity import facts
from marketplace.identity.models import SESSION_LASTS, Membership, Person, Token
from marketplace.identity.policy import PERMISSIONS
from marketplace.kernel import clock, idempotency
from marketplace.kernel.actor import NOBODY, Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.prepared import Prepared
from marketplace.kernel.refusals import Forbidden, NotFound, NotSignedIn
from schemas.identity import Permission, Role, Scope, TokenKind, TokenNew

COOKIE = "duijie_session"
_PREFIX = {TokenKind.SESSION: "djs_", TokenKind.PERSONAL: "djp_"}


# A browser tells its own name last, behind all that it claims to be.
LONGEST_AGENT: Final = 300


class ForeignOrigin(Forbidden):
    """请求来自其他网站，已拒绝。 · This request came from another site and was refused."""


class SessionNeeded(Forbidden):
    """令牌不能做这件事，请登录后再做。 · A token may not do this; sign in and do it yourself."""


def new_secret(prefix: str = "") -> tuple[str, bytes]:
    """A token to show once, and its hash to keep."""
    text = prefix + secrets.token_urlsafe(32)
    return text, digest(text)


def digest(text: str) -> bytes:
    """SHA-256: the token itself holds 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


async def issue(
    session: AsyncSession, person_id: UUID, kind: TokenKind, *, name: str, scope: Scope, lasts: timedelta
) -> tuple[str, Token]:
    text, hashed = new_secret(_PREFIX[kind])
    now = clock.now()
    token = Token(
        person_id=person_id, kind=kind, scope=scope, name=name, hash=hashed, created_at=now, expires_at=now + lasts
    )
    session.add(token)
    await session.flush()
    return text, token


async def open_session(session: AsyncSession, person_id: UUID, *, name: str) -> tuple[str, Token]:
    """Sign somebody in, whose password or letter was just checked."""
    text, token = await issue(
        session, person_id, TokenKind.SESSION, name=name[:LONGEST_AGENT] or "-", scope=Scope.WRITE, lasts=SESSION_LASTS
    )
    await record(session, facts.SignedIn(person_id, token.id), subject=person_id, by=person_id)
    return text, token


def agent_of(request: Request) -> str:
    """What a session's owner will recognise it by."""
    return "".join(c for c in request.headers.get("user-agent", "") if c.isprintable())[:LONGEST_AGENT]


def require_session(actor: Actor) -> None:
    """Refuse a program's token where a person is meant: a stolen one must not make others, nor change the locks."""
    if actor.kind is not TokenKind.SESSION:
        raise SessionNeeded


async def make_personal(session: AsyncSession, actor: Actor, wish: TokenNew) -> tuple[str, Token]:
    """A token for a program of the actor's own."""
    require_session(actor)
    text, token = await issue(
        session,
        actor.person,
        TokenKind.PERSONAL,
        name=wish.name,
        scope=wish.scope,
        lasts=timedelta(days=wish.days),
    )
    await record(session, facts.TokenIssued(token.id, wish.scope), subject=actor.person, by=actor.person)
    return text, token


def _live(actor: Actor) -> Select[Token]:
    return select(Token).where(
        Token.person_id == actor.person, Token.revoked_at.is_(None), Token.expires_at > clock.now()
    )


async def live(session: AsyncSession, actor: Actor) -> Sequence[Token]:
    """The actor's latest hundred tokens that still open something, newest first."""
    return (await session.scalars(_live(actor).order_by(Token.created_at.desc(), Token.id.desc()).limit(100))).all()


async def listed(session: AsyncSession, actor: Actor, paging: Paging) -> tuple[list[Token], str | None]:
    """All of the actor's tokens that still open something, newest first."""
    by = tuple(zip((Token.created_at, Token.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, _live(actor), by, paging)
    return [row[0] for row in rows], marker


async def revoke(session: AsyncSession, actor: Actor, token_id: UUID) -> None:
    """Make one of the actor's own tokens worthless from the next request on."""
    row = await session.execute(
        update(Token)
        .where(Token.id == token_id, Token.person_id == actor.person, Token.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(Token.id)
    )
    if row.one_or_none() is None:
        raise NotFound
    await record(session, facts.SignedOut(token_id), subject=actor.person, by=actor.person)


async def revoke_all(session: AsyncSession, person_id: UUID) -> None:
    await session.execute(
        update(Token).where(Token.person_id == person_id, Token.revoked_at.is_(None)).values(revoked_at=clock.now())
    )


def presented(request: Request) -> str | None:
    """The token a request carries: in `Authorization: Bearer`, or in the portal's cookie.

    A cookie travels by itself, so a change it asks for must come from our own pages.
    """
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, value = header.partition(" ")
        return value.strip() if scheme.lower() == "bearer" else ""
    cookie = request.cookies.get(COOKIE)
    if cookie is None:
        return None
    refuse_foreign(request)
    return cookie


def refuse_foreign(request: Request) -> None:
    """Refuse a change that another site's page asks for. What reads is let through.

    A browser that sends no `Origin` may still say `Sec-Fetch-Site`, which no page can set for itself.
    """
    if request.method in {"GET", "HEAD"}:
        return
    origin = request.headers.get("origin")
    ours = {str(request.base_url).rstrip("/"), request.app.state.settings.public_url.rstrip("/")}
    said = request.headers.get("sec-fetch-site") == "same-origin" if origin is None else origin.rstrip("/") in ours
    if not said:
        raise ForeignOrigin


_WHO = (
    select(
        Token.id,
        Token.scope,
        Token.kind,
        Token.last_used_at,
        Person.id.label("person_id"),
        Person.email,
        Person.suspended_at,
        array_agg(aggregate_order_by(Membership.role, Membership.id)).label("roles"),  # type: ignore[no-untyped-call]
        array_agg(aggregate_order_by(Membership.organisation_id, Membership.id)).label("places"),  # type: ignore[no-untyped-call]
    )
    .join(Person, Person.id == Token.person_id)
    .outerjoin(Membership, (Membership.person_id == Person.id) & Membership.ended_at.is_(None))
    .where(Token.revoked_at.is_(None), Token.hash == bindparam("hash"), Token.expires_at > bindparam("now"))
    .group_by(Token.id, Person.id)
)
_ACTOR = Prepared(_WHO)


def _with_key() -> Select[Any]:
    who = _WHO.subquery("who")
    columns, beside = idempotency.recalling(who.c.person_id)
    return select(*who.c, *columns).select_from(who.outerjoin(idempotency.Remembered, beside))


# With what was answered, where an idempotency key is given along.
_ACTOR_AND_ANSWER = Prepared(_with_key())


async def actor_of(session: AsyncSession, request: Request) -> Actor:
    """Who this request speaks for, asked of the database once a request (one statement)."""
    known: Actor | None = getattr(request.state, "actor", None)
    if known is not None:
        return known
    text = presented(request)
    if text is None:
        request.state.actor = NOBODY
        return NOBODY
    key: str | None = getattr(request.state, "asks_with", None)
    asked = {"hash": digest(text), "now": clock.now()}
    row = await (_ACTOR.first(session, **asked) if key is None else _ACTOR_AND_ANSWER.first(session, **asked, key=key))
    if row is None:
        raise NotSignedIn(
            "令牌无效、已过期或已撤销，请重新登录。 · The token is unknown, expired or revoked; sign in again."
        )
    actor = actor_with(
        [(Role(role), place) for role, place in zip(row["roles"], row["places"], strict=True) if role is not None],
        person_id=row["person_id"],
        email=row["email"],
        token_id=row["id"],
        kind=TokenKind(row["kind"]),
        scope=Scope(row["scope"]),
        suspended=row["suspended_at"] is not None,
    )
    request.app.state.tokens_used[row["id"]] = clock.now()
    request.state.actor = actor
    request.state.recalled = None if key is None else row
    return actor


def actor_with(
    roles: Sequence[tuple[Role, UUID | None]],
    *,
    person_id: UUID,
    email: str | None = None,
    token_id: UUID | None = None,
    kind: TokenKind | None = None,
    scope: Scope = Scope.WRITE,
    suspended: bool = False,
) -> Actor:
    """The actor that these roles make."""
    where: dict[Permission, set[UUID]] = {}
    platform: set[Permission] = set()
    for role, place in roles:
        for permission in PERMISSIONS[role]:
            if place is None:
                platform.add(permission)
            else:
                where.setdefault(permission, set()).add(place)
    return Actor(
        person_id=person_id,
        email=email,
        token_id=token_id,
        kind=kind,
        scope=scope,
        suspended=suspended,
        where={permission: frozenset(places) for permission, places in where.items()},
        platform=frozenset(platform),
    )


async def note_use(session: AsyncSession, used: Mapping[UUID, datetime]) -> None:
    """Write down when tokens were last used; called now and then, so that reading stays reading.

    In the order of their ids, as every process does it, so that two of them never wait for each other in a circle.
    """
    for token_id in sorted(used):
        at = used[token_id]
        await session.execute(
            update(Token)
            .where(Token.id == token_id)
            .values(last_used_at=func.greatest(func.coalesce(Token.last_used_at, at), at))
        )


def keep_in_browser(response: Response, text: str, token: Token, *, public_url: str) -> None:
    """Give a browser its session: no script can read it, no other site's form can send it along."""
    response.set_cookie(
        COOKIE,
        text,
        expires=token.expires_at,
        path="/",
        secure=urlsplit(public_url).scheme == "https",
        httponly=True,
        samesite="lax",
    )


def forget_in_browser(response: Response, *, public_url: str) -> None:
    secure = urlsplit(public_url).scheme == "https"
    response.delete_cookie(COOKIE, path="/", secure=secure, httponly=True, samesite="lax")
