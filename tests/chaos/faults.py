"""What goes wrong with servers, network and vendor: each fault has a beginning and an end.

A name that does not resolve (``vendor-dns``) is a connect that fails at once, which is all that a client sees
of either: it is simulated by a proxy that refuses. Process faults and storms are in ``more_faults``.
"""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from tests.chaos.deployment import ON_KAFKA, REPLICAS, VENDOR
from tests.chaos.proxy import Weather
from tests.chaos.world import World
from tests.processes.vendor import OPERATIONS
from tests.stack.kafka import ApacheKafka

Undo = Callable[[], Awaitable[None]]
Begin = Callable[[World, random.Random], Awaitable[Undo]]


class Fault(NamedTuple):
    """``begin`` returns what ends it; it lasts from ``least`` to ``most`` seconds."""

    name: str
    begin: Begin
    least: float
    most: float
    within: float = 60.0
    """Seconds in which all must be well again after the end."""


async def nothing() -> None:
    """It was over when it had begun."""


def weather(prefix: Callable[[random.Random], str], kind: Weather, delay: float = 0.0) -> Begin:
    """The network of some proxies is bad."""

    async def begin(world: World, rng: random.Random) -> Undo:
        names = world.chosen = prefix(rng)
        await asyncio.to_thread(world.deployment.proxies.become, names, kind, delay)

        async def end() -> None:
            await asyncio.to_thread(world.deployment.proxies.become, names, Weather.FAIR)

        return end

    return begin


def _vendor(_rng: random.Random) -> str:
    return VENDOR


def _one_on_kafka(rng: random.Random) -> str:
    return f"kafka/{rng.choice(ON_KAFKA).name}/"


def _one_on_postgres(rng: random.Random) -> str:
    return f"postgres/{rng.choice(REPLICAS).name}/"


def _all_on_postgres(_rng: random.Random) -> str:
    return "postgres/"


def _one_of_three(world: World, rng: random.Random) -> ApacheKafka:
    number = rng.randrange(len(world.deployment.cluster.nodes))
    world.chosen = f"node {number}"
    return world.deployment.cluster.nodes[number]


async def _broker_restarted(world: World, rng: random.Random) -> Undo:
    node = _one_of_three(world, rng)
    node.kill()
    node.begin()

    async def end() -> None:
        await asyncio.to_thread(node.wait_ready)

    return end


async def _cluster_restarted(world: World, _rng: random.Random) -> Undo:
    cluster = world.deployment.cluster
    cluster.kill()

    async def end() -> None:
        for node in cluster.nodes:
            node.begin()
        for node in cluster.nodes:
            await asyncio.to_thread(node.wait_ready)

    return end


async def _broker_lost(world: World, rng: random.Random) -> Undo:
    node = _one_of_three(world, rng)
    node.kill()

    async def end() -> None:
        node.begin()
        await asyncio.to_thread(node.wait_ready)

    return end


async def _cluster_frozen(world: World, _rng: random.Random) -> Undo:
    world.deployment.cluster.freeze()

    async def end() -> None:
        world.deployment.cluster.thaw()

    return end


async def _broker_frozen(world: World, rng: random.Random) -> Undo:
    node = _one_of_three(world, rng)
    node.freeze()

    async def end() -> None:
        node.thaw()

    return end


async def _postgres_restarted(world: World, _rng: random.Random) -> Undo:
    postgres = world.deployment.postgres
    await asyncio.to_thread(postgres.crash)

    async def end() -> None:
        postgres.begin()
        await asyncio.to_thread(postgres.wait_ready)

    return end


async def _postgres_frozen(world: World, _rng: random.Random) -> Undo:
    family = _family(world.deployment.postgres.pid)
    _signal(family, signal.SIGSTOP)

    async def end() -> None:
        _signal(family, signal.SIGCONT)

    return end


async def _connections_killed(world: World, _rng: random.Random) -> Undo:
    kill = (
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    for _ in range(3):
        await asyncio.to_thread(world.deployment.postgres.execute, kill, database="chaos")
        await asyncio.sleep(0.3)
    return nothing


def _family(postmaster: int) -> list[int]:
    """The postmaster and its backends, which have sessions of their own."""
    return [postmaster, *(int(pid) for pid in _children(postmaster))]


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def answering(**fault: object) -> Begin:
    """The vendor answers every call of the gateway so."""

    async def begin(world: World, _rng: random.Random) -> Undo:
        for operation in sorted(OPERATIONS):
            await world.vendor.fault(operation, "status", times=1_000_000, **fault)

        async def end() -> None:
            async with world.vendor.http.delete(f"{world.vendor.url}/_sandbox/scripts") as answer:
                answer.raise_for_status()

        return end

    return begin


SERVERS: Final = (
    Fault("broker-restarted", _broker_restarted, 0, 0),
    Fault("cluster-restarted", _cluster_restarted, 1, 4, 90.0),
    Fault("cluster-frozen", _cluster_frozen, 3, 9),
    Fault("broker-frozen", _broker_frozen, 4, 10),
    Fault("one-broker-of-three-lost", _broker_lost, 5, 12),
    Fault("kafka-partitioned-from-one", weather(_one_on_kafka, Weather.BLACKHOLE), 4, 9),
    Fault("kafka-half-open-for-one", weather(_one_on_kafka, Weather.HALF_OPEN), 4, 9),
    Fault("kafka-resetting-for-one", weather(_one_on_kafka, Weather.RESETTING), 3, 6),
    Fault("postgres-restarted", _postgres_restarted, 0, 2),
    Fault("postgres-frozen", _postgres_frozen, 3, 8),
    Fault("postgres-connections-killed", _connections_killed, 0, 0),
    Fault("postgres-partitioned-from-one", weather(_one_on_postgres, Weather.BLACKHOLE), 4, 9),
    Fault("postgres-slow", weather(_all_on_postgres, Weather.SLOW, 0.02), 4, 8),
    Fault("vendor-slow", weather(_vendor, Weather.SLOW, 1.0), 4, 8),
    Fault("vendor-down-long", weather(_vendor, Weather.REFUSING), 15, 25, 120.0),
    Fault("vendor-dns", weather(_vendor, Weather.REFUSING), 3, 5, 120.0),
    Fault("vendor-resetting", weather(_vendor, Weather.RESETTING), 4, 8, 120.0),
    Fault("vendor-half-open", weather(_vendor, Weather.HALF_OPEN), 5, 8, 120.0),
    Fault("vendor-garbage", answering(status=200, body="<html>oops</html>"), 4, 7, 120.0),
    Fault("vendor-429", answering(status=429, body="Too many requests"), 4, 7, 120.0),
)
