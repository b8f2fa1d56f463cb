"""Walking a long list a page at a time, without skipping or repeating a row."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json
from sqlalchemy import Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute
from starlette.responses import Response

from marketplace.kernel.refusals import Invalid
from schemas.base import FieldError

MOST = 100
DEFAULT = 20
_MAC_BYTES = 16


class StaleCursor(Invalid):
    """这个翻页标记不属于这个列表。 · This cursor was not made by this list."""

    def __init__(self) -> None:
        super().__init__(
            errors=[
                FieldError(
                    pointer="cursor",
                    code="stale_cursor",
                    detail="请从第一页重新开始。 · Start again from the first page.",
                )
            ]
        )


class Paging:
    """Where this page begins and how long it is; makes the marker of the next one.

    A cursor is signed together with the path, the filters and the caller, so it opens no other list.
    """

    def __init__(self, request: Request, cursor: str | None, limit: int) -> None:
        self._request = request
        self.cursor = cursor
        self.limit = min(limit, MOST)

    def _mac(self, payload: bytes) -> bytes:
        request = self._request
        filters = sorted((k, v) for k, v in request.query_params.multi_items() if k not in {"cursor", "limit"})
        actor = getattr(request.state, "actor", None)
        bound = to_json([request.url.path, filters, actor.person_id if actor is not None else None])
        key: bytes = request.app.state.signing_key
        return hmac.new(key, bound + b"\n" + payload, hashlib.sha256).digest()[:_MAC_BYTES]

    def place(self, kinds: Sequence[type]) -> list[Any] | None:
        """The sort values of the last row seen, or None on the first page."""
        if self.cursor is None:
            return None
        try:
            raw = urlsafe_b64decode(self.cursor.encode("ascii") + b"=" * (-len(self.cursor) % 4))
            mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
            if not hmac.compare_digest(mac, self._mac(payload)):
                raise StaleCursor
            values = from_json(payload)
            return [TypeAdapter(kind).validate_python(value) for kind, value in zip(kinds, values, strict=True)]
        except (ValueError, ValidationError, UnicodeEncodeError):
            raise StaleCursor from None

    def marker(self, values: Sequence[Any]) -> str:
        payload = to_json(list(values))
        return urlsafe_b64encode(self._mac(payload) + payload).decode().rstrip("=")

    def link(self, response: Response, marker: str | None) -> None:
        """Say where the next page is in a `Link` header too (RFC 8288)."""
        if marker is not None:
            url = self._request.url.include_query_params(cursor=marker)
            response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'


async def _paging(
    request: Request,
    cursor: Annotated[str | None, Query(max_length=600, description="`next_cursor` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, description=f"rows a page; more than {MOST} counts as {MOST}")] = DEFAULT,
) -> Paging:
    return Paging(request, cursor, limit)


Paged = Annotated[Paging, Depends(_paging)]

Sort = tuple[tuple[InstrumentedAttribute[Any], type], ...]


async def page(
    session: AsyncSession, statement: Select[Any], by: Sort, paging: Paging, *, rising: bool = False
) -> tuple[list[Any], str | None]:
    """One page of `statement`, largest `by` first (smallest, if `rising`), and the next page's marker. `by` ends in a
    unique column."""
    place = paging.place([kind for _, kind in by])
    columns = [column for column, _ in by]
    if place is not None:
        seen, last = tuple_(*columns), tuple_(*place)
        statement = statement.where(seen > last if rising else seen < last)
    ordered = (column.asc() if rising else column.desc() for column in columns)
    statement = statement.order_by(*ordered).limit(paging.limit + 1)
    rows = list((await session.execute(statement)).all())
    kept, more = rows[: paging.limit], rows[paging.limit :]
    names = [column.key for column in columns]
    if not more:
        return kept, None
    end = kept[-1]
    source = end[0] if len(end) == 1 or not hasattr(end, names[0]) else end
    return kept, paging.marker([getattr(source, name) for name in names])


BY_TIME_AND_ID = (datetime, UUID)
