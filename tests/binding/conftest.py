"""A connection with the service's rights, and the rows of two people who share a patient."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.stack.postgres import EmbeddedPostgres
from tests.support.plugin import SERVICE_ROLE

from .rows import Chain, chain


@pytest.fixture
async def service(
    postgres: EmbeddedPostgres, migrated_database: str
) -> AsyncIterator[asyncpg.Connection]:
    """Acts as ``ias_service`` itself: what that role may not do, no process of ours may."""
    connection = await asyncpg.connect(postgres.dsn(migrated_database, user=SERVICE_ROLE))
    await connection.execute("set role ias_service")
    yield connection
    await connection.close()


@pytest.fixture
async def jane(service: asyncpg.Connection) -> Chain:
    return await chain(service, "jane", "shared")


@pytest.fixture
async def victor(service: asyncpg.Connection) -> Chain:
    """Linked to the same patient: the vendor matches fuzzily, so nothing but proofing tells them apart."""
    return await chain(service, "victor", "shared")
