"""Group commit: everything is written once, in order, together with what came meanwhile."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.bus.grouping import MOST_BYTES, MOST_ITEMS, Groups, NotWrittenError


class Store:
    """Takes groups; each write lasts until ``go`` is set."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def write(self, group: Sequence[int], until: float) -> None:
        """One write, by its deadline."""
        self.groups.append(list(group))
        async with asyncio.timeout_at(until):
            await self.go.wait()
        if self.error is not None:
            raise self.error


async def _put(groups: Groups[int], *items: int, size: int = 1) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(groups.put(item, size)) for item in items]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_what_comes_while_a_write_is_under_way_is_written_together_by_the_next() -> None:
    store = Store()
    groups = Groups(store.write, seconds=5)
    tasks = await _put(groups, 1)
    tasks += await _put(groups, 2, 3, 4)
    assert store.groups == [[1]]
    store.go.set()
    await asyncio.gather(*tasks)
    assert store.groups == [[1], [2, 3, 4]]


async def test_an_item_that_comes_right_after_the_last_write_is_not_forgotten() -> None:
    """The writer has looked, found nothing and is about to end: the next item needs a new one."""
    store = Store()
    store.go.set()
    groups = Groups(store.write, seconds=5)
    for item in range(200):
        async with asyncio.timeout(1):
            await groups.put(item, 1)
            for _ in range(item % 4):
                await asyncio.sleep(0)
    assert [item for group in store.groups for item in group] == list(range(200))


async def test_a_failed_group_fails_each_of_its_items_and_not_the_next_group() -> None:
    store = Store()
    store.error = ConnectionError("with a secret in it")
    groups = Groups(store.write, seconds=5)
    tasks = await _put(groups, 1, 2)
    store.go.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(one) for one in results] == ["ConnectionError"] * 2
    assert all(isinstance(one, NotWrittenError) for one in results)
    store.error = None
    await groups.put(3, 1)


async def test_an_item_that_waited_too_long_is_refused_without_being_written() -> None:
    """The write before it takes as long as this test says, so that no stall of a machine decides."""
    written: list[list[int]] = []
    go = asyncio.Event()

    async def write(group: Sequence[int], _until: float) -> None:
        written.append(list(group))
        await go.wait()

    groups = Groups(write, seconds=0.05)
    first, second = await _put(groups, 1) + await _put(groups, 2)
    await asyncio.sleep(0.1)  # the second, too, has been waiting for longer than its 0.05 s
    go.set()
    results = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(one) for one in results] == [type(None), NotWrittenError]
    assert written == [[1]]


async def test_a_write_that_outlasts_its_deadline_is_told_as_not_written() -> None:
    store = Store()
    with pytest.raises(NotWrittenError, match="TimeoutError"):
        await Groups(store.write, seconds=0.05).put(1, 1)
    assert store.groups == [[1]]


async def test_whoever_gave_up_waiting_is_left_out() -> None:
    store = Store()
    groups = Groups(store.write, seconds=5)
    first, second, third = await _put(groups, 1) + await _put(groups, 2, 3)
    second.cancel()
    store.go.set()
    await asyncio.gather(first, third)
    assert store.groups == [[1], [3]]


async def test_so_many_writes_at_once_and_no_more() -> None:
    store = Store()
    groups = Groups(store.write, seconds=5, at_once=2)
    tasks = []
    for item in range(5):
        tasks += await _put(groups, item)
    assert store.groups == [[0], [1]]
    store.go.set()
    await asyncio.gather(*tasks)
    assert sorted(item for group in store.groups for item in group) == list(range(5))


async def test_a_writer_that_is_cancelled_leaves_nobody_waiting() -> None:
    async def cancelled(_group: Sequence[int], _until: float) -> None:
        raise asyncio.CancelledError

    with pytest.raises(NotWrittenError):
        await Groups(cancelled, seconds=5).put(1, 1)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 2 * MOST_BYTES), min_size=1, max_size=MOST_ITEMS + 20))
def test_groups_are_bounded_and_lose_nothing(sizes: list[int]) -> None:
    async def run() -> list[list[int]]:
        store = Store()
        groups = Groups(store.write, seconds=5)
        tasks = [asyncio.create_task(groups.put(item, size)) for item, size in enumerate(sizes)]
        store.go.set()
        await asyncio.gather(*tasks)
        return store.groups

    written = asyncio.run(run())
    assert [item for group in written for item in group] == list(range(len(sizes)))
    for group in written:
        assert len(group) <= MOST_ITEMS
        assert len(group) == 1 or sum(sizes[item] for item in group) <= MOST_BYTES
