"""LISTEN as a hint: events that are set when a channel was notified.

A link can die without a word (asyncpg sets no keepalive), so nobody may rely on it: every loop looks at
its table by itself as well. A heartbeat finds a dead link within nine seconds: asyncpg's deadline of two is
spent twice, the second time on cancelling.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog
from asyncpg import InterfaceError

from service.store.pool import TRANSIENT, Database

_HEARTBEAT_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 2.0
_RECONNECT_SECONDS: Final = 1.0

log = structlog.get_logger()


async def listen(database: Database, channel: str, *wake: asyncio.Event) -> None:
    """Set every ``wake`` on every notification of ``channel``, until cancelled."""
    while True:
        try:
            await _listen_once(database, channel, wake)
        except TRANSIENT as error:
            log.warning("store.listen_lost", channel=channel, error=type(error).__name__)
            await asyncio.sleep(_RECONNECT_SECONDS)


async def _listen_once(database: Database, channel: str, wake: Sequence[asyncio.Event]) -> None:
    def notified(*_: object) -> None:
        for event in wake:
            event.set()

    async with database.connection() as connection:
        try:
            await connection.add_listener(channel, notified)
            while True:
                await asyncio.sleep(_HEARTBEAT_SECONDS)
                await connection.fetchval("select 1", timeout=_ANSWER_SECONDS)
        except BaseException:
            with suppress(InterfaceError):  # of a link that is closed already
                connection.terminate()  # asking a dead link to unlisten would only wait once more
            raise
