"""What a list or a ranking is asked for: read as a form sends it, with what cannot be read beside its field."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import ImmutableMultiDict

from marketplace.kernel import validation
from marketplace.kernel.language import told
from marketplace.portal import coding
from marketplace.portal.forms import Wrong

F = TypeVar("F", bound=BaseModel)

CODED: Final = {"region": "regions", "industry": "industries", "discipline": "disciplines"}
MANY: Final = frozenset({"mode", "stage", "service"})

_COMMON: Final = ("region", "industry", "discipline")
RANKED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "achievement": (*_COMMON, "trl_min", "trl_max", "stage", "mode", "confirmed_within"),
    "problem": (*_COMMON, "mode", "confirmed_within"),
    "instrument": ("region",),
    "expert": (*_COMMON, "service"),
    "event": ("region", "industry"),
    "funding": _COMMON,
}
"""By what a ranking can be narrowed, by what it is of. parts/narrow.html has a field for each."""


def searched(shape: type[F], text: str) -> tuple[F, list[str]]:
    """The filter of a list that is searched by words alone; where these cannot be read, all of it, and why."""
    try:
        return shape.model_validate({"q": text or None}), []
    except ValidationError as error:
        return shape(), [told(one.detail) for one in validation.as_refusal(error, within=("query",)).errors]


class Asked:
    """The wish of an address, put together field by field. What is left blank is no wish."""

    def __init__(self, request: Request, typed: ImmutableMultiDict[str, str] | None = None) -> None:
        """`typed`: what a form sent, where it is not the address that asks."""
        self.typed = request.query_params if typed is None else typed
        self.wish: dict[str, Any] = {}
        self.wrong: Wrong = {}

    def said(self, name: str) -> str:
        return self.typed.get(name, "").strip()

    def plain(self, *names: str) -> None:
        """As it was typed; the filter says what it takes."""
        self.wish |= {name: value for name in names if (value := self.said(name))}

    def chosen(self, name: str, known: type[StrEnum]) -> None:
        """One of a list; an address that somebody changed by hand chooses nothing."""
        if self.said(name) in set(known):
            self.wish[name] = self.said(name)

    def ticked(self, name: str) -> None:
        if self.said(name) == "1":
            self.wish[name] = True

    def coded(self, name: str, table: str) -> None:
        """A code, or the name of one."""
        if value := self.said(name):
            found = coding.read(value, table)
            if found.code:
                self.wish[name] = found.code
            else:
                self.wrong[name] = [found.said]

    def narrowed(self, names: Iterable[str]) -> "Asked":
        """The fields of these names, which may come several times: codes read from what was typed."""
        for name in names:
            values = [value.strip() for value in self.typed.getlist(name) if value.strip()]
            if not values:
                continue
            if name in CODED:
                found = [coding.read(value, CODED[name]) for value in values]
                self.wish[name] = [one.code for one in found if one.code]
                unknown = [one.said for one in found if not one.code]
                if unknown:
                    self.wrong[name] = unknown
            else:
                self.wish[name] = values if name in MANY else values[0]
        return self

    @property
    def in_force(self) -> int:
        """How many filters are in force; both ends of a range are one."""
        return len({name.removesuffix("_min").removesuffix("_max") for name, value in self.wish.items() if value})

    def read(self, shape: type[F]) -> F | None:
        """The filter; None, where some of it cannot be read, which `wrong` tells by field."""
        if self.wrong:
            return None
        try:
            return shape.model_validate(self.wish)
        except ValidationError as error:
            for one in validation.as_refusal(error, within=("query",)).errors:
                self.wrong.setdefault(one.pointer, []).append(told(one.detail))
            return None

    @property
    def reasons(self) -> list[str]:
        """What is wrong, for the head of a page."""
        return [reason for each in self.wrong.values() for reason in each]
