"""Is the service alive while everything is broken at once: canaries at a steady rate, all through the run.

Where acts follow one another each is waited out (``canary``). Where they overlap nobody can wait for quiet, so
the recovery of an act is looked up afterwards: the first canary sent after its end that came back, and the
first webhook sent after its end that was answered 200, whatever else was broken meanwhile.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.chaos.box import StalledError
from tests.chaos.canary import Canary
from tests.chaos.world import Happening

_EVERY_SECONDS: Final = 1.0
_MOST_UNDER_WAY: Final = 30
_LAST_SECONDS: Final = 120.0


class Beat(NamedTuple):
    """When something was sent, and when its answer was there. Monotonic seconds."""

    sent: float
    back: float


@dataclass
class Pulse:
    """Sends canaries until stopped."""

    canary: Canary
    beats: list[Beat] = field(default_factory=list)

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Beat meanwhile."""
        task = asyncio.create_task(self._run(), name="pulse")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until_back(self) -> None:
        """Wait until something that was sent from now on has come back, two minutes at most."""
        now = time.monotonic()
        while self._first(self.beats, now) is None and time.monotonic() < now + _LAST_SECONDS:
            await asyncio.sleep(0.1)

    def recovery(self, happening: Happening) -> float | None:
        """Seconds from its end until a command sent after it had come back, and a webhook was answered 200."""
        answers = [Beat(one.at, one.at + one.seconds) for one in self.canary.probe.promised()]
        firsts = [self._first(beats, happening.ended) for beats in (self.beats, answers)]
        back = [one for one in firsts if one is not None]
        return max(back) - happening.ended if len(back) == len(firsts) else None

    def _first(self, beats: list[Beat], since: float) -> float | None:
        return min((one.back for one in beats if one.sent >= since), default=None)

    async def _run(self) -> None:
        room = asyncio.Semaphore(_MOST_UNDER_WAY)
        async with asyncio.TaskGroup() as group:
            while True:
                await room.acquire()
                group.create_task(self._one(room))
                await asyncio.sleep(_EVERY_SECONDS)

    async def _one(self, room: asyncio.Semaphore) -> None:
        sent = time.monotonic()
        try:
            with suppress(StalledError):
                await self.canary.cross()
                self.beats.append(Beat(sent, time.monotonic()))
        finally:
            room.release()
