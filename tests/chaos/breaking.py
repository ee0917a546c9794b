"""Does what the schedule says, one act after another, and measures how the service gets over each."""

import asyncio
import random
import time
from collections.abc import Iterable
from typing import Final

from tests.chaos import more_faults, points
from tests.chaos.faults import Fault
from tests.chaos.kills import crash_at, kill_any
from tests.chaos.schedule import Act
from tests.chaos.world import Happening, World

_CRASH_WITHIN: Final = 60.0
_KILL_WITHIN: Final = 60.0


async def break_until(world: World, plan: Iterable[Act], deadline: float) -> None:
    """Act until the time is up; what has begun is brought to its end."""
    for act in plan:
        if time.monotonic() >= deadline:
            return
        await asyncio.sleep(act.pause)
        happening = Happening(act.name, time.monotonic())
        world.happenings.append(happening)
        within = await _do(world, act, happening)
        happening.ended = time.monotonic()
        happening.recovery = await world.canary.until_well(within)
        print(_line(world, act, happening), flush=True)


async def _do(world: World, act: Act, happening: Happening) -> float:
    """Do it, to its end; the seconds in which all must be well again."""
    rng = act.rng()
    match act.what:
        case "kill":
            happening.note = await kill_any(world, rng)
            happening.name = f"kill-{happening.note.removesuffix('-2')}"
            return _KILL_WITHIN
        case "crash":
            happening.note = await crash_at(world, points.BY_NAME[act.name], rng)
            happening.name = f"crash-{act.name}"
            return _CRASH_WITHIN
        case _:
            fault = more_faults.BY_NAME[act.name]
            await _fault(world, fault, act, rng, happening)
            return fault.within


async def _fault(
    world: World, fault: Fault, act: Act, rng: random.Random, happening: Happening
) -> None:
    world.chosen = ""
    end = await fault.begin(world, rng)
    happening.note = world.chosen
    lasts = fault.least + act.hold * (fault.most - fault.least)
    try:
        if act.kill_inside:
            await asyncio.sleep(lasts / 2)
            happening.note += f" with a kill of {await kill_any(world, rng)}"
            await asyncio.sleep(lasts / 2)
        else:
            await asyncio.sleep(lasts)
    finally:
        await end()


def _line(world: World, act: Act, happening: Happening) -> str:
    recovery = "NOT WELL" if happening.recovery is None else f"{happening.recovery:5.1f} s"
    lasted = happening.ended - happening.began
    flows = f"{world.traffic.ended['complete']}/{world.traffic.started}"
    return (
        f"{act.number:4} {happening.name:34} lasted {lasted:5.1f} s  well after {recovery}"
        f"  flows {flows}  {happening.note}"
    )
