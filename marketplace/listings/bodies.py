"""A body on the wire as columns of the table, and back. No database is needed for either."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from schemas.listings import ListingBody, ListingNew

# An achievement has one discipline and a problem one industry; the table has room for several of both kinds' codes.
_ONE_OF: Final = {"discipline": "disciplines", "industry": "industries"}
_IN_PARTS: Final = {"price": ("kind", "low", "high"), "budget": ("low", "high")}


def columns(body: ListingBody, *, only_given: bool = False) -> dict[str, Any]:
    """The body as columns; with `only_given`, no more than was sent."""
    # Not `exclude_unset`: that would leave the unsaid parts of a price or contact out as well.
    given = body.model_fields_set if only_given else type(body).model_fields.keys()
    values: dict[str, Any] = {}
    for name, value in body.model_dump(include=given - ListingNew.model_fields.keys()).items():
        if name in _ONE_OF:
            values[_ONE_OF[name]] = [] if value is None else [value]
        elif name in _IN_PARTS:
            values |= {f"{name}_{part}": value[part] if value else None for part in _IN_PARTS[name]}
        else:
            values[name] = value
    return values


def written(listing: Any, shape: type[ListingBody]) -> dict[str, Any]:
    """What the owner wrote, under the names of the wire."""
    return {name: _value(listing, name, field.get_default()) for name, field in shape.model_fields.items()}


def _value(listing: Any, name: str, without: object) -> object:
    if name in _ONE_OF:
        codes = getattr(listing, _ONE_OF[name])
        return codes[0] if codes else None
    if name in _IN_PARTS:
        return parts(listing, name)
    value = getattr(listing, name)
    return without if value is None else value


def columns_of(name: str) -> tuple[str, ...]:
    """The columns that a field of the wire is kept in."""
    if name in _IN_PARTS:
        return tuple(f"{name}_{part}" for part in _IN_PARTS[name])
    return (_ONE_OF.get(name, name),)


def named(columns: Collection[str], shape: type[ListingBody]) -> list[str]:
    """The fields of the wire that some columns belong to."""
    return [name for name in shape.model_fields if not set(columns_of(name)).isdisjoint(columns)]


def parts(listing: Any, name: str) -> Mapping[str, Any] | None:
    """An achievement's `price` or a problem's `budget`, if it has one."""
    found = {part: getattr(listing, f"{name}_{part}") for part in _IN_PARTS[name]}
    return found if any(part is not None for part in found.values()) else None
