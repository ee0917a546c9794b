"""The consumer loop: records in batches, offsets committed after the work and never before.

Correctness does not rest on offsets or rebalances but on the inbox: a record that is handled twice
changes nothing the second time. So commits are explicit (``last handled + 1``), have a deadline and
are never repeated; a failed one only means that records come again. While the work waits (Postgres is
away), partitions are paused and polling goes on, because a member that does not poll is replaced.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.topics import Topic
from service.bus.connection import connection_arguments, full_name
from service.bus.in_hand import InHand, commit, leave, offsets_after
from service.bus.lag import tell_lag
from service.bus.received import Received, received
from service.bus.watchdog import Seen, Verdict, Watchdog
from service.ending import end
from service.settings.groups import Kafka
from service.telemetry import metrics

GROUP: Final = "metriport-ias"
_POLL_MS: Final = 500
_POLL_EVERY_SECONDS: Final = 10.0
_MOST_POLL_INTERVAL_MS: Final = 300_000
_REQUEST_MS: Final = 40_000
_MAX_RECORDS: Final = 200
_COMMIT_EVERY_SECONDS: Final = 0.25  # what was not committed comes again after a crash
_LAG_SECONDS: Final = 5.0
_RECONNECT_SECONDS: Final = 1.0
_FIRST_PAUSE_MS: Final = 100
_LONGEST_PAUSE_MS: Final = 5_000

log = structlog.get_logger()


class StuckError(RuntimeError):
    """The consumer was replaced and still makes no progress while records wait."""


Handle = Callable[[Sequence[Received]], Awaitable[int]]
"""Handles the first of the records; how many are done, 0 when to come again a bit later."""


class Subscription:
    """Consumes topics as one member of the group and hands records to ``handle``, in order."""

    def __init__(
        self,
        settings: Kafka,
        topics: Sequence[Topic],
        handle: Handle,
        watchdog: Watchdog | None = None,
    ) -> None:
        self._settings = settings
        self._topics = {full_name(settings, topic): topic for topic in topics}
        self._handle = handle
        self._watchdog = watchdog or Watchdog()
        self._stopping = asyncio.Event()
        self._hand = InHand()
        self._pause_ms = 0
        self._polls = 0
        self._polled_at = 0.0
        self._taken = 0
        self.is_assigned = False

    def stop(self) -> None:
        """Finish the batch at hand, commit, and leave the group."""
        self._stopping.set()

    async def run(self) -> None:
        """Consume until stopped; connects again after faults of the broker.

        Raises:
            StuckError: no progress while records wait, and a new consumer did not help.
        """
        while not self._stopping.is_set():
            self._hand, self._pause_ms = InHand(), 0
            consumer = self._consumer()
            try:
                await consumer.start()
                consumer.subscribe(list(self._topics), listener=self._hand)
                await self._consume_watched(consumer)
            except (KafkaError, OSError) as error:
                log.warning("kafka.consumer_lost", error=type(error).__name__)
                await asyncio.sleep(_RECONNECT_SECONDS)
            finally:
                self.is_assigned = False
                await leave(consumer)

    def _consumer(self) -> AIOKafkaConsumer:
        session = self._settings.session_timeout_ms
        return AIOKafkaConsumer(
            **connection_arguments(self._settings),
            group_id=f"{self._settings.topic_prefix}{GROUP}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_uncommitted",
            session_timeout_ms=session,
            heartbeat_interval_ms=max(session // 6, 100),
            max_poll_interval_ms=_MOST_POLL_INTERVAL_MS,
            max_poll_records=_MAX_RECORDS,
            request_timeout_ms=_REQUEST_MS,
            fetch_max_wait_ms=self._settings.fetch_max_wait_ms,
        )

    async def _consume_watched(self, consumer: AIOKafkaConsumer) -> None:
        """Consume until stopped, or until the watchdog says that this consumer is no good."""
        working = [
            asyncio.create_task(self._consume(consumer), name="consume"),
            asyncio.create_task(self._commit(consumer), name="commit"),
            asyncio.create_task(self._watch(consumer), name="watch"),
        ]
        telling = asyncio.create_task(tell_lag(consumer, self._topics, self._hand), name="lag")
        try:
            await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # The consumer is thrown away with its fetch, and bare commits are never made.
            # That nothing is told of the lag shows by itself, and stops nobody.
            *results, _ = await end([*working, telling])
        for error in results:
            if isinstance(error, Exception):
                raise error

    async def _consume(self, consumer: AIOKafkaConsumer) -> None:
        while not self._stopping.is_set():
            await self._poll(consumer)
            if self._hand.records:
                await self._step()
        await commit(consumer, self._hand)

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        """Commit what is done every now and then, beside the work: nothing waits for a commit."""
        while True:
            await asyncio.sleep(_COMMIT_EVERY_SECONDS)
            await commit(consumer, self._hand)

    async def _poll(self, consumer: AIOKafkaConsumer) -> None:
        """Fetch when nothing is in hand; else only show, in time, that this member lives."""
        in_hand, recently = bool(self._hand.records), time.monotonic() - self._polled_at
        if in_hand and not self._pause_ms and recently < _POLL_EVERY_SECONDS:
            return
        paused = consumer.assignment() if in_hand else set()
        consumer.pause(*paused)
        try:
            wait = self._pause_ms if in_hand else _POLL_MS
            found = await consumer.getmany(timeout_ms=wait, max_records=_MAX_RECORDS)
        finally:
            consumer.resume(*(paused & consumer.assignment()))
        self._polls += 1
        self._polled_at = time.monotonic()
        self.is_assigned = bool(consumer.assignment())
        for records in found.values():
            self._hand.records.extend(records)
            self._taken += len(records)

    async def _step(self) -> None:
        """Hand over what is in hand, and note what of it is done."""
        hand = self._hand
        records, revoked = list(hand.records), hand.times_revoked
        hand.is_idle.clear()
        try:
            done = await self._handle(
                [received(self._topics[record.topic], record) for record in records]
            )
            self._pause_ms = 0 if done else self._longer_pause()
            if done and hand.times_revoked == revoked:
                for _ in range(done):
                    hand.records.popleft()
                hand.done |= offsets_after(records[:done])
        finally:
            hand.is_idle.set()

    def _longer_pause(self) -> int:
        return min(max(self._pause_ms * 2, _FIRST_PAUSE_MS), _LONGEST_PAUSE_MS)

    async def _watch(self, consumer: AIOKafkaConsumer) -> None:
        """Returns when the consumer must be replaced."""
        while True:
            await asyncio.sleep(self._watchdog.limit / 6)
            busy, polls = bool(self._hand.records), self._polls
            seen = Seen(self._taken, polls, busy, None if busy else await self._lag(consumer))
            match self._watchdog.look(time.monotonic(), seen):
                case Verdict.GIVE_UP:
                    log.error("kafka.consumer_stuck_again")
                    raise StuckError("no progress while records wait")
                case Verdict.REPLACE:
                    log.error("kafka.consumer_stuck", assigned=self.is_assigned)
                    metrics.CONSUMER_REBUILT.inc()
                    return

    async def _lag(self, consumer: AIOKafkaConsumer) -> int | None:
        """Records that wait for this member, at least 1 where that cannot be told because it is stuck.

        A member without partitions has nothing to do, as long as its polls return.
        """
        mine, polls = consumer.assignment(), self._polls
        asked = mine or {TopicPartition(name, 0) for name in self._topics}
        try:
            async with asyncio.timeout(_LAG_SECONDS):
                ends = await consumer.end_offsets(asked)
        except (KafkaError, TimeoutError, OSError):
            return None
        if not mine:
            return 0 if self._polls > polls else 1
        try:
            async with asyncio.timeout(_LAG_SECONDS):
                lags = [int(ends[one]) - int(await consumer.position(one)) for one in mine]
                return sum(lags)
        except (KafkaError, TimeoutError):
            return 1
