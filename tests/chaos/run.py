"""One run: start, traffic, break things, let it settle, judge."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from aiohttp import ClientSession

from tests.chaos.answers import Deliveries
from tests.chaos.breaking import break_until
from tests.chaos.canary import FREE_SLOTS, Canary
from tests.chaos.code import Code
from tests.chaos.consuming import consumed
from tests.chaos.deployment import ChaosDeployment
from tests.chaos.desk import Desk
from tests.chaos.judging import Judgement, judge
from tests.chaos.probe import Probe
from tests.chaos.pulse import Beat, Pulse
from tests.chaos.quiescence import settle
from tests.chaos.schedule import acts, only
from tests.chaos.traffic import AT_ONCE, EVERY_SECONDS, Traffic
from tests.chaos.waves import break_together
from tests.chaos.world import World
from tests.local.settings import API_KEY
from tests.processes.vendor import Vendor

WARM_SECONDS: Final = 8.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long a run is, and what everything in it is chosen by."""

    seed: int
    minutes: float
    storm: int
    settle_seconds: float = 150.0
    only: tuple[str, ...] = ()
    """Acts to do once each, in this order, instead of those that the seed chooses."""

    every: float = EVERY_SECONDS
    """Seconds from one person's start to the next one's."""

    people: int = AT_ONCE
    """How many are under way at a time, at most."""

    together: str = ""
    """Break many things at a time, in lanes (which: ``lanes.SETS``), instead of one after another."""


@dataclass(eq=False)
class Result:
    """What a run leaves: what happened, how it was judged, and what was still under way."""

    plan: Plan
    code: Code
    world: World
    began: float
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    quiet_from: float = 0.0
    """When nothing was broken any more."""

    ended: float = 0.0
    judgement: Judgement = field(default_factory=Judgement)
    left: dict[str, int] = field(default_factory=dict)
    deliveries: Deliveries = field(default_factory=Deliveries)
    consumed: list[Beat] = field(default_factory=list)
    """Of each probe: when it was sent, and when a consumer had it. Of runs in lanes alone."""

    still: list[str] = field(default_factory=list)
    """Who was still on the way when the time was up, and where."""


async def run(plan: Plan, deployment: ChaosDeployment, code: Code) -> Result:
    """Run against a started deployment."""
    async with _open(plan, deployment) as world, _background(world):
        result = Result(plan, code, world, time.monotonic())
        await world.canary.prepare()
        traffic = asyncio.create_task(world.traffic.run(), name="traffic")
        await asyncio.sleep(WARM_SECONDS)
        await world.canary.learn_what_is_normal()
        until = result.began + plan.minutes * 60
        await _break(world, plan, until)
        result.quiet_from = time.monotonic()
        world.traffic.stop()
        print("settling", flush=True)
        result.left = await settle(world, plan.settle_seconds)
        result.still = [
            f"{one.kind} at {one.step}, {one.walker.at}" for one in world.traffic.under_way.values()
        ]
        traffic.cancel()
        await asyncio.gather(traffic, return_exceptions=True)
        result.ended = time.monotonic()
    print(f"settled, but for {result.left}" if result.left else "settled", flush=True)
    result.judgement = await judge(world)
    result.deliveries = await Deliveries.of(world)
    if plan.together:
        result.consumed = consumed(world)
    return result


async def _break(world: World, plan: Plan, until: float) -> None:
    if not plan.together:
        chosen = only(plan.seed, plan.only) if plan.only else acts(plan.seed)
        await break_until(world, chosen, until)
        return
    pulse = Pulse(world.canary)
    async with pulse.beating():
        await break_together(world, plan.together, plan.seed, until)
        await pulse.until_back()
    found = pulse.recoveries(one.ended for one in world.happenings)
    for happening, seconds in zip(world.happenings, found, strict=True):
        happening.recovery = seconds


@asynccontextmanager
async def _open(plan: Plan, deployment: ChaosDeployment) -> AsyncIterator[World]:
    settings = deployment.settings
    rng = random.Random(f"traffic of {plan.seed}")
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(ClientSession())
        desk = await stack.enter_async_context(
            Desk(settings.bootstrap_servers, settings.topic_prefix, settings.return_url)
        )
        vendor = Vendor(http, settings.sandbox_url, API_KEY)
        await vendor.mode(duplicate=True)
        probe = Probe(settings.public_url, settings.webhook_key, vendor_url=settings.sandbox_url)

        def free_slots() -> object:
            if world.hands_off:
                return None
            return deployment.postgres.execute(FREE_SLOTS, database=deployment.database)

        world = World(
            deployment,
            desk,
            vendor,
            Traffic(desk, rng, at_once=plan.people, every=plan.every),
            probe,
            Canary(desk, probe, free_slots),
            plan.storm,
        )
        probe.was_down = world.ingress_was_down
        yield world


@asynccontextmanager
async def _background(world: World) -> AsyncIterator[None]:
    """Probe and supervisor, for as long as the run lasts."""
    tasks = [
        asyncio.create_task(world.probe.run(), name="probe"),
        asyncio.create_task(world.supervise(), name="supervise"),
        asyncio.create_task(world.watch_ingress(), name="watch-ingress"),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
