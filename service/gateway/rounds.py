"""Parts of the gateway that look for work every few seconds, beside the dispatcher."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from service.store.pool import TRANSIENT

log = structlog.get_logger()


async def in_rounds(
    work: Callable[[], Awaitable[object]], pause_seconds: float, *, name: str, enabled: bool
) -> None:
    """Work and pause until cancelled, also while the database is away; if turned off, only wait."""
    while True:
        try:
            if enabled:
                await work()
        except TRANSIENT as error:
            log.warning("gateway.database_away", part=name, exc_info=error)
        await asyncio.sleep(pause_seconds)
