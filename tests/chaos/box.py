"""What one subject was told, and how to wait for more of it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

Fields = dict[str, Any]


class StalledError(Exception):
    """What had to be told was not, in a time in which everything has an end."""


@dataclass
class Box:
    """What one subject was told: events by id, links by id, returns of its browser by link."""

    events: dict[str, tuple[str, Fields]] = field(default_factory=dict)
    links: dict[str, Fields] = field(default_factory=dict)
    returns: dict[str, Fields] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self) -> None:
        """Wake who waits."""
        self.changed.set()
        self.changed = asyncio.Event()

    async def until(self, find: Callable[[], Fields | None], within: float, what: str) -> Fields:
        """Wait until something is found.

        Raises:
            StalledError: nothing was.
        """
        end = time.monotonic() + within
        while (found := find()) is None:
            left = end - time.monotonic()
            if left <= 0:
                raise StalledError(f"{what}; told: {[kind for kind, _ in self.events.values()]}")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), left)
        return found
