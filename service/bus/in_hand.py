"""Records between fetch and commit: what is in hand, what is done, and how a consumer is left.

Commits are explicit, once, and with a deadline: ``commit`` itself repeats for ever and may land after
its caller gave up. A failed one only means that records come again.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord

Record = ConsumerRecord[bytes, bytes]
_COMMIT_SECONDS: Final = 5.0
_STOP_SECONDS: Final = 5.0
_REVOKE_SECONDS: Final = 3.0

log = structlog.get_logger()


class InHand(ConsumerRebalanceListener):
    """Records that were fetched and are not done; given up when partitions are taken from us."""

    def __init__(self) -> None:
        self.records: deque[Record] = deque()
        self.done: dict[TopicPartition, int] = {}
        """Offsets to commit."""
        self.times_revoked = 0
        self.is_idle = asyncio.Event()
        self.is_idle.set()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Let the batch at hand end, within a time, so that fewer records come twice."""
        self.times_revoked += 1
        self.records.clear()
        self.done.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_REVOKE_SECONDS if revoked else 0):
                await self.is_idle.wait()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Records come with the next poll."""


def offsets_after(records: Sequence[Record]) -> dict[TopicPartition, int]:
    """The offset after the last of these records, of each partition."""
    return {TopicPartition(one.topic, one.partition): one.offset + 1 for one in records}


async def commit(consumer: AIOKafkaConsumer, hand: InHand) -> None:
    """Commit once. ``commit`` itself would repeat for ever, and may land after its deadline."""
    offsets, hand.done = hand.done, {}
    if not offsets:
        return
    try:
        async with asyncio.timeout(_COMMIT_SECONDS):
            await consumer.commit(offsets)
    except (KafkaError, TimeoutError) as error:
        log.warning("kafka.commit_failed", error=type(error).__name__)


async def leave(consumer: AIOKafkaConsumer) -> None:
    """Stop in a task of its own: it can raise ``CancelledError`` into its caller, or hang."""
    stopping = asyncio.create_task(consumer.stop(), name="leave")
    _, unfinished = await asyncio.wait([stopping], timeout=_STOP_SECONDS)
    if unfinished:
        stopping.cancel()
        log.warning("kafka.leave_timed_out")
        return
    if stopping.cancelled() or stopping.exception() is not None:
        log.warning("kafka.leave_failed")
