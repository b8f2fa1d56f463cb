"""What a list is asked for in its address: read as a form sends it, with what cannot be read beside its field."""

from enum import StrEnum
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from marketplace.kernel import validation
from marketplace.kernel.language import told
from marketplace.portal import coding
from marketplace.portal.forms import Wrong

F = TypeVar("F", bound=BaseModel)


class Asked:
    """The wish of an address, put together field by field. What is left blank is no wish."""

    def __init__(self, request: Request) -> None:
        self.typed = request.query_params
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
