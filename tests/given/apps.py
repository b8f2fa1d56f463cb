"""The application for a test, its routes put together once for all of them: that takes longer than most tests."""

from typing import Any

from fastapi import APIRouter, FastAPI

from marketplace.app import create_app
from marketplace.kernel.db import Database
from marketplace.settings import Settings

_known: dict[Any, tuple[Any, Any]] = {}


def an_app(settings: Settings, database: Database, *routers: APIRouter) -> FastAPI:
    """An application of its own state, with `routers` beside the real ones."""
    made = create_app(settings, database)
    # What the middleware was made of; everything else is asked of the application's state.
    key = (tuple(map(id, routers)), settings.requests_per_minute, settings.cors_origins)
    if key not in _known:
        for router in routers:
            made.include_router(router)
        _known[key] = made.router, made.build_middleware_stack()
    made.router, made.middleware_stack = _known[key]
    made.include_router = _too_late  # type: ignore[method-assign]
    return made


def _too_late(*_: Any, **__: Any) -> None:
    raise AssertionError("the routes are shared between tests: name yours when the application is made")
