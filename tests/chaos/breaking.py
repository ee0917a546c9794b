"""Does what the schedule says, one act after another, and measures how the service gets over each."""

import asyncio
import random
import time
from collections.abc import Iterable
from typing import Final

import asyncpg

from tests.chaos import more_faults, points
from tests.chaos.faults import Fault, Undo
from tests.chaos.kills import crash_at, kill_any
from tests.chaos.schedule import Act
from tests.chaos.world import Happening, World

_KILL_WITHIN: Final = 60.0
_BEGIN_WITHIN: Final = 60.0


async def break_until(world: World, plan: Iterable[Act], deadline: float) -> None:
    """Act until the time is up; what has begun is brought to its end."""
    for act in plan:
        if time.monotonic() >= deadline:
            return
        await asyncio.sleep(act.pause)
        happening = await act_out(world, act)
        happening.recovery = await world.canary.until_well(_within(act))
        print(_line(world, act, happening), flush=True)


async def act_out(world: World, act: Act) -> Happening:
    """Do it, to its end."""
    happening = Happening(act.name, time.monotonic())
    world.happenings.append(happening)
    rng = act.rng()
    match act.what:
        case "kill":
            happening.note = await kill_any(world, rng)
            happening.name = f"kill-{happening.note.removesuffix('-2')}"
        case "crash":
            happening.note = await crash_at(world, points.BY_NAME[act.name], rng)
            happening.name = f"crash-{act.name}"
        case "fault":
            await _fault(world, more_faults.BY_NAME[act.name], act, rng, happening)
    happening.ended = time.monotonic()
    return happening


def _within(act: Act) -> float:
    """Seconds in which all must be well again after the end."""
    return more_faults.BY_NAME[act.name].within if act.what == "fault" else _KILL_WITHIN


async def _fault(
    world: World, fault: Fault, act: Act, rng: random.Random, happening: Happening
) -> None:
    world.chosen = ""
    end = await _begun(world, fault, rng)
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


async def _begun(world: World, fault: Fault, rng: random.Random) -> Undo:
    """Some need a server to begin, which another lane may have taken away just now."""
    until = time.monotonic() + _BEGIN_WITHIN
    while True:
        try:
            return await fault.begin(world, rng)
        except (OSError, RuntimeError, asyncpg.PostgresError, asyncpg.InterfaceError):
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.5)


def _line(world: World, act: Act, happening: Happening) -> str:
    recovery = "NOT WELL" if happening.recovery is None else f"{happening.recovery:5.1f} s"
    lasted = happening.ended - happening.began
    flows = f"{world.traffic.ended['complete']}/{world.traffic.started}"
    return (
        f"{act.number:4} {happening.name:34} lasted {lasted:5.1f} s  well after {recovery}"
        f"  flows {flows}  {happening.note}"
    )
