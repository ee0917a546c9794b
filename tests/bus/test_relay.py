"""The relay: everything that was said reaches the topics, in order per subject (I5, I6)."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from schemas.cloudevents import Attributes
from schemas.events import CommandRejected
from schemas.ids import SubjectId
from schemas.reasons import Reason
from schemas.topics import Topic
from service.bus.publisher import PublishError
from service.bus.relay import Relay
from service.store import outbox, subjects
from service.store.listen import listen
from service.store.outbox import UNSEQUENCED
from service.store.pool import Database
from tests.support import people
from tests.support.outbox import told
from tests.support.waiting import until


class Sent(NamedTuple):
    """One publish that was acknowledged."""

    topic: str
    key: str
    value: bytes
    id: str


class FakePublisher:
    """Takes records; ``before`` may raise, or wait."""

    def __init__(self, before: Callable[[int], Any] = lambda _: None) -> None:
        self.sent: list[Sent] = []
        self.attempts = 0
        self._before = before

    async def publish(self, topic: Topic, key: str, value: bytes, attributes: Attributes) -> None:
        self.attempts += 1
        self._before(self.attempts)
        await asyncio.sleep(0)
        self.sent.append(Sent(topic, key, value, attributes.id))


def _relay(database: Database, publisher: FakePublisher) -> Relay:
    return Relay(database, publisher)  # type: ignore[arg-type]  # it has the one method used


async def _say(database: Database, subject: str, *messages: str) -> None:
    for message in messages:
        async with database.transaction() as unit:
            await subjects.lock_or_create(unit, SubjectId(subject))
            event = CommandRejected(
                sequence=UNSEQUENCED,
                subject_id=SubjectId(subject),
                reason=Reason.NOT_SUPPORTED,
                message=message,
            )
            await outbox.emit(unit, event)


def _failing_at(*numbers: int) -> Callable[[int], None]:
    def before(number: int) -> None:
        if number in numbers:
            raise PublishError("away")

    return before


async def test_rows_go_out_in_order_and_are_removed(database: Database) -> None:
    """I5, I6."""
    await _say(database, "jane", *"abcde")
    expected = [event.id for event in await told(database)]
    publisher = FakePublisher()
    assert await _relay(database, publisher).round() == 5
    assert [one.id for one in publisher.sent] == expected
    assert {(one.topic, one.key) for one in publisher.sent} == {(Topic.EVENTS, "jane")}
    assert await people.count(database, "outbox") == 0
    assert await _relay(database, publisher).round() == 0


async def test_a_failing_publish_stops_the_shard_and_keeps_the_rest(database: Database) -> None:
    """I5, I6: what was acknowledged is gone, what follows waits."""
    await _say(database, "jane", *"abcde")
    expected = [event.id for event in await told(database)]
    publisher = FakePublisher(_failing_at(3))
    relay = _relay(database, publisher)
    with pytest.raises(PublishError):
        await relay.round()
    assert publisher.attempts == 3
    assert [event.id for event in await told(database)] == expected[2:]
    assert await relay.round() == 3
    assert [one.id for one in publisher.sent] == expected


async def test_a_crash_before_the_removal_repeats_rows_with_their_ids(database: Database) -> None:
    """I6: at least once; readers dedupe by ``ce_id``."""
    await _say(database, "jane", *"abc")
    expected = [event.id for event in await told(database)]

    def crash(number: int) -> None:
        if number == 3:
            raise LookupError

    publisher = FakePublisher(crash)
    relay = _relay(database, publisher)
    with pytest.raises(LookupError):
        await relay.round()
    assert len(await told(database)) == 3
    assert await relay.round() == 3
    assert [one.id for one in publisher.sent] == [*expected[:2], *expected]
    assert publisher.sent[0] == publisher.sent[2]


async def test_two_relays_publish_each_row_in_order_per_key(database: Database) -> None:
    """I5."""
    names = [f"subject-{number}" for number in range(8)]
    await asyncio.gather(*(_say(database, name, *"abcde") for name in names))
    expected: dict[str, list[str]] = {}
    for event in await told(database):
        expected.setdefault(event.key, []).append(event.id)
    publisher = FakePublisher()

    async def work() -> None:
        relay = _relay(database, publisher)
        while await people.count(database, "outbox"):
            await relay.round()

    await asyncio.gather(work(), work(), work())
    found: dict[str, list[str]] = {}
    for one in publisher.sent:
        found.setdefault(one.key, []).append(one.id)
    assert found == expected


async def test_a_notification_wakes_the_relay(database: Database) -> None:
    wake = asyncio.Event()
    listening = asyncio.create_task(listen(database, outbox.CHANNEL, wake))
    try:

        async def listens() -> bool:
            return await people.count(database, "pg_stat_activity", query=listener) > 0

        listener = f'LISTEN "{outbox.CHANNEL}"'
        await until(listens)
        await _say(database, "jane", "a")
        await until(wake.is_set, within=0.4)  # before the relay would have looked by itself
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_the_loop_goes_on_after_failures(database: Database) -> None:
    """I6."""
    await _say(database, "jane", *"ab")
    publisher = FakePublisher(_failing_at(1))
    running = asyncio.create_task(_relay(database, publisher).run(asyncio.Event()))
    try:
        await until(lambda: len(publisher.sent) == 2)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
