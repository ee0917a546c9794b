"""Publisher, subscription and topics against the real broker."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from schemas.cloudevents import Attributes
from schemas.topics import Topic
from service.bus import facts, topics
from service.bus.publisher import Publisher, PublishError
from service.bus.received import Received
from service.bus.subscription import Handle, Subscription
from service.settings.groups import Kafka
from tests.stack.broker import Broker
from tests.support.waiting import until

from .conftest import read, running


def _attributes() -> Attributes:
    return Attributes(id=str(uuid4()), type="ias.event.Test", source="/tests")


async def _publish(publisher: Publisher, *values: bytes) -> list[str]:
    names = []
    for value in values:
        attributes = _attributes()
        await publisher.publish(Topic.EVENTS, "key", value, attributes)
        names.append(attributes.id)
    return names


def one_by_one(handle: Callable[[Received], Awaitable[None]]) -> Handle:
    """Hands records over singly."""

    async def first(records: Sequence[Received]) -> int:
        await handle(records[0])
        return 1

    return first


@asynccontextmanager
async def consuming(subscription: Subscription) -> AsyncIterator[asyncio.Task[None]]:
    """A subscription that runs, stopped at the end."""
    task = asyncio.create_task(subscription.run())
    try:
        yield task
    finally:
        subscription.stop()
        async with asyncio.timeout(20):
            await task


async def test_what_is_published_arrives_with_key_value_and_id(
    settings: Kafka, events: str
) -> None:
    publisher = Publisher(settings, deadline=5.0)
    async with running(publisher):
        names = await _publish(publisher, b"one", b"two")
    assert not publisher.is_connected
    found = await read(settings, events, 2)
    assert found == [(b"key", b"one", names[0]), (b"key", b"two", names[1])]


async def test_without_a_connection_publishing_costs_the_deadline(settings: Kafka) -> None:
    publisher = Publisher(settings, deadline=0.3)
    began = time.monotonic()
    with pytest.raises(PublishError):
        await _publish(publisher, b"one")
    assert 0.3 <= time.monotonic() - began < 1.0


async def test_what_comes_before_the_first_connection_waits_for_it(
    settings: Kafka, events: str
) -> None:
    """I6: a process that has just started is not unable to keep anything."""
    publisher = Publisher(settings, deadline=10.0)
    running = asyncio.create_task(publisher.run())
    try:
        assert not publisher.is_connected
        (name,) = await _publish(publisher, b"early")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert await read(settings, events, 1) == [(b"key", b"early", name)]


async def test_a_frozen_broker_costs_the_deadline_and_the_producer_is_replaced(
    broker: Broker, settings: Kafka, events: str
) -> None:
    """I6: the caller learns in time that nothing is sure, and after the thaw it works again."""
    if not broker.is_ours:
        pytest.skip("the cluster of the environment cannot be frozen")
    publisher = Publisher(settings, deadline=0.3)
    async with running(publisher):
        await _publish(publisher, b"before")
        broker.freeze()
        try:
            for _ in range(3):
                began = time.monotonic()
                with pytest.raises(PublishError):
                    await _publish(publisher, b"lost or not")
                assert time.monotonic() - began < 1.0
            await until(lambda: not publisher.is_connected)
        finally:
            broker.thaw()
        await until(lambda: publisher.is_connected, within=20)
        (name,) = await _publish(publisher, b"after")
    # Two certain records and up to three ambiguous ones: read until the last one is there.
    found: list[tuple[bytes | None, bytes, str]] = []
    for count in range(2, 6):
        found = await read(settings, events, count)
        if found[-1][2] == name:
            break
    assert found[0][1] == b"before"
    assert found[-1][1:] == (b"after", name)


async def test_records_are_handled_in_order_and_offsets_committed_after_the_work(
    settings: Kafka, events: str
) -> None:
    """I1: a later member of the group starts after what was handled."""
    publisher, seen = Publisher(settings, deadline=5.0), list[Received]()

    async def handle(record: Received) -> None:
        seen.append(record)

    async with running(publisher):
        await _publish(publisher, b"0", b"1", b"2")
        async with consuming(Subscription(settings, [Topic.EVENTS], one_by_one(handle))):
            await until(lambda: len(seen) == 3, within=20)
        await _publish(publisher, b"3")
        async with consuming(Subscription(settings, [Topic.EVENTS], one_by_one(handle))):
            await until(lambda: len(seen) == 4, within=20)
    assert events.endswith(Topic.EVENTS)
    assert [record.value for record in seen] == [b"0", b"1", b"2", b"3"]
    assert [record.offset for record in seen] == [0, 1, 2, 3]


async def test_stopping_finishes_the_record_at_hand_and_no_other(
    settings: Kafka, events: str
) -> None:
    """I1, I6: what was not handled comes to the next member."""
    publisher, gate, seen = Publisher(settings, deadline=5.0), asyncio.Event(), list[bytes]()

    async def slow(record: Received) -> None:
        seen.append(record.value)
        await gate.wait()
        seen.append(b"done")

    async def handle(record: Received) -> None:
        seen.append(record.value)

    async with running(publisher):
        await _publish(publisher, b"0", b"1")
    first = Subscription(settings, [Topic.EVENTS], one_by_one(slow))
    async with consuming(first) as task:
        await until(lambda: seen == [b"0"], within=20)
        first.stop()
        assert not task.done()
        gate.set()
    assert seen == [b"0", b"done"]
    async with consuming(Subscription(settings, [Topic.EVENTS], one_by_one(handle))):
        await until(lambda: len(seen) == 3, within=20)
    assert seen[2] == b"1"
    assert events


async def test_a_second_consumer_takes_over_without_loss(settings: Kafka, events: str) -> None:
    """I6: the first dies with a record in its hands; that record comes again."""
    publisher, seen = Publisher(settings, deadline=5.0), list[bytes]()

    async def stuck(record: Received) -> None:
        seen.append(b"stuck at " + record.value)
        await asyncio.Event().wait()

    async def handle(record: Received) -> None:
        seen.append(record.value)

    async with running(publisher):
        await _publish(publisher, b"0", b"1", b"2")
    dying = asyncio.create_task(Subscription(settings, [Topic.EVENTS], one_by_one(stuck)).run())
    await until(lambda: len(seen) == 1, within=20)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    async with consuming(Subscription(settings, [Topic.EVENTS], one_by_one(handle))):
        await until(lambda: len(seen) == 4, within=20)
    assert seen == [b"stuck at 0", b"0", b"1", b"2"]
    assert events


async def test_only_what_is_missing_is_created(settings: Kafka, events: str) -> None:
    assert events not in await topics.apply(settings, 1)
    assert topics.missing(settings, await facts.look(settings)) == []


async def test_the_broker_gives_records_their_time_and_no_clock_of_ours_is_refused(
    settings: Kafka, broker: Broker
) -> None:
    """I6: Apache Kafka refuses a producer's time of more than an hour ahead; found by a clock that jumped."""
    await topics.apply(settings, 1)
    ahead = int((time.time() + 2 * 3600) * 1000)
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers) as producer:
        topic = f"{settings.topic_prefix}{Topic.EVENTS}"
        sent = await producer.send_and_wait(topic, b"{}", timestamp_ms=ahead)
    assert sent.offset == 0


async def test_a_producer_leaves_nothing_to_unsafe_defaults(settings: Kafka) -> None:
    """K2, K3, K4, K13: all in-sync replicas, 2.5 s, not idempotent, and it knows its topics when ready."""
    await topics.apply(settings, 1)
    publisher = Publisher(settings, deadline=1.0)
    async with running(publisher):
        producer: Any = publisher._producer  # noqa: SLF001 - no other way to ask
        assert producer._sender._acks == -1  # noqa: SLF001 - as above
        assert producer._txn_manager is None  # noqa: SLF001 - as above
        assert producer.client._request_timeout_ms == 2_500  # noqa: SLF001 - as above
        known = producer.client.cluster.topics()
        assert known >= {f"{settings.topic_prefix}{topic}" for topic in Topic}
