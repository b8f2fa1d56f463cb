"""`duijie learn` at work: the tables that it shows, and what it writes down."""

from dataclasses import asdict
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from marketplace.kernel import log
from marketplace.kernel.db import Database
from marketplace.opening import open_database
from marketplace.settings import settings
from marketplace.tuning import tunings
from marketplace.verdicts import lessons
from marketplace.verdicts.lessons import Lesson

_SIGNALS: Final = {
    "field": "领域 · field", "trl": "就绪度 · readiness", "region": "地区 · region", "budget": "预算 · budget",
    "freshness": "新近 · freshness",
}  # fmt: skip


async def run(console: Console, *, dry_run: bool, activate: bool) -> None:
    """Learn, show it, and unless it is a dry run keep it."""
    found = settings()
    log.configure(found.format, found.log_level)
    async with open_database(found, name="duijie-learn") as database:
        lesson = await lessons.learnt(database)
        tell(console, lesson)
        if not dry_run:
            await write(database, lesson, console, activate=activate)


async def write(database: Database, lesson: Lesson, console: Console, *, activate: bool) -> None:
    """Keep what was learnt, and put it to use if that is asked for and it is better."""
    async with database.writing.begin() as session:
        model = await lessons.write(session, lesson, by=None)
    if model is None:
        return
    console.print(f"已保存为版本 {model.number}（候选） · kept as version {model.number}, a candidate", highlight=False)
    if activate:
        async with database.writing.begin() as session:
            await tunings.put_to_use(session, model.id, by=None)
        console.print(f"版本 {model.number} 已启用 · version {model.number} is active", highlight=False)


def tell(console: Console, lesson: Lesson) -> None:
    """What there was to learn from, the weights beside those in use, and what misleads."""
    there, before = lesson.evidence, lesson.gathered
    console.print(
        f"{there.verdicts} 条评价 verdicts，{there.organisations} 家单位 organisations，{there.questions} 条提问的记录"
        f" records that asked，{there.comparisons} 对比较 comparisons",
        highlight=False,
    )
    made = lesson.learnt
    if made is None:
        console.print(lesson.refused, highlight=False)
    else:
        table = Table(title=f"信号权重 · weights of the signals（现用版本 · active: {before.against}）")
        for head in ("信号 · signal", "现用 · active", "学得 · learnt"):
            table.add_column(head)
        learnt = asdict(made.weights)
        for name, now in asdict(before.weights).items():
            table.add_row(_SIGNALS[name], f"{now:.3f}", f"{learnt[name]:.3f}")
        table.add_row("nDCG@10", f"{made.ndcg[0]:.4f}", f"{made.ndcg[1]:.4f}")
        table.add_row("排对的比较 · right comparisons", f"{made.accuracy[0]:.1%}", f"{made.accuracy[1]:.1%}")
        console.print(table)
        said = "确实更好 · certainly better" if made.better else "没有证明更好 · not certainly better"
        console.print(f"nDCG@10 {made.gain:+.4f}（99%：{made.low:+.4f} … {made.high:+.4f}）：{said}", highlight=False)
    if lesson.misleading:
        table = Table(title="误导的词 · misleading terms")
        for head in ("词 · term", "行业大类 · division", "权重乘以 · factor", "指出 · named by", "看到 · seen by"):
            table.add_column(head)
        for one in lesson.misleading:
            kind = one.kind or "所有 · all"
            table.add_row(escape(one.term), kind, f"{one.factor:.2f}", str(one.named_by), str(one.asked))
        console.print(table)
