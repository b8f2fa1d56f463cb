"""Files to import, and the ways in: through HTTP and the job, or into the checking alone."""

import io
import json
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import xlsxwriter

from marketplace.imports import jobs, process, reading
from marketplace.imports.checkers import checker_of
from marketplace.imports.checking import Checker, records_of
from marketplace.imports.files import BEGINNING, file_type
from marketplace.imports.findings import FileRefused, Findings
from marketplace.kernel.jobs import Place
from schemas.imports import ImportKind
from tests.given.people import Given, Somebody

TEXT = "采用流延法制备固态电解质薄膜，离子电导率达到每厘米一毫西门子。"


def a_workbook(*sheets: tuple[str, Sequence[Sequence[Any]]], **more) -> bytes:
    """An .xlsx whose sheets hold these rows."""
    held = io.BytesIO()
    with xlsxwriter.Workbook(
        held, {"in_memory": True, "strings_to_formulas": False, "default_date_format": "yyyy-mm-dd"} | more
    ) as book:
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return held.getvalue()


def some_csv(*rows: Sequence[str], encoding: str = "utf-8") -> bytes:
    return "".join(",".join(row) + "\r\n" for row in rows).encode(encoding)


def some_jsonl(*rows: Any) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def rezipped(workbook: bytes, **members: bytes) -> bytes:
    """A workbook with some of its members replaced or added; `__` in a name stands for a slash and `_xml` ends it."""
    named = {name.replace("__", "/").replace("_xml", ".xml"): content for name, content in members.items()}
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as before, zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            if name not in named:
                after.writestr(name, before.read(name))
        for name, content in named.items():
            after.writestr(name, content)
    return held.getvalue()


def _record(number: int, body: bytes) -> bytes:
    return struct.pack("<HH", number, len(body)) + body


def an_old_workbook(rows: Sequence[Sequence[Any]], sheet: str = "Sheet1") -> bytes:
    """The least .xls (BIFF8 in a compound file) that holds these rows."""
    name = sheet.encode("utf-16-le")
    cells = b""
    for down, row in enumerate(rows):
        for right, cell in enumerate(row):
            at = struct.pack("<HHH", down, right, 0)
            if isinstance(cell, str):
                cells += _record(0x0204, at + struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le"))
            else:
                cells += _record(0x0203, at + struct.pack("<d", cell))
    begin = struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)
    bound = struct.pack("<IBBBB", 0, 0, 0, len(sheet), 1) + name
    offset = len(_record(0x0809, begin)) + len(_record(0x0085, bound)) + 4
    stream = _record(0x0809, begin) + _record(0x0085, struct.pack("<I", offset) + bound[4:]) + _record(0x000A, b"")
    stream += _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0)) + cells + _record(0x000A, b"")
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")
    sectors = len(stream) // 512
    end, free, table = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    chain = [table, end, *range(3, sectors + 2), end]
    fat = struct.pack(f"<{len(chain)}I", *chain).ljust(512, b"\xff")
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, end, 0, end, 0) + struct.pack("<I", 0)
    head = head.ljust(512, b"\xff")

    def entry(title: str, kind: int, child: int, start: int, size: int) -> bytes:
        plain = (title + "\0").encode("utf-16-le") if title else b""
        return (
            plain.ljust(64, b"\0")
            + struct.pack("<HBBIII", len(plain), kind, 1, free, free, child)
            + b"\0" * 36
            + struct.pack("<IQ", start, size)
        )

    folder = (
        entry("Root Entry", 5, 1, end, 0) + entry("Workbook", 2, free, 2, len(stream)) + 2 * entry("", 0, free, 0, 0)
    )
    return head + fat + folder + stream


@dataclass
class Read:
    """What checking a file came to."""

    records: list[dict[str, Any]] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    checker: Checker | None = None
    refused: FileRefused | None = None

    @property
    def given(self) -> list[dict[str, Any]]:
        return [record["given"] for record in self.records]

    @property
    def codes(self) -> list[str]:
        return [error["code"] for error in self.findings.errors]

    @property
    def noticed(self) -> dict[str, int]:
        return {notice["code"]: notice["rows"] for notice in self.findings.notices.values()}


@pytest.fixture
def read(tmp_path: Path):
    """Check a file in this process, as the checking process does."""

    def do(
        content: bytes, name: str, kind: str = "achievement", *, source: str | None = None, publish: bool = False
    ) -> Read:
        path = tmp_path / "file"
        path.write_bytes(content)
        found = Read()
        found.checker = checker_of(ImportKind(kind), source, found.findings, publish=publish)
        try:
            file_kind = file_type(name, content[:BEGINNING])
            found.records.extend(records_of(path, file_kind, found.checker))
        except FileRefused as refused:
            found.refused = refused
        return found

    return do


@pytest.fixture
def place(database, settings) -> Place:
    return Place(database, settings)


@dataclass
class Importing:
    """Importing as somebody does it: hand the file in, let the job run, look at the operation."""

    given: Given
    place: Place

    async def hand_in(self, by: Somebody, content: bytes, name: str, kind: str = "achievement", **form: Any):
        data = {"kind": kind, "organisation_id": str(by.organisation.id if by.organisation else UUID(int=1))}
        data |= {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in form.items()}
        return await by.client.post("/api/v1/imports", data=data, files={"file": (name, content)}, headers=by.headers)

    async def __call__(self, by: Somebody, content: bytes, name: str, kind: str = "achievement", **form: Any) -> dict:
        answer = await self.hand_in(by, content, name, kind, **form)
        assert answer.status_code == 202, answer.text
        await jobs.run(self.place, {"operation_id": answer.json()["id"]})
        return await self.operation(by, answer)

    async def operation(self, by: Somebody, answer) -> dict:
        found = await by.get(answer.headers["location"])
        assert found.status_code == 200, found.text
        return found.json()

    async def listed(self, by: Somebody, kind: str = "achievements", **query: Any) -> list[dict]:
        cards = (await by.get(f"/api/v1/{kind}", params={"mine": "true", "limit": 100} | query)).json()["items"]
        return [(await by.get(f"/api/v1/{kind}/{card['id']}")).json() for card in cards]


@pytest.fixture
def checked_here(monkeypatch) -> None:
    """Check in this process what would be checked in another: the same work, without half a second's start."""

    async def check(task: bytes, on_progress, _seconds: float) -> reading.Report:
        said: list[dict[str, Any]] = []
        monkeypatch.setattr(process, "say", lambda **what: said.append(json.loads(json.dumps(what))))
        process.work(json.loads(task))
        *ticks, last = said
        for tick in ticks:
            await on_progress(tick["checked"], tick["expected"])
        return reading._report(last["report"])

    monkeypatch.setattr(reading, "_check", check)


@pytest.fixture
def importing(given: Given, place: Place) -> Importing:
    return Importing(given, place)


@pytest.fixture
def really(real) -> Importing:
    """Importing into a database whose transactions stand."""
    return Importing(real.given, Place(real.database, real.app.state.settings))
