"""A handler that does not end is a defect; a database that is slow is not. Here they are told apart.

A handler awaits nothing but the database. So when its time is over and most of it was not spent there,
or it has asked far more than any handler does, then it hangs. Otherwise the database is slow, which is
waited out for as long as it takes. A handler that hangs is tried a few times and is then a permanent
fault like any other.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from service.store.unit import Unit

HANDLER_SECONDS: Final = 20.0
MOST_STATEMENTS: Final = 2_000
"""For one message. The handlers ask some dozens of times; an erasure, by what there is of a subject."""

MOST_ATTEMPTS: Final = 3
_SLOW_SHARE: Final = 0.5
_REMEMBERED: Final = 1_000
_LATELY_SECONDS: Final = 600.0


class HandlerHungError(Exception):
    """The handler did not end in time, and the database is not the reason."""


@asynccontextmanager
async def bounded(unit: Unit) -> AsyncIterator[None]:
    """The time of one handler.

    Raises:
        TimeoutError: it did not end in time, for the database is slow; transient.
        HandlerHungError: it did not end in time, and hangs.
    """
    asked, waited, began = unit.conn.asked, unit.conn.waited, time.monotonic()
    limit = asyncio.timeout(HANDLER_SECONDS)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise  # of a statement
        in_database = unit.conn.waited - waited
        is_slow = in_database >= _SLOW_SHARE * (time.monotonic() - began)
        if is_slow and unit.conn.asked - asked <= MOST_STATEMENTS:
            raise
        raise HandlerHungError from None


class Attempts:
    """How often the handlers of the latest messages hung in this process; forgotten after a while."""

    def __init__(self) -> None:
        self._hung: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def note(self, name: str) -> None:
        """The handler of the message of that name hung."""
        before, _ = self._hung.pop(name, (0, 0.0))
        self._hung[name] = (before + 1, time.monotonic())
        if len(self._hung) > _REMEMBERED:
            self._hung.popitem(last=False)

    def are_spent(self, name: str) -> bool:
        """Whether it hung so often lately that it is not tried again."""
        count, at = self._hung.get(name, (0, 0.0))
        if time.monotonic() - at > _LATELY_SECONDS:
            self._hung.pop(name, None)
            return False
        return count >= MOST_ATTEMPTS
