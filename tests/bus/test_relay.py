"""The relay: everything that was said reaches the topics, in order per subject (I5, I6)."""

import asyncio
from collections.abc import Callable

from schemas.topics import Topic
from service.bus.publisher import PublishError
from service.store import outbox
from service.store.listen import listen
from service.store.pool import Database
from tests.bus.relaying import FakePublisher, by_key, per_key, relay_of, say
from tests.support import people
from tests.support.outbox import told
from tests.support.waiting import until


def _failing_at(*numbers: int) -> Callable[[int], None]:
    def before(number: int) -> None:
        if number in numbers:
            raise PublishError("away")

    return before


async def test_rows_go_out_in_order_and_are_removed(database: Database) -> None:
    """I5, I6."""
    await say(database, "subject-1", *"abcde")
    expected = [event.id for event in await told(database)]
    publisher = FakePublisher()
    assert await relay_of(database, publisher).round() == (5, 0)
    assert [one.id for one in publisher.sent] == expected
    assert {(one.topic, one.key) for one in publisher.sent} == {(Topic.EVENTS, "subject-1")}
    assert await people.count(database, "outbox") == 0
    assert await relay_of(database, publisher).round() == (0, 0)


async def test_a_failing_publish_stops_the_subject_and_keeps_the_rest(database: Database) -> None:
    """I5, I6: what was acknowledged is gone, what follows waits."""
    await say(database, "subject-1", *"abcde")
    expected = [event.id for event in await told(database)]
    publisher = FakePublisher(_failing_at(3))
    assert await relay_of(database, publisher).round() == (2, 1)
    assert publisher.attempts == 3
    assert [event.id for event in await told(database)] == expected[2:]
    assert await relay_of(database, publisher).round() == (3, 0)
    assert [one.id for one in publisher.sent] == expected


async def test_a_crash_before_the_removal_repeats_rows_with_their_ids(database: Database) -> None:
    """I6: at least once; readers dedupe by ``ce_id``."""
    await say(database, "subject-1", *"abc")
    expected = [event.id for event in await told(database)]
    publisher = FakePublisher()
    publisher.stall_at = 3
    running = asyncio.create_task(relay_of(database, publisher).round())
    await until(lambda: publisher.attempts == 3)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len(await told(database)) == 3
    publisher.stall_at = None
    assert await relay_of(database, publisher).round() == (3, 0)
    assert [one.id for one in publisher.sent] == [*expected[:2], *expected]
    assert publisher.sent[0] == publisher.sent[2]


async def test_three_relays_publish_each_row_in_order_per_key(database: Database) -> None:
    """I5."""
    names = [f"subject-{number}" for number in range(8)]
    await asyncio.gather(*(say(database, name, *"abcde") for name in names))
    expected = per_key(await told(database))
    publisher = FakePublisher()

    async def work() -> None:
        relay = relay_of(database, publisher)
        while await people.count(database, "outbox"):
            await relay.round()

    await asyncio.gather(work(), work(), work())
    assert by_key(publisher.sent) == expected


async def test_a_notification_wakes_therelay_of(database: Database) -> None:
    wake = asyncio.Event()
    listening = asyncio.create_task(listen(database, outbox.CHANNEL, wake))
    try:

        async def listens() -> bool:
            return await people.count(database, "pg_stat_activity", query=listener) > 0

        listener = f'LISTEN "{outbox.CHANNEL}"'
        await until(listens)
        await say(database, "subject-1", "a")
        await until(wake.is_set, within=0.4)  # before the relay would have looked by itself
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_the_loop_goes_on_after_failures(database: Database) -> None:
    """I6."""
    await say(database, "subject-1", *"ab")
    publisher = FakePublisher(_failing_at(1))
    running = asyncio.create_task(relay_of(database, publisher).run(asyncio.Event()))
    try:
        await until(lambda: len(publisher.sent) == 2)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
