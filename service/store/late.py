"""A database that may not be there yet, or not any more: for the process that must start without it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import structlog

from service.settings.secret import Secret
from service.store.pool import TRANSIENT, Connection, Database, open_database
from service.store.unit import Vault

_RECONNECT_SECONDS: Final = 1.0
_FIRST_SECONDS: Final = 0.9
"""How long a user waits for the first connection. Less than the second that a webhook has for Postgres."""

log = structlog.get_logger()


class NotConnectedError(ConnectionError):
    """There is no database right now. An ``OSError``, so it counts as transient."""


class LateDatabase:
    """Connects as soon as it can. Until it first has, its users wait, but not for long."""

    def __init__(self, url: Secret[str], size: int) -> None:
        self._url = url
        self._size = size
        self._database: Database | None = None
        self._connected = asyncio.Event()

    @property
    def is_connected(self) -> bool:
        """Whether there was a database when last looked at."""
        return self._database is not None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection.

        Raises:
            NotConnectedError: there is no database, or it gave no connection in time.
        """
        try:
            async with asyncio.timeout(_FIRST_SECONDS):
                database = await self.connected()
        except TimeoutError:
            raise NotConnectedError("not connected") from None
        async with database.connection() as connection:
            yield connection

    async def connected(self) -> Database:
        """The database, as soon as there is one."""
        while self._database is None:
            await self._connected.wait()
        return self._database

    async def run(self) -> None:
        """Connect, and again after faults of the first connection, until cancelled."""
        while True:
            try:
                async with open_database(self._url, self._size, Vault(None)) as database:
                    self._database = database
                    self._connected.set()
                    await asyncio.Event().wait()
            except (*TRANSIENT, asyncpg.PostgresError) as error:
                log.warning("ingress.database_not_connected", exc_info=error)
                await asyncio.sleep(_RECONNECT_SECONDS)
            finally:
                self._database = None
                self._connected.clear()
