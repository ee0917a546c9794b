"""Faults of processes and of what comes in: zombies, rebalances, storms, poison, a relay that lags."""

import asyncio
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import asyncpg
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from consumers.processes.consumers import TOPICS
from service.bus.subscription import GROUP
from tests.bench.wire import Asker, requests
from tests.chaos.faults import SERVERS, Begin, Fault, Undo, nothing
from tests.chaos.probe import NO_ANSWER, PATIENCE, Answer
from tests.chaos.world import World, choose

_STORM_AT_ONCE: Final = 48
_NOTHING_TO_SEND: Final = 5
_NOBODY_LISTENS_SECONDS: Final = 0.05
_POISON: Final[tuple[bytes, ...]] = (
    b"",
    b"\x00\xff\xfe",
    b'{"subjectId": "poison\\u0000", "commandId": "x"}',
    b'{"subjectId": "poison", "commandId": "' + str(uuid.UUID(int=1)).encode() + b'", "a": 1e400}',
    b'["\\ud800"]',
    b"[" * 20_000,
)


def frozen(role: str) -> Begin:
    """A process that stands still for seconds and then goes on, as if nothing had been."""

    async def begin(world: World, rng: random.Random) -> Undo:
        replica = choose(rng, role)
        world.chosen = replica.name
        process = world.process(replica)
        world.stopped.add(replica.name)
        process.freeze()

        async def end() -> None:
            process.thaw()
            world.stopped.discard(replica.name)

        return end

    return begin


async def _rebalances(world: World, _rng: random.Random) -> Undo:
    """A member that joins, is given partitions, does nothing, and leaves; again and again.

    In tasks of their own: aiokafka's ``stop`` can raise ``CancelledError`` into its caller, which would end the
    fault, and all that its caller still had to do, without a word.
    """
    for _ in range(3):
        member = asyncio.create_task(_join_and_leave(world), name="member")
        await asyncio.wait([member])
        if not member.cancelled():
            member.result()
    return nothing


async def _join_and_leave(world: World) -> None:
    prefix = world.deployment.settings.topic_prefix
    member = AIOKafkaConsumer(
        *(f"{prefix}{topic}" for topic in TOPICS),
        bootstrap_servers=world.deployment.settings.bootstrap_servers,
        group_id=f"{prefix}{GROUP}",
        enable_auto_commit=False,
        session_timeout_ms=3_000,
        heartbeat_interval_ms=500,
    )
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(10.0):
            await member.start()
            await asyncio.sleep(0.5)
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(5.0):
            await member.stop()


async def _storm(world: World, rng: random.Random) -> Undo:
    """What the vendor sent before comes again, all at once, byte for byte."""
    async with world.vendor.http.get(f"{world.vendor.url}/_sandbox/webhooks?last=500") as answer:
        sent = [one for one in (await answer.json())["deliveries"] if one["signature"]]
    if len(sent) < _NOTHING_TO_SEND:
        world.chosen = "nothing to send yet"
        return nothing
    ready = requests([(one["signature"].encode(), one["body"].encode()) for one in sent])
    storm = iter([rng.choice(ready) for _ in range(world.storm)])
    async with asyncio.TaskGroup() as group:
        for _ in range(_STORM_AT_ONCE):
            group.create_task(_send_all(world, storm))
    return nothing


async def _send_all(world: World, storm: Iterator[bytes]) -> None:
    asker = Asker(world.deployment.settings.ingress_port)
    for request in storm:
        at, status = time.monotonic(), NO_ANSWER
        try:
            async with asyncio.timeout(PATIENCE):
                status = await asker.ask(request)
        except TimeoutError:
            asker.close()
        world.storm_answers.append(Answer(at, status, time.monotonic() - at))
        if not status:
            await asyncio.sleep(_NOBODY_LISTENS_SECONDS)
    asker.close()


async def _poison(world: World, _rng: random.Random) -> Undo:
    """Records that nobody can read, on every topic that is read here, with and without headers."""
    world.foreign.update(_POISON)
    for topic in TOPICS:
        for value in _POISON:
            kind = b"ias.command.StartNetworkQuery" if "commands" in topic else b"metriport.ping"
            headers = [
                ("ce_specversion", b"1.0"),
                ("ce_id", str(uuid.uuid4()).encode()),
                ("ce_type", kind),
                ("ce_source", b"/poison"),
                ("content-type", b"application/json"),
            ]
            await world.desk.send_raw(topic.value, value, b"poison", headers)
            await world.desk.send_raw(topic.value, value, None, [])
    return nothing


async def _relay_lags(world: World, _rng: random.Random) -> Undo:
    """Every shard of the outbox is locked by somebody else: the relays find nothing to do."""
    holder = await asyncpg.connect(world.deployment.postgres.dsn(world.deployment.database))
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("select from outbox_shard for update")

    async def end() -> None:
        with suppress(asyncpg.PostgresError, OSError, asyncpg.InterfaceError):
            await transaction.rollback()
        await holder.close()

    return end


FAULTS: Final[tuple[Fault, ...]] = (
    *SERVERS,
    Fault("consumers-stopped", frozen("consumers"), 2, 8),
    Fault("gateway-stopped", frozen("gateway"), 2, 8),
    Fault("ingress-stopped", frozen("ingress"), 1, 4),
    Fault("rebalance-storm", _rebalances, 0, 0),
    Fault("redelivery-storm", _storm, 0, 0),
    Fault("poison", _poison, 0, 0),
    Fault("relay-lags", _relay_lags, 4, 8),
)
BY_NAME: Final = {fault.name: fault for fault in FAULTS}
