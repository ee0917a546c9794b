"""A database for a process that may start before it: during an outage, or in a rollout of everything.

The wait has no end of its own. The process is alive and not ready meanwhile, and whoever rolls out sees
that; a process that ended instead would only be started again, with ever longer pauses.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, TypeVar

import structlog

from service.settings.secret import Secret
from service.store import compatibility
from service.store.pool import TRANSIENT, Database, open_database
from service.store.unit import Vault

_AGAIN_SECONDS: Final = 1.0

Found = TypeVar("Found")

log = structlog.get_logger()


@asynccontextmanager
async def open_when_there(url: Secret[str], size: int, vault: Vault) -> AsyncIterator[Database]:
    """A database for the life of a process, as soon as there is one.

    Raises:
        IncompatibleDatabaseError: there is one, and this code cannot work with it.
    """
    async with AsyncExitStack() as stack:

        async def opened() -> Database:
            return await stack.enter_async_context(open_database(url, size, vault))

        database = await until_there(opened)

        async def checked() -> None:
            async with database.connection() as connection:
                await compatibility.check(connection)

        await until_there(checked)
        yield database


async def until_there(attempt: Callable[[], Awaitable[Found]]) -> Found:
    """What the attempt gives, tried again while it fails for reasons that may pass."""
    began = time.monotonic()
    while True:
        try:
            return await attempt()
        except TRANSIENT as error:
            waited = round(time.monotonic() - began, 1)
            log.warning("store.database_not_there", error=type(error).__name__, waited=waited)
        await asyncio.sleep(_AGAIN_SECONDS)
