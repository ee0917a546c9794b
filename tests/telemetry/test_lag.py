"""How far a consumer is behind is told, also while it does nothing about it (I4)."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from prometheus_client import REGISTRY

from schemas.topics import Topic
from service.bus import lag, subscription
from service.bus.received import Received
from service.bus.subscription import Subscription
from service.settings.groups import Kafka
from tests.stack.broker import Broker
from tests.support.settings import kafka
from tests.support.waiting import until

EVENTS = Topic.EVENTS.value


@pytest.fixture
async def settings(broker: Broker) -> Kafka:
    """The cluster, with the events topic of the test's own: two partitions, 30 records in each."""
    session = 1500 if broker.is_ours else 6000  # Apache Kafka allows no less
    settings = kafka(broker.bootstrap_servers, f"t{uuid.uuid4().hex[:10]}.", session)
    name = f"{settings.topic_prefix}{EVENTS}"
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 2, 1)])
    finally:
        await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, acks="all")
    await producer.start()
    try:
        for number in range(60):
            await producer.send_and_wait(name, b"x", partition=number % 2)
    finally:
        await producer.stop()
    return settings


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    async def tell_lag(*what: Any) -> None:
        await lag.tell_lag(*what, every=0.05)

    monkeypatch.setattr(subscription, "tell_lag", tell_lag)


@asynccontextmanager
async def consuming(subscription: Subscription) -> AsyncIterator[None]:
    running = asyncio.create_task(subscription.run())
    try:
        yield
    finally:
        subscription.stop()
        await asyncio.wait_for(running, 20)


def _told(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_records_that_are_not_handled_are_lag_of_a_growing_age(settings: Kafka) -> None:
    """Neither what is in hand nor what was never fetched counts as handled."""
    behind = asyncio.Event()

    async def handle(records: Sequence[Received]) -> int:
        return len(records) if behind.is_set() else 0

    async with consuming(Subscription(settings, [Topic.EVENTS], handle)):
        await until(lambda: _told("ias_consumer_lag_records", topic=EVENTS) == 60, within=30)
        await until(lambda: _told("ias_consumer_oldest_seconds", topic=EVENTS) > 0.5, within=10)
        assert _told("ias_consumer_partitions") == 2
        assert time.time() - _told("ias_consumer_lag_measured_timestamp_seconds") < 10
        behind.set()
        await until(lambda: _told("ias_consumer_lag_records", topic=EVENTS) == 0, within=20)
        await until(lambda: _told("ias_consumer_oldest_seconds", topic=EVENTS) == 0, within=10)
    assert _told("ias_consumer_partitions") == 0


async def test_while_the_broker_does_not_answer_nothing_is_told_as_measured(
    settings: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alarm of a lag that nobody can see is the time of its last measurement."""

    async def handle(_: Sequence[Received]) -> int:
        return 0

    async with consuming(Subscription(settings, [Topic.EVENTS], handle)):
        await until(lambda: _told("ias_consumer_lag_records", topic=EVENTS) == 60, within=30)
        asked = []

        async def end_offsets(_: AIOKafkaConsumer, partitions: Any) -> Any:
            asked.append(partitions)
            raise TimeoutError

        monkeypatch.setattr(AIOKafkaConsumer, "end_offsets", end_offsets)
        await until(lambda: len(asked) > 1)
        measured = _told("ias_consumer_lag_measured_timestamp_seconds")
        await until(lambda: len(asked) > 4)
        assert _told("ias_consumer_lag_measured_timestamp_seconds") == measured
        assert _told("ias_consumer_lag_records", topic=EVENTS) == 60
        monkeypatch.undo()
