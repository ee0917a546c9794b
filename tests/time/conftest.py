"""Sweepers, and ways to make things old behind the service's back."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from consumers.sweeper import Sweeper
from service.settings.secret import Secret
from service.store.pool import Database, open_database
from service.store.unit import Vault
from tests.stack.postgres import EmbeddedPostgres
from tests.support.plugin import SERVICE_ROLE
from tests.support.settings import rules


@pytest.fixture
def sweeper(database: Database) -> Sweeper:
    """One replica with the usual lifetimes."""
    return Sweeper(database, rules())


@pytest.fixture
async def replicas(
    postgres: EmbeddedPostgres, migrated_database: str, vault: Vault
) -> AsyncIterator[list[Sweeper]]:
    """Three replicas, each with connections of its own."""
    url = Secret(postgres.dsn(migrated_database, user=SERVICE_ROLE))
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(open_database(url, 2, vault)) for _ in range(3)]
        yield [Sweeper(one, rules()) for one in opened]


async def age(
    database: Database, table: str, column: str, seconds: float, key: str, ref: UUID
) -> None:
    """Let a time of a row be so many seconds ago."""
    async with database.connection() as connection:
        await connection.execute(
            f"update {table} set {column} = clock_timestamp() - make_interval(secs => $1)"  # noqa: S608 - names of the tests' own
            f" where {key} = $2",
            seconds,
            ref,
        )
