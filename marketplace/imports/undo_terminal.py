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
from marketplace.imports.models import ImportedInstrument, InstrumentImport
from marketplace.kernel import facts, log
from marketplace.kernel.refusals import NotFound, Refusal
from marketplace.opening import open_database
from marketplace.settings import settings
from marketplace.wiring import LISTENERS, WITHIN
from schemas.imports import UndoOutcome, UndoReason

SHOWN: Final = 50
OUTCOMES: Final = {
    UndoOutcome.WITHDRAWN: "已撤回 withdrawn",
    UndoOutcome.RESTORED: "已恢复 restored",
    UndoOutcome.PARTLY: "部分恢复 partly",
    UndoOutcome.KEPT: "未撤销 kept",
}
REASONS: Final = {
    UndoReason.CHANGED_SINCE: "此后又改过 · changed again since",
    UndoReason.USED_SINCE: "此后已使用（预约、价格、照片等） · used since (booked, priced, shown …)",
    UndoReason.GONE: "已不存在 · not there any more",
    UndoReason.WOULD_NOT_STAND: "原值与现在的规则不符 · what it said does not agree with what it says now",
}


def undo(import_id: UUID) -> None:
    """Undo the import of that id, and say row by row what came of it."""
    found = settings()
    log.configure(found.format, found.log_level)
    facts.listen(LISTENERS, WITHIN)
    console = Console()

    async def run() -> list[ImportedInstrument]:
        async with open_database(found, name="duijie-import") as database, database.writing.begin() as session:
            if await session.get(InstrumentImport, import_id) is None:
                raise NotFound("没有这次仪器导入。 · There is no such import of instruments.")
            await undoing.undone(session, import_id, by=None)
            rows = await session.scalars(
                select(ImportedInstrument)
                .where(ImportedInstrument.import_id == import_id)
                .order_by(ImportedInstrument.number)
            )
            return list(rows)

    try:
        rows = asyncio.run(run())
    except Refusal as refusal:
        Console(stderr=True).print(f"[red]{escape(refusal.detail or refusal.title())}[/red]", highlight=False)
        raise typer.Exit(1) from None
    _tell(console, rows)


def _tell(console: Console, rows: list[ImportedInstrument]) -> None:
    counts = {outcome: sum(row.outcome is outcome for row in rows) for outcome in UndoOutcome}
    console.print("，".join(f"{OUTCOMES[outcome]} {count}" for outcome, count in counts.items()), highlight=False)
    left = [row for row in rows if row.because is not None]
    if not left:
        return
    table = Table("行 row", "仪器 instrument", "结果 outcome", "原因 why")
    for row in left[:SHOWN]:
        why = REASONS[row.because] if row.because is not None else ""
        fields = f"\n[dim]{escape(', '.join(row.kept_fields))}[/dim]" if row.kept_fields else ""
        outcome = OUTCOMES[row.outcome] if row.outcome is not None else ""
        table.add_row(f"{row.sheet or ''} {row.row}".strip(), escape(row.name), outcome, f"{why}{fields}")
    console.print(table)
    if len(left) > SHOWN:
        console.print(f"还有 {len(left) - SHOWN} 行 · {len(left) - SHOWN} more", highlight=False)
