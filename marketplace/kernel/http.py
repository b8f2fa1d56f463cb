"""The edge: every answer has a request id, every error is one problem+json, every request is counted."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from marketplace.kernel import metrics, rate, validation
from marketplace.kernel.db import gone
from marketplace.kernel.language import preferred, reading
from marketplace.kernel.log import said
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
    TooSlow,
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
_HEADERS_OF_PAGES: Final = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_HEADERS_OF_API: Final = [*_HEADERS_OF_PAGES, (b"cache-control", b"no-store")]
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_BY_STATUS: dict[int, type[Refusal]] = {
    400: Malformed,
    401: NotSignedIn,
    404: NotFound,
    405: MethodNotAllowed,
    408: TooSlow,
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
        method = scope["method"]
        if method == "HEAD":
            # What GET would say, without its body.
            scope = {**scope, "method": "GET"}
        trace_id = str(uuid7())
        scope.setdefault("state", {})["trace_id"] = trace_id
        language = reading.set(preferred(Headers(scope=scope).get("accept-language")))
        started = time.perf_counter()
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                said_already = {name for name, _ in message["headers"]}
                ours = _HEADERS_OF_API if scope["path"].startswith("/api/") else _HEADERS_OF_PAGES
                added = [one for one in ours if one[0] not in said_already]
                message["headers"] = [*message["headers"], (b"x-request-id", trace_id.encode()), *added]
            elif method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            with structlog.contextvars.bound_contextvars(trace_id=trace_id):
                try:
                    self._refuse_nul(scope)
                    if scope["path"] not in QUIET:
                        client = scope.get("client")
                        self.everyone.spend(rate.place(client[0] if client else None))
                    await self.app(scope, receive, noting)
                except Exception as error:
                    refusal = error if isinstance(error, Refusal) else Unavailable() if gone(error) else Unexpected()
                    if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                        log.exception("request_failed", path=scope["path"])
                    if status:
                        raise
                    await answer(refusal, Request(scope))(scope, receive, noting)
                finally:
                    self._count(scope, method, status, time.perf_counter() - started)
        finally:
            reading.reset(language)

    @staticmethod
    def _count(scope: Scope, method: str, status: int, took: float) -> None:
        """By route and by known method only: what a client makes up must not become a name that is kept."""
        route = _address(scope)
        method = method if method in METHODS else "other"
        metrics.requests.labels(method, route, str(status)).inc()
        metrics.seconds.labels(method, route).observe(took)
        if scope["path"] not in QUIET:
            log.info("request", method=method, path=route, status=status, ms=round(took * 1000, 1))

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


def _address(scope: Scope) -> str:
    """The address of the route that answered, with the names of its parts in place of what stood there."""
    route = scope.get("route")
    return route.path if isinstance(route, Route) else "unmatched"


def _methods(request: Request) -> list[str]:
    """Every method that an address takes. The route that refused knows only its own."""
    state = request.app.state
    if not hasattr(state, "methods"):
        state.methods = [
            (route.path_regex, frozenset(route.methods))
            for route in request.app.routes
            if isinstance(route, Route) and route.methods
        ]
    return sorted({one for path, taken in state.methods if path.match(request.scope["path"]) for one in taken})


def answer(refusal: Refusal, request: Request) -> Response:
    """The problem+json document of a refusal, or the page that says it to a person who came with a browser."""
    page_of: Callable[[Refusal, Request], Response | None] | None = getattr(request.app.state, "page_of", None)
    try:
        page = page_of(refusal, request) if page_of is not None else None
    except Exception:
        log.exception("page_of_failed", refusal=refusal.slug())
        page = None
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
            log.warning("refused", code=error.slug(), path=request.url.path, because=said(error.__cause__ or error))
        return answer(error, request)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(_invalid(error.errors()), request)

    async def by_status(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if isinstance(error.__cause__, Refusal):
            # FastAPI answers whatever stopped the reading of a body with a bare 400; the reason is ours.
            return answer(error.__cause__, request)
        refusal = _BY_STATUS.get(error.status_code, Refusal)()
        refusal.status = error.status_code
        refusal.headers = {**refusal.headers, **(error.headers or {})}
        if isinstance(refusal, MethodNotAllowed):
            refusal.headers["Allow"] = ", ".join(_methods(request))
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
