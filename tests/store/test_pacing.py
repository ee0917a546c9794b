"""Slots: no window holds more calls than slots, whatever the replicas do (I8)."""

import asyncio
from datetime import timedelta

from service.store import pacing
from service.store.pool import Database
from tests.support import people

OPERATION = "start_network_query"
LEASE = timedelta(seconds=30)
WINDOW = timedelta(seconds=60)
AGE = "update pacing_slot set usable_at = usable_at - $1::interval"


async def _provide(database: Database, slots: int) -> None:
    async with database.transaction() as unit:
        await pacing.provide(unit, OPERATION, slots)


async def _hold(database: Database, slots: int) -> pacing.Held:
    async with database.transaction() as unit:
        held = await pacing.take(unit, OPERATION, slots, LEASE + WINDOW)
    assert held is not None
    return held


async def _take(database: Database, slots: int) -> int | None:
    async with database.transaction() as unit:
        held = await pacing.take(unit, OPERATION, slots, LEASE + WINDOW)
    return None if held is None else held.slot


async def test_many_at_once_take_no_more_than_there_are(database: Database) -> None:
    """I8."""
    await _provide(database, 5)
    taken = await asyncio.gather(*(_take(database, 5) for _ in range(16)))
    found = [slot for slot in taken if slot is not None]
    assert len(found) == len(set(found)) <= 5
    rest = [await _take(database, 5) for _ in range(6)]  # a skipped lock is not a lost slot
    assert sorted([*found, *(slot for slot in rest if slot)]) == [1, 2, 3, 4, 5]


async def test_a_slot_given_back_is_usable_after_the_window_and_not_before(
    database: Database,
) -> None:
    """I8: sixty seconds from the end of the call."""
    await _provide(database, 1)
    held = await _hold(database, 1)
    async with database.transaction() as unit:
        await pacing.give_back(unit, held, WINDOW)
    assert await _take(database, 1) is None
    await people.sql(database, AGE, timedelta(seconds=58))
    assert await _take(database, 1) is None
    await people.sql(database, AGE, timedelta(seconds=2))
    assert await _take(database, 1) == 1


async def test_a_slot_of_a_dead_replica_is_usable_after_lease_and_window(
    database: Database,
) -> None:
    """I8: the call may have been made just before the lease ended."""
    await _provide(database, 1)
    await _take(database, 1)
    await people.sql(database, AGE, LEASE + timedelta(seconds=58))
    assert await _take(database, 1) is None
    await people.sql(database, AGE, timedelta(seconds=2))
    assert await _take(database, 1) == 1


async def test_a_released_slot_is_usable_at_once(database: Database) -> None:
    """No call was made."""
    await _provide(database, 1)
    held = await _hold(database, 1)
    async with database.transaction() as unit:
        await pacing.release(unit, held)
    assert await _take(database, 1) == 1


async def test_who_held_a_slot_too_long_gives_back_nothing_of_the_next_holder(
    database: Database,
) -> None:
    """I8: a replica that was stopped, and wakes up when its slot is somebody else's."""
    await _provide(database, 1)
    late = await _hold(database, 1)
    await people.sql(database, AGE, LEASE + WINDOW)
    await _hold(database, 1)
    async with database.transaction() as unit:
        await pacing.give_back(unit, late, WINDOW)
        await pacing.release(unit, late)
    await people.sql(database, AGE, LEASE + timedelta(seconds=58))
    assert await _take(database, 1) is None


async def test_a_smaller_share_uses_fewer_slots(database: Database) -> None:
    """I8: the account may have other callers."""
    await _provide(database, 5)
    assert [await _take(database, 2) for _ in range(3)].count(None) == 1


async def test_providing_again_gives_no_second_chance(database: Database) -> None:
    """I8: a restart of the gateway forgets no call."""
    await _provide(database, 1)
    await _take(database, 1)
    await _provide(database, 1)
    assert await _take(database, 1) is None


async def test_operations_do_not_share_slots(database: Database) -> None:
    await _provide(database, 1)
    async with database.transaction() as unit:
        await pacing.provide(unit, "create_patient", 1)
        assert await pacing.take(unit, OPERATION, 1, LEASE) is not None
        assert await pacing.take(unit, "create_patient", 1, LEASE) is not None


async def test_a_rolled_back_unit_takes_no_slot(database: Database) -> None:
    await _provide(database, 1)
    async with database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.fetchval(pacing.TAKE, OPERATION, 1, LEASE)
        assert await _take(database, 1) is None
        await transaction.rollback()
    assert await _take(database, 1) == 1


async def test_the_wait_for_the_next_slot_is_told(database: Database) -> None:
    await _provide(database, 2)
    async with database.transaction() as unit:
        assert await pacing.next_usable(unit, OPERATION, 2) <= timedelta(seconds=1)
    for _ in range(2):
        await _take(database, 2)
    async with database.transaction() as unit:
        wait = await pacing.next_usable(unit, OPERATION, 2)
    assert timedelta(seconds=80) < wait <= LEASE + WINDOW
