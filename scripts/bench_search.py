"""How long a list takes that is searched for a word, at 100,000 records; prints the tables of docs/benchmarks-search.md.

    python -m scripts.bench_search [--records 100000]

Each word is asked fifteen times through the verb behind `GET /api/v1/achievements?q=`: as it is, and with the plain
comparison in its place, which has the index of threes of letters alone.
"""

import asyncio
import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any
from unittest import mock
from uuid import UUID, uuid4

import typer
from sqlalchemy import ColumnElement, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import InstrumentedAttribute
from starlette.requests import Request

from marketplace import schema
from marketplace.achievements import achievements
from marketplace.identity.models import Organisation
from marketplace.kernel import clock, searching
from marketplace.kernel.actor import NOBODY
from marketplace.kernel.db import Database
from marketplace.kernel.embedded import running_postgres
from marketplace.kernel.paging import Paging
from marketplace.listings.derived import folded
from marketplace.listings.models import Listing
from schemas.achievements import AchievementFilter
from schemas.identity import Verification
from schemas.listings import ListingKind, ListingState
from scripts.bench_matching import corpus

WORDS = ("系统", "合金", "膜", "电池", "疲劳", "镍", "5g", "焊接", "超导", "钎焊", "鲟鱼", "锂离子电池")
TIMES, GIVEN_UP, BATCH, ORGANISATIONS = 15, 2, 500, 200

Holds = Callable[[InstrumentedAttribute[str], str], ColumnElement[bool]]


def plain(column: InstrumentedAttribute[str], word: str) -> ColumnElement[bool]:
    return column.contains(word, autoescape=True)


async def fill(engine: AsyncEngine, path: Path, records: int) -> float:
    """The records, in batches. Answers the seconds that it took."""
    at, drawn = clock.now(), random.Random(1)  # noqa: S311 -- drawn, not secret
    homes = [uuid4() for _ in range(ORGANISATIONS)]
    async with engine.begin() as connection:
        rows: list[dict[str, Any]] = [
            {
                "id": home, "uscc": f"{number:018d}", "name": f"单位{number}", "kinds": ["institute"], "region": "220100",
                "verification": Verification.VERIFIED, "verified_at": at, "created_at": at,
            }
            for number, home in enumerate(homes)
        ]  # fmt: skip
        await connection.execute(insert(Organisation.__table__), rows)

    def row(body: str, home: UUID) -> dict[str, Any]:
        listed = at - timedelta(seconds=drawn.randrange(10**7))
        return {
            "kind": ListingKind.ACHIEVEMENT, "organisation_id": home, "state": ListingState.PUBLISHED, "listed_at": listed,
            "title": body[:40], "description": body, "published_at": listed, "confirmed_until": at + timedelta(days=99),
            "words": folded(body),
        }  # fmt: skip

    begun, batch = time.perf_counter(), []
    for record in corpus.records(path, records):
        batch.append(row(record.text, drawn.choice(homes)))
        if len(batch) == BATCH:
            async with engine.begin() as connection:
                await connection.execute(insert(Listing.__table__), batch)
            batch = []
    return time.perf_counter() - begun


async def asked(database: Database, word: str, holds: Holds) -> list[float]:
    """The milliseconds of each time; what was given up counts for endless, and is tried twice at most."""
    app = SimpleNamespace(state=SimpleNamespace(signing_key=b"of nobody"))
    request = Request(
        {"type": "http", "app": app, "path": "/", "query_string": b"", "headers": [(b"host", b"here")], "state": {}}
    )
    seconds: list[float] = []
    with mock.patch.object(searching, "holds", holds):
        while len(seconds) < TIMES and seconds.count(math.inf) < GIVEN_UP:
            begun = time.perf_counter()
            try:
                async with database.reading() as session:
                    await achievements.CARDS.page(session, NOBODY, AchievementFilter(q=word), Paging(request, None, 19))
            except (DBAPIError, TimeoutError):
                seconds.append(math.inf)
            else:
                seconds.append((time.perf_counter() - begun) * 1000)
    return seconds


def told(milliseconds: float) -> str:
    return "given up" if milliseconds == math.inf else f"{milliseconds:.1f}"


async def measure(url: str, folder: Path, records: int) -> None:
    await schema.migrate(url)
    # Nobody waits for what is prepared here.
    patient = create_async_engine(url)
    print(f"filled in {await fill(patient, corpus.written(records, folder), records):.0f} s", flush=True)
    async with patient.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("create index listing_words_idx on listing using gin (words gin_trgm_ops)"))
        await connection.execute(text("vacuum analyze listing"))
        for index in ("listing_words_idx", "listing_grams_idx"):
            size = await connection.scalar(select(func.pg_size_pretty(func.pg_relation_size(index))))
            print(f"{index}: {size}")
    await patient.dispose()
    database = Database(url, pool_size=1)
    print("| word | records | plain p50 ms | max ms | now p50 ms | max ms |\n|---|---|---|---|---|---|")
    for word in WORDS:
        async with database.reading() as session:
            many = await session.scalar(select(func.count()).where(func.strpos(Listing.words, word) > 0))
        cells = [word, f"{many:,}"]
        for holds in (plain, searching.holds):
            times = await asked(database, word, holds)
            cells += [told(statistics.median(times)), told(max(times))]
        print("| " + " | ".join(cells) + " |", flush=True)
    await database.close()


def main(records: Annotated[int, typer.Option()] = 100_000) -> None:
    with tempfile.TemporaryDirectory() as home, running_postgres(Path(home)) as server:
        asyncio.run(measure(server.url, Path(home), records))


if __name__ == "__main__":
    typer.run(main)
