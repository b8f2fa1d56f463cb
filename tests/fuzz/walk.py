"""Every field of a message, found in the OpenAPI document, and a good message with one of them spoilt."""

from collections.abc import Iterator
from typing import Any

from tests.fuzz.families import ABSENT, OBJECTS

Where = tuple[str | int, ...]


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with references followed, at its own level and inside `anyOf`."""
    while "$ref" in schema:
        found: dict[str, Any] = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    for word in ("anyOf", "allOf", "oneOf"):
        if word in schema:
            schema = schema | {"anyOf": [resolved(document, part) for part in schema[word]]}
    return schema


def fields(document: dict[str, Any], schema: dict[str, Any], at: Where = ()) -> Iterator[tuple[Where, dict[str, Any]]]:
    """Each place of a message with its schema: the message itself, its members, the first item of each list."""
    schema = resolved(document, schema)
    yield at, schema
    for part in schema.get("anyOf", [schema]):
        for name, inner in part.get("properties", {}).items():
            yield from fields(document, inner, (*at, name))
        if part.get("type") == "array" and "items" in part:
            yield from fields(document, part["items"], (*at, 0))


def spoilt(message: Any, at: Where, value: Any) -> Any:
    """The message with this value at this place; members to add are added to the object that is there."""
    if not at:
        if isinstance(value, dict) and isinstance(message, dict) and value in OBJECTS.values():
            return message | value
        return value
    step, *rest = at
    copy: Any = list(message) if isinstance(message, list) else dict(message)
    if not rest and value is ABSENT:
        del copy[step]
    else:
        copy[step] = spoilt(copy[step], tuple(rest), value)
    return copy


def there(message: Any, at: Where) -> bool:
    """Whether the message has something at this place."""
    for step in at:
        if isinstance(step, int):
            if not isinstance(message, list) or len(message) <= step:
                return False
        elif not isinstance(message, dict) or step not in message:
            return False
        message = message[step]
    return True


def found_at(message: Any, at: Where) -> Any:
    for step in at:
        message = message[step]
    return message
