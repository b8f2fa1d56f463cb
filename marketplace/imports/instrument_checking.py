"""Rows of instruments: what each says, and by what it is known again."""

from typing import Any, ClassVar

from pydantic import BaseModel

from marketplace.imports.patch_checking import PatchChecker, never_nothing
from marketplace.labs import written
from schemas.labs import InstrumentPatch
from schemas.listings import CompletenessItem


class InstrumentChecker(PatchChecker):
    """A record is what its row says of an instrument."""

    shape: ClassVar[type[BaseModel]] = InstrumentPatch
    # Of most terms nothing can be nothing: an instrument has a grain, whatever a cell leaves open.
    kept_when_blank: ClassVar[frozenset[str]] = never_nothing(InstrumentPatch, "name", "region", "hours", "exceptions")

    def required(self, whole: dict[str, Any]) -> list[CompletenessItem]:
        return written.missing(whole.get)
