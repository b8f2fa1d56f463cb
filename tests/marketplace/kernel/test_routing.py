"""A request comes to the route that the framework would have chosen by trying one after the other."""

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Match, Mount, Route

from marketplace.kernel.routing import Addresses
from tests.access.test_access_matrix import APP

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW")
ROUTES = [route for route in APP.router.routes if isinstance(route, Route)]
WORDS = sorted({word for route in ROUTES for word in route.path.split("/")} | {"", "é", "%2F", "00000000-0000-0000"})


def chosen(routes, method: str, path: str):
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    return next((route for route in routes if route.matches(scope)[0] is Match.FULL), None)


def same(router, method: str, path: str) -> None:
    """What no candidate takes is left to the framework, so only a wrong choice is a fault."""
    found = chosen(Addresses(router).candidates(method, path), method, path)
    assert found is None or found is chosen(router.routes, method, path)


def test_every_route_is_found_by_its_own_address():
    known = Addresses(APP.router)
    for route in ROUTES:
        path = re.sub(r"{\w+:uuid}", "01a218bf-2b49-724c-9b74-b97c701dbd16", route.path)
        path = re.sub(r"{\w+:int}", "7", path)
        for method in route.methods:
            expected = chosen(APP.router.routes, method, path)
            assert expected is not None
            candidates = known.candidates(method, path)
            assert chosen(candidates, method, path) is expected
            assert len(candidates) <= 4


known_words = st.lists(st.sampled_from(WORDS), max_size=7).map(lambda words: "/" + "/".join(words))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(METHODS), known_words)
@example("GET", "/")
@example("GET", "//")
@example("POST", "/api/v1/")
def test_it_is_the_one_that_comes_first(method: str, path: str):
    same(APP.router, method, path)


async def nothing(request) -> PlainTextResponse:
    return PlainTextResponse("")


SEGMENTS = ("a", "b", "{x}", "{y}", "{rest:path}")
made_up = st.lists(
    st.tuples(st.lists(st.sampled_from(SEGMENTS), max_size=5), st.sets(st.sampled_from(METHODS[:3]), min_size=1)),
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(made_up, st.integers(0, 8), st.sampled_from(METHODS), st.lists(st.sampled_from(("a", "b", "", "c")), max_size=5))
def test_open_beginnings_open_ends_and_mounts_keep_their_turn(table, mounted, method, path):
    routes = []
    for number, (segments, methods) in enumerate(table):
        if len(set(segments)) < len(segments):
            continue
        if number == mounted:
            routes.append(Mount("/a", app=Starlette()))
        routes.append(Route("/" + "/".join(segments), nothing, methods=list(methods)))
    same(Starlette(routes=routes).router, method, "/" + "/".join(path))
