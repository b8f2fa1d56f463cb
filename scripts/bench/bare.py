"""The peer of the list page: the same rows and bytes from a bare Starlette handler, asyncpg and orjson. No auth, no
paging, no errors, no log: what is left when a framework does nothing.

    python -m scripts.bench.bare DSN PORT
"""

import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

# The statement that the list page of achievements sends, as SQLAlchemy renders it, for the first page.
SQL = """
select a.id, a.state, o.id as organisation_id, o.name as organisation_name, o.verification as organisation_verification,
  a.title, a.region, a.keywords, a.cooperation_modes, a.confidential_part, a.confirmed_at, a.confirmed_until,
  a.published_at, a.created_at, a.updated_at, a.version, a.summary, a.disciplines, a.industries, a.trl, a.stage, a.listed_at
from listing a join organisation o on o.id = a.organisation_id
where a.kind = 'achievement' and a.state in ('published', 'in_talks') and o.verification = 'verified'
order by a.listed_at desc, a.id desc limit 21
"""


def make(dsn: str) -> Starlette:
    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(dsn, min_size=10, max_size=10) as app.state.pool:
            yield

    async def listed(request: Request) -> Response:
        rows = await request.app.state.pool.fetch(SQL)
        items: list[dict[str, Any]] = []
        for row in rows[:20]:
            item = dict(row)
            item["organisation"] = {
                "id": item.pop("organisation_id"),
                "name": item.pop("organisation_name"),
                "verification": item.pop("organisation_verification"),
            }
            item["discipline"] = (item.pop("disciplines") or [None])[0]
            del item["listed_at"]
            items.append(item)
        return Response(
            orjson.dumps({"items": items, "next_cursor": None}, default=str, option=orjson.OPT_UTC_Z),
            media_type="application/json",
        )

    return Starlette(routes=[Route("/api/v1/achievements", listed)], lifespan=lifespan)


if __name__ == "__main__":
    uvicorn.run(make(sys.argv[1]), port=int(sys.argv[2]), log_level="warning", access_log=False)
