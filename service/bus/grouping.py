"""Group commit: what arrives while a write is under way is written together by the next one.

A store that takes a few milliseconds for one item takes hardly more for fifty. Nothing lingers: an item
that finds the writer idle is written at once, so grouping costs no latency when there is little to do.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

Item = TypeVar("Item")

MOST_ITEMS: Final = 500
MOST_BYTES: Final = 512 * 1024


class NotWrittenError(Exception):
    """The item's group was not acknowledged in time, or refused; it may or may not be written."""


class _Waiting(NamedTuple, Generic[Item]):
    item: Item
    size: int
    until: float
    written: "asyncio.Future[None]"


class Groups(Generic[Item]):
    """Writes items in groups, in the order of their arrival, with ``at_once`` writes under way.

    ``write`` gets a group and the moment (of the event loop's clock) by which it must have returned. An
    item larger than ``MOST_BYTES`` is a group of its own. ``seconds`` bounds an item's whole wait.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item], float], Awaitable[None]],
        *,
        seconds: float,
        at_once: int = 1,
    ) -> None:
        self._write = write
        self._seconds = seconds
        self._at_once = at_once
        self._waiting: deque[_Waiting[Item]] = deque()
        self._writing = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def put(self, item: Item, size: int) -> None:
        """Return when the item is written. ``size`` is in bytes.

        Raises:
            NotWrittenError: it may not be.
        """
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._waiting.append(_Waiting(item, size, loop.time() + self._seconds, written))
        if self._writing < self._at_once:
            self._writing += 1
            task = loop.create_task(self._write_all())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await written

    async def _write_all(self) -> None:
        try:
            while group := self._next_group():
                await self._write_one(group)
        finally:
            self._writing -= 1  # in the same turn as the look that found nothing: no item is missed

    async def _write_one(self, group: Sequence[_Waiting[Item]]) -> None:
        error: BaseException | None = None
        try:
            await self._write([one.item for one in group], group[0].until)
        except Exception as raised:  # noqa: BLE001 - each of its callers is told
            error = raised
        except BaseException as raised:
            error = raised
            raise
        finally:
            _settle(group, error)

    def _next_group(self) -> list[_Waiting[Item]]:
        """The oldest that still have time and whose caller still waits; empty when none is left."""
        now = asyncio.get_running_loop().time()
        group: list[_Waiting[Item]] = []
        size = 0
        while self._waiting and len(group) < MOST_ITEMS:
            if group and size + self._waiting[0].size > MOST_BYTES:
                break
            one = self._waiting.popleft()
            if one.until <= now:
                _settle([one], TimeoutError())
            elif not one.written.done():
                group.append(one)
                size += one.size
        return group


def _settle(group: Sequence[_Waiting[Item]], error: BaseException | None) -> None:
    for one in group:
        if one.written.done():
            continue
        if error is None:
            one.written.set_result(None)
        else:
            one.written.set_exception(NotWrittenError(type(error).__name__))
