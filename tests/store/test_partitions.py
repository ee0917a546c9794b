"""Partitions: made ahead, dropped when they are over and empty; inserts never fail (I6)."""

from datetime import date, timedelta

import asyncpg
import pytest

from service.store import partitions
from service.store.pool import Database
from service.store.unit import Unit
from tests.bus.relaying import say
from tests.support import people

NAMES = """
select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = $1::regclass order by 1
"""
TODAY = "select (now() at time zone 'UTC')::date"
DAY = timedelta(days=1)


async def _names(owner: asyncpg.Connection, parent: str) -> list[str]:
    return [row["relname"] for row in await owner.fetch(NAMES, parent)]


async def _old_day(owner: asyncpg.Connection, parent: str, days: int) -> str:
    """A partition of a day that is over."""
    day: date = await owner.fetchval(TODAY) - days * DAY
    name = f"{parent}_{day:%Y_%m_%d}"
    await owner.execute(
        f"create table {name} partition of {parent}"
        f" for values from ('{day} 00:00+00') to ('{day + DAY} 00:00+00')"
    )
    return name


async def _drop(database: Database, parent: str, age: timedelta) -> int:
    async with database.transaction() as unit:
        return await partitions.drop(unit, parent, age)


@pytest.mark.parametrize("queue", partitions.QUEUES)
async def test_today_and_a_week_ahead_have_a_partition_each(
    owner: asyncpg.Connection, queue: str
) -> None:
    today: date = await owner.fetchval(TODAY)
    days = [f"{queue}_{today + number * DAY:%Y_%m_%d}" for number in range(8)]
    assert await _names(owner, queue) == [*days, f"{queue}_default"]


async def test_the_history_has_partitions_of_months(owner: asyncpg.Connection) -> None:
    names = await _names(owner, "vendor_call_history")
    assert len(names) == 5
    assert all(name.endswith(("_01", "_default")) for name in names)


async def test_what_is_missing_is_made_by_the_service_without_rights_on_tables(
    database: Database, owner: asyncpg.Connection
) -> None:
    before = await _names(owner, "outbox")
    await owner.execute(f"drop table {before[0]}, {before[3]}")
    async with database.transaction() as unit:
        assert await partitions.provide(unit) == 0
    assert await _names(owner, "outbox") == before


async def test_without_any_partition_rows_go_to_the_default_one(
    database: Database, owner: asyncpg.Connection
) -> None:
    """I6: housekeeping was away for long. The day that has rows there is left alone."""
    today = (await _names(owner, "outbox"))[0]
    await owner.execute(f"drop table {today}")
    await say(database, "subject-1", "a")
    assert await people.count(database, "outbox") == 1
    async with database.transaction() as unit:
        assert await partitions.provide(unit) == 1
    assert await people.count(database, "outbox") == 1


@pytest.mark.parametrize("queue", partitions.QUEUES)
async def test_a_day_that_is_over_and_empty_is_dropped(
    database: Database, owner: asyncpg.Connection, queue: str
) -> None:
    old = await _old_day(owner, queue, 3)
    before = await _names(owner, queue)
    assert await _drop(database, queue, DAY) == 1
    assert await _names(owner, queue) == [name for name in before if name != old]


async def test_a_day_with_an_unsent_row_stays_however_old_it_is(
    database: Database, owner: asyncpg.Connection
) -> None:
    """I6. Those before and after it go."""
    held = await _old_day(owner, "outbox", 30)
    for days in (40, 20):
        await _old_day(owner, "outbox", days)
    await say(database, "subject-1", "a")
    await owner.execute("update outbox set created_at = now() - interval '30 days'")
    assert await _drop(database, "outbox", DAY) == 2
    assert held in await _names(owner, "outbox")
    assert await people.count(database, "outbox") == 1


async def test_a_row_of_the_spool_that_does_not_open_keeps_its_day(
    database: Database, owner: asyncpg.Connection
) -> None:
    """I6: operators were told; it is theirs."""
    held = await _old_day(owner, "spool", 30)
    await owner.execute(
        "insert into spool (record_id, sealed, stuck, created_at)"
        " values (gen_random_uuid(), '', true, now() - interval '30 days')"
    )
    assert await _drop(database, "spool", DAY) == 0
    assert held in await _names(owner, "spool")


@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=-400)])
async def test_nothing_young_can_be_dropped_whatever_is_asked_for(
    database: Database, owner: asyncpg.Connection, age: timedelta
) -> None:
    """I6: a taken-over service cannot drop what is written to, nor what another table holds."""
    before = await _names(owner, "outbox")
    assert await _drop(database, "outbox", age) == 0
    assert await _names(owner, "outbox") == before
    with pytest.raises(asyncpg.NoDataFoundError):
        await _drop(database, "inbox", age)


async def test_months_of_history_go_with_their_rows(
    database: Database, owner: asyncpg.Connection
) -> None:
    await owner.execute(
        "create table vendor_call_history_2020_01_01 partition of vendor_call_history"
        " for values from ('2020-01-01 00:00+00') to ('2020-02-01 00:00+00')"
    )
    await owner.execute(
        "insert into vendor_call_history (call_id, operation, ref_id, attempts, created_at, moved_at)"
        " values (gen_random_uuid(), 'x', gen_random_uuid(), 1, '2019-11-01', '2020-01-10')"
    )
    assert await _drop(database, "vendor_call_history", timedelta(days=400)) == 1
    assert await people.count(database, "vendor_call_history") == 0


async def test_a_reader_is_not_waited_for_longer_than_half_a_second(
    database: Database, owner: asyncpg.Connection
) -> None:
    """Whoever comes later would wait behind a lock that is waited for."""
    old = await _old_day(owner, "outbox", 3)
    async with database.transaction() as reader:
        await reader.conn.fetch("select from outbox limit 1")
        async with database.transaction() as unit:
            assert await partitions.drop(unit, "outbox", DAY) == 0
    assert old in await _names(owner, "outbox")
    assert await _drop(database, "outbox", DAY) == 1


async def test_one_replica_at_a_time_sees_to_partitions(database: Database) -> None:
    async def alone(unit: Unit) -> bool:
        return await partitions.try_alone(unit)

    async with database.transaction() as one, database.transaction() as two:
        assert await alone(one)
        assert not await alone(two)
