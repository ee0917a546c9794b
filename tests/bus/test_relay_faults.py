"""The relay among faults: other replicas, failing rows, rows that do not open, late commits (I5, I6)."""

import asyncio
import random
from unittest import mock

import asyncpg
import pytest
from prometheus_client import REGISTRY

from service.bus import relay as relaying
from service.bus.publisher import PublishError
from service.crypto.keys import KeyRing
from service.store import outbox, outbox_rows
from service.store.pool import Database
from service.store.unit import Vault
from tests.bus.relaying import FakePublisher, by_key, per_key, relay_of, say, tell
from tests.support import people
from tests.support.outbox import told
from tests.support.waiting import until

ALL_OF_THE_SERVICE = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and state = 'idle in transaction'
"""


def _once_each(ids: list[str]) -> list[str]:
    """What a reader that dedupes by ``ce_id`` sees."""
    return list(dict.fromkeys(ids))


async def _drained(database: Database) -> bool:
    return await people.count(database, "outbox") == 0


async def test_three_replicas_and_a_broker_that_fails_at_random_lose_and_disorder_nothing(
    database: Database,
) -> None:
    """I5, I6: a reader that dedupes sees each subject's events once, in order."""
    chance = random.Random(4)
    names = [f"subject-{number}" for number in range(12)]
    for name in names:
        await say(database, name, *"abcdef")
    expected = per_key(await told(database))

    def sometimes(_: int) -> None:
        if chance.random() < 0.2:
            raise PublishError("away")

    publishers = [FakePublisher(sometimes) for _ in range(3)]
    sent = publishers[0].sent
    for publisher in publishers:
        publisher.sent = sent  # one broker
    with mock.patch.object(relaying, "_HELD_SECONDS", 0.01):
        running = [
            asyncio.create_task(relay_of(database, publisher).run(asyncio.Event()))
            for publisher in publishers
        ]
        try:
            await until(lambda: _drained(database))
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
    assert {key: _once_each(ids) for key, ids in by_key(sent).items()} == expected


async def test_many_subjects_are_sent_for_at_once_and_one_row_of_each(database: Database) -> None:
    """I5: the publisher fails the test when a second row of a subject comes before the first is taken."""
    for number in range(20):
        await say(database, f"subject-{number}", "a", "b")
    publisher = FakePublisher()
    relay = relay_of(database, publisher)
    while (await relay.round()).sent:
        pass
    assert len(publisher.sent) == 40
    assert publisher.most_under_way > 5


async def test_a_subject_that_fails_holds_back_nobody_else_of_its_shard(database: Database) -> None:
    """I5, I6."""
    others = (f"other-{number}" for number in range(10_000))
    shard = outbox.shard_of("failing")
    neighbour = next(name for name in others if outbox.shard_of(name) == shard)
    await say(database, "failing", *"abc")
    await say(database, neighbour, *"abc")
    publisher = FakePublisher()
    publisher.refused = {"failing"}
    assert await relay_of(database, publisher).round() == (3, 1)
    assert {one.key for one in publisher.sent} == {neighbour}
    publisher.refused = set()
    assert await relay_of(database, publisher).round() == (3, 0)


async def test_a_backlog_that_cannot_be_sent_does_not_hide_those_behind_it(
    database: Database,
) -> None:
    """I6: a round reads only so many rows of a shard; the failing subject is passed over meanwhile."""
    others = (f"other-{number}" for number in range(10_000))
    shard = outbox.shard_of("failing")
    neighbour = next(name for name in others if outbox.shard_of(name) == shard)
    async with database.transaction() as unit:
        for _ in range(relaying._ROWS):  # noqa: SLF001 - the limit that is filled
            await tell(unit, "failing")
    await say(database, neighbour, "a")
    publisher = FakePublisher()
    publisher.refused = {"failing"}
    relay = relay_of(database, publisher)
    assert await relay.round() == (0, 1)
    assert await relay.round() == (1, 0)


async def test_rows_that_no_key_opens_stay_and_stop_nobody(
    database: Database, owner: asyncpg.Connection
) -> None:
    """I6: operators see them counted; every other subject goes on."""
    await say(database, "moved", "a", "b")
    await say(database, "healthy", "a", "b")
    await owner.execute("update outbox set event_id = gen_random_uuid() where key = 'moved'")
    before = REGISTRY.get_sample_value("ias_outbox_relay_failures_total", {"why": "unopened"}) or 0
    publisher = FakePublisher()
    assert await relay_of(database, publisher).round() == (2, 1)
    assert {one.key for one in publisher.sent} == {"healthy"}
    assert await people.count(database, "outbox", key="moved") == 2
    after = REGISTRY.get_sample_value("ias_outbox_relay_failures_total", {"why": "unopened"})
    assert after == before + 1


async def test_a_key_that_is_missing_from_the_ring_loses_nothing(database: Database) -> None:
    """I6: a replica that got the wrong keys sends nothing; one with the right keys sends all."""
    await say(database, "subject-1", "a", "b")
    publisher = FakePublisher()
    stranger = Database(database._pool, Vault(KeyRing((bytes(32),))))  # noqa: SLF001 - same rows
    assert await relay_of(stranger, publisher).round() == (0, 1)
    assert await relay_of(database, publisher).round() == (2, 0)


async def test_a_row_of_a_topic_that_only_newer_code_knows_waits_for_it(
    database: Database, owner: asyncpg.Connection
) -> None:
    """I6: old and new code run side by side."""
    await say(database, "subject-1", "a")
    await say(database, "subject-2", "a")
    await owner.execute("update outbox set topic = 'ias.newer.v1' where key = 'subject-1'")
    publisher = FakePublisher()
    assert await relay_of(database, publisher).round() == (1, 1)
    assert await people.count(database, "outbox", key="subject-1") == 1


async def test_a_lower_position_that_commits_later_is_sent(database: Database) -> None:
    """I6: nothing is found by being beyond a cursor."""
    publisher = FakePublisher()
    relay = relay_of(database, publisher)
    async with database.transaction() as slow:
        await tell(slow, "slow")
        await slow.conn.settle()  # its position is taken
        await say(database, "quick", "a")
        assert (await relay.round()).sent == 1
    positions = [row.position for row in await told(database)]
    assert len(positions) == 1
    assert (await relay.round()).sent == 1
    assert [one.key for one in publisher.sent] == ["quick", "slow"]


async def test_what_a_killed_replica_held_is_left_to_others(
    database: Database, owner: asyncpg.Connection
) -> None:
    """I5, I6: its connection dies, its locks go, its rows are sent again from the first."""
    await say(database, "subject-1", *"abc")
    expected = [event.id for event in await told(database)]
    dying, healthy = FakePublisher(), FakePublisher()
    dying.stall_at = 2
    killed = asyncio.create_task(relay_of(database, dying).round())
    try:
        await until(lambda: dying.attempts == 2)
        assert await relay_of(database, healthy).round() == (0, 0)
        await owner.execute(ALL_OF_THE_SERVICE)
        relay = relay_of(database, healthy)

        async def sent_by_another() -> bool:
            return bool((await relay.round()).sent)

        await until(sent_by_another)
    finally:
        killed.cancel()
        await asyncio.gather(killed, return_exceptions=True)
    assert [one.id for one in healthy.sent] == expected
    assert await _drained(database)


async def test_the_loop_outlives_the_death_of_its_connection_and_of_every_hint(
    database: Database, owner: asyncpg.Connection
) -> None:
    """I6: nobody sets ``wake`` here."""
    publisher = FakePublisher()
    publisher.stall_at = 1
    await say(database, "subject-1", "a")
    with (
        mock.patch.object(relaying, "_SENDING_SECONDS", 0.2),
        mock.patch.object(relaying, "_ROUND_SECONDS", 0.3),
        mock.patch.object(relaying, "_FAULT_SECONDS", 0.01),
    ):
        running = asyncio.create_task(relay_of(database, publisher).run(asyncio.Event()))
        try:
            await until(lambda: publisher.attempts == 1)
            await owner.execute(ALL_OF_THE_SERVICE)
            await until(lambda: _drained(database))
            await say(database, "subject-2", "a")
            await until(lambda: _drained(database))
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_lag_and_age_are_measured(database: Database, owner: asyncpg.Connection) -> None:
    await say(database, "subject-1", *"abc")
    await owner.execute("update outbox set created_at = created_at - interval '1 minute'")
    async with database.transaction() as unit:
        backlog = await outbox_rows.measure(unit)
    assert backlog.rows == 3
    assert backlog.age == pytest.approx(60, abs=10)


async def test_a_round_reads_no_more_of_a_shard_than_fits(database: Database) -> None:
    """Memory: the first row is always read, however large; those that make it too much wait."""
    async with database.transaction() as unit:
        for _ in range(5):
            await tell(unit, "subject-1", "x" * 1_000)
        await unit.conn.settle()
        shard = [outbox.shard_of("subject-1")]
        assert len(await outbox_rows.waiting(unit, shard, rows=100, size=2_000)) == 2
        assert len(await outbox_rows.waiting(unit, shard, rows=100, size=1)) == 1
