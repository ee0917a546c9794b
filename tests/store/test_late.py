"""A database that may not be there yet: who asks early waits a moment, and no longer (I6)."""

import asyncio
import time

import pytest

from service.settings.secret import Secret
from service.store.late import LateDatabase, NotConnectedError
from tests.stack.ports import free_port
from tests.stack.postgres import EmbeddedPostgres


async def test_who_asks_before_the_first_connection_waits_for_it(
    postgres: EmbeddedPostgres,
) -> None:
    database = LateDatabase(Secret(postgres.dsn("postgres")), 1)
    running = asyncio.create_task(database.run())
    try:
        assert not database.is_connected
        async with database.connection() as connection:
            assert await connection.fetchval("select 1") == 1
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert not database.is_connected


async def test_without_a_database_the_wait_is_shorter_than_the_second_of_the_spool() -> None:
    database = LateDatabase(Secret(f"postgresql://nobody@127.0.0.1:{free_port()}/none"), 1)
    began = time.monotonic()
    with pytest.raises(NotConnectedError):
        async with database.connection():
            pass
    assert 0.5 < time.monotonic() - began < 1.0
