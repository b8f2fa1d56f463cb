"""Rows of instruments: what each says, and by what it is known again."""

import re
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import ValidationError

from marketplace.imports.checking import Checker
from marketplace.imports.columns import EXTERNAL_ID, SOURCE
from marketplace.imports.findings import Place
from marketplace.imports.instrument_fields import IDENTIFIER, OWNER
from marketplace.imports.tables import Row
from marketplace.labs import written
from schemas.labs import InstrumentPatch
from schemas.listings import CompletenessItem

_UUID: Final = re.compile(r"(?:.*/)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", re.IGNORECASE)
_FIELDS: Final = InstrumentPatch.model_fields


class InstrumentChecker(Checker):
    """A record is what its row says of an instrument. Whether that is a new one, and whether all of it then fits
    together, is told where the others are."""

    # Of most terms nothing can be nothing: an instrument has a grain, whatever a cell leaves open.
    kept_when_blank: ClassVar[frozenset[str]] = frozenset(
        {name for name, field in _FIELDS.items() if field.default not in (None, [])}
        | {SOURCE, EXTERNAL_ID, IDENTIFIER, OWNER, "name", "region", "hours", "exceptions"}
    )

    def _nothing(self, name: str) -> Any:
        return [] if _FIELDS[name].default == [] else None

    def required(self, whole: dict[str, Any]) -> list[CompletenessItem]:
        return written.missing(whole.get)

    def _record(self, row: Row) -> dict[str, Any] | None:
        said, places = self._read(row)
        named = {name: said.pop(name, None) for name in (SOURCE, EXTERNAL_ID, IDENTIFIER, OWNER)}
        source = self.source or self._origin(SOURCE, named[SOURCE], places) or "import"
        external_id = self._origin(EXTERNAL_ID, named[EXTERNAL_ID], places)
        identifier = self._origin(IDENTIFIER, named[IDENTIFIER], places)
        own = _UUID.fullmatch(identifier) if identifier is not None else None
        external_id = external_id or identifier
        alone = external_id is None or self._alone(source, external_id, row, places)
        patch = self._patch(said, places)
        if patch is None or not alone:
            return None
        given = patch.model_dump(mode="json", exclude_unset=True)
        if external_id is None:
            external_id = self._told_by_content(source, given, row)
            if external_id is None:
                return None
        record: dict[str, Any] = {"at": [row.sheet, row.number], "given": given}
        record |= {"own": str(UUID(own[1])) if own else None, "source": source, "external_id": external_id}
        record["owner"] = named[OWNER]
        if self.publish and self._lacking(given, places):
            record["draft"] = True
        return record

    def _patch(self, said: dict[str, Any], places: dict[str, Place]) -> InstrumentPatch | None:
        try:
            return InstrumentPatch.model_validate(said)
        except ValidationError as wrong:
            self._wrong(wrong, places)
            return None
