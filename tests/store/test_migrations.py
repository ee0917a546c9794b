"""Migrations and compatibility: old and new run side by side, and nothing is done twice."""

import asyncio
import os
import sys

import asyncpg
import pytest

from migrations.run import migrate
from service.settings.secret import Secret
from service.store import compatibility
from service.store.compatibility import IncompatibleDatabaseError
from service.store.pool import open_database
from service.store.unit import Vault
from tests.stack.postgres import EmbeddedPostgres
from tests.support.plugin import SERVICE_ROLE

LEVELS = "select level from schema_level order by level"


async def _check(url: str) -> None:
    async with (
        open_database(Secret(url), 1, Vault(None)) as database,
        database.connection() as connection,
    ):
        await compatibility.check(connection)


async def _levels(url: str) -> list[int]:
    connection = await asyncpg.connect(url)
    try:
        return [row["level"] for row in await connection.fetch(LEVELS)]
    finally:
        await connection.close()


async def test_migrating_twice_is_harmless(postgres: EmbeddedPostgres, empty_database: str) -> None:
    url = postgres.dsn(empty_database)
    await migrate(url)
    first = await _levels(url)
    await migrate(url)
    assert await _levels(url) == first


async def test_two_migrations_at_once_both_end_well(
    postgres: EmbeddedPostgres, empty_database: str
) -> None:
    """Every replica of a deployment may run the job; each is a process of its own."""
    url = postgres.dsn(empty_database)
    command = (sys.executable, "-m", "consumers", "migrate")
    environment = {**os.environ, "MIGRATION_DATABASE_URL": url}
    jobs = [await asyncio.create_subprocess_exec(*command, env=environment) for _ in range(2)]
    async with asyncio.timeout(30):
        assert [await job.wait() for job in jobs] == [0, 0]
    levels = await _levels(url)
    assert levels == sorted(set(levels))
    await _check(url)


async def test_an_empty_database_is_refused_with_the_remedy(
    postgres: EmbeddedPostgres, empty_database: str
) -> None:
    with pytest.raises(IncompatibleDatabaseError, match="migrate"):
        await _check(postgres.dsn(empty_database))


async def test_a_migrated_database_is_accepted_by_every_role(
    postgres: EmbeddedPostgres, migrated_database: str
) -> None:
    await _check(postgres.dsn(migrated_database, user=SERVICE_ROLE))


async def test_a_newer_database_that_serves_this_code_is_accepted(
    postgres: EmbeddedPostgres, migrated_database: str
) -> None:
    """Old code goes on beside new code until it is replaced."""
    insert = "insert into schema_level (level, serves_code_from) values (1000, 1)"
    postgres.execute(insert, database=migrated_database)
    await _check(postgres.dsn(migrated_database))


async def test_a_database_that_no_longer_serves_this_code_is_refused(
    postgres: EmbeddedPostgres, migrated_database: str
) -> None:
    insert = "insert into schema_level (level, serves_code_from) values (1000, 1000)"
    assert compatibility.CODE_LEVEL < 1000
    postgres.execute(insert, database=migrated_database)
    with pytest.raises(IncompatibleDatabaseError, match="newer release"):
        await _check(postgres.dsn(migrated_database))


async def test_a_database_that_was_emptied_is_refused(
    postgres: EmbeddedPostgres, migrated_database: str
) -> None:
    postgres.execute("delete from schema_level", database=migrated_database)
    with pytest.raises(IncompatibleDatabaseError, match="too old"):
        await _check(postgres.dsn(migrated_database))
