"""A fuzzer reads the API's own document and finds no lie in it: what it says is taken is taken, what it says comes comes."""

import asyncio
import contextlib
import itertools
import os
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.schemas import BaseSchema

from marketplace.app import create_app
from marketplace.identity import passwords, tokens
from marketplace.kernel.db import Database
from marketplace.settings import Settings
from schemas.identity import Scope as Reach
from schemas.identity import TokenKind
from tests.access.test_access_matrix import APP
from tests.access.world import World, build
from tests.conftest import Clones
from tests.fuzz.families import UNSAID
from tests.given.devices import Signed
from tests.given.people import PASSWORD, Given
from tests.schemas.formats import FORMATS, beyond_patterns

for _name, _strategy in FORMATS.items():
    schemathesis.openapi.format(_name, _strategy)

# Drawn at random, beside each boundary of each field; `make fuzz` draws many.
EXAMPLES_EACH = int(os.environ.get("DUIJIE_TEST_EXAMPLES", "2"))


# Two routes share such an address; the framework names the methods of both.
SHARED = re.compile(r"/attachments/|/files/|\.ics$")


schema: BaseSchema = schemathesis.openapi.from_dict(APP.openapi())
schema.config.generation.with_security_parameters = False
# A version that is not the present one is refused before anything else is looked at.
_rejection = schema.config.checks.negative_data_rejection
_rejection.expected_statuses = [*_rejection.expected_statuses, "412"]
OPERATIONS = {operation.ok().label: operation.ok() for operation in schema.get_all_operations()}


class Place:
    """An application whose requests commit, in a database of its own, and callers who sign in again when they must."""

    def __init__(self, client: httpx.AsyncClient, database: Database, world: World, loop: asyncio.Runner) -> None:
        self.client, self.database, self.world, self.loop = client, database, world, loop
        self.tokens: dict[str, str] = {}
        self.signed: httpx.Auth | None = None

    def ask(self, case: Case, caller: str) -> httpx.Response:
        wanted = requests.Request(**case.as_transport_kwargs("http://test"))
        return self.loop.run(self._ask(wanted.prepare(), caller))

    async def _ask(self, wanted: requests.PreparedRequest, caller: str) -> httpx.Response:
        answer = await self._once(wanted, caller)
        if answer.status_code == 401:
            # The fuzzer signs people out, too.
            self.tokens.pop(caller, None)
            answer = await self._once(wanted, caller)
        return answer

    async def _once(self, wanted: requests.PreparedRequest, caller: str) -> httpx.Response:
        if caller not in self.tokens:
            self.tokens[caller] = await self._token(caller)
        headers = [
            (name.lower().encode("latin-1"), text.encode("latin-1"))
            for name, text in wanted.headers.items()
            if name.lower() not in {"content-length", "authorization"}
        ]
        authorised = (b"authorization", f"Bearer {self.tokens[caller]}".encode())
        return await self.client.request(
            str(wanted.method), str(wanted.url), headers=[*headers, authorised], content=wanted.body, auth=self.signed
        )

    async def _token(self, caller: str) -> str:
        somebody = self.world.callers[caller]
        assert somebody is not None
        async with self.database.writing() as session:
            text, _ = await tokens.issue(
                session, somebody.id, TokenKind.SESSION, name="fuzz", scope=Reach.WRITE, lasts=timedelta(hours=1)
            )
            await session.commit()
        return text


@pytest.fixture(scope="module")
def fuzzed(clones: Clones, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    async def known(*_: Any) -> str:
        return "known"

    async def matches(password: str, kept: str | None) -> bool:
        return password == PASSWORD and kept is not None

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Place]:
        url = await clones.make()
        database = Database(url, pool_size=3)
        app = create_app(settings_, database)
        async with database.writing() as session:
            world = await build(Given(session, client=None))
            await session.commit()
        await app.state.engine.load()
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport) as client:
            place = Place(client, database, world, loop)
            place.signed = Signed(app.state.signing_key)
            yield place
        await database.close()
        await clones.drop(url)

    settings_ = Settings(
        home=tmp_path_factory.mktemp("home"),
        request_deadline=300,
        secret="a secret for tests only, thirty-two or more",
        requests_per_minute=10**9,
        matches_per_minute=10**9,
    )
    with asyncio.Runner() as loop, pytest.MonkeyPatch.context() as quick:
        quick.setattr(passwords, "hashed", known)
        quick.setattr(passwords, "matches", matches)
        opening = opened()
        yield loop.run(opening.__aenter__())
        loop.run(opening.__aexit__(None, None, None))


# Whether the good requests are granted, and to whom, is what the access matrix is for.
elsewhere = [CHECKS.get_one("positive_data_acceptance"), CHECKS.get_one("ignored_auth")]
of_one_route = [CHECKS.get_one("unsupported_method"), CHECKS.get_one("allow_header_conformance")]
# The document's own examples are asked in every other test.
MODES = [HypothesisTestMode.COVERAGE, HypothesisTestMode.FUZZING]
_rejection_check = CHECKS.get_one("negative_data_rejection")
_turn = itertools.count()


THOROUGH = settings(
    max_examples=EXAMPLES_EACH,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("label", OPERATIONS)
def test_the_document_tells_the_truth(label: str, fuzzed: Place) -> None:
    """Every boundary of every field, good and bad, and some requests drawn at random.

    The requests of an operation are thought out here and not by `schema.parametrize`, which would do it for all
    operations while tests are collected, in each test process."""

    @THOROUGH
    def told_the_truth(case: Case) -> None:
        caller = ("editor", "organisation admin", "platform admin")[next(_turn) % 3]
        drawn_well = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
        # Ids drawn at random are nobody's: two good requests of three ask for something that is there.
        if drawn_well and next(_turn) % 3:
            known = fuzzed.world.names(f"{case.method} {case.path}", caller, "own")
            case.path_parameters = {
                name: known.get(name, value) for name, value in (case.path_parameters or {}).items()
            }
        answer = fuzzed.ask(case, caller)
        case.validate_response(
            answer,
            headers={"Authorization": "Bearer"},
            excluded_checks=[
                *elsewhere,
                *(of_one_route if SHARED.search(case.path) else []),
                *([_rejection_check] if beyond_patterns(case.body) else []),
            ],
        )
        if drawn_well and answer.status_code == 422:
            assert {error["code"] for error in answer.json()["errors"]} <= UNSAID, answer.text

    create_test(
        operation=OPERATIONS[label],
        test_func=told_the_truth,
        config=HypothesisTestConfig(project=schema.config, modes=MODES, seed=1),
    )()
