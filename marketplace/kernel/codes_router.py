"""`/api/v1/codes`: the national code tables, for forms."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from marketplace.kernel.paging import MOST
from marketplace.kernel.parameters import CheckedRoute
from marketplace.kernel.refusals import NotFound, problems
from schemas import codes
from schemas.base import Message
from schemas.text import Words

router = APIRouter(prefix="/api/v1/codes", tags=["codes"], route_class=CheckedRoute)


class CodeView(Message):
    code: str
    name: str
    level: str
    parent: str | None
    path: str
    name_en: str | None = None


class Codes(Message):
    items: list[CodeView]
    next_cursor: None = None


def _view(table: codes.Table, code: codes.Code) -> CodeView:
    return CodeView(
        code=code.code,
        name=code.name,
        level=code.level,
        parent=code.parent,
        path=table.path(code.code),
        name_en=code.name_en,
    )


TableName = Annotated[str, Path(max_length=40, pattern="^[a-z_]+$", examples=list(codes.TABLES))]


@router.get("/{table}", responses=problems(NotFound))
async def search(
    table: TableName,
    q: Annotated[Words | None, Query(description="名称或代码 · name or code")] = None,
    level: Annotated[str | None, Query(max_length=20)] = None,
    under: Annotated[str | None, Query(max_length=20, description="上级代码 · within this code")] = None,
    limit: Annotated[int, Query(ge=1)] = 20,
) -> Codes:
    """查代码：行业、学科、地区、技术就绪度… · Look up industries, disciplines, regions, TRL and more."""
    found = codes.TABLES.get(table)
    if found is None:
        raise NotFound
    return Codes(
        items=[_view(found, code) for code in found.search(q or "", limit=min(limit, MOST), level=level, under=under)]
    )


@router.get("/{table}/{code}", responses=problems(NotFound))
async def one(table: TableName, code: Annotated[str, Path(max_length=40)]) -> CodeView:
    """一个代码 · One code, with its place in the hierarchy."""
    found = codes.TABLES.get(table)
    entry = found.get(code) if found else None
    if found is None or entry is None:
        raise NotFound
    return _view(found, entry)
