"""Pages of listings, as bytes.

The list is the most asked-for page of the house, so PostgreSQL writes each card as JSON and nothing takes it apart again.
A test holds the bytes against the documented schema.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, Text, bindparam, cast, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.elements import SQLCoreOperations
from starlette.responses import Response

from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from marketplace.kernel.paging import BY_TIME_AND_ID, MOST, Paging
from marketplace.kernel.prepared import Prepared
from marketplace.listings import records
from marketplace.listings.models import Listing
from marketplace.listings.policy import listing_open
from schemas.listings import ListingFilter

AS_ON_THE_WIRE = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'


def moment(column: InstrumentedAttribute[Any]) -> ColumnElement[str]:
    """A moment as pydantic writes it."""
    return func.to_char(func.timezone("UTC", column), AS_ON_THE_WIRE)


class Cards:
    """The list of one kind of listing."""

    def __init__(self, cls: type[Listing], own: Mapping[str, SQLCoreOperations[Any]]) -> None:
        self._cls = cls
        pairs: dict[str, SQLCoreOperations[Any]] = {
            "id": cls.id,
            "state": cls.state,
            "organisation": func.json_build_object(
                "id", Organisation.id, "name", Organisation.name, "verification", Organisation.verification
            ),
            "title": cls.title,
            "region": cls.region,
            "keywords": cls.keywords,
            "cooperation_modes": cls.cooperation_modes,
            "confidential_part": cls.confidential_part,
            "confirmed_at": moment(cls.confirmed_at),
            "confirmed_until": moment(cls.confirmed_until),
            "published_at": moment(cls.published_at),
            "created_at": moment(cls.created_at),
            "updated_at": moment(cls.updated_at),
            "version": cls.version,
            **own,
        }
        card = cast(func.json_build_object(*(part for pair in pairs.items() for part in pair)), Text).label("card")
        self._all = (
            select(card, cls.listed_at, cls.id)
            .join(Organisation, Organisation.id == cls.organisation_id)
            .order_by(cls.listed_at.desc(), cls.id.desc())
            .limit(bindparam("rows", MOST))
        )
        place = tuple_(bindparam("at", None, type_=cls.listed_at.type), bindparam("id", None, type_=cls.id.type))
        self._before = tuple_(cls.listed_at, cls.id) < place
        # What everybody asks for: all open ones, from the first page on.
        self._first = Prepared(self._all.where(listing_open()))
        self._next = Prepared(self._all.where(listing_open(), self._before))

    async def page(
        self, session: AsyncSession, actor: Actor, wish: ListingFilter, paging: Paging, *more: ColumnElement[bool]
    ) -> tuple[list[str], str | None]:
        """One page of cards as JSON, newest first, in one statement; and the marker of the next."""
        place = paging.place(BY_TIME_AND_ID)
        values: dict[str, Any] = {"rows": paging.limit + 1}
        if place is not None:
            values |= {"at": place[0], "id": place[1]}
        rows: Sequence[Any]
        if wish == type(wish)() and not more:
            rows = await (self._first if place is None else self._next).fetch(session, **values)
        else:
            statement: Select[*tuple[Any, ...]] = records.narrowed(self._all, actor, wish).where(*more)
            if place is not None:
                statement = statement.where(self._before)
            rows = (await session.execute(statement, values)).all()
        kept = rows[: paging.limit]
        marker = paging.marker([kept[-1][1], kept[-1][2]]) if len(rows) > paging.limit else None
        return [row[0] for row in kept], marker


def answer(cards: Sequence[str], marker: str | None, paging: Paging) -> Response:
    """A page of cards on the wire."""
    body = f'{{"items":[{",".join(cards)}],"next_cursor":{orjson.dumps(marker).decode()}}}'
    response = Response(body, media_type="application/json")
    paging.link(response, marker)
    return response
