"""The edge: every answer has a request id, every error is one problem+json, every request is counted."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from marketplace.kernel import metrics, rate, validation
from marketplace.kernel.db import gone
from marketplace.kernel.language import preferred, reading
from marketplace.kernel.refusals import (
    MEDIA_TYPE,
    Invalid,
    Malformed,
    MediaTypeUnsupported,
    MethodNotAllowed,
    NotFound,
    NotSignedIn,
    Refusal,
    TooLarge,
    TooMany,
    Unavailable,
    Unexpected,
)

log = structlog.get_logger("http")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Everything the pages need is served from here; FastAPI's /docs page brings its own allowance.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; frame-ancestors 'none';"
        " base-uri 'none'; form-action 'self'"
    ),
}
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})

_BY_STATUS: dict[int, type[Refusal]] = {
    400: Malformed,
    401: NotSignedIn,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
    415: MediaTypeUnsupported,
    422: Invalid,
    429: TooMany,
    503: Unavailable,
}


class Edge:
    """The outermost middleware. It answers for whatever goes wrong further in."""

    def __init__(self, app: ASGIApp, *, everyone: rate.Limit) -> None:
        self.app = app
        self.everyone = everyone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        trace_id = str(uuid7())
        scope.setdefault("state", {})["trace_id"] = trace_id
        reading.set(preferred(headers.get("accept-language")))
        started = time.perf_counter()
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                outgoing = MutableHeaders(scope=message)
                outgoing["X-Request-Id"] = trace_id
                for name, value in HEADERS.items():
                    outgoing.setdefault(name, value)
            await send(message)

        try:
            self._refuse_nul(scope)
            client = scope.get("client")
            if scope["path"] not in QUIET:
                self.everyone.spend(client[0] if client else "?")
            await self.app(scope, receive, noting)
        except Exception as error:  # noqa: BLE001 -- this is where everything ends up
            refusal = error if isinstance(error, Refusal) else Unavailable() if gone(error) else Unexpected()
            if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                log.error("request_failed", trace_id=trace_id, path=scope["path"], exc_info=error)
            if status == 0:
                await answer(refusal, Request(scope))(scope, receive, noting)
            else:
                raise
        finally:
            took = time.perf_counter() - started
            route = scope.get("route")
            template = getattr(route, "path", "unmatched")
            metrics.requests.labels(scope["method"], template, str(status)).inc()
            metrics.seconds.labels(scope["method"], template).observe(took)
            if scope["path"] not in QUIET:
                log.info(
                    "request",
                    method=scope["method"],
                    path=template if route is not None else "unmatched",
                    status=status,
                    ms=round(took * 1000, 1),
                    trace_id=trace_id,
                )

    @staticmethod
    def _refuse_nul(scope: Scope) -> None:
        """NUL and bytes that are not UTF-8 reach no handler: PostgreSQL takes neither."""
        for raw in (scope.get("raw_path") or b"", scope.get("query_string") or b""):
            plain = unquote_to_bytes(raw)
            if b"\0" in plain:
                raise Malformed("地址中含有 NUL 字符。 · The address holds a NUL character.")
            try:
                plain.decode("utf-8")
            except UnicodeDecodeError:
                raise Malformed("地址不是 UTF-8。 · The address is not UTF-8.") from None


def answer(refusal: Refusal, request: Request) -> Response:
    """The problem+json document of a refusal, or the page that says it to a person who came with a browser."""
    page_of: Callable[[Refusal, Request], Response | None] | None = getattr(request.app.state, "page_of", None)
    page = page_of(refusal, request) if page_of is not None else None
    if page is not None:
        return page
    document = refusal.document(instance=request.url.path, trace_id=request.scope.get("state", {}).get("trace_id"))
    headers = {"Vary": "Accept-Language", "Cache-Control": "no-store"} | refusal.headers
    return Response(document.model_dump_json(exclude_none=True), refusal.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem+json document, the framework's own included."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("refused", code=error.slug(), path=request.url.path, because=repr(error.__cause__))
        return answer(error, request)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(_invalid(error.errors()), request)

    async def by_status(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if isinstance(error.__cause__, Refusal):
            # FastAPI answers whatever stopped the reading of a body with a bare 400; the reason is ours.
            return answer(error.__cause__, request)
        kind = _BY_STATUS.get(error.status_code, Refusal)
        refusal = kind()
        refusal.status = error.status_code  # type: ignore[misc] -- an HTTP status of the framework's own
        refusal.headers = {**refusal.headers, **(error.headers or {})}
        return answer(refusal, request)

    handlers: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        Refusal: refused,
        RequestValidationError: invalid,
        HTTPException: by_status,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def _invalid(errors: Sequence[Mapping[str, Any]]) -> Refusal:
    """The right refusal for a failed validation, without an echo of what was sent."""
    if any(error["loc"] and error["loc"][0] == "body" and isinstance(error.get("input"), bytes) for error in errors):
        return MediaTypeUnsupported()
    return Invalid(errors=[validation.told_of(error) for error in errors[:50]])
