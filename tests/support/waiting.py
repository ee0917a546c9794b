"""Waiting for a condition inside an event loop."""

import asyncio
from collections.abc import Awaitable, Callable

POLL_SECONDS = 0.005


async def until(
    condition: Callable[[], bool] | Callable[[], Awaitable[bool]], *, within: float = 10.0
) -> None:
    """Return as soon as the condition is true.

    Raises:
        TimeoutError: it did not come true in time.
    """
    async with asyncio.timeout(within):
        while True:
            answer = condition()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(POLL_SECONDS)


async def blocked(watcher: Callable[[], Awaitable[int]], count: int = 1) -> None:
    """Return when so many sessions of the database wait for a lock."""

    async def waiting() -> bool:
        return await watcher() >= count

    await until(waiting)
