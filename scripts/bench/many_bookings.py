"""A million bookings on ten thousand instruments, and how PostgreSQL answers questions about them."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.requests import Request

from marketplace.kernel import clock
from marketplace.kernel.actor import NOBODY
from marketplace.kernel.db import Database
from marketplace.kernel.paging import Paging
from marketplace.kernel.prepared import connected
from marketplace.labs import availability, first_free, instruments
from schemas.identity import Role
from schemas.labs import InstrumentFilter
from scripts.bench import lab

MANY_INSTRUMENTS, EACH = 10_000, 100


MANY = [
    # More of the one instrument that is there, with its hours.
    "insert into resource (id, kind) select gen_random_uuid(), 'instrument' from generate_series(1, :instruments)",
    (
        "insert into instrument select (jsonb_populate_record(null::instrument, to_jsonb(i) || jsonb_build_object('id', r.id))).*"
        " from (select * from instrument where id = :id) i, resource r where r.kind = 'instrument' and r.id not in (select id from instrument)"
    ),
    (
        "insert into opening_hours select (jsonb_populate_record(null::opening_hours,"
        " to_jsonb(h) || jsonb_build_object('id', gen_random_uuid(), 'instrument_id', i.id))).*"
        " from (select * from opening_hours where instrument_id = :id) h, instrument i"
        " where i.id not in (select instrument_id from opening_hours)"
    ),
    "update instrument set buffer_minutes = 30 where abs(hashtext(id::text)) % 3 = 0",
    "alter table claim drop constraint claim_no_overlap",
    (
        "create temporary table made as select gen_random_uuid() as id, i.id as instrument_id, i.buffer_minutes,"
        " cast(:since as timestamptz) + make_interval(hours => (n * 14 + i.place % 11)::int) as starts_at"
        " from (select id, buffer_minutes, row_number() over () as place from instrument) i, generate_series(0, :each - 1) n"
    ),
    (
        "insert into booking (id, instrument_id, organisation_id, person_id, made_by, customer_class, state, starts_at,"
        " ends_at, purpose, assisted, answers, waived, cancelled_late, created_at, updated_at, version)"
        " select m.id, m.instrument_id, p.organisation_id, p.person_id, p.person_id, 'province_firm', 'confirmed', m.starts_at,"
        " m.starts_at + interval '2 hours', '试验', false, '{}', '{}', false, now(), now(), 1"
        " from made m, (select organisation_id, person_id from membership limit 1) p"
    ),
    (
        "insert into claim (id, resource_id, during, held_by, created_at) select gen_random_uuid(), instrument_id,"
        " tstzrange(starts_at, starts_at + interval '2 hours' + make_interval(mins => buffer_minutes)), id, now() from made"
    ),
    "alter table claim add constraint claim_no_overlap exclude using gist (resource_id with =, during with &&)",
]
# The calendars of the page's twenty instruments, full for more than the fortnight that is looked ahead.
FULL = (
    "insert into claim (id, resource_id, during, held_by, created_at) select gen_random_uuid(), i.id,"
    " tstzrange(cast(:since as timestamptz) + n * interval '15 minutes',"
    " cast(:since as timestamptz) + (n + 1) * interval '15 minutes'), gen_random_uuid(), now()"
    " from (select id from instrument order by created_at desc, id desc limit 20) i, generate_series(0, 16 * 96) n"
    " on conflict do nothing"
)


async def fill(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text(FULL), {"since": lab.moment(0)})
    await engine.dispose()


async def a_million(url: str) -> tuple[list[str], int]:
    """Instruments and bookings, written directly. Answers some of the instruments, and how many bookings there are."""
    database = Database(url)
    university, firm = await lab.organisation(database, "university"), await lab.organisation(database, "enterprise")
    await lab.user(database, Role.EDITOR, firm)
    first = await lab.an_instrument(database, university, **lab.ALL_THE_RULES)
    await database.close()
    engine = create_async_engine(url)
    values = {"instruments": MANY_INSTRUMENTS - 1, "id": first, "each": EACH, "since": lab.moment(-20)}
    async with engine.begin() as connection:
        for statement in MANY:
            asked = text(statement)
            await connection.execute(asked, {name: values[name] for name in asked._bindparams})  # noqa: SLF001 -- its names
        bookings = await connection.scalar(text("select count(*) from booking"))
        ids = [str(one) for one in await connection.scalars(text("select id from instrument"))]
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("vacuum analyze"))
    await engine.dispose()
    return ids, bookings or 0


async def plans(url: str, instrument: str) -> dict[str, str]:
    """What PostgreSQL does for each question, as the program asks it."""
    database = Database(url)
    since, at = lab.moment(0), lab.moment(2, 9 * 60)
    app = SimpleNamespace(state=SimpleNamespace(signing_key=b"for the next page's marker"))
    somebody: Any = Request({"type": "http", "path": "/", "headers": [], "query_string": b"", "app": app})
    said: dict[str, str] = {}
    async with database.reading() as session:
        raw = await connected(session)
        sent: list[tuple[str, Any]] = []

        def passed_by(one: Any) -> None:
            sent.append((one.query, one.args))

        def heard(_c: Any, _u: Any, statement: str, parameters: Any, *_: Any) -> None:
            sent.append((statement, parameters))

        # What SQLAlchemy sends, and what is sent past it.
        event.listen(database.reading_engine.sync_engine, "before_cursor_execute", heard)
        raw.add_query_logger(passed_by)

        async def told(name: str, table: str, question: Coroutine[Any, Any, Any]) -> Any:
            sent.clear()
            answer = await question
            await asyncio.sleep(0.01)
            query, arguments = next(one for one in sent if table in one[0] and not one[0].startswith("explain"))
            rows = await raw.fetch(f"explain (analyze, buffers) {query}", *arguments)
            said[name] = "\n".join(row[0] for row in rows)
            return answer

        month = since, since + timedelta(days=31)
        await told("availability", "claim", availability.availability(session, NOBODY, UUID(instrument), *month))
        wish = InstrumentFilter(free_from=at, free_until=at + timedelta(hours=1))
        listed = instruments.listed(session, NOBODY, wish, Paging(somebody, None, 20), clock.now())
        rows, _ = await told("free between", "claim", listed)
        of_a_page = first_free.first_free(session, [row[0] for row in rows], clock.now())
        await told("first free times of twenty", "claim", of_a_page)
        raw.remove_query_logger(passed_by)
    await database.close()
    return said
