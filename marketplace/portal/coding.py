"""Codes in forms: typed as a code or a name, suggested while typing, read back by the server."""

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Response

from marketplace.kernel.refusals import NotFound
from marketplace.portal import say
from marketplace.portal.frame import Visited
from marketplace.portal.routes import PageRoute
from schemas import codes
from schemas.text import fold

router = APIRouter(route_class=PageRoute, include_in_schema=False)

SUGGESTED: Final = 20
_TOP: Final = 60
_OFFERED: Final = 6


@dataclass(frozen=True)
class Read:
    """What was typed, as the code it means; without one, `said` tells why."""

    code: str | None
    said: str = ""


def read(typed: str, table: str) -> Read:
    """`3612 新能源车整车制造`, `3612` and `新能源车整车制造` all mean 3612; a name that fits several rows is asked back."""
    known = codes.TABLES[table]
    folded = fold(typed)
    first = known.normalise(folded.split()[0]) if folded.split() else ""
    # An industry is often written with its section's letter before it: C3612.
    for code in (first, first[1:] if table == "industries" else first):
        if code in known:
            return Read(code)
    if any(ord(char) < 32 or 0xD800 <= ord(char) <= 0xDFFF for char in typed):
        return Read(None, say.t("请从建议中选择。 · Choose one of the suggestions."))
    found = known.search(folded, limit=_OFFERED + 1)
    exact = [row for row in found if folded in (row.name, known.path(row.code))]
    if len(exact) == 1 or len(found) == 1:
        return Read((exact or found)[0].code)
    if not found:
        return Read(None, say.t("没有这个代码或名称，请从建议中选择。 · No such code or name; choose a suggestion."))
    offered = "；".join(say.written_code(row.code, table) for row in found[:_OFFERED])
    return Read(None, say.t("有多个相近的，请选一个：{them} · Several are close; write one of: {them}", them=offered))


@router.get("/codes/{table}", response_class=Response)
async def suggestions(table: str, visit: Visited) -> Response:
    """The options of a list of suggestions, for whatever is being typed; before that the top of the table: provinces, sections."""
    if table not in codes.TABLES:
        raise NotFound
    typed = next((value for name, value in visit.request.query_params.multi_items() if name != "lang"), "")
    known = codes.TABLES[table]
    words = typed.split(" ", 1)[0] if typed[:1].isdigit() else typed
    found = known.search(words, limit=SUGGESTED) if words.strip() else known.children()[:_TOP]
    return visit.page(
        "parts/codes.html",
        rows=[(say.written_code(row.code, table), say.code_name(row.code, table, whole=True)) for row in found],
    )
