"""Connections that the server ends: what is seen of it is waited out, and nobody becomes deaf to a stop (I1, I4)."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import asyncpg
import pytest

from service.store.listen import listen
from service.store.pool import TRANSIENT, Database
from tests.stack.postgres import EmbeddedPostgres

KILL = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
where datname = $1 and application_name = 'metriport-ias'
"""
LISTENS = """
select count(*) from pg_stat_activity where datname = $1 and query = 'LISTEN "somewhere"'
"""
Kill = Callable[[], Awaitable[None]]


@pytest.fixture
async def owner(postgres: EmbeddedPostgres) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres.dsn())
    yield connection
    await connection.close()


async def test_whatever_a_killed_connection_raises_is_waited_out(
    owner: asyncpg.Connection, database: Database, migrated_database: str
) -> None:
    """An idle one may be used before its end is noticed; then asyncpg's state machine complains."""
    rng = random.Random(20261130)
    met = set[type[Exception]]()

    async def works() -> None:
        for _ in range(150):
            try:
                async with database.transaction() as unit:
                    await unit.conn.fetchval("select 1")
            except TRANSIENT as error:
                met.add(type(error))
            await asyncio.sleep(rng.uniform(0, 0.004))

    async def kills() -> None:
        while True:
            await owner.execute("select 1")
            await owner.fetchval(KILL, migrated_database)
            await asyncio.sleep(rng.uniform(0, 0.004))

    killing = asyncio.create_task(kills())
    await asyncio.gather(*(works() for _ in range(4)))
    killing.cancel()
    with suppress(asyncio.CancelledError):
        await killing
    assert met


@pytest.mark.parametrize("turns", range(12))
async def test_listening_ends_when_it_is_told_to_as_its_link_is_killed(
    owner: asyncpg.Connection, database: Database, migrated_database: str, turns: int
) -> None:
    """The cancellation was lost in the error of the closed link, and the process never ended."""
    listening = asyncio.create_task(listen(database, "somewhere", asyncio.Event()))
    async with asyncio.timeout(10):
        while not await owner.fetchval(LISTENS, migrated_database):
            await asyncio.sleep(0.01)
    await owner.fetchval(KILL, migrated_database)
    for _ in range(turns):
        await asyncio.sleep(0)
    listening.cancel()
    done, _ = await asyncio.wait([listening], timeout=3)
    assert done, "it is deaf"
    assert listening.cancelled()
