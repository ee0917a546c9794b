"""SIGKILL of a process at any moment, and of one that was set up to end at a named point."""

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Final

from tests.chaos.deployment import Replica
from tests.chaos.points import POINTS, Point
from tests.chaos.proxy import Weather
from tests.chaos.world import World, choose

REACH_SECONDS: Final = 30.0
KILLED: Final = -9
NOT_REACHED: Final = "not reached"


async def kill_any(world: World, rng: random.Random) -> str:
    """Kill one, start it at once; its name. Not one that is set up to end at a named point."""
    replica = choose(rng, but=world.crashing)
    await kill(world, replica)
    return replica.name


async def kill(world: World, replica: Replica) -> None:
    """Kill and start at once."""
    world.kill(replica)
    world.start(replica)


async def crash_at(world: World, point: Point, rng: random.Random) -> str:
    """Have one replica of the point's role end there, and start it again; what came of it.

    Not one that is set up to end at another point meanwhile.
    """
    replica = choose(rng, point.role, but=world.crashing)
    world.crashing.add(replica.name)
    world.kill(replica)
    hit = rng.randint(1, point.most_hits)
    world.start(replica, {"CRASH_POINT": point.name, "CRASH_HIT": str(hit)})
    with _kafka_away(world) if point.needs_spool else nullcontext():
        reached = await _died(world, replica)
    if not reached:
        world.kill(replica)
    else:
        world.kills += 1
        world.reached.add(point.name)
    world.crashing.discard(replica.name)
    world.start(replica)
    return f"{replica.name}, hit {hit}" + ("" if reached else f": {NOT_REACHED}")


@contextmanager
def _kafka_away(world: World) -> Iterator[None]:
    """The ingress cannot reach Kafka, as long as anybody wants that."""
    world.spooling += 1
    world.deployment.proxies.become("kafka/ingress/", Weather.BLACKHOLE)
    try:
        yield
    finally:
        world.spooling -= 1
        if not world.spooling:
            world.deployment.proxies.become("kafka/ingress/", Weather.FAIR)


async def _died(world: World, replica: Replica) -> bool:
    """Whether the process killed itself in time."""
    end = time.monotonic() + REACH_SECONDS
    while time.monotonic() < end:
        code = world.process(replica).exit_code
        if code is not None:
            return code == KILLED
        await asyncio.sleep(0.05)
    return False


def crash_points(rng: random.Random) -> list[Point]:
    """Every point, in a random order."""
    points = list(POINTS)
    rng.shuffle(points)
    return points
