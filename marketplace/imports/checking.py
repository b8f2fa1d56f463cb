"""From the rows of a file to records fit to be written: every rule of the API applied, nothing of a database needed."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, ClassVar, Final

import orjson
from pydantic import TypeAdapter, ValidationError
from uuid_utils.compat import uuid7

from marketplace.imports.cells import Unreadable, blank
from marketplace.imports.columns import EXTERNAL_ID, SOURCE
from marketplace.imports.files import MOST_ROWS, csv_rows, jsonl_rows
from marketplace.imports.findings import FileRefused, Findings, Place
from marketplace.imports.tables import Row
from marketplace.imports.workbooks import workbook_rows
from marketplace.kernel.language import SEPARATOR
from marketplace.listings import bodies, completeness, derived
from matching.text import first_clause
from schemas.achievements import AchievementBody
from schemas.imports import FileType, ImportKind
from schemas.listings import CompletenessItem, ExternalId, ListingBody, ListingKind
from schemas.problems import ProblemBody

CHUNK_ROWS: Final = 500
CHUNK_BYTES: Final = 4 * 1024 * 1024

BODIES: Final[dict[ListingKind, type[ListingBody]]] = {
    ListingKind.ACHIEVEMENT: AchievementBody,
    ListingKind.PROBLEM: ProblemBody,
}
# Where a title comes from when there is none.
_TOLD_BY: Final = ("description", "summary", "background")


def unsaid(kind: ListingKind) -> dict[str, Any]:
    """The columns of a record that says nothing but a title, without the title."""
    columns = bodies.columns(BODIES[kind](title="-"))
    del columns["title"]
    return columns


@dataclass
class Tally:
    """What was checked: rows that hold data, those with errors, those that say the same as an earlier one."""

    rows: int = 0
    failed: int = 0
    repeated: int = 0


@dataclass
class Checker(ABC):
    """Checks one file's rows, whatever kind of record they hold. `source` given counts for every row; otherwise a row may bring its own."""

    kind: ImportKind
    source: str | None
    publish: bool
    findings: Findings
    tally: Tally = field(default_factory=Tally)
    _seen: dict[tuple[str, str], tuple[str | None, int]] = field(default_factory=dict)
    # What a source and an external id may be.
    origin: ClassVar[TypeAdapter[str]] = TypeAdapter(ExternalId)
    # Fields of which a blank cell says nothing at all.
    kept_when_blank: ClassVar[frozenset[str]] = frozenset({"title", SOURCE, EXTERNAL_ID})

    @abstractmethod
    def _record(self, row: Row) -> dict[str, Any] | None:
        """The record of a row; None where something is wrong with it, or it is not to be taken twice."""

    @abstractmethod
    def _nothing(self, name: str) -> Any:
        """What a field holds when a blank cell says that it holds nothing."""

    @abstractmethod
    def required(self, whole: dict[str, Any]) -> list[CompletenessItem]:
        """What publishing asks for and a record lacks."""

    def check(self, rows: Iterator[Row]) -> Iterator[dict[str, Any]]:
        """The records, each `{"at": sheet and row, "given": columns of the file, "fresh": what a new one needs beside}`.

        `"draft": True` beside them marks one that was to be published and by itself cannot be.
        """
        for row in rows:
            self.tally.rows += 1
            if self.tally.rows > MOST_ROWS:
                raise FileRefused(
                    "too_many_rows",
                    f"最多 {MOST_ROWS} 行，请分成几个文件 · at most {MOST_ROWS} rows; split the file",
                    sheet=row.sheet,
                    row=row.number,
                )
            self.findings.sheet, self.findings.row = row.sheet, row.number
            before = self.findings.count
            record = self._record(row) if row.cells is not None else None
            if self.findings.count > before or row.cells is None:
                self.tally.failed += 1
            elif record is not None:
                yield record

    def _read(self, row: Row) -> tuple[dict[str, Any], dict[str, Place]]:
        """The row as the API's body, and which column each field came from. Blank cells say that there is nothing."""
        said: dict[str, Any] = {}
        places: dict[str, Place] = {}
        parts: list[tuple[str, str, Any]] = []
        for column, value in row.cells or ():
            name, *part = column.field.path
            places[column.field.name] = column.place
            places.setdefault(name, column.place)
            if blank(value):
                if name not in self.kept_when_blank:
                    said.setdefault(name, self._nothing(name))
                continue
            try:
                found = column.field.read(value, column.around)
            except Unreadable as wrong:
                self.findings.error(column.place, code=wrong.code, detail=wrong.detail)
                continue
            if part:
                parts.append((name, part[0], found))
            else:
                said[name] = found
        for name, inner, value in parts:
            held = said.get(name)
            said[name] = (held if isinstance(held, dict) else {}) | {inner: value}
        price = said.get("price")
        if isinstance(price, dict) and "kind" not in price:
            said["price"] = _priced(price)
        return said, places

    def _origin(self, name: str, value: Any, places: dict[str, Place]) -> str | None:
        if value is None:
            return None
        try:
            return self.origin.validate_python(value)
        except ValidationError as wrong:
            self._wrong(wrong, {"": places[name]}, within=(name,))
            return None

    def _alone(self, source: str, external_id: str, row: Row, places: dict[str, Place]) -> bool:
        """Whether no earlier row has the same external id; one that has is an error that names both."""
        here = (row.sheet, row.number)
        sheet, number = first = self._seen.setdefault((source, external_id), here)
        if first == here:
            return True
        at = f"{sheet}!{number}" if sheet != row.sheet else f"{number}"
        self.findings.error(
            places.get(EXTERNAL_ID),
            code="external_id_repeated",
            detail=f"外部编号与第 {at} 行相同，每个编号只能有一行 · the external id is that of row {at}; each may have one row only",
        )
        return False

    def _wrong(self, wrong: ValidationError, places: dict[str, Place], *, within: Sequence[str] = ()) -> None:
        for error in wrong.errors(include_input=False, include_url=False):
            where = (*within, *error["loc"])
            place = places.get(".".join(map(str, where[:2]))) or places.get(str(where[0])) or places.get("")
            named = ".".join(map(str, where))
            context = {
                name: value for name, value in error.get("ctx", {}).items() if isinstance(value, str | int | float)
            }
            self.findings.error(
                place or Place(named),
                code=error["type"],
                field=named,
                said={"type": error["type"], "msg": error["msg"], "ctx": context},
            )

    def _told_by_content(self, source: str, given: dict[str, Any], row: Row) -> str | None:
        """The id of a row without one; None when an earlier row says the same."""
        external_id = content_id(given)
        if (source, external_id) in self._seen:
            self.tally.repeated += 1
            self.findings.notice(
                None,
                "row_repeated",
                "没有外部编号，内容与前面某行相同，只导入一次 · without an external id and like an earlier row; imported once",
            )
            return None
        self._seen[source, external_id] = (row.sheet, row.number)
        return external_id

    def _lacking(self, whole: dict[str, Any], places: dict[str, Place]) -> bool:
        """Whether the row by itself lacks what publishing asks for. It is taken all the same, and told of."""
        lacking = self.required(whole)
        for item in lacking:
            chinese, _, english = item.advice.partition(SEPARATOR)
            self.findings.notice(
                places.get(item.field) or Place(item.field, field=item.field),
                "kept_as_draft",
                f"缺少发布所需的内容，新记录先存为草稿。{chinese}{SEPARATOR}"
                f"Not enough to publish; a new record is kept as a draft. {english}",
            )
        return bool(lacking)


class ListingChecker(Checker):
    """Of achievements and problems: a record is the columns of its row."""

    @property
    def listing(self) -> ListingKind:
        return ListingKind(self.kind)

    @cached_property
    def _unsaid(self) -> dict[str, Any]:
        return unsaid(self.listing)

    def _nothing(self, name: str) -> Any:
        return [] if BODIES[self.listing].model_fields[name].default == [] else None

    def required(self, whole: dict[str, Any]) -> list[CompletenessItem]:
        return completeness.required(self.listing, SimpleNamespace(**whole))

    def _record(self, row: Row) -> dict[str, Any] | None:
        said, places = self._read(row)
        named = {name: said.pop(name, None) for name in (SOURCE, EXTERNAL_ID)}
        source = self.source or self._origin(SOURCE, named[SOURCE], places) or "import"
        external_id = self._origin(EXTERNAL_ID, named[EXTERNAL_ID], places)
        alone = external_id is None or self._alone(source, external_id, row, places)
        body = self._body(said, places)
        if body is None or not alone:
            return None
        given = bodies.columns(body, only_given=True)
        if "title" not in said:
            del given["title"]
        if external_id is None:
            external_id = self._told_by_content(source, given, row)
            if external_id is None:
                return None
        whole = self._unsaid | given | {"title": body.title}
        fresh = {
            "id": uuid7(),
            "source": source,
            "external_id": external_id,
            "title": body.title,
            **derived.kept(whole),
        }
        record: dict[str, Any] = {"at": [row.sheet, row.number], "given": given, "fresh": fresh}
        if self.publish and self._lacking(whole, places):
            record["draft"] = True
        return record

    def _body(self, said: dict[str, Any], places: dict[str, Place]) -> ListingBody | None:
        told = said
        if "title" not in said:
            text = next((text for name in _TOLD_BY if isinstance(text := said.get(name), str)), None)
            if text is not None and (clause := first_clause(text)):
                told = {"title": clause} | said
        try:
            return BODIES[self.listing].model_validate(told)
        except ValidationError as wrong:
            self._wrong(wrong, places)
            return None


def _priced(price: dict[str, Any]) -> dict[str, Any]:
    """Ends of a price without its kind: the low one alone is a fixed price, the high one the end of a range from 0."""
    ends = {name: price[name] for name in ("low", "high") if price.get(name) is not None}
    if set(ends) == {"low"}:
        return {"kind": "fixed"} | ends
    return {"kind": "range", "low": 0} | ends


def content_id(given: dict[str, Any]) -> str:
    """An external id for a row that has none: the same words have the same id, in whatever kind of file they come."""
    said = {name: value for name, value in given.items() if value not in (None, [], "")}
    plain = orjson.dumps(said, default=str, option=orjson.OPT_SORT_KEYS)
    return f"sha256:{hashlib.sha256(plain).hexdigest()[:40]}"


def records_of(path: Path, file_type: FileType, checker: Checker) -> Iterator[dict[str, Any]]:
    kind, findings = checker.kind, checker.findings
    if file_type is FileType.JSONL:
        return checker.check(jsonl_rows(path, kind, findings))
    if file_type is FileType.CSV:
        return checker.check(csv_rows(path, kind, findings))
    return checker.check(workbook_rows(path, kind, file_type, findings))


def spool(records: Iterator[dict[str, Any]], out: BinaryIO, progress: Callable[[], None]) -> list[int]:
    """Write the records in chunks, each one line that holds a JSON array. Answers how many each chunk holds."""
    sizes: list[int] = []
    chunk: list[bytes] = []
    held = 0

    def flush() -> None:
        nonlocal held
        if chunk:
            out.write(b"[" + b",".join(chunk) + b"]\n")
            sizes.append(len(chunk))
            chunk.clear()
            held = 0

    for record in records:
        line = orjson.dumps(record, default=_plain)
        chunk.append(line)
        held += len(line)
        if len(chunk) >= CHUNK_ROWS or held >= CHUNK_BYTES:
            flush()
            progress()
    flush()
    return sizes


def _plain(value: object) -> str:
    return str(value)
