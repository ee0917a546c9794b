"""A migration that cannot get its lock gives way to who serves, and is done the next time."""

import asyncio
import time

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from migrations.run import HERE, migrate
from tests.stack.postgres import EmbeddedPostgres

LEVEL = "select max(level) from schema_level"
READ = "select count(*) from dispatch_stop"
"""A table that migration 0017 alters."""

WAITING = "select count(*) from pg_locks where not granted and relation = 'dispatch_stop'::regclass"


def _to_sixteen(connection: Connection) -> None:
    config = Config(HERE / "alembic.ini")
    config.attributes["connection"] = connection
    command.upgrade(config, "0016")


async def test_a_migration_that_must_wait_for_a_table_lets_the_others_pass_and_changes_nothing(
    postgres: EmbeddedPostgres, empty_database: str
) -> None:
    url = postgres.dsn(empty_database)
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as connection:
        await connection.run_sync(_to_sixteen)
    await engine.dispose()
    slow, other = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with slow.transaction():
            await slow.fetchval(READ)  # and goes on for long
            migrating = asyncio.create_task(migrate(url))
            async with asyncio.timeout(20):
                while not await other.fetchval(WAITING):
                    assert not migrating.done()
                    await asyncio.sleep(0.05)
            started = time.monotonic()
            await other.fetchval(READ, timeout=15)
            assert time.monotonic() - started < 10
            with pytest.raises(DBAPIError, match="lock timeout"):
                await migrating
            assert await other.fetchval(LEVEL) == 16
        await migrate(url)
        assert await other.fetchval(LEVEL) > 16
    finally:
        await asyncio.gather(slow.close(), other.close())
