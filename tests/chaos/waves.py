"""Acts in lanes (``lanes``): many things are broken at once, in waves with a lull after each."""

import asyncio
import time
from collections.abc import Iterable
from typing import Final

from tests.chaos import commits
from tests.chaos.breaking import act_out
from tests.chaos.lanes import SETS, STORMS
from tests.chaos.schedule import Act
from tests.chaos.world import Happening, World

_WAVE_SECONDS: Final = 90.0
_LULL: Final = "after-a-wave"
_RESTART: Final = "postgres-restarted"


async def break_together(world: World, name: str, seed: int, deadline: float) -> None:
    """Act in every lane of a set at once, in waves. After each nothing is broken but that all at once everything
    is delivered again: a storm, in which people go on, too.

    Without the lulls nobody would get anywhere, and a service that only waits breaks no promise.
    """
    queues = [Queue(lane.acts(seed)) for lane in SETS[name]]
    storms = STORMS.acts(seed)
    while time.monotonic() < deadline:
        end = min(time.monotonic() + _WAVE_SECONDS, deadline)
        async with asyncio.TaskGroup() as group:
            for queue in queues:
                group.create_task(_break_on(world, queue, end))
        world.happenings.append(Happening(_LULL, time.monotonic(), time.monotonic()))
        await _one(world, next(storms))


class Queue:
    """The acts of a lane; one for which a wave has no time left is the first of the next."""

    def __init__(self, acts: Iterable[Act]) -> None:
        self._acts = iter(acts)
        self._kept: Act | None = None

    def draw(self, seconds: float) -> Act | None:
        """The next act, if its pause fits into these seconds."""
        act = self._kept or next(self._acts)
        self._kept = act if act.pause > seconds else None
        return None if self._kept else act


async def _break_on(world: World, queue: Queue, end: float) -> None:
    while act := queue.draw(end - time.monotonic()):
        await _one(world, act)


async def _one(world: World, act: Act) -> None:
    await asyncio.sleep(act.pause)
    happening = await (_restart(world, act) if act.name == _RESTART else act_out(world, act))
    print(_line(world, act, happening), flush=True)


async def _restart(world: World, act: Act) -> Happening:
    """Postgres again, and its first commit for the service: nobody else writes meanwhile."""
    world.hands_off = True
    try:
        happening = await act_out(world, act)
        dsn = world.deployment.postgres.dsn(world.deployment.database)
        happening.first_commit = await commits.until_first(dsn)
    finally:
        world.hands_off = False
    return happening


def _line(world: World, act: Act, happening: Happening) -> str:
    commit = happening.first_commit
    lasted = happening.ended - happening.began
    flows = f"{world.traffic.ended['complete']}/{world.traffic.started}"
    first = "" if commit is None else f"first commit after {commit:.2f} s"
    return f"{act.number:4} {happening.name:34} lasted {lasted:5.1f} s  flows {flows}  {happening.note}{first}"
