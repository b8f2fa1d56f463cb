"""Every parameter of every address, every field of every form and the version header, spoilt: refused, never a 500."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from tests.access.conftest import Place
from tests.fuzz.conftest import DESCRIBED, allowed, stored
from tests.fuzz.families import ADDRESSES, MARK
from tests.fuzz.test_bad_bodies import refused_well
from tests.given.operations import EXAMPLES, address, filled, says_version

WITH_QUERY = sorted(
    name for name in EXAMPLES if any(one["in"] == "query" for one in DESCRIBED[name].get("parameters", ()))
)
WITH_PATH = sorted(name for name in EXAMPLES if "{" in name)
WITH_VERSION = sorted(name for name in EXAMPLES if says_version(DESCRIBED[name]))
WITH_FORM = sorted(name for name, example in EXAMPLES.items() if example.file is not None)


def first_with() -> dict[tuple[str, str, str], str]:
    """For each parameter, by where it stands, name and schema, the operation that stands for all that have the same.

    They are read by one validator each. At that operation it is spoilt in every way; at the others in a few, which shows
    that it is read there, too.
    """
    found: dict[tuple[str, str, str], str] = {}
    for name in sorted(EXAMPLES):
        for one in DESCRIBED[name].get("parameters", ()):
            found.setdefault(_sort(one), name)
    return found


def _sort(parameter: dict[str, Any]) -> tuple[str, str, str]:
    return parameter["in"], parameter["name"], json.dumps(parameter["schema"], sort_keys=True)


STANDS_FOR = first_with()
FEW = {"an almost UUID", "long", "bidi override", "SQL"}
# As they stand in an address, where nothing has to be text at all.
BYTES = {"NUL": b"\0", "surrogate in UTF-8": b"\xed\xa0\x80", "half a character": b"\xe5", "Latin-1": b"\xff\xfe", "overlong": b"\xc0\xaf"}  # fmt: skip


class Asking:
    """One operation with its example, ready to be spoilt."""

    def __init__(self, place: Place, operation: str) -> None:
        self.place, self.operation = place, operation
        self.method, self.path = operation.split()
        caller = allowed(operation)
        self.names = place.world.names(operation, caller, "own")
        self.example = EXAMPLES[operation]
        somebody = place.world.callers[caller]
        self.headers = {"Accept-Language": "en"} | (somebody.headers if somebody else {})
        if says_version(DESCRIBED[operation]):
            self.headers["If-Match"] = '"1"'
        self.query: dict[str, str] = filled(self.example.query, self.names)
        self.wrong: list[str] = []

    def body(self) -> dict[str, Any]:
        more: dict[str, Any] = {}
        if self.example.json is not None:
            more["json"] = filled(self.example.json, self.names)
        if self.example.file is not None:
            more |= {"files": {"file": self.example.file}, "data": filled(self.example.form, self.names)}
        return more

    async def send(self, what: str, url: str, *, must: bool = False, **more: Any) -> httpx.Response:
        """Ask, and note what is wrong with the answer; `must` says that a refusal is the only right one."""
        answer = await self.place.ask(self.method, url, **({"headers": self.headers} | self.body() | more))
        try:
            assert answer.status_code < 500
            assert answer.is_client_error or not must, "taken as if it were good"
            if answer.is_client_error:
                refused_well(answer, answer.status_code)
        except AssertionError as error:
            self.wrong.append(f"{what}: {answer.status_code} {str(error)[:80]} {answer.text[:200]}")
        return answer

    def url(self) -> str:
        return address(self.path, self.names)


def nothing_wrong(asking: Asking) -> None:
    assert not asking.wrong, "\n".join(asking.wrong)


@pytest.mark.parametrize("operation", WITH_QUERY)
async def test_a_spoilt_query_is_refused_or_answered(place: Place, operation: str):
    asking = Asking(place, operation)
    before = await stored(place)
    url = asking.url()
    described = [one for one in DESCRIBED[operation]["parameters"] if one["in"] == "query"]
    parameters = [one["name"] for one in described]
    whole = {one["name"] for one in described if STANDS_FOR[_sort(one)] == operation}
    for family, value in ADDRESSES.items():
        named: set[str] = set()
        # All at once first, where an address holds it: what the answer names is refused whatever the others are.
        if len(value) < 1_000:
            answer = await asking.send(f"all {family}", url, params=asking.query | dict.fromkeys(parameters, value))
            if answer.is_client_error:
                named = {error["pointer"].strip("/") for error in answer.json()["errors"]}
        for name in (set(parameters) if family in FEW else whole) - named:
            await asking.send(f"{name} {family}", url, params=asking.query | {name: value})
    for name in parameters:
        others = urlencode({other: value for other, value in asking.query.items() if other != name})
        for family, raw in BYTES.items():
            if name not in whole and family != "NUL":
                continue
            await asking.send(f"{name} {family}", f"{url}?{others}&{name}={quote(raw)}", must=True)
        schema = next(one["schema"] for one in described if one["name"] == name)
        if "array" not in {part.get("type") for part in schema.get("anyOf", [schema])}:
            value = asking.query.get(name, "1")
            await asking.send(f"{name} twice", f"{url}?{others}&{urlencode([(name, value)] * 2)}", must=True)
    for name in ("unknown", MARK, f"{parameters[0]}[]", "__proto__"):
        await asking.send(f"unknown {name}", url, must=True, params=asking.query | {name: "1"})
    nothing_wrong(asking)
    assert await stored(place) == before, "a refused request changed something"


@pytest.mark.parametrize("operation", sorted(set(EXAMPLES) - set(WITH_QUERY)))
async def test_a_parameter_where_none_is_known_is_refused(place: Place, operation: str):
    if not operation.partition(" ")[2].startswith("/api/"):
        return
    asking = Asking(place, operation)
    await asking.send("unknown", asking.url(), must=True, params={"unknown": "1"})
    nothing_wrong(asking)


@pytest.mark.parametrize("operation", WITH_PATH)
async def test_a_spoilt_path_is_refused(place: Place, operation: str):
    asking = Asking(place, operation)
    before = await stored(place)
    for one in DESCRIBED[operation]["parameters"]:
        if one["in"] != "path":
            continue
        name, whole = one["name"], STANDS_FOR[_sort(one)] == operation
        fine = {"UUID in braces", "empty"} | ({"nought"} if one["schema"].get("type") == "integer" else set())
        for family, value in ADDRESSES.items():
            if not whole and family not in FEW:
                continue
            url = address(asking.path, asking.names | {name: quote(value, safe="")})
            await asking.send(f"{name} {family}", url, params=asking.query, must=family not in fine)
        for family, raw in BYTES.items():
            if not whole and family != "NUL":
                continue
            url = address(asking.path, asking.names | {name: quote(raw)})
            await asking.send(f"{name} {family}", url, params=asking.query, must=True)
    nothing_wrong(asking)
    assert await stored(place) == before, "a refused request changed something"


VERSIONS = [
    "",
    "1",
    '"0"',
    '"-1"',
    '"2"',
    '"99999999999999999999"',
    '"1", "2"',
    "*",
    'W/"x"',
    '"１"',
    "\x7f",
    MARK * 400,
]


@pytest.mark.parametrize("operation", WITH_VERSION)
async def test_a_version_that_is_not_the_present_one_is_refused(place: Place, operation: str):
    asking = Asking(place, operation)
    for version in VERSIONS:
        headers = asking.headers | {"If-Match": version.encode()}
        answer = await asking.send(f"version {version[:40]!r}", asking.url(), must=True, headers=headers)
        assert answer.status_code == 412
    del asking.headers["If-Match"]
    if "Maybe" not in DESCRIBED[operation]["operationId"] and not operation.endswith("decisions"):
        assert (await asking.send("no version", asking.url(), must=True)).status_code == 428
    nothing_wrong(asking)


FILE_NAMES = [
    "", ".", "..", "../../etc/passwd.txt", "a\0.txt", "a\r\nSet-Cookie: x.txt", "a" * 300 + ".txt", "a.svg", "a.html",
    "a.exe", "a", "a.txt\u202egnp.exe", "C:\\windows\\a.txt", "\ud800.txt", "＜.txt", f"{MARK}.php",
]  # fmt: skip
CONTENTS = {"empty": b"", "NUL": b"a\0b", "not UTF-8": b"\xff\xfe\xfa", "zip": b"PK\x03\x04" + b"\0" * 100, "script": b"<svg onload=alert(1)>"}  # fmt: skip


@pytest.mark.parametrize("operation", WITH_FORM)
async def test_a_spoilt_form_is_refused(place: Place, operation: str):
    asking = Asking(place, operation)
    before = await stored(place)
    url, form = asking.url(), filled(asking.example.form, asking.names)
    name, content, kind = asking.example.file or ("", b"", "")
    for field in form:
        for family, value in ADDRESSES.items():
            data = form | {field: value}
            # Of texts most are as good as others.
            must = field not in ("source", "alt") and family not in ("nought", "empty")
            await asking.send(f"{field} {family}", url, data=data, must=must)
    for odd in FILE_NAMES:
        file = (odd.encode("utf-8", "backslashreplace").decode(), content, kind)
        await asking.send(f"file called {odd[:30]!r}", url, files={"file": file})
    for family, odd_content in CONTENTS.items():
        await asking.send(f"content: {family}", url, files={"file": (name, odd_content, kind)})
    await asking.send("no file", url, files={}, data=form | {"x": "1"}, must=True)
    await asking.send("a text for a file", url, files={}, data=form | {"file": MARK}, must=True)
    # What it says it is, it is not.
    for media_type in ("application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary=", "x"):
        headers = asking.headers | {"Content-Type": media_type}
        await asking.send(
            media_type, url, files=None, data=None, content=b"--x\r\n" + content, headers=headers, must=True
        )
    nothing_wrong(asking)
    assert await stored(place) == before, "a refused request changed something"


BODIES = {
    "nothing": b"",
    "not JSON": f"{MARK}".encode(),
    "broken off": b'{"a": ',
    "two values": b"{} {}",
    "a name twice": b'{"name": 1, "name": 2}',
    "NaN": b"NaN",
    "not UTF-8": b"\xff\xfe{}",
    "UTF-16": "{}".encode("utf-16"),
    "a BOM": b"\xef\xbb\xbf{}",
}
# These take their time; who reads them is the same for all.
HEAVY = {
    "depth 100,000": b"[" * 100_000,
    "objects 100,000 deep": b'{"a":' * 100_000,
    "100,000 members": b"{" + b",".join(b'"%d":1' % number for number in range(100_000)) + b"}",
    "a long number": b"7431" * 100_000,
    "three megabytes": b'"' + b"a" * 3_000_000 + b'"',
}


READ_HEAVY = {"POST /api/v1/matches", "POST /api/v1/problems", "PATCH /api/v1/me"}


@pytest.mark.parametrize("operation", sorted(name for name, example in EXAMPLES.items() if example.json is not None))
async def test_a_body_that_is_no_message_is_refused(place: Place, operation: str):
    asking = Asking(place, operation)
    headers = asking.headers | {"Content-Type": "application/json"}
    # Where all that a body says may be left out, so may the body.
    optional = not DESCRIBED[operation]["requestBody"].get("required")
    for family, content in (BODIES | (HEAVY if operation in READ_HEAVY else {})).items():
        must = not (optional and family in {"nothing", "null"})
        await asking.send(family, asking.url(), json=None, content=content, headers=headers, must=must)
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x", ""):
        odd = asking.headers | {"Content-Type": media_type}
        answer = await asking.send(f"as {media_type!r}", asking.url(), json=None, content=b"{}", headers=odd, must=True)
        assert answer.status_code in {415, 422, 400}
    nothing_wrong(asking)
