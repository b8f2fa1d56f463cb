"""Bringing in many records from a file."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StrictBool

from schemas.base import Message

MOST_FINDINGS = 1000
"""As many errors are listed one by one; the rest are counted."""


class ImportKind(StrEnum):
    """科技成果、技术难题、仪器、专家."""

    ACHIEVEMENT = "achievement"
    PROBLEM = "problem"
    INSTRUMENT = "instrument"
    EXPERT = "expert"


class ImportConfirmation(Message):
    """The file of a dry run, imported as it was handed in."""

    partial: Annotated[
        StrictBool, Field(description="有错误时仍导入正确的行 · import the good rows although others have errors")
    ] = False
    publish: Annotated[
        StrictBool,
        Field(description="新记录和草稿随即发布；专家不能 · publish new records and drafts; never experts"),
    ] = False


class UndoOutcome(StrEnum):
    """已撤回、已恢复、部分恢复、未撤销."""

    WITHDRAWN = "withdrawn"
    RESTORED = "restored"
    PARTLY = "partly"
    KEPT = "kept"


class UndoReason(StrEnum):
    """Why a row could not be undone, or not all of it."""

    CHANGED_SINCE = "changed_since"
    USED_SINCE = "used_since"
    GONE = "gone"
    WOULD_NOT_STAND = "would_not_stand"


class ImportedRow(Message):
    """What an import did to one record, and what undoing it came to."""

    number: Annotated[int, Field(description="次序，从 1 起 · in the order in which they were written, from 1")]
    sheet: str | None
    row: int
    record_id: Annotated[
        UUID, Field(description="成果、难题、仪器或专家 · the achievement, problem, instrument or expert")
    ]
    instrument_id: Annotated[UUID | None, Field(description="仪器（仅仪器导入） · the instrument, where it is one")]
    name: Annotated[
        str,
        Field(
            description="专家的姓名不随导入留存，已不在时为空 · of an expert it is not kept with the import: empty once they are gone"
        ),
    ]
    created: bool
    published: Annotated[
        bool,
        Field(
            description="导入时随即发布（原有草稿：或提交审核） · published by the import (or, of a draft that was there, handed to review)"
        ),
    ]
    fields: Annotated[list[str], Field(description="修改过的字段 · what it changed")]
    outcome: UndoOutcome | None
    because: UndoReason | None
    kept_fields: Annotated[list[str], Field(description="未恢复的字段 · what keeps its new value")]


class ImportedFile(Message):
    """An import that was written, and whether it was undone."""

    id: UUID
    kind: ImportKind
    organisation_id: UUID
    name: Annotated[str, Field(description="文件名 · the file's name")]
    at: AwareDatetime
    created: int
    updated: int
    undone_at: AwareDatetime | None
    withdrawn: Annotated[int, Field(description="撤回的新记录 · new records that were withdrawn")]
    restored: Annotated[int, Field(description="恢复原值的记录 · records that say again what they said")]
    partly: Annotated[int, Field(description="部分恢复的记录 · records of which only some fields do")]
    kept: Annotated[int, Field(description="未能撤销的行 · rows that could not be undone")]


class FileType(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"
    XLSX = "xlsx"
    XLS = "xls"


class Finding(Message):
    """Something about one place of the file: an error, or with `rows` a notice about all places like it."""

    sheet: Annotated[str | None, Field(description="工作表 · the sheet of a workbook")] = None
    row: Annotated[int | None, Field(description="行号，从 1 起 · the row as the file counts them, from 1")] = None
    column: Annotated[
        str | None, Field(description="列：表头或字段名 · the column: its header, or the name of the JSON member")
    ] = None
    cell: Annotated[str | None, Field(description="单元格 · where it stands in a table", examples=["C5"])] = None
    field: Annotated[str | None, Field(description="接口中的字段 · the field as the API names it")] = None
    code: str
    detail: Annotated[str, Field(description="中文 · English")]
    rows: Annotated[int, Field(description="涉及的行数 · how many rows this is true of")] = 1


class ImportResult(Message):
    """What an import did, or with `dry_run` what it would do."""

    kind: ImportKind
    source: Annotated[str, Field(description="来源 · what tells this file's external ids from those of others")]
    dry_run: bool
    partial: bool
    rows: Annotated[int, Field(description="数据行数 · rows that hold data")]
    created: int
    updated: int
    unchanged: int
    failed: Annotated[int, Field(description="有错误的行数 · rows with errors")]
    errors: Annotated[list[Finding], Field(description="至多 1000 条 · the first 1,000")]
    errors_left_off: int
    notices: list[Finding]
