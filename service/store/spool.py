"""The spool: sealed records that Kafka did not take in time, until the relay brings them there."""

from collections.abc import Sequence
from typing import NamedTuple
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
WAITING = """
select count(*), coalesce(extract(epoch from now() - min(created_at)), 0) from spool
"""


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
    """How many rows wait, and for how many seconds the oldest."""
    row = await unit.conn.fetchrow(WAITING)
    return (0, 0.0) if row is None else (row[0], float(row[1]))
