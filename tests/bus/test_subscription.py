"""What aiokafka's consumer does to us, and what we do about it (I1, I6)."""

import asyncio
import gc
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError, UnknownMemberIdError
from structlog.testing import capture_logs

from schemas.topics import Topic
from service.bus import in_hand
from service.bus.publisher import Publisher
from service.bus.received import Received
from service.bus.subscription import StuckError, Subscription
from service.bus.watchdog import Watchdog
from service.settings.groups import Kafka
from tests.support.waiting import until

from .conftest import running
from .test_kafka import _publish, consuming


class _Seen:
    """Takes everything at once, and remembers it."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    async def __call__(self, records: Sequence[Received]) -> int:
        self.values.extend(record.value for record in records)
        return len(records)


async def _offers(settings: Kafka, *values: bytes) -> None:
    publisher = Publisher(settings, deadline=5.0)
    async with running(publisher):
        await _publish(publisher, *values)


async def test_two_consumers_and_one_cancelled_in_the_middle_of_a_batch_lose_nothing(
    settings: Kafka, events: str
) -> None:
    """I1: what was in its hands comes to the other, whole and in order."""
    values = [str(number).encode() for number in range(20)]
    await _offers(settings, *values)
    stuck, seen = list[bytes](), _Seen()

    async def hang(records: Sequence[Received]) -> int:
        stuck.extend(record.value for record in records)
        await asyncio.Event().wait()
        return 0

    dying = asyncio.create_task(Subscription(settings, [Topic.EVENTS], hang).run())
    await until(lambda: bool(stuck), within=20)
    async with consuming(Subscription(settings, [Topic.EVENTS], seen)):
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        await until(lambda: len(seen.values) >= 20, within=30)
    assert seen.values == values
    assert events


async def test_what_is_not_done_is_handed_over_again_and_never_committed(
    settings: Kafka, events: str
) -> None:
    """K7: an explicit offset after the last record that is done; here two of three."""
    await _offers(settings, b"0", b"1", b"2")
    handed: list[list[bytes]] = []

    async def two_then_none(records: Sequence[Received]) -> int:
        handed.append([record.value for record in records])
        return 2 if len(handed) == 1 else 0

    async with consuming(Subscription(settings, [Topic.EVENTS], two_then_none)):
        await until(lambda: len(handed) >= 4, within=20)
    assert handed[:4] == [[b"0", b"1", b"2"], [b"2"], [b"2"], [b"2"]]
    seen = _Seen()
    async with consuming(Subscription(settings, [Topic.EVENTS], seen)):
        await until(lambda: bool(seen.values), within=20)
    assert seen.values == [b"2"]
    assert events


async def test_while_the_work_waits_the_consumer_goes_on_polling(
    settings: Kafka, events: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K10: a member that does not poll within ``max_poll_interval`` would be replaced."""
    polls = list[bool]()
    genuine = AIOKafkaConsumer.getmany

    async def getmany(self: AIOKafkaConsumer, *partitions: Any, **more: Any) -> Any:
        polls.append(bool(self.paused()))
        return await genuine(self, *partitions, **more)

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", getmany)
    await _offers(settings, b"0")

    async def never(records: Sequence[Received]) -> int:
        assert [record.value for record in records] == [b"0"]
        return 0

    async with consuming(Subscription(settings, [Topic.EVENTS], never)):
        await until(lambda: polls.count(True) >= 3, within=20)
    assert events


@pytest.mark.parametrize("error", [CommitFailedError, UnknownMemberIdError, TimeoutError])
async def test_a_failed_commit_is_given_up_and_the_next_records_come(
    settings: Kafka, events: str, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """K6, K11: it is not repeated; the inbox knows what was done."""
    tried = list[Any]()

    async def commit(_: AIOKafkaConsumer, offsets: Any = None) -> None:
        tried.append(offsets)
        raise error

    monkeypatch.setattr(AIOKafkaConsumer, "commit", commit)
    await _offers(settings, b"0")
    seen = _Seen()
    async with consuming(Subscription(settings, [Topic.EVENTS], seen)):
        await until(lambda: len(tried) == 1, within=20)
        await _offers(settings, b"1")
        await until(lambda: seen.values == [b"0", b"1"], within=20)
    assert [list(offsets.values()) for offsets in tried] == [[1], [2]]
    assert events


async def test_records_are_handled_while_a_commit_hangs(
    settings: Kafka, events: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K6."""
    begun, answered = list[object](), asyncio.Event()

    async def commit(*arguments: object) -> None:
        begun.append(arguments)
        await answered.wait()

    monkeypatch.setattr(AIOKafkaConsumer, "commit", commit)
    await _offers(settings, b"0")
    seen = _Seen()
    async with consuming(Subscription(settings, [Topic.EVENTS], seen)):
        await until(lambda: len(begun) == 1, within=20)
        await _offers(settings, b"1")
        await until(lambda: seen.values == [b"0", b"1"], within=4.0)
        assert len(begun) == 1, "the first has not been answered, nor given up"
        answered.set()
    assert events


async def test_a_commit_that_hangs_costs_a_stop_its_deadline(
    settings: Kafka, events: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K6."""

    async def commit(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(AIOKafkaConsumer, "commit", commit)
    monkeypatch.setattr(in_hand, "_COMMIT_SECONDS", 0.1)
    await _offers(settings, b"0")
    seen = _Seen()
    async with consuming(Subscription(settings, [Topic.EVENTS], seen)):
        await until(lambda: seen.values == [b"0"], within=20)
    assert events


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_consumer_that_does_not_stop_well_does_not_end_us(
    settings: Kafka, events: str, monkeypatch: pytest.MonkeyPatch, *, hangs: bool
) -> None:
    """K14: ``stop`` has raised ``CancelledError`` into its caller, and has hung."""
    genuine = AIOKafkaConsumer.stop

    async def stop(self: AIOKafkaConsumer) -> None:
        await genuine(self)  # type: ignore[no-untyped-call]  # aiokafka's own
        if hangs:
            await asyncio.Event().wait()
        raise asyncio.CancelledError

    monkeypatch.setattr(AIOKafkaConsumer, "stop", stop)
    monkeypatch.setattr(in_hand, "_STOP_SECONDS", 1.0)
    await _offers(settings, b"0")
    seen = _Seen()
    with capture_logs() as lines:
        async with consuming(Subscription(settings, [Topic.EVENTS], seen)):
            await until(lambda: seen.values == [b"0"], within=20)
    expected = "kafka.leave_timed_out" if hangs else "kafka.leave_failed"
    assert expected in [line["event"] for line in lines]
    assert events


async def test_a_consumer_that_fetches_no_more_is_replaced_and_the_second_time_we_end(
    settings: Kafka, events: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K9: it looks alive, records wait, and it does not move."""
    genuine = AIOKafkaConsumer.getmany
    stuck = [True]

    async def getmany(self: AIOKafkaConsumer, *partitions: Any, **more: Any) -> Any:
        if not stuck[0]:
            return await genuine(self, *partitions, **more)
        await asyncio.sleep(0.05)
        return {}

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", getmany)
    # Several: what our test broker says of a topic's end lags behind by a record now and then.
    values = [b"0", b"1", b"2", b"3", b"4"]
    await _offers(settings, *values)
    seen = _Seen()
    with capture_logs() as lines:
        first = Subscription(settings, [Topic.EVENTS], seen, Watchdog(4.0))
        with pytest.raises(StuckError):
            async with asyncio.timeout(60):
                await first.run()
        events_said = [line["event"] for line in lines]
        assert events_said.count("kafka.consumer_stuck") == 1
        assert events_said.count("kafka.consumer_stuck_again") == 1

        task = asyncio.create_task(
            Subscription(settings, [Topic.EVENTS], seen, Watchdog(4.0)).run()
        )
        await until(
            lambda: [line["event"] for line in lines].count("kafka.consumer_stuck") == 2, within=30
        )
        stuck[0] = False
        await until(lambda: seen.values == values, within=30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert events


def test_nothing_is_left_to_unsafe_defaults(settings: Kafka) -> None:
    """K2, K16: set, whatever the library's defaults become."""

    async def ask() -> AIOKafkaConsumer:
        consumer = Subscription(settings, [Topic.EVENTS], _Seen())._consumer()  # noqa: SLF001 - the setting is the point
        await consumer.stop()
        return consumer

    consumer: Any = asyncio.run(ask())
    assert consumer._enable_auto_commit is False  # noqa: SLF001 - no other way to ask
    assert consumer._auto_offset_reset == "earliest"  # noqa: SLF001 - as above


async def test_a_consumer_that_polls_for_long_keeps_nothing_of_it(
    settings: Kafka, events: str
) -> None:
    """K15: aiokafka once kept a waiter for each poll that timed out. Objects are counted, not bytes."""
    consumer = Subscription(settings, [Topic.EVENTS], _Seen())._consumer()  # noqa: SLF001 - the real one
    await consumer.start()
    consumer.subscribe([events])
    try:
        counts = []
        for _ in range(3):
            for _ in range(400):
                await consumer.getmany(timeout_ms=1)
            gc.collect()
            counts.append(len(gc.get_objects()))
    finally:
        await consumer.stop()
    assert counts[2] - counts[1] < 200, counts
