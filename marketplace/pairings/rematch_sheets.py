"""What a run proposes, as a file that a spreadsheet opens."""

import csv
import io
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import xlsxwriter

from marketplace.kernel.language import told
from marketplace.kernel.sheets import harmless, write_table
from schemas.rematches import ProposalView

_HEAD: Final = (
    "难题编号 · problem id",
    "难题 · problem",
    "难题单位 · its organisation",
    "成果编号 · achievement id",
    "成果 · achievement",
    "成果单位 · its organisation",
    "得分 · score",
    "难题的原位次 · rank for the problem",
    "成果的原位次 · rank for the achievement",
    "已推荐 · proposed",
    "名额 · place",
    "共有名额 · places",
    "说明 · explanation",
)


def _lines(found: Sequence[ProposalView]) -> Iterator[tuple[object, ...]]:
    for one in found:
        yield (
            one.problem.id, one.problem.title, one.problem.organisation.name,
            one.achievement.id, one.achievement.title, one.achievement.organisation.name,
            Decimal(f"{one.score:.6f}"), one.rank, one.rank_back, told("是 · yes") if one.granted else told("否 · no"),
            one.place, one.places, one.explanation,
        )  # fmt: skip


def workbook(found: Sequence[ProposalView], title: str) -> bytes:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    write_table(book, told("推荐 · Proposals"), title, [told(one) for one in _HEAD], _lines(found))
    book.close()
    return made.getvalue()


def table(found: Sequence[ProposalView]) -> bytes:
    """CSV; the mark in front tells Excel that it is UTF-8."""
    made = io.StringIO(newline="")
    lines = csv.writer(made)
    lines.writerow([told(one) for one in _HEAD])
    lines.writerows(["" if cell is None else harmless(str(cell)) for cell in line] for line in _lines(found))
    return made.getvalue().encode("utf-8-sig")
