"""Tells the database every few seconds whether this ingress takes webhooks.

Best effort: without a database nothing is told, and the ingress goes on. Well means that records can be
put into Kafka, not only into the spool: nobody needs to ask for more while it only catches up.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import uuid4

import asyncpg
import structlog

from service.store import healer
from service.store.pool import TRANSIENT, Connection

EVERY_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 1.0

log = structlog.get_logger()


async def beat(
    connect: Callable[[], AbstractAsyncContextManager[Connection]], is_well: Callable[[], bool]
) -> None:
    """Beat until cancelled."""
    ingress_id = uuid4()
    while True:
        well = is_well()
        try:
            async with connect() as connection:
                await healer.beat(connection, ingress_id, good=well)
        except (*TRANSIENT, asyncpg.PostgresError) as error:
            log.warning("ingress.heartbeat_not_written", error=type(error).__name__)
            well = False
        await asyncio.sleep(EVERY_SECONDS if well else _AGAIN_SECONDS)
