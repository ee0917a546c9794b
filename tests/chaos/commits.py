"""How soon the service commits again once Postgres takes connections."""

import asyncio
import time
from typing import Final

import asyncpg

_DONE: Final = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
"""The transaction id after the last completed one. Who only reads has none, as this statement."""
_LOOK_SECONDS: Final = 0.02
_WITHIN: Final = 60.0


async def until_first(dsn: str) -> float | None:
    """Seconds from now until a transaction that wrote has ended; ``None``: not in a minute, or Postgres left."""
    began = time.monotonic()
    try:
        connection = await asyncpg.connect(dsn)
        try:
            before = await connection.fetchval(_DONE)
            while await connection.fetchval(_DONE) == before:
                if time.monotonic() > began + _WITHIN:
                    return None
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            await connection.close(timeout=1.0)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        return None
    return time.monotonic() - began
