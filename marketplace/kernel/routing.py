"""From an address to its route: one look-up by method and first segments, where the framework tries each route in turn."""

from collections import defaultdict
from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

# So many segments of an address tell its route nearly always: /api/v1/instruments.
TELLING = 3

_Key = tuple[str, int, tuple[str, ...] | None]


def beside(router: APIRouter, route_class: type[APIRoute]) -> APIRouter:
    """A router of the same address and tags whose routes are run in another way; `gather` brings them home."""
    return APIRouter(prefix=router.prefix, tags=router.tags, route_class=route_class)


def gather(router: APIRouter, *others: APIRouter) -> None:
    """Make the routes of `others` routes of `router`, as they are.

    `include_router` would wrap them instead, and a request be matched anew at each wrapping, twice.
    """
    for other in others:
        router.routes.extend(other.routes)


class Addresses:
    """An application that hands a request to the route which `router` would choose, without asking all before it."""

    def __init__(self, router: APIRouter) -> None:
        self.router = router
        self.otherwise: ASGIApp = router.middleware_stack
        self._known = 0
        self._by_start: dict[_Key, Sequence[BaseRoute]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for route in self._candidates(scope["method"], scope["path"]):
                match, more = route.matches(scope)
                if match is not Match.FULL:
                    continue
                if not isinstance(route, Route):
                    break
                scope["router"] = self.router
                scope.update(more)
                await route.handle(scope, receive, send)
                return
        await self.otherwise(scope, receive, send)

    def _candidates(self, method: str, path: str) -> Sequence[BaseRoute]:
        if self._known != len(self.router.routes):
            self._by_start = _index(self.router.routes)
            self._known = len(self.router.routes)
        segments = path.split("/")
        count = len(segments)
        start = tuple(segments[1 : TELLING + 1])
        return self._by_start.get((method, count, start)) or self._by_start.get((method, count, None), ())


def _index(routes: Sequence[BaseRoute]) -> dict[_Key, Sequence[BaseRoute]]:
    """For each beginning of an address the routes that may be meant, in their order.

    A route whose beginning is open is among the candidates of each beginning, and under `None` for all others; one
    whose length is open (`{name:path}`, mounts) is a candidate everywhere.
    """
    told: list[tuple[BaseRoute, frozenset[tuple[str, int]], tuple[str, ...] | None]] = []
    for route in routes:
        if not isinstance(route, Route) or ":path}" in route.path:
            told.append((route, frozenset(), None))
            continue
        segments = route.path.split("/")
        begins = tuple(segments[1 : TELLING + 1])
        shapes = frozenset((method, len(segments)) for method in route.methods or ())
        told.append((route, shapes, None if any("{" in segment for segment in begins) else begins))
    keys = {(*shape, start) for _, shapes, start in told for shape in shapes}
    keys |= {(method, count, None) for method, count, _ in keys}
    found: dict[_Key, list[BaseRoute]] = defaultdict(list)
    for key in keys:
        for route, shapes, start in told:
            if not shapes or (key[:2] in shapes and start in {None, key[2]}):
                found[key].append(route)
    return dict(found)
