"""Refusals: what the domain says no to, and how that reaches the client (RFC 9457)."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg
from sqlalchemy.exc import IntegrityError

from marketplace.kernel.language import told
from schemas.base import FieldError, RefusalDocument

MEDIA_TYPE = "application/problem+json"


class Refusal(Exception):  # noqa: N818 -- a refusal is an answer, not a fault
    """请求被理解，但不能照办。 · The request was understood and declined."""

    status: int = 400

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers or {}
        super().__init__(detail or self.title())

    @classmethod
    def title(cls) -> str:
        return (cls.__doc__ or "").strip()

    @classmethod
    def slug(cls) -> str:
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    def document(self, *, instance: str | None, trace_id: str | None) -> RefusalDocument:
        return RefusalDocument(
            type=f"/problems/{self.slug()}",
            title=told(self.title()),
            status=self.status,
            detail=told(self.detail) if self.detail else None,
            instance=instance,
            trace_id=trace_id,
            errors=[error.model_copy(update={"detail": told(error.detail)}) for error in self.errors],
        )


class NotFound(Refusal):
    """这里没有您可以看到的内容。 · There is nothing here that you can see."""

    status = 404


class Forbidden(Refusal):
    """您可以看到它，但无权这样做。 · You may see this, but not do that to it."""

    status = 403


class NotSignedIn(Refusal):
    """请先登录。 · Sign in first."""

    status = 401

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Conflict(Refusal):
    """当前状态不允许这样做。 · The current state does not allow this."""

    status = 409


class Invalid(Refusal):
    """有些内容需要修改。 · Some of what was sent needs changing."""

    status = 422


class Malformed(Refusal):
    """请求无法读懂。 · The request cannot be read."""

    status = 400


class TooSlow(Refusal):
    """请求没有及时发完。 · The request did not arrive in time."""

    status = 408


class TooLarge(Refusal):
    """发送的内容太大。 · What was sent is too large."""

    status = 413


class MediaTypeUnsupported(Refusal):
    """不支持这种内容类型，请发送 application/json。 · This media type is not read here; send application/json."""

    status = 415


class StaleVersion(Refusal):
    """您读到之后它已被修改，请重新读取后再改。 · It changed since you read it; read it again, then change it."""

    status = 412


class VersionMissing(Refusal):
    """请用 If-Match 说明您修改的是哪个版本。 · Say which version you change with an If-Match header (its ETag)."""

    status = 428


class TooMany(Refusal):
    """请求过于频繁，请稍后再试。 · Too many requests; try again later."""

    status = 429


class Unavailable(Refusal):
    """服务暂时不可用，请稍后重试。 · The service is unavailable for a moment; try again shortly."""

    status = 503

    def __init__(self, detail: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class Unexpected(Refusal):
    """出现意外错误，已记录。 · Something went wrong here; it has been logged."""

    status = 500


class MethodNotAllowed(Refusal):
    """此地址不支持这种方法。 · This address does not take that method."""

    status = 405


@contextmanager
def refusing(**by_constraint: type[Refusal]) -> Iterator[None]:
    """Turn a broken database constraint into the refusal it stands for."""
    try:
        yield
    except (IntegrityError, asyncpg.IntegrityConstraintViolationError) as error:
        name = broken_constraint(error)
        if name is None or name not in by_constraint:
            raise
        raise by_constraint[name] from error


def broken_constraint(error: IntegrityError | asyncpg.IntegrityConstraintViolationError) -> str | None:
    """The name of the constraint PostgreSQL refused on, told by the driver or by SQLAlchemy."""
    cause = getattr(error.orig, "__cause__", None) if isinstance(error, IntegrityError) else error
    name = getattr(cause, "constraint_name", None)
    return name if isinstance(name, str) else None


def problems(*refusals: type[Refusal]) -> dict[int | str, dict[str, Any]]:
    """Describe refusals for a route's OpenAPI `responses`."""
    described: dict[int | str, dict[str, Any]] = {}
    for refusal in refusals:
        kept = described.setdefault(
            refusal.status,
            {"description": "", "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/RefusalDocument"}}}},
        )
        kept["description"] = " / ".join(filter(None, (kept["description"], refusal.title())))
    return described
