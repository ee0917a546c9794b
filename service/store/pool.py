"""Connections with deadlines.

``pool.acquire`` waits for ever unless told not to, and ``pool.fetch*(timeout=…)`` does not bound the
wait, so the pool itself is not handed out: take a ``Database`` and its ``transaction``.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

import asyncpg

from service.crypto.keys import MissingKeyError
from service.settings.secret import Secret
from service.store import outbox
from service.store.statements import Statements
from service.store.transport import warn_if_unprotected
from service.store.unit import Unit, Vault
from service.telemetry import traces
from service.telemetry.traces import Kind

Connection = asyncpg.pool.PoolConnectionProxy

ACQUIRE_SECONDS: Final = 2.0
STATEMENT_SECONDS: Final = 5.0
_CLOSE_SECONDS: Final = 5.0
_SERVER_SETTINGS: Final = {
    "application_name": "metriport-ias",
    "statement_timeout": "5000",
    "idle_in_transaction_session_timeout": "30000",
    "timezone": "UTC",
}

_LIMITS: Final = ("statement_timeout", "idle_in_transaction_session_timeout")

TRANSIENT: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that was ended while it was idle, used before that is noticed
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidCachedStatementError,
    MissingKeyError,
    OSError,
    TimeoutError,
)
"""Errors after which the same work may succeed later. Nothing may be concluded about a commit that
ended in one of these: it is read again by its inbox key. A key that this process does not hold yet is
among them: while keys rotate, a message waits for its process to get the key and is never put aside."""


class LimitsLostError(RuntimeError):
    """A session does not have the limits that we asked for: a pooler in between dropped them."""


class Database:
    """A pool and the vault that opens what its rows hold."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection, within the deadline, without a transaction."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self, traceparent: str | None = None) -> AsyncIterator[Unit]:
        """One unit of work: commits at the end, rolls back on any exception."""
        traceparent = traces.current() or traceparent
        with traces.inner_span("postgres transaction", Kind.CLIENT):
            async with self._unit(traceparent) as unit:
                yield unit

    @asynccontextmanager
    async def _unit(self, traceparent: str | None) -> AsyncIterator[Unit]:
        async with self.connection() as connection, connection.transaction():
            now = await connection.fetchval("select clock_timestamp()")
            unit = Unit(Statements(connection), self._vault, now, traceparent)
            unit.conn.before_others = partial(outbox.flush, unit)
            unit.conn.drop_others = unit.to_tell.clear
            yield unit
            await unit.conn.settle()

    async def close(self) -> None:
        """Close every connection, gently and then not: one that is never given back ends nobody's stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._pool.close()


@asynccontextmanager
async def open_database(url: Secret[str], size: int, vault: Vault) -> AsyncIterator[Database]:
    """A database for the life of a process."""
    warn_if_unprotected(url)
    pool = await asyncpg.create_pool(
        url.reveal(),
        min_size=1,
        max_size=size,
        command_timeout=STATEMENT_SECONDS,
        timeout=ACQUIRE_SECONDS,
        server_settings=dict(_SERVER_SETTINGS),
        init=limits_hold,
        reset=_nothing_to_reset,
    )
    database = Database(pool, vault)
    try:
        yield database
    finally:
        await database.close()


async def _nothing_to_reset(_: asyncpg.Connection) -> None:
    """Spare a round trip after each transaction: no session of ours has a state of its own.

    No SET, no advisory lock of a session, no cursor; whoever listens closes the connection. A transaction
    that is still open is rolled back by asyncpg before it asks here.
    """


async def limits_hold(connection: asyncpg.Connection) -> None:
    """Refuse a session without our limits.

    pgbouncer refuses these settings unless it is told to ignore them, and then drops them without a word
    (its ``ignore_startup_parameters``); a statement could hold locks for ever.

    Raises:
        LimitsLostError: it has others.
    """
    settings = "select name, setting from pg_settings where name = any($1) order by name desc"
    for name, found in await connection.fetch(settings, _LIMITS):
        if found != _SERVER_SETTINGS[name]:
            raise LimitsLostError(
                f"the session has {name}={found} and not {_SERVER_SETTINGS[name]} ms: connect to Postgres"
                " directly, or set it for the role with ALTER ROLE"
            )
