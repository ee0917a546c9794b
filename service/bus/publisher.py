"""A producer that is replaced when it breaks.

A failed or timed-out send is *ambiguous*: the record may still land, so readers dedupe. After three
failures in a row the producer is replaced, because a dead sender task of aiokafka repeats its first
error for ever.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from msgspec.structs import replace

from schemas.cloudevents import Attributes, to_headers
from schemas.topics import Topic
from service.bus.connection import connection_arguments, full_name
from service.settings.groups import Kafka
from service.telemetry import traces
from service.telemetry.traces import Kind

_REQUEST_MS: Final = 2_500
_MAX_RECORD: Final = 34 * 1024 * 1024
_MAX_BATCH: Final = 256 * 1024
"""Of one partition. A full batch makes the next record wait for the one under way: with aiokafka's 16 KiB
that is the twelfth webhook of 1.4 kB."""

_MISSES_BEFORE_REPLACEMENT: Final = 3
_RECONNECT_SECONDS: Final = 1.0
_WARM_SECONDS: Final = 5.0
_STOP_SECONDS: Final = 5.0

log = structlog.get_logger()


class PublishError(Exception):
    """The broker did not acknowledge in time; the record may or may not be there."""


class Publisher:
    """Publishes to the topics of one deployment. ``run`` keeps its producer alive."""

    def __init__(
        self, settings: Kafka, *, deadline: float, topics: Sequence[Topic] = tuple(Topic)
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._deadline = deadline
        self._producer: AIOKafkaProducer | None = None
        self._misses = 0
        self._replace = asyncio.Event()
        self._connected = asyncio.Event()

    @property
    def is_connected(self) -> bool:
        """Whether there is a producer to send with."""
        return self._producer is not None

    async def connected(self) -> AIOKafkaProducer:
        """The producer, as soon as there is one."""
        while self._producer is None:
            await self._connected.wait()
        return self._producer

    async def run(self) -> None:
        """Connect, and connect again whenever the producer must be replaced, until cancelled."""
        try:
            while True:
                self._replace.clear()
                await self._connect()
                await self._replace.wait()
                await self._disconnect()
                log.warning("kafka.producer_replaced")
        finally:
            await self._disconnect()

    async def publish(
        self, topic: Topic, key: str, value: bytes | None, attributes: Attributes
    ) -> None:
        """Publish and wait for the acknowledgement of all in-sync replicas.

        Without a value it is a tombstone: a compacted topic forgets the key.

        Raises:
            PublishError: not connected, refused, or no acknowledgement within the deadline, which
                also covers the wait for a producer: a process that has just started is not unable.
        """
        name, raw_key = full_name(self._settings, topic), key.encode() or None
        try:
            with traces.span(
                f"publish {topic}",
                Kind.PRODUCER,
                attributes.traceparent,
                topic=topic.value,
                type=attributes.type,
            ) as span:
                headers = to_headers(replace(attributes, traceparent=span.traceparent))
                async with asyncio.timeout(self._deadline):
                    producer = await self.connected()
                    await producer.send_and_wait(name, value, raw_key, headers=headers)
        except (KafkaError, TimeoutError) as error:
            self._miss()
            raise PublishError(type(error).__name__) from None
        self._misses = 0

    def _miss(self) -> None:
        if not self.is_connected:
            return  # nothing was sent: there is no producer that could be broken
        self._misses += 1
        if self._misses >= _MISSES_BEFORE_REPLACEMENT:
            self._misses = 0
            self._replace.set()

    async def _connect(self) -> None:
        while True:
            producer = AIOKafkaProducer(
                **connection_arguments(self._settings),
                acks="all",
                enable_idempotence=False,
                request_timeout_ms=_REQUEST_MS,
                max_request_size=_MAX_RECORD,
                max_batch_size=_MAX_BATCH,
                linger_ms=0,
            )
            try:
                await producer.start()
            except (KafkaError, OSError) as error:
                log.warning("kafka.producer_not_connected", error=type(error).__name__)
                await _stop(producer)
                await asyncio.sleep(_RECONNECT_SECONDS)
                continue
            await self._warm(producer)
            self._producer = producer
            self._connected.set()
            return

    async def _warm(self, producer: AIOKafkaProducer) -> None:
        """Learn where the topics are, so that the first send does not spend its deadline on it."""
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(_WARM_SECONDS):
                for topic in self._topics:
                    await producer.partitions_for(full_name(self._settings, topic))

    async def _disconnect(self) -> None:
        producer, self._producer = self._producer, None
        self._connected.clear()
        if producer is not None:
            await _stop(producer)


async def _stop(producer: AIOKafkaProducer) -> None:
    with suppress(KafkaError, TimeoutError, OSError):
        async with asyncio.timeout(_STOP_SECONDS):
            await producer.stop()
