"""Rows whose records are told as a patch, of instruments and experts: whether one is new, and whether all of it then fits
together, is told where the others are."""

import re
from abc import ABC
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import BaseModel, ValidationError

from marketplace.imports.checking import Checker, content_id
from marketplace.imports.columns import EXTERNAL_ID, IDENTIFIER, OWNER, SOURCE
from marketplace.imports.findings import Place
from marketplace.imports.tables import Row

_UUID: Final = re.compile(r"(?:.*/)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", re.IGNORECASE)
ORIGIN: Final = (SOURCE, EXTERNAL_ID, IDENTIFIER, OWNER)


def never_nothing(shape: type[BaseModel], *more: str) -> frozenset[str]:
    """The fields of which a blank cell says nothing at all: those of the origin, and those that always hold something."""
    kept = {name for name, field in shape.model_fields.items() if field.default not in (None, [])}
    return frozenset(kept | {*ORIGIN, *more})


class PatchChecker(Checker, ABC):
    """A record is what its row says of one; `own` is the id of ours that it bears."""

    shape: ClassVar[type[BaseModel]]
    # Whether a row that bears an id of ours, which is not there, keeps that as its external id.
    keeps_foreign_ids: ClassVar[bool] = True

    def _nothing(self, name: str) -> Any:
        return [] if self.shape.model_fields[name].default == [] else None

    def _beside(self, said: dict[str, Any], places: dict[str, Place]) -> dict[str, Any]:  # noqa: ARG002 -- of those that have some
        """What of a row is no field of the record, taken out of what it said."""
        return {}

    def _record(self, row: Row) -> dict[str, Any] | None:
        said, places = self._read(row)
        named = {name: said.pop(name, None) for name in ORIGIN}
        source = self.source or self._origin(SOURCE, named[SOURCE], places) or "import"
        external_id = self._origin(EXTERNAL_ID, named[EXTERNAL_ID], places)
        identifier = self._origin(IDENTIFIER, named[IDENTIFIER], places)
        found = _UUID.fullmatch(identifier) if identifier is not None else None
        own = str(UUID(found[1])) if found else None
        if self.keeps_foreign_ids or own is None:
            external_id = external_id or identifier
        alone = external_id is None or self._alone(source, external_id, row, places)
        beside = self._beside(said, places)
        patch = self._patch(said, places)
        if patch is None or not alone:
            return None
        given = patch.model_dump(mode="json", exclude_unset=True)
        if external_id is None:
            external_id = self._content_id(source, given | beside, own, row)
            if external_id is None:
                return None
        record: dict[str, Any] = {"at": [row.sheet, row.number], "given": given, "own": own}
        record |= {"source": source, "external_id": external_id, "owner": named[OWNER]} | beside
        if self.publish and self._lacking(given, places):
            record["draft"] = True
        return record

    def _content_id(self, source: str, said: dict[str, Any], own: str | None, row: Row) -> str | None:
        if own is not None:
            return content_id(said | {IDENTIFIER: own})
        return self._told_by_content(source, said, row)

    def _patch(self, said: dict[str, Any], places: dict[str, Place]) -> BaseModel | None:
        try:
            return self.shape.model_validate(said)
        except ValidationError as wrong:
            self._wrong(wrong, places)
            return None
