"""Reads a topic from some time to its present end, for tools: without a group, committing nothing."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.topics import Topic
from service.bus.connection import connection_arguments, full_name
from service.bus.received import Received, received
from service.settings.groups import Kafka

_WAIT_MS: Final = 1000
_LARGEST_FETCH: Final = 34 * 1024 * 1024


class UnreadableTopicError(Exception):
    """The topic cannot be read; the text names it and the kind of error."""


async def read(
    settings: Kafka, topic: Topic, since: datetime | None = None
) -> AsyncIterator[Received]:
    """Every record that is there now, partition by partition, of ``since`` (by the broker) or later.

    Raises:
        UnreadableTopicError: Kafka or the topic is not there, or the login may not read it.
    """
    name = full_name(settings, topic)
    try:
        async with _consumer(settings, name) as consumer:
            partitions = sorted(consumer.assignment())
            if not partitions:
                raise UnreadableTopicError(f"{name}: there is no such topic")
            ends = await consumer.end_offsets(partitions)
            await _seek(consumer, partitions, since)
            for one in partitions:
                async for record in _partition(consumer, one, ends[one], topic):
                    yield record
    except (KafkaError, OSError) as error:
        raise UnreadableTopicError(f"{name}: {type(error).__name__}") from None


@asynccontextmanager
async def _consumer(settings: Kafka, name: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        name,
        **connection_arguments(settings),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=_LARGEST_FETCH,
        fetch_max_wait_ms=settings.fetch_max_wait_ms,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _seek(
    consumer: AIOKafkaConsumer, partitions: list[TopicPartition], since: datetime | None
) -> None:
    """Go to the first record of the time or later; to the end where there is none."""
    if since is None:
        return
    stamp = int(since.timestamp() * 1000)
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, stamp))
    for partition, place in found.items():
        if place is None:
            await consumer.seek_to_end(partition)
        else:
            consumer.seek(partition, place.offset)


async def _partition(
    consumer: AIOKafkaConsumer, partition: TopicPartition, end: int, topic: Topic
) -> AsyncIterator[Received]:
    """Up to ``end``: what is written while this reads is not waited for."""
    while await consumer.position(partition) < end:
        found = await consumer.getmany(partition, timeout_ms=_WAIT_MS)
        for record in found.get(partition, ()):
            yield received(topic, record)


class Places:
    """Records by their place. One consumer a topic, made when it is first asked for."""

    def __init__(self, settings: Kafka, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._consumers: dict[Topic, AIOKafkaConsumer] = {}

    async def at(self, topic: Topic, partition: int, offset: int) -> Received | None:
        """The record at one place; ``None`` where the topic does not have it any more.

        Raises:
            UnreadableTopicError: Kafka or the topic is not there, or the login may not read it.
        """
        name = full_name(self._settings, topic)
        try:
            return await self._at(name, topic, TopicPartition(name, partition), offset)
        except (KafkaError, OSError) as error:
            raise UnreadableTopicError(f"{name}: {type(error).__name__}") from None

    async def _at(
        self, name: str, topic: Topic, place: TopicPartition, offset: int
    ) -> Received | None:
        if topic not in self._consumers:
            opening = _consumer(self._settings, name)
            self._consumers[topic] = await self._stack.enter_async_context(opening)
        consumer = self._consumers[topic]
        if place not in consumer.assignment():
            return None
        first = (await consumer.beginning_offsets([place]))[place]
        end = (await consumer.end_offsets([place]))[place]
        if not first <= offset < end:
            return None
        consumer.seek(place, offset)
        async for record in _partition(consumer, place, offset + 1, topic):
            return record if record.offset == offset else None
        return None


@asynccontextmanager
async def open_places(settings: Kafka) -> AsyncIterator[Places]:
    """Look records up for the life of a command."""
    async with AsyncExitStack() as stack:
        yield Places(settings, stack)
