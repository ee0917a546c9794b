"""The consumer loop: records one by one, offsets committed after the work and never before.

Correctness does not rest on offsets or rebalances but on the inbox: a record that is handled twice
changes nothing the second time. Commits are explicit (``last handled + 1``); a failed commit only
means that records come again.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord

from schemas.topics import Topic
from service.bus.connection import connection_arguments, full_name
from service.settings.groups import Kafka

Record = ConsumerRecord[bytes, bytes]
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
GROUP: Final = "metriport-ias"
_POLL_MS: Final = 500
_MAX_RECORDS: Final = 100
_COMMIT_SECONDS: Final = 5.0
_RECONNECT_SECONDS: Final = 1.0

log = structlog.get_logger()


class Received(NamedTuple):
    """One record as it came."""

    topic: Topic
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes | None]]

    @property
    def traceparent(self) -> str | None:
        """The W3C trace that the record belongs to, if it is well-formed."""
        raw = dict(self.headers).get("traceparent") or b""
        found = _TRACEPARENT.fullmatch(raw)
        return found[0].decode() if found else None

    @property
    def position(self) -> str:
        """Names the record for dedupe, across a topic that is made again as well."""
        return f"{self.topic}/{self.partition}/{self.offset}/{self.timestamp}"


Handle = Callable[[Received], Awaitable[None]]


class Subscription:
    """Consumes topics as one member of the group and hands every record to ``handle``."""

    def __init__(self, settings: Kafka, topics: Sequence[Topic], handle: Handle) -> None:
        self._settings = settings
        self._topics = {full_name(settings, topic): topic for topic in topics}
        self._handle = handle
        self._stopping = asyncio.Event()
        self.is_assigned = False

    def stop(self) -> None:
        """Finish the record at hand, commit, and leave the group."""
        self._stopping.set()

    async def run(self) -> None:
        """Consume until stopped; connects again after faults of the broker."""
        while not self._stopping.is_set():
            consumer = self._consumer()
            try:
                await consumer.start()
                await self._consume(consumer)
            except (KafkaError, OSError) as error:
                log.warning("kafka.consumer_lost", error=type(error).__name__)
                await asyncio.sleep(_RECONNECT_SECONDS)
            finally:
                self.is_assigned = False
                await _leave(consumer)

    def _consumer(self) -> AIOKafkaConsumer:
        session = self._settings.session_timeout_ms
        return AIOKafkaConsumer(
            *self._topics,
            **connection_arguments(self._settings),
            group_id=f"{self._settings.topic_prefix}{GROUP}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=session,
            heartbeat_interval_ms=max(session // 6, 100),
            max_poll_records=_MAX_RECORDS,
            fetch_max_wait_ms=self._settings.fetch_max_wait_ms,
        )

    async def _consume(self, consumer: AIOKafkaConsumer) -> None:
        while not self._stopping.is_set():
            batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MAX_RECORDS)
            self.is_assigned = bool(consumer.assignment())
            for partition, records in batches.items():
                done = await self._handle_in_order(records)
                if done is not None:
                    await _commit(consumer, partition, done + 1)

    async def _handle_in_order(self, records: Sequence[Record]) -> int | None:
        """Handle records until asked to stop; the offset of the last one handled."""
        done = None
        for record in records:
            if self._stopping.is_set():
                break
            await self._handle(self._received(record))
            done = record.offset
        return done

    def _received(self, record: Record) -> Received:
        return Received(
            topic=self._topics[record.topic],
            partition=record.partition,
            offset=record.offset,
            timestamp=record.timestamp,
            key=record.key,
            value=record.value or b"",
            headers=record.headers,
        )


async def _commit(consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> None:
    try:
        async with asyncio.timeout(_COMMIT_SECONDS):
            await consumer.commit({partition: offset})
    except (KafkaError, TimeoutError) as error:
        log.warning("kafka.commit_failed", error=type(error).__name__, topic=partition.topic)


async def _leave(consumer: AIOKafkaConsumer) -> None:
    try:
        async with asyncio.timeout(_COMMIT_SECONDS):
            await consumer.stop()
    except (KafkaError, TimeoutError, OSError) as error:
        log.warning("kafka.leave_failed", error=type(error).__name__)
