"""The same request twice has one effect: `Idempotency-Key`, kept in the transaction of the effect itself."""

import hashlib
import re
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from sqlalchemy import (
    ColumnElement,
    DateTime,
    LargeBinary,
    Select,
    SmallInteger,
    String,
    Uuid,
    bindparam,
    delete,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from starlette.responses import Response

from marketplace.kernel import clock, locks
from marketplace.kernel.actor import asking
from marketplace.kernel.base import Base
from marketplace.kernel.portions import delete_some
from marketplace.kernel.prepared import Prepared
from marketplace.kernel.refusals import Conflict, Invalid, Malformed
from schemas.identity import Scope

KEPT_FOR = timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
# Instead of the status of an answer that is not kept: one that said `Cache-Control: no-store`, whose verb finds its own
# finished work when it is repeated; and one that showed a secret, which can be shown only once.
NOT_KEPT: Final = 0
SHOWN: Final = 1
_BOUNDARY = re.compile(r'^multipart/form-data;.*\bboundary="?([^";]{1,200})', re.IGNORECASE)
_HEADERS = ("location", "etag", "content-type", "link")


class StillRunning(Conflict):
    """同一 Idempotency-Key 的请求仍在处理。 · A request with this Idempotency-Key is still being worked on."""


class KeyReused(Invalid):
    """此 Idempotency-Key 已用于另一请求。 · This Idempotency-Key was used for a different request."""


class ShownOnce(Conflict):
    """这已经做过了，其中的密码只显示一次。如果没有收到，请撤销后用新的 Idempotency-Key 重做。 · This was done already, and its secret is shown only once. If it did not reach you, revoke it and ask anew with another Idempotency-Key."""


class Remembered(Base):
    """An answer already given, to be given again."""

    __tablename__ = "idempotency_key"

    caller: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), index=True)


def recalling(caller: ColumnElement[UUID]) -> tuple[tuple[ColumnElement[Any], ...], ColumnElement[bool]]:
    """What a key has been answered, beside whoever asks: columns, and how `Remembered` is joined. It is given the `key`.

    The first of them makes the key this transaction's alone.
    """
    key = bindparam("key", type_=String)
    alone = func.pg_try_advisory_xact_lock(locks.numbered("idempotency", caller, key)).label("alone")
    kept = (getattr(Remembered, name) for name in ("fingerprint", "status", "headers", "body", "at"))
    return (alone, *kept), (Remembered.caller == caller) & (Remembered.key == key)


def _recalled() -> Select[Any]:
    asks = select(bindparam("caller", type_=Uuid).label("caller")).subquery("asks")
    columns, beside = recalling(asks.c.caller)
    return select(*columns).select_from(asks.outerjoin(Remembered, beside))


_RECALLED = Prepared(_recalled())
_KEPT = Prepared(
    insert(Remembered)
    .values(
        caller=bindparam("caller"), key=bindparam("key"), fingerprint=bindparam("fingerprint"),
        status=bindparam("status"), headers=bindparam("headers"), body=bindparam("body"),
    )
    .on_conflict_do_nothing()
    .returning(Remembered.key)
)  # fmt: skip


async def recall(session: AsyncSession, request: Request) -> Response | None:
    """The answer this key already has. Afterwards the key is this transaction's alone.

    The caller is known only from the token, so requests without one are never remembered.
    """
    key = request.headers.get("idempotency-key")
    if key is None or request.method != "POST":
        return None
    if not _KEY.fullmatch(key):
        raise Malformed(
            "Idempotency-Key 须为 1–255 个可见 ASCII 字符。 · Idempotency-Key takes 1 to 255 visible ASCII characters."
        )
    # Whoever asks is looked up together with what this key was answered.
    request.state.asks_with = key
    request.state.recalled = None
    caller = await asking(request)
    if caller.person_id is None or caller.scope is Scope.READ:
        return None
    digest = hashlib.sha256()
    for part in (request.method.encode(), request.scope["path"].encode(), request.scope["query_string"]):
        digest.update(part + b"\n")
    body = await request.body()
    boundary = _BOUNDARY.search(request.headers.get("content-type", ""))
    # A form's boundary is made up anew for every try of the same form.
    digest.update(body.replace(boundary[1].encode(), b"") if boundary else body)
    kept = request.state.recalled or await _RECALLED.first(session, caller=caller.person_id, key=key)
    assert kept is not None
    if not kept["alone"]:
        raise StillRunning(headers={"Retry-After": "1"})
    if kept["at"] is not None and kept["at"] > clock.now() - KEPT_FOR:
        if kept["fingerprint"] != digest.digest():
            raise KeyReused
        if kept["status"] == SHOWN:
            raise ShownOnce
        if kept["status"] == NOT_KEPT:
            return None
        headers = kept["headers"] | {"Idempotency-Replayed": "true"}
        return Response(kept["body"], kept["status"], headers=headers)
    if kept["at"] is not None:
        await session.execute(delete(Remembered).where(Remembered.caller == caller.person_id, Remembered.key == key))
    request.state.idempotency = (caller.person_id, key, digest.digest())
    return None


async def keep(session: AsyncSession, request: Request, response: Response, *, secret: bool) -> None:
    """Remember this answer beside its effect; refusals roll back and leave nothing to remember."""
    held: tuple[UUID, str, bytes] | None = getattr(request.state, "idempotency", None)
    if held is None or response.status_code >= HTTPStatus.BAD_REQUEST:
        return
    caller, key, fingerprint = held
    status, headers, body = response.status_code, {}, b""
    if secret:
        status = SHOWN
    elif "no-store" in response.headers.get("cache-control", ""):
        status = NOT_KEPT
    else:
        headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
        body = bytes(response.body)
    kept = await _KEPT.fetch(
        session, caller=caller, key=key, fingerprint=fingerprint, status=status, headers=headers, body=body
    )
    if not kept:
        # Its twin ended between the look for an answer and the lock: the next try finds what that one answered.
        raise StillRunning(headers={"Retry-After": "1"})


async def forget(session: AsyncSession, caller: UUID, location: str) -> None:
    """Forget the answer that told a caller of something new at this address: what is erased is not repeated either."""
    told_of = Remembered.headers["location"].astext == location
    await session.execute(delete(Remembered).where(Remembered.caller == caller, told_of))


async def sweep(session: AsyncSession, now: datetime) -> int:
    """Forget keys older than 24 hours. Answers how many; call until it answers 0."""
    return await delete_some(session, Remembered, Remembered.at < now - KEPT_FOR, first=Remembered.at)
