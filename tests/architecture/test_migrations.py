"""The migrations make the tables that the program knows, can be taken back, and take turns."""

import asyncio

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from sqlalchemy import CheckConstraint, Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from marketplace import demo, demo_meetings, schema
from marketplace.kernel import facts
from marketplace.kernel.base import Base
from marketplace.kernel.db import Database
from marketplace.settings import Settings
from marketplace.tables import METADATA_IS_COMPLETE
from marketplace.wiring import LISTENERS, WITHIN
from tests.conftest import administer, on


@pytest.fixture
async def empty(server_url, worker_id):
    """A database with nothing in it."""
    name = f"duijie_migrations_{worker_id}"
    await administer(server_url, f'drop database if exists "{name}" with (force)', f'create database "{name}"')
    yield on(server_url, name)
    await administer(server_url, f'drop database if exists "{name}" with (force)')


async def run(url: str, work):
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        found = await connection.run_sync(work)
    await engine.dispose()
    return found


# Every column, constraint, index and trigger as PostgreSQL itself describes it.
SHAPE = """
select 'column', table_name || '.' || column_name, data_type || coalesce(' ' || column_default, '') || is_nullable
from information_schema.columns where table_schema = 'public'
union all
select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
from pg_constraint where connamespace = 'public'::regnamespace
union all
select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
union all
select 'type', typname, typtype::text from pg_type
where typnamespace = 'public'::regnamespace and typtype in ('e', 'd')
union all
select 'function', proname, prosrc from pg_proc p
where pronamespace = 'public'::regnamespace
and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
union all
select 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
order by 1, 2
"""


def shape(connection: Connection) -> list[tuple]:
    found = connection.execute(text(SHAPE)).all()
    return [tuple(row) for row in found if "alembic_version" not in row[1]]


def downgrade(connection: Connection, to: str = "base") -> None:
    config = schema.config()
    config.attributes["connection"] = connection
    command.downgrade(config, to)


async def test_up_down_and_up_again_comes_to_the_same(empty):
    await schema.migrate(empty)
    first = await run(empty, shape)
    await run(empty, downgrade)
    assert await run(empty, shape) == []
    await schema.migrate(empty)
    assert await run(empty, shape) == first
    assert len(first) > 100


async def test_the_migrations_make_exactly_what_the_models_say(empty):
    assert METADATA_IS_COMPLETE
    await schema.migrate(empty)

    def differences(connection: Connection) -> list:
        def ours(name, kind, _parents):
            return not (kind == "table" and name.startswith("pgqueuer"))

        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "include_name": ours}
        )
        return compare_metadata(context, Base.metadata)

    assert await run(empty, differences) == []


def constraints(connection: Connection) -> set[str]:
    found = connection.execute(text("select conname from pg_constraint where contype = 'c'"))
    return {name for (name,) in found if not name.startswith(("pgqueuer", "cardinal_number", "yes_or_no"))}


async def test_every_check_of_the_models_is_in_the_database_and_no_other(empty):
    """Alembic does not compare checks."""
    await schema.migrate(empty)
    known = {
        str(constraint.name)
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint) and constraint.name
    }
    there = await run(empty, constraints)
    assert there == known


async def test_the_queue_is_installed_as_its_library_would(empty, server_url, worker_id):
    """Ours is a copy of what the library installs, so that it is migrated with everything else."""
    await schema.migrate(empty)

    def queue(connection: Connection) -> list[tuple]:
        return [row for row in shape(connection) if "pgqueuer" in row[1]]

    ours = await run(empty, queue)
    name = f"duijie_queue_{worker_id}"
    await administer(server_url, f'drop database if exists "{name}" with (force)', f'create database "{name}"')
    try:
        engine = create_async_engine(on(server_url, name))
        async with engine.begin() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            await raw.execute(QueryBuilderEnvironment().build_install_query())
        await engine.dispose()
        theirs = await run(on(server_url, name), queue)
        # But for one thing: who enqueues notifies nobody while it commits (`kernel/bell.py`).
        silent = [(kind, which, what.replace(" AFTER INSERT OR ", " AFTER ")) for kind, which, what in theirs]
        assert silent == ours
        assert theirs != ours
    finally:
        await administer(server_url, f'drop database if exists "{name}" with (force)')


async def test_programs_that_start_at_once_take_turns(empty):
    await asyncio.gather(*(schema.migrate(empty) for _ in range(4)))
    assert await schema.current(empty) == schema.newest()


async def test_a_program_refuses_a_schema_that_is_not_its_own_and_says_what_to_run(empty):
    with pytest.raises(schema.SchemaBehind, match="duijie migrate"):
        await schema.require_newest(empty)
    await schema.migrate(empty)
    await schema.require_newest(empty)
    await run(empty, lambda connection: connection.execute(text("update alembic_version set version_num = '9999'")))
    with pytest.raises(schema.SchemaBehind, match="9999"):
        await schema.require_newest(empty)


# A table's rows, whatever the order of its columns and of the rows themselves.
ROWS = """
select count(*), md5(string_agg(told, '' order by told))
from (select (to_jsonb(one) - cast(:lost as text[]))::text as told from {} one) _
"""
# What the schema of before has no place for.
LOST = {"schedule": ["fill"], "listing": ["talks"], "wish": ["fits"]}
# What counts as it was told: of what counts less (another record has part of the time), the schema of before kept no more.
EVIDENCE = """
select u.id, told.source, told.starts_at, told.ends_at, told.run_minutes, told.samples, told.told_by
from usage_evidence told join usage u on u.id = told.usage_id
where (told.preparation_minutes, told.run_minutes, told.processing_minutes)
    = (u.preparation_minutes, u.run_minutes, u.processing_minutes)
"""


def contents(connection: Connection) -> dict[str, tuple[int, str]]:
    tables = connection.execute(text("select tablename from pg_tables where schemaname = 'public'")).scalars()
    kept = [name for name in tables if not name.startswith(("alembic", "pgqueuer"))]
    return {
        name: connection.execute(text(ROWS.format(f'"{name}"')), {"lost": LOST.get(name, [])}).one() for name in kept
    }


@pytest.fixture
async def used(clones, tmp_path):
    """A database with the sample data in it, and events whose meetings were planned, held and spoken of."""
    url = await clones.make()
    settings = Settings(home=tmp_path, secret="a secret for tests only, thirty-two or more")
    database = Database(url, pool_size=2)
    await demo.load(settings, database)
    facts.listen(LISTENERS, WITHIN)
    planned = [row for row in demo.rows("events") if row["external_id"] in {"S-E005", "S-E006"}]
    await demo_meetings.load(settings, database, planned)
    await database.close()
    yield url
    await clones.drop(url)


async def test_rows_that_are_there_go_through_the_migrations(used):
    """Down to before the migrations that write into rows, and up: every row is what it was."""

    def told(connection: Connection) -> tuple[set, set, set]:
        grounds = connection.execute(text("select distinct ground from meeting")).scalars()
        fits = connection.execute(text("select distinct fits from wish where proposed_at is not null")).scalars()
        return set(grounds), set(fits), {tuple(row) for row in connection.execute(text(EVIDENCE))}

    grounds, fits, evidence = await run(used, told)
    assert grounds >= {"agreed", "asked", "recommended"}
    assert fits == {True, False}
    assert len(evidence) >= 20
    before = await run(used, contents)
    await run(used, lambda connection: downgrade(connection, "0013"))
    old = await run(used, contents)
    assert {"usage", "wish", "meeting", "planned_meeting", "event_document"} <= old.keys()
    assert old["meeting"] != before["meeting"], "the columns that are written anew are gone"
    await schema.migrate(used)
    after = await run(used, contents)
    assert [name for name in old if after[name] != before[name]] == []
    # Whether a proposal of before fits is for the matcher to say, when it proposes again; till then it fills nothing.
    now = await run(used, told)
    assert now[:2] == (grounds, {False})
    assert now[2] >= evidence
    assert after["matching_model"][0] == 1
