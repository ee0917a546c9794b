"""Topics of the test's own on the session's broker."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.topics import Topic
from service.bus.publisher import Publisher
from service.settings.groups import Kafka
from tests.stack.broker import Broker
from tests.support.settings import kafka


@pytest.fixture
def settings(broker: Broker) -> Kafka:
    """The cluster, with a prefix of the test's own and no topic yet."""
    session = 1500 if broker.is_ours else 6000  # Apache Kafka allows no less
    return kafka(broker.bootstrap_servers, f"t{uuid.uuid4().hex[:10]}.", session)


@pytest.fixture
async def events(settings: Kafka) -> str:
    """The events topic with one partition; its name on the cluster."""
    name = f"{settings.topic_prefix}{Topic.EVENTS}"
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1)])
    finally:
        await admin.close()
    return name


@asynccontextmanager
async def running(*publishers: Publisher) -> AsyncIterator[None]:
    """Publishers that run, connected."""
    tasks = [asyncio.create_task(publisher.run()) for publisher in publishers]
    try:
        async with asyncio.timeout(10):
            while not all(publisher.is_connected for publisher in publishers):
                await asyncio.sleep(0.005)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read(settings: Kafka, name: str, count: int) -> list[tuple[bytes | None, bytes, str]]:
    """The first records of a topic: key, value, ``ce_id``."""
    consumer = AIOKafkaConsumer(
        name,
        bootstrap_servers=settings.bootstrap_servers,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
    )
    await consumer.start()
    try:
        found: list[tuple[bytes | None, bytes, str]] = []
        async with asyncio.timeout(15):
            while len(found) < count:
                record = await consumer.getone()
                name_of = dict(record.headers)["ce_id"] or b""
                found.append((record.key, record.value or b"", name_of.decode()))
        return found
    finally:
        await consumer.stop()
