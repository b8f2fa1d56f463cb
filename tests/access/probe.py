"""One operation asked by one caller of one target, and what came of it."""

import re
from typing import Any

import httpx

from tests.access.conftest import Place
from tests.access.world import TARGETS
from tests.given.operations import EXAMPLES, address, filled, says_version

# What of an example or an address depends on whom it is asked of.
AIMED = re.compile(
    r"(listing|organisation|expert|membership|invitation|person|token|operation|instrument|booking|waiting|usage|calendar|charge|voucher"
    r"|redemption|rating|device|output|event|registration|schedule|meeting|import)_id|table|invitation|secret"
)
LETTERS = {401: "1", 403: "3", 404: "4", 409: "9", 422: "2", 429: "w"}


async def ask(place: Place, operation: str, described: dict[str, Any], caller: str, target: str) -> httpx.Response:
    method, path = operation.split()
    names = place.world.names(operation, caller, target)
    example = EXAMPLES[operation]
    somebody = place.world.callers[caller]
    headers = {"Accept-Language": "en"}
    if somebody is not None:
        headers |= somebody.headers
    if says_version(described):
        headers["If-Match"] = '"1"'
    request: dict[str, Any] = {"params": filled(example.query, names), "headers": headers}
    if example.json is not None:
        request["json"] = filled(example.json, names)
    if example.file is not None:
        request["files"] = {"file": example.file}
        request["data"] = filled(example.form, names)
    return await place.ask(method, address(path, names), **request)


def targets(operation: str) -> tuple[str, ...]:
    """Of what an operation can be asked: of the callers' own alone, when it names nothing."""
    example = EXAMPLES[operation]
    if operation.startswith("GET") and "{" not in operation:
        return TARGETS[:1]
    named = re.findall(r"{(\w+)}", f"{operation} {example.json} {dict(example.form)}")
    return TARGETS if any(AIMED.fullmatch(name) for name in named) else TARGETS[:1]


def letter(answer: httpx.Response) -> str:
    return "+" if answer.is_success else LETTERS.get(answer.status_code, f"<{answer.status_code}>")


def told(answer: httpx.Response) -> tuple[Any, ...]:
    """What the caller can learn from an answer, apart from which request it answers."""
    headers = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "content-length"}}
    body: Any = answer.content
    if answer.headers.get("content-type") == "application/problem+json":
        body = {name: value for name, value in answer.json().items() if name not in {"trace_id", "instance"}}
    return answer.status_code, headers, body
