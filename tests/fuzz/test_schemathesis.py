"""A fuzzer reads the API's own document and finds no lie in it: what it says is taken is taken, what it says comes comes."""

import itertools
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.schemas import BaseSchema
from starlette.types import ASGIApp, Receive, Scope, Send

from marketplace.app import create_app
from marketplace.identity import passwords, tokens
from marketplace.kernel.db import Database
from marketplace.settings import Settings
from schemas.identity import Scope as Reach
from schemas.identity import TokenKind
from tests.access.test_access_matrix import APP
from tests.access.world import World, build
from tests.conftest import Clones
from tests.fuzz.bridge import Thread, bridged, live
from tests.given.people import PASSWORD, Given
from tests.schemas.formats import FORMATS

for _name, _strategy in FORMATS.items():
    schemathesis.openapi.format(_name, _strategy)

EXAMPLES_EACH = 8
# What a JSON schema has no words for; each is refused by name, and documented where it stands.
UNSAID = frozenset(
    {
        "budget_empty", "budget_order", "calendar_of", "email", "exception_pair", "exception_twice", "hours_order",
        "hours_overlap", "indicator_upper", "lengths", "link_spent", "missing", "must_be_open", "not_a_member",
        "period_half", "period_length", "period_order", "platform_role", "price_parts",
        "price_too_high", "source_pair", "stale_cursor", "unknown", "unknown_discipline", "unknown_industry",
        "unknown_region", "usage_empty", "usage_of", "voucher", "wrong_password",
    }
)  # fmt: skip


# Two routes share such an address; the framework names the methods of both.
SHARED = re.compile(r"/attachments/|\.ics$")


class Later:
    """The document is read before there is a database; the requests go to the application that has one."""

    def __init__(self, described: ASGIApp) -> None:
        self.application = described

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.application(scope, receive, send)
        else:
            await live(receive, send)


asked = Later(APP)
schema: BaseSchema = schemathesis.openapi.from_asgi("/openapi.json", asked)
schema.config.generation.with_security_parameters = False
# A version that is not the present one is refused before anything else is looked at.
_rejection = schema.config.checks.negative_data_rejection
_rejection.expected_statuses = [*_rejection.expected_statuses, "412"]


class Place:
    """An application whose requests commit, in a database of its own."""

    def __init__(self, url: str, settings_: Settings) -> None:
        self.thread = Thread()
        self.database = Database(url, pool_size=3)
        self.app = create_app(settings_, self.database)
        self.world = self.thread.run(self._world())
        asked.application = bridged(self.app, self.thread)

    async def _world(self) -> World:
        async with self.database.writing() as session:
            world = await build(Given(session, client=None))
            await session.commit()
        await self.app.state.engine.load()
        return world

    def token(self, caller: str) -> str:
        """A new token each time: the fuzzer signs out, too."""
        return self.thread.run(self._token(caller))

    async def _token(self, caller: str) -> str:
        somebody = self.world.callers[caller]
        assert somebody is not None
        async with self.database.writing() as session:
            text, _ = await tokens.issue(
                session, somebody.id, TokenKind.SESSION, name="fuzz", scope=Reach.WRITE, lasts=timedelta(hours=1)
            )
            await session.commit()
        return text

    def close(self) -> None:
        self.thread.run(self.database.close())
        self.thread.stop()


@pytest.fixture(scope="module")
def fuzzed(clones: Clones, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    import asyncio

    async def known(*_: Any) -> str:
        return "known"

    async def matches(password: str, kept: str | None) -> bool:
        return password == PASSWORD and kept is not None

    quick = pytest.MonkeyPatch()
    quick.setattr(passwords, "hashed", known)
    quick.setattr(passwords, "matches", matches)
    url = asyncio.run(clones.make())
    home = tmp_path_factory.mktemp("home")
    secret = "a secret for tests only, thirty-two or more"
    place = Place(url, Settings(home=home, secret=secret, requests_per_minute=10**9, matches_per_minute=10**9))
    yield place
    place.close()
    asyncio.run(clones.drop(url))
    quick.undo()


positive_data_acceptance = CHECKS.get_one("positive_data_acceptance")
of_one_route = [CHECKS.get_one("unsupported_method"), CHECKS.get_one("allow_header_conformance")]
_turn = itertools.count()


@schema.parametrize()
@settings(
    max_examples=EXAMPLES_EACH,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_document_tells_the_truth(case: Case, fuzzed: Place) -> None:
    caller = ("editor", "organisation admin", "platform admin")[next(_turn) % 3]
    drawn_well = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
    # Ids drawn at random are nobody's: two good requests of three ask for something that is there.
    if drawn_well and next(_turn) % 3:
        known = fuzzed.world.names(f"{case.method} {case.path}", caller, "own")
        case.path_parameters = {name: known.get(name, value) for name, value in (case.path_parameters or {}).items()}
    answer = case.call_and_validate(
        headers={"Authorization": f"Bearer {fuzzed.token(caller)}"},
        excluded_checks=[positive_data_acceptance, *(of_one_route if SHARED.search(case.path) else [])],
    )
    if drawn_well and answer.status_code == 422:
        assert {error["code"] for error in answer.json()["errors"]} <= UNSAID, answer.text
