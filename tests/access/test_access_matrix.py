"""Every operation asked by everybody of everything: the answers are those of `matrix.txt`, row by row."""

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from marketplace.app import create_app
from marketplace.kernel.db import Database
from marketplace.settings import Settings
from tests.access.conftest import Place
from tests.access.probe import ask, letter, targets, told
from tests.access.world import CALLERS
from tests.given.operations import EXAMPLES, operations

TABLE = Path(__file__).with_name("matrix.txt")
# Whom the platform's records are open to, drafts included.
SEES_EVERYTHING = {"platform admin", "auditor"}


def rows() -> dict[str, list[str]]:
    """The table: for each operation, by target, a letter for each caller."""
    found: dict[str, list[str]] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            operation, *columns = re.split(r" {2,}", line)
            assert operation not in found, f"two rows for {operation}"
            found[operation] = [column.replace(" ", "") for column in columns]
    return found


ROWS = rows()


def described() -> tuple[FastAPI, dict[str, dict[str, Any]]]:
    app = create_app(Settings(secret="a secret of forty characters or a few more"), Database.on("unused", None))
    return app, {f"{method} {path}": told for method, path, told in operations(app)}


APP, DESCRIBED = described()


def test_every_operation_has_a_row_and_an_example():
    assert sorted(ROWS) == sorted(DESCRIBED), "give the new route its row in tests/access/matrix.txt"
    assert sorted(EXAMPLES) == sorted(DESCRIBED), "give the new route its example in tests/given/operations.py"
    assert all(len(column) == len(CALLERS) for columns in ROWS.values() for column in columns)


# What is served beside the API's document: the pages (their own tests say who sees what) and the document itself.
BESIDE = re.compile(
    r"/(openapi\.json|docs|static/{name}|favicon\.ico|match|kiosk(/.*)?|imports(/.*)?|(problems|achievements|instruments|experts|bookings|usages|charges|events|registrations|organisations|verdicts|desk|platform)(/.*)?"
    r"|codes/{table}|sign-in|sign-out|register|forgot|confirm|reset|join|account(/.*)?|robots\.txt|oai(/core-metadata\.xsd)?)?"
)


def test_every_route_is_in_the_document_or_is_a_page():
    for context in iter_route_contexts(APP.routes):
        assert context.path is not None
        for method in (context.methods or set()) - {"HEAD"}:
            if f"{method} {context.path}" not in ROWS:
                assert BESIDE.fullmatch(context.path), f"{method} {context.path} is no page and has no row"
                assert not context.path.startswith("/api/")


@pytest.mark.parametrize("operation", sorted(ROWS))
async def test_the_answers_are_those_of_the_table(place: Place, operation: str):
    answers = {
        target: {caller: await ask(place, operation, DESCRIBED[operation], caller, target) for caller in CALLERS}
        for target in targets(operation)
    }
    found = ["".join(letter(answers[target][caller]) for caller in CALLERS) for target in answers]
    assert found == ROWS[operation], [
        f"{target}, {caller}: {answers[target][caller].status_code} {answers[target][caller].text[:300]}"
        for target, column in zip(answers, ROWS[operation], strict=True)
        for caller, expected in zip(CALLERS, column, strict=True)
        if letter(answers[target][caller]) != expected
    ]
    if "hidden" in answers:
        for caller in CALLERS:
            if caller not in SEES_EVERYTHING:
                hidden, absent = answers["hidden"][caller], answers["absent"][caller]
                # A code table is nobody's: there is one that exists and one that does not.
                # An address that is a key is nobody's either, nor is what takes a signature and asks for nobody.
                if not re.search(r"codes|{secret}|/meters/", operation):
                    assert told(hidden) == told(absent), f"{caller} can tell a hidden one from none"


CHILDREN = [
    name
    for name in sorted(ROWS)
    if re.search(
        r"{(admission|attachment|membership|invitation|outage|qualification|adjustment|dispute|attendee)_id}|/devices/{device_id}",
        name,
    )
]


@pytest.mark.parametrize("operation", CHILDREN)
async def test_a_part_of_another_record_is_not_found_under_ones_own(place: Place, operation: str):
    """The path names a record of theirs and a part of somebody else's: as if that part were nowhere."""
    child = re.findall(r"{(\w+)}", operation)[-1]
    caller = "lab manager" if re.search("/(instruments|usages|charges)/", operation) else "organisation admin"
    own = place.world.names(operation, caller, "own")
    asked = []
    for target in ("public", "hidden", "absent"):
        theirs = place.world.names(operation, caller, target)
        place.world.instead[operation, "mixed"] = own | {child: theirs[child]}
        place.world.targets["mixed"] = {}
        asked.append(await ask(place, operation, DESCRIBED[operation], caller, "mixed"))
    assert [answer.status_code for answer in asked] == [404, 404, 404]
    assert told(asked[0]) == told(asked[1]) == told(asked[2])
