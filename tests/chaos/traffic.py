"""A stream of people: a handful at a time, one after another, until it is told to stop."""

import asyncio
import random
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.box import StalledError
from tests.chaos.desk import Desk
from tests.chaos.flow import EndedEarlyError, Flow, Kind, kinds
from tests.chaos.walker import LostError, Walker

AT_ONCE: Final = 5
EVERY_SECONDS: Final = 2.4
"""25 a minute: identity sessions and challenges are paced at 30, and this is no test of pace."""


@dataclass
class Traffic:
    """Starts flows and keeps what became of them."""

    desk: Desk
    rng: random.Random
    at_once: int = AT_ONCE
    every: float = EVERY_SECONDS
    started: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    stalled: list[str] = field(default_factory=list)
    under_way: dict[str, Flow] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Start people until told to stop, then wait until each has come to an end."""
        room = asyncio.Semaphore(self.at_once)
        async with asyncio.TaskGroup() as group:
            while not self.stopping.is_set():
                await room.acquire()
                if self.stopping.is_set():
                    break
                self.started += 1
                subject = f"person-{self.started}-{self.rng.getrandbits(48):012x}"
                group.create_task(self._one(subject, kinds(self.rng), room))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.stopping.wait(), self.every)

    def stop(self) -> None:
        """Nobody new starts."""
        self.stopping.set()

    async def _one(self, subject: str, kind: Kind, room: asyncio.Semaphore) -> None:
        async with Walker() as walker:
            flow = self.under_way[subject] = Flow(self.desk, walker, kind, subject)
            try:
                result = await _result(flow)
            except StalledError as error:
                result = f"stalled at {flow.step}"
                self.stalled.append(f"{kind} {error}")
            except Exception as error:  # noqa: BLE001 - one person's trouble must not end the others' way
                result = f"{type(error).__name__} at {flow.step}"
                self.stalled.append(f"{kind} {''.join(traceback.format_exception(error)[-3:])}")
            finally:
                del self.under_way[subject]
                self.desk.close_box(subject)
                room.release()
        self.ended[result] += 1


async def _result(flow: Flow) -> str:
    try:
        await flow.run()
    except EndedEarlyError as error:
        return str(error)
    except LostError:
        return f"left at {flow.step}"
    return "complete"
