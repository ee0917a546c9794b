"""A task ends although its first cancellation was lost."""

import asyncio

import pytest

from service import ending
from service.ending import end


async def _goes_on(times: int) -> None:
    """Takes a cancellation for something else, so often."""
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()


async def _fails() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise ConnectionError


async def test_tasks_are_cancelled_until_they_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_AGAIN_SECONDS", 0.01)
    tasks = [asyncio.create_task(_goes_on(times)) for times in (0, 1, 5)]
    tasks.append(asyncio.create_task(_fails()))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        results = await end(tasks)
    assert [type(one) for one in results] == [asyncio.CancelledError] * 3 + [ConnectionError]
    assert all(task.done() for task in tasks)


async def test_there_may_be_nothing_to_end() -> None:
    assert await end([]) == []
