"""Every field of every JSON body, spoilt in every way of its family: refused clearly, or kept exactly as it was sent."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import httpx
import pytest

from schemas.text import fold
from tests.access.conftest import Place
from tests.access.test_access_matrix import APP
from tests.fuzz.conftest import DESCRIBED, allowed, stored
from tests.fuzz.families import ABSENT, MARK, UNSAID, Raw, of, written
from tests.fuzz.walk import Where, fields, found_at, spoilt, there
from tests.given.operations import EXAMPLES, address, filled, says_version

# What an example cannot hold beside its other fields, in a good message of its own.
BESIDE: dict[str, dict[str, Any]] = {
    "POST /api/v1/matches": {
        "text": "金属材料疲劳试验", "kind": "instrument", "minutes": 60, "organisation_id": "{organisation_id}",
    },
}  # fmt: skip
JSON_BODIES = sorted(name for name, example in EXAMPLES.items() if example.json is not None)


def schema_of(operation: str) -> dict[str, Any]:
    schema: dict[str, Any] = DESCRIBED[operation]["requestBody"]["content"]["application/json"]["schema"]
    return schema


def test_a_good_example_names_every_field():
    """What an example leaves out would never be spoilt."""
    document = APP.openapi()
    lacking = {
        operation: missing
        for operation in JSON_BODIES
        if (
            missing := [
                at
                for at, _ in fields(document, schema_of(operation))
                if not there(EXAMPLES[operation].json, at)
                and not there(BESIDE.get(operation), at)
                and not _in_an_alternative(EXAMPLES[operation].json, at)
            ]
        )
    }
    assert lacking == {}


def _in_an_alternative(message: Any, at: Where) -> bool:
    """A place inside a value that the example writes in its other form: an amount is a text or a number."""
    return any(
        there(message, at[:end]) and not isinstance(found_at(message, at[:end]), dict | list) for end in range(len(at))
    )


def refused_well(answer: httpx.Response, status: int) -> None:
    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["status"] == status
    assert document["title"]
    assert document["type"].startswith("/problems/")
    # A member that nobody knows is pointed at by its name, cut short; of values nothing is ever told.
    shown = {name: value for name, value in document.items() if name not in {"instance", "errors"}}
    told = [error for error in document["errors"] if error["code"] not in {"extra_forbidden", "unknown_parameter"}]
    assert MARK not in f"{shown} {told}", "the input is echoed"
    assert all(len(error["pointer"]) <= 250 for error in document["errors"]), "a long name is echoed"
    assert len(answer.content) < 100_000
    if status == 422:
        assert document["errors"] or document.get("detail") or document["type"] != "/problems/invalid"
        for error in document["errors"]:
            assert error["code"]
            assert error["detail"]


def same(sent: Any, kept: Any) -> bool:
    """Whether what is kept is what was sent, save for the spellings that count as one."""
    if isinstance(sent, str) and isinstance(kept, str):
        tidy = sent.replace("\r\n", "\n").replace("\r", "\n").strip()
        return kept in {tidy, fold(tidy), fold(tidy).upper(), fold(tidy).lower()} or _amount(fold(sent)) == _amount(
            kept
        )
    if isinstance(sent, Raw) or (isinstance(sent, int) and isinstance(kept, str)):
        return _amount(sent.text if isinstance(sent, Raw) else str(sent)) == _amount(str(kept))
    if isinstance(sent, list) and isinstance(kept, list):
        once = list(dict.fromkeys(map(str, sent)))
        return [str(one) for one in kept] in (list(map(str, sent)), once)
    return bool(sent == kept) and isinstance(sent, bool) == isinstance(kept, bool)


def _amount(text: str) -> object:
    try:
        return Decimal(text)
    except ArithmeticError:
        return text


@pytest.mark.parametrize("operation", [name for name in JSON_BODIES if name.startswith("POST")])
async def test_a_spoilt_field_is_refused_or_kept_as_it_is(place: Place, operation: str):
    """All fields at once as long as the answer tells about each, then the rest one by one."""
    await every_field_spoilt(place, operation)


@pytest.mark.parametrize("operation", BESIDE)
async def test_a_spoilt_field_of_another_form_is_refused_or_kept_as_it_is(place: Place, operation: str):
    await every_field_spoilt(place, operation, BESIDE[operation])


Spoils = list[tuple[Where, Any]]


def _by_family(document: dict[str, Any], operation: str, good: Any) -> dict[tuple[str, int], Spoils]:
    """What to spoil in one way: places as deep as each other, so that none is inside another."""
    found: dict[tuple[str, int], Spoils] = defaultdict(list)
    for at, schema in fields(document, schema_of(operation)):
        if there(good, at):
            for family, value in of(schema):
                found[family, len(at)].append((at, value))
    return found


def _undecided(answer: httpx.Response, spoils: Spoils) -> Spoils:
    """Of fields spoilt together, those of which the answer does not tell what it would be for each alone.

    A field that is named for itself is refused whatever the others are; not so for what is found by a look at the
    whole message. What JSON cannot hold is seen before there are fields."""
    if answer.is_success:
        return []
    if answer.status_code == 400:
        return spoils[:1]
    blamed = [f"{error['pointer']}/" for error in answer.json()["errors"] if error["code"] not in UNSAID]
    return [spoil for spoil in spoils if not any(one.startswith(_pointer(spoil[0])) for one in blamed)]


def _pointer(at: Where) -> str:
    return "".join(f"/{step}" for step in at) + "/"


async def every_field_spoilt(place: Place, operation: str, example: Any = None) -> None:
    method, path = operation.split()
    names = place.world.names(operation, caller := allowed(operation), "own")
    somebody = place.world.callers[caller]
    headers = {"Content-Type": "application/json", "Accept-Language": "en"}
    headers |= somebody.headers if somebody else {}
    headers |= {"If-Match": '"1"'} if says_version(DESCRIBED[operation]) else {}
    good = filled(example or EXAMPLES[operation].json, names)
    url = address(path, names)
    before = await stored(place)
    wrong: list[str] = []

    async def sent(family: str, spoils: Spoils) -> httpx.Response:
        body = good
        for at, value in spoils:
            body = spoilt(body, at, value)
        answer = await place.ask(method, url, content=written(body), headers=headers)
        try:
            for at, value in spoils:
                _judge(answer, at, value)
        except AssertionError as error:
            where = " ".join("/".join(map(str, at)) for at, _ in spoils)
            wrong.append(f"{where} {family}: {answer.status_code} {str(error)[:80]} {answer.text[:200]}")
        return answer

    for (family, _), spoils in _by_family(APP.openapi(), operation, good).items():
        left, known = spoils, 0
        while len(left) > 1 and len(left) != known:
            known = len(left)
            left = _undecided(await sent(family, left), left)
        for spoil in left:
            await sent(family, [spoil])
    assert not wrong, "\n".join(wrong)
    assert await stored(place) == before, "a refused request changed something"


def _judge(answer: httpx.Response, at: Where, value: Any) -> None:
    assert answer.status_code < 500
    if answer.is_client_error:
        refused_well(answer, answer.status_code)
    elif answer.content and at and value is not ABSENT and there(answer.json(), at):
        kept = found_at(answer.json(), at)
        # What was left open is answered as it was decided.
        decided = at[-1] == "read_as" and value is None
        assert same(value, kept) or at[-1] == "token" or decided, f"kept as {str(kept)[:80]!r}"
