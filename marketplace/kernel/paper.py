"""PDF files, in a Chinese font that every reader of PDF knows."""

import io
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.platypus import Paragraph, SimpleDocTemplate

MEDIA_TYPE: Final = "application/pdf"
FONT: Final = "STSong-Light"
MARGIN: Final = 36
"""Points on every side."""
PADDING: Final = 6
"""What a frame keeps free within its borders."""
PLAIN: Final = ParagraphStyle("plain", fontName=FONT, fontSize=8, leading=10, wordWrap="CJK")
TITLE: Final = ParagraphStyle("title", fontName=FONT, fontSize=15, leading=22)
GRID: Final = (
    ("FONT", (0, 0), (-1, -1), FONT, 8),
    ("GRID", (0, 0), (-1, -1), 0.25, colors.grey),
    ("BACKGROUND", (0, 0), (-1, 0), colors.Color(0.87, 0.92, 0.97)),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
)


def ready() -> None:
    """Make the font known; to be called before anything is drawn with it."""
    registerFont(UnicodeCIDFont(FONT))


_EAST_ASIAN: Final = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]")


@lru_cache(maxsize=32)
def _by_words(style: ParagraphStyle) -> ParagraphStyle:
    return ParagraphStyle(f"{style.name} by words", parent=style, wordWrap=None, splitLongWords=1)


def cell(text: str, style: ParagraphStyle = PLAIN) -> Paragraph:
    """What somebody typed, as text and not as markup of ours; lines break between words, where it has words."""
    return Paragraph(escape(text), style if _EAST_ASIAN.search(text) else _by_words(style))


def built(title: str, story: Sequence[Any], *, wide: bool) -> bytes:
    """A document of numbered A4 pages, so wide that a table fills them from margin to margin."""
    held = io.BytesIO()
    beside = MARGIN - PADDING
    paper = SimpleDocTemplate(
        held, pagesize=landscape(A4) if wide else A4, leftMargin=beside, rightMargin=beside, topMargin=MARGIN,
        bottomMargin=MARGIN, title=title, author="Duijie", invariant=1,
    )  # fmt: skip
    paper.build([*story], onFirstPage=_number, onLaterPages=_number)
    return held.getvalue()


def _number(canvas: Any, document: Any) -> None:
    canvas.setFont(FONT, 8)
    canvas.drawCentredString(document.pagesize[0] / 2, MARGIN / 2, str(document.page))
