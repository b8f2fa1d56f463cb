"""What `duijie undo-import` does and says in a terminal."""

import asyncio
from typing import Final
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import select

from marketplace.imports import undoing
from marketplace.imports.models import FileImport, ImportedRecord
from marketplace.kernel import facts, log
from marketplace.kernel.refusals import NotFound, Refusal
from marketplace.opening import open_database
from marketplace.settings import settings
from marketplace.wiring import LISTENERS, WITHIN
from schemas.imports import ImportedFile, UndoOutcome, UndoReason

SHOWN: Final = 50
OUTCOMES: Final = {
    UndoOutcome.WITHDRAWN: "已撤回 withdrawn",
    UndoOutcome.RESTORED: "已恢复 restored",
    UndoOutcome.PARTLY: "部分恢复 partly",
    UndoOutcome.KEPT: "未撤销 kept",
}
REASONS: Final = {
    UndoReason.CHANGED_SINCE: "此后又改过 · changed again since",
    UndoReason.USED_SINCE: "此后已使用（预约、价格、附件、查阅人、评价、报名、本人同意等） · used since (booked, priced, read, judged, agreed to …)",
    UndoReason.GONE: "已不存在 · not there any more",
    UndoReason.WOULD_NOT_STAND: "原值与现在的规则不符 · what it said does not agree with what it says now",
}


def undo(import_id: UUID) -> None:
    """Undo the import of that id, and say row by row what came of it."""
    found = settings()
    log.configure(found.format, found.log_level)
    facts.listen(LISTENERS, WITHIN)
    console = Console()

    async def run() -> tuple[ImportedFile, list[ImportedRecord], dict[UUID, str]]:
        async with open_database(found, name="duijie-import") as database, database.writing.begin() as session:
            if await session.get(FileImport, import_id) is None:
                raise NotFound("没有这次导入。 · There is no such import.")
            await undoing.undone(session, import_id, by=None)
            counts = (await session.execute(undoing.counted().where(FileImport.id == import_id))).one()
            left = await session.scalars(
                select(ImportedRecord)
                .where(ImportedRecord.import_id == import_id, ImportedRecord.because.is_not(None))
                .order_by(ImportedRecord.number)
                .limit(SHOWN)
            )
            file, rows = undoing.view(counts), list(left)
            return file, rows, await undoing.names(session, file.kind, rows)

    try:
        file, left, called = asyncio.run(run())
    except Refusal as refusal:
        Console(stderr=True).print(f"[red]{escape(refusal.detail or refusal.title())}[/red]", highlight=False)
        raise typer.Exit(1) from None
    _tell(console, file, left, called)


def _tell(console: Console, file: ImportedFile, left: list[ImportedRecord], called: dict[UUID, str]) -> None:
    said = (f"{words} {getattr(file, outcome.value)}" for outcome, words in OUTCOMES.items())
    console.print("，".join(said), highlight=False)
    if not left:
        return
    table = Table("行 row", "记录 record", "结果 outcome", "原因 why")
    for row in left:
        why = REASONS[row.because] if row.because is not None else ""
        fields = f"\n[dim]{escape(', '.join(row.kept_fields))}[/dim]" if row.kept_fields else ""
        outcome = OUTCOMES[row.outcome] if row.outcome is not None else ""
        table.add_row(
            f"{row.sheet or ''} {row.row}".strip(), escape(called.get(row.record_id, "")), outcome, f"{why}{fields}"
        )
    console.print(table)
    more = file.partly + file.kept - len(left)
    if more > 0:
        console.print(f"还有 {more} 行 · {more} more", highlight=False)
