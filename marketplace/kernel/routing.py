"""From an address to its route: a look-up or two by its segments, where the framework tries each route in turn."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from operator import itemgetter

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

_Mask = tuple[bool, ...]
"""Which segments of an address are said by the route; the others are its parameters."""
_Turn = tuple[int, BaseRoute]


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
        self._index = _Index(())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for route in self.candidates(scope["method"], scope["path"]):
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

    def candidates(self, method: str, path: str) -> list[BaseRoute]:
        """The routes that may be meant, in their order."""
        if self._index.size != len(self.router.routes):
            self._index = _Index(self.router.routes)
        return [route for _, route in sorted(self._index.of(method, path), key=itemgetter(0))]


class _Index:
    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self.size = len(routes)
        self._masks: dict[tuple[str, int], dict[_Mask, None]] = defaultdict(dict)
        self._known: dict[tuple[str, _Mask, tuple[str, ...]], list[_Turn]] = defaultdict(list)
        # A route whose length is open (`{name:path}`, mounts) may be meant by every address.
        self._open: list[_Turn] = []
        for turn in enumerate(routes):
            self._add(turn)

    def _add(self, turn: _Turn) -> None:
        _, route = turn
        if not isinstance(route, Route) or ":path}" in route.path:
            self._open.append(turn)
            return
        segments = route.path.split("/")
        mask = tuple("{" not in segment for segment in segments)
        for method in route.methods or ():
            self._masks[method, len(segments)][mask] = None
            self._known[method, mask, _said(segments, mask)].append(turn)

    def of(self, method: str, path: str) -> Iterator[_Turn]:
        segments = path.split("/")
        for mask in self._masks.get((method, len(segments)), ()):
            yield from self._known.get((method, mask, _said(segments, mask)), ())
        yield from self._open


def _said(segments: Sequence[str], mask: _Mask) -> tuple[str, ...]:
    return tuple(segment for segment, said in zip(segments, mask, strict=True) if said)
