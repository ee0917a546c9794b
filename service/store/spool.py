"""The spool: sealed records that Kafka did not take in time, until the relay brings them there."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from service.store.pool import Connection
from service.store.unit import Unit

INSERT = "insert into spool (record_id, sealed) select * from unnest($1::uuid[], $2::bytea[])"
CLAIM = """
select position, record_id, sealed from spool where not stuck
order by position limit $1 for update skip locked
"""
REMOVE = "delete from spool where position = any($1::bigint[])"
STICK = "update spool set stuck = true where position = $1"
OLDEST = """
select extract(epoch from now() - created_at) from spool where not stuck order by position limit 1
"""
COUNT = """
select count(*) from (select from spool where not stuck order by position limit $1) counted
"""
COUNT_STUCK = """
select count(*) from (select from spool where stuck order by position limit $1) counted
"""
ROWS_COUNTED: Final = 100_000
STUCK_COUNTED: Final = 1_000


class Spooled(NamedTuple):
    """One row."""

    position: int
    record_id: UUID
    sealed: bytes


async def insert(connection: Connection, records: Sequence[tuple[UUID, bytes]]) -> None:
    """Keep sealed records, each under its id; committed when this returns."""
    await connection.execute(INSERT, [row[0] for row in records], [row[1] for row in records])


async def claim(unit: Unit, limit: int) -> list[Spooled]:
    """The oldest rows that no other relay holds, locked."""
    return [Spooled(*row.values()) for row in await unit.conn.fetch(CLAIM, limit)]


async def remove(unit: Unit, positions: list[int]) -> None:
    """Forget rows that the broker has acknowledged."""
    await unit.conn.execute(REMOVE, positions)


async def set_stuck(unit: Unit, position: int) -> None:
    """Keep a row that does not open out of the way, for operators."""
    await unit.conn.execute(STICK, position)


async def waiting(unit: Unit) -> tuple[int, float]:
    """How many rows wait (counted up to ``ROWS_COUNTED``), and for how many seconds the oldest."""
    age = await unit.conn.fetchval(OLDEST)
    if age is None:
        return 0, 0.0
    return await unit.conn.fetchval(COUNT, ROWS_COUNTED), float(age)


async def stuck(unit: Unit) -> int:
    """How many rows did not open and are kept for operators (counted up to ``STUCK_COUNTED``)."""
    count: int = await unit.conn.fetchval(COUNT_STUCK, STUCK_COUNTED)
    return count
