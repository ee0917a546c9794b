"""Looks at a rolling deployment from the first webhook to the last: its events, its tables, its address."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import asyncpg

from schemas.topics import Topic
from tests.bench.e2e_load import News
from tests.local.deployment import Deployment
from tests.soak.endpoints import service
from tests.soak.kept import ToldEvents
from tests.soak.rolling import Rolling

_START_SECONDS: Final = 60.0
_THREADS: Final = 32
"""What waits for a process must not wait for a thread."""

AnyDeployment = TypeVar("AnyDeployment", bound=Deployment)


@asynccontextmanager
async def looked_at(
    rolling: Rolling[AnyDeployment],
) -> AsyncIterator[tuple[asyncpg.Connection, Mapping[News, set[str]]]]:
    """Its owner's connection and the events as they come; meanwhile its one address answers."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
    settings = rolling.deployment.settings
    topic = f"{settings.topic_prefix}{Topic.EVENTS}"
    told = ToldEvents(rolling.broker.bootstrap_servers, topic)
    owner = await asyncpg.connect(rolling.postgres.dsn(rolling.deployment.database))
    reading = asyncio.create_task(told.run(), name="events")
    try:
        async with asyncio.timeout(_START_SECONDS):
            await told.started.wait()
        async with service(rolling.endpoints):
            yield owner, told.ids
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await rolling.close()
        await owner.close()
