"""Is the service alive while everything is broken at once: canaries at a steady rate, all through the run.

Where acts follow one another each is waited out (``canary``). Where they overlap nobody can wait for quiet, so
the recovery of an act is looked up afterwards: the first canary sent after its end that came back, and the
first webhook sent after its end that was answered 200, whatever else was broken meanwhile.
"""

import asyncio
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, NamedTuple

from tests.chaos.box import StalledError
from tests.chaos.canary import Canary

_EVERY_SECONDS: Final = 1.0
_MOST_UNDER_WAY: Final = 30
_LAST_SECONDS: Final = 120.0


class Beat(NamedTuple):
    """When something was sent, and when its answer was there. Monotonic seconds."""

    sent: float
    back: float


class Firsts:
    """Which of all that was sent since a moment came back first: looked up for thousands of moments."""

    def __init__(self, beats: Iterable[Beat]) -> None:
        ordered = sorted(beats)
        self._sent = [one.sent for one in ordered]
        backwards = accumulate((one.back for one in reversed(ordered)), min)
        self._first = list(backwards)[::-1]

    def since(self, moment: float) -> float | None:
        """When it was back; ``None``: nothing was."""
        place = bisect_left(self._sent, moment)
        return self._first[place] if place < len(self._first) else None


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
        while Firsts(self.beats).since(now) is None and time.monotonic() < now + _LAST_SECONDS:
            await asyncio.sleep(0.1)

    def recoveries(self, ends: Iterable[float]) -> list[float | None]:
        """For each moment the seconds until a command and a webhook that were sent after it were answered."""
        answers = [Beat(one.at, one.at + one.seconds) for one in self.canary.probe.promised()]
        commands, webhooks = Firsts(self.beats), Firsts(answers)
        found: list[float | None] = []
        for end in ends:
            command, webhook = commands.since(end), webhooks.since(end)
            if command is None or webhook is None:
                found.append(None)
            else:
                found.append(max(command, webhook) - end)
        return found

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
