"""The application for a test, its routes put together once for all of them: that takes longer than most tests."""

import copy
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.datastructures import State

from marketplace.app import create_app, furnish
from marketplace.kernel.db import Database
from marketplace.settings import Settings

_known: dict[Any, FastAPI] = {}


def an_app(settings: Settings, database: Database, *routers: APIRouter) -> FastAPI:
    """An application of its own state, with `routers` beside the real ones."""
    # What the middleware was made of; everything else is asked of the application's state.
    key = (tuple(map(id, routers)), settings.requests_per_minute, settings.cors_origins)
    if key not in _known:
        first = _known[key] = create_app(settings, database)
        for router in routers:
            first.include_router(router)
        first.middleware_stack = first.build_middleware_stack()
        first.include_router = _too_late  # type: ignore[method-assign]
    made = copy.copy(_known[key])
    made.state = State(dict(made.state._state))
    furnish(made, settings, database)
    return made


def _too_late(*_: Any, **__: Any) -> None:
    raise AssertionError("the routes are shared between tests: name yours when the application is made")
