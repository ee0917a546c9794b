"""The clock of request heads: whoever waits for one longest is cut first, and never all at once.

All have the same time for a head, so the order in which they began is the order in which they are due, and
one timer is enough for thousands. A crowd that came at once is due at once, and is cut in pieces: in one turn
of the loop nobody else had a turn before all 10,000 were cut.
"""

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, Generic, TypeVar

CUT_AT_ONCE: Final = 256
"""In a turn of the loop. Others have theirs between two turns, and what was cut is let go."""

Connection = TypeVar("Connection")


class HeadClock(Generic[Connection]):
    """Stops the clock of each connection that is late, and calls ``cut`` with it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, cut: Callable[[Connection], None], *, seconds: float
    ) -> None:
        self._loop, self._cut, self._seconds = loop, cut, seconds
        self._due: dict[Connection, float] = {}
        self._timer: asyncio.Handle | None = None

    def __contains__(self, connection: object) -> bool:
        """Whether its clock runs."""
        return connection in self._due

    def __iter__(self) -> Iterator[Connection]:
        """Whose clock runs, the longest first."""
        return iter(self._due)

    def start(self, connection: Connection) -> None:
        """Its time begins now. Its clock must not run yet."""
        self._due[connection] = self._loop.time() + self._seconds
        if self._timer is None:
            self._wait_for_first()

    def stop(self, connection: Connection) -> None:
        """Its head is complete, or it is closed. Nothing happens if its clock does not run."""
        self._due.pop(connection, None)

    def _wait_for_first(self) -> None:
        due = next(iter(self._due.values()), None)
        self._timer = None if due is None else self._loop.call_at(due, self._cut_due)

    def _cut_due(self) -> None:
        now = self._loop.time()
        first = list(islice(self._due.items(), CUT_AT_ONCE))
        late = [connection for connection, due in first if due <= now]
        for connection in late:
            del self._due[connection]
            self._loop.call_soon(self._cut, connection)  # whatever it does, the clock goes on
        if len(late) == CUT_AT_ONCE:
            self._timer = self._loop.call_soon(self._cut_due)
        else:
            self._wait_for_first()
