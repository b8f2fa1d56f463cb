"""The migrations make the tables that the program knows, can be taken back, and take turns."""

import asyncio

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from sqlalchemy import CheckConstraint, Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from marketplace import schema
from marketplace.kernel.base import Base
from marketplace.tables import METADATA_IS_COMPLETE
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


def downgrade(connection: Connection) -> None:
    config = schema.config()
    config.attributes["connection"] = connection
    command.downgrade(config, "base")


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
