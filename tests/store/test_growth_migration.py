"""From whole tables to tables cut by time: nothing lost, order kept, old code goes on (I5, I6)."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from migrations.run import HERE, migrate
from tests.stack.postgres import EmbeddedPostgres

# As the code of level 2 wrote and read, word for word.
OLD_INSERT = """
insert into outbox
    (event_id, topic, key, shard, type, subject_id, body, occurred_at, traceparent)
values (gen_random_uuid(), 'ias.events.v1', $1, $2, 'ias.event.X', null, $3, now(), null)
returning position
"""
OLD_WAITING = """
select position, event_id, topic, key, type, subject_id, body, occurred_at, traceparent
from outbox where shard = $1 order by position limit $2
"""
OLD_CLAIM = """
select shard from outbox_shard s
where exists (select from outbox o where o.shard = s.shard)
order by random() limit 1 for update skip locked
"""
OLD_REMOVE = "delete from outbox where position = any($1::bigint[])"
OLD_SPOOL = "insert into spool (record_id, sealed) values (gen_random_uuid(), $1)"
OLD_SPOOL_CLAIM = """
select position, record_id, sealed from spool where not stuck
order by position limit $1 for update skip locked
"""
OLD_STICK = "update spool set stuck = true where position = $1"


def _to_level_two(connection: Connection) -> None:
    config = Config(HERE / "alembic.ini")
    config.attributes["connection"] = connection
    command.upgrade(config, "0002")


@pytest.fixture
async def old(postgres: EmbeddedPostgres, empty_database: str) -> AsyncIterator[asyncpg.Connection]:
    """A database of level 2, and a connection that stays open through what follows."""
    url = make_url(postgres.dsn(empty_database)).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url)
    async with engine.begin() as begun:
        await begun.run_sync(_to_level_two)
    await engine.dispose()
    connection = await asyncpg.connect(postgres.dsn(empty_database))
    try:
        yield connection
    finally:
        await connection.close()


async def _fill(old: asyncpg.Connection) -> None:
    """Rows of several days and shards, with gaps; one row of the spool does not open."""
    for number in range(60):
        await old.fetchval(OLD_INSERT, f"subject-{number % 7}", number % 7, b"%d" % number)
        await old.execute(OLD_SPOOL, b"%d" % number)
    await old.execute("update outbox set created_at = now() - position * interval '3 hours'")
    await old.execute("update spool set created_at = now() - position * interval '3 hours'")
    await old.execute("delete from outbox where position % 5 = 0")
    await old.execute(OLD_STICK, 3)


async def _all(connection: asyncpg.Connection, table: str) -> list[dict[str, Any]]:
    rows = await connection.fetch(f"select * from {table} order by position")  # noqa: S608 - two names
    return [dict(row) for row in rows]


async def test_what_waits_is_there_after_the_migration_in_its_order(
    old: asyncpg.Connection, postgres: EmbeddedPostgres, empty_database: str
) -> None:
    """I5, I6: every column of every row, positions included."""
    await _fill(old)
    before = {table: await _all(old, table) for table in ("outbox", "spool")}
    assert [len(rows) for rows in before.values()] == [48, 60]
    await migrate(postgres.dsn(empty_database))
    assert {table: await _all(old, table) for table in ("outbox", "spool")} == before


async def test_what_is_written_afterwards_comes_after_what_waited(
    old: asyncpg.Connection, postgres: EmbeddedPostgres, empty_database: str
) -> None:
    """I5."""
    await _fill(old)
    last = await old.fetchval(OLD_INSERT, "subject-1", 1, b"last")
    await old.execute(OLD_REMOVE, [last])  # the highest number is in no row any more
    await migrate(postgres.dsn(empty_database))
    assert await old.fetchval(OLD_INSERT, "subject-1", 1, b"next") > last
    bodies = [bytes(row["body"]) for row in await old.fetch(OLD_WAITING, 1, 100)]
    assert bodies[-1] == b"next"
    assert bodies[:-1] == sorted(bodies[:-1], key=int)


async def test_old_code_goes_on_over_the_migration_on_the_connection_it_has(
    old: asyncpg.Connection, postgres: EmbeddedPostgres, empty_database: str
) -> None:
    """I6: its statements were prepared before and are word for word the same."""
    await _fill(old)
    await old.fetch(OLD_WAITING, 1, 10)
    await old.execute("grant ias_service to current_user")
    await migrate(postgres.dsn(empty_database))
    await old.execute("set role ias_service")
    assert await old.fetchval(OLD_CLAIM) in range(7)
    rows = await old.fetch(OLD_WAITING, 1, 10)
    await old.execute(OLD_REMOVE, [row["position"] for row in rows])
    assert await old.fetch(OLD_WAITING, 1, 10) == []
    await old.execute(OLD_STICK, 1)
    assert [row["position"] for row in await old.fetch(OLD_SPOOL_CLAIM, 2)] == [2, 4]
    await old.execute("reset role")
    await old.execute("grant ias_ingress to current_user")
    await old.execute("set role ias_ingress")
    await old.execute(OLD_SPOOL, b"new")


async def test_rows_of_days_that_are_over_wait_in_the_default_partition(
    old: asyncpg.Connection, postgres: EmbeddedPostgres, empty_database: str
) -> None:
    """I6: an insert never fails for want of a partition; today has one of its own."""
    await _fill(old)
    await migrate(postgres.dsn(empty_database))
    await old.fetchval(OLD_INSERT, "subject-1", 1, b"today")
    counted = await old.fetch("select tableoid::regclass::text, count(*) from outbox group by 1")
    where = {str(name): int(count) for name, count in counted}
    today = await old.fetchval("select to_char(now() at time zone 'UTC', '\"outbox_\"YYYY_MM_DD')")
    assert set(where) == {"outbox_default", today}
    assert where["outbox_default"] > 30
