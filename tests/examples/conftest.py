"""Topics of the test's own, with the double of ``service.testing`` behind them."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Self

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.topics import Topic
from service.bus import topics
from service.settings.groups import Kafka
from service.testing import IasDouble
from tests.stack.broker import Broker
from tests.support.settings import kafka


@dataclass
class Neighbour:
    """The double on a real broker: it reads the commands topic, and ``publish`` writes what it told."""

    settings: Kafka
    double: IasDouble = field(default_factory=IasDouble)
    _published: int = 0

    async def __aenter__(self) -> Self:
        servers = self.settings.bootstrap_servers
        self._producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all")
        self._consumer = AIOKafkaConsumer(
            f"{self.settings.topic_prefix}{Topic.COMMANDS}",
            bootstrap_servers=servers,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=20,
        )
        await self._producer.start()
        await self._consumer.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._consumer.stop()
        await self._producer.stop()

    async def takes_a_command(self) -> None:
        """Wait for the next command, and answer it."""
        async with asyncio.timeout(15):
            record = await self._consumer.getone()
        self.double.receive(record.headers, record.value)
        await self.publish()

    async def publish(self, *, again: bool = False) -> None:
        """Write what the double told since; ``again``: and all of it before, once more."""
        records = self.double.records(self.settings.topic_prefix)
        for record in records if again else records[self._published :]:
            await self._producer.send_and_wait(**record)
        self._published = len(records)


@pytest.fixture
async def neighbour(broker: Broker) -> AsyncIterator[Neighbour]:
    settings = kafka(broker.bootstrap_servers, f"t{uuid.uuid4().hex[:10]}.", 6000)
    await topics.apply(settings, 1)
    async with Neighbour(settings) as opened:
        yield opened
