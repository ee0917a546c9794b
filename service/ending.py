"""How tasks are ended: cancelled until they have ended.

One cancellation can be lost. asyncpg answers it with an ``InterfaceError`` of its own when the connection was
closed in the same moment, and a loop that waits out faults of the database takes that for one and goes on.
"""

import asyncio
from collections.abc import Collection
from typing import Any, Final

_AGAIN_SECONDS: Final = 6.0  # longer than leaving a Kafka group in good order takes


async def end(tasks: Collection["asyncio.Task[Any]"]) -> list[Any]:
    """Cancel the tasks until each has ended; their results and errors, in order."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_SECONDS)
    return await asyncio.gather(*tasks, return_exceptions=True)
