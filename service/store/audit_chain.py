"""What the sealer reads and writes: entries that wait, the chain's end, heads and checkpoints."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from service.ias.audit import Checkpoint, Entry, Head, Link
from service.store.unit import Unit

_LOCK: Final = 8451927304

TRY_LOCK = f"select pg_try_advisory_xact_lock({_LOCK})"
LAST = "select number, hash, sealed_at from audit_chain order by number desc limit 1"
WAITING = """
select u.position, e.entry_id, e.recorded_at, e.kind, e.subject_ref, e.object_id, e.box
from audit_unchained u
join audit_entry e on e.entry_id = u.entry_id and e.recorded_at = u.recorded_at
order by u.position limit $1
"""
APPEND = """
insert into audit_chain (number, entry_id, recorded_at, entry_digest, previous, hash, sealed_at)
select * from unnest($1::bigint[], $2::uuid[], $3::timestamptz[], $4::bytea[], $5::bytea[],
    $6::bytea[], $7::timestamptz[])
"""
REMOVE = "delete from audit_unchained where position = any($1::bigint[])"
AT = "select number, hash from audit_chain where number = any($1::bigint[])"
LAST_HEAD = "select number, published_at from audit_head order by number desc limit 1"
ADD_HEAD = """
insert into audit_head (number, hash, sealed_at, key_id, signature, published_at)
values ($1, $2, $3, $4, $5, $6)
"""
LAST_CLOSED = "select month, last_number from audit_checkpoint order by month desc limit 1"
ADD_CHECKPOINT = """
insert into audit_checkpoint
    (month, first_number, last_number, previous, hash, key_id, signature, closed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
ENDS = """
select first.number as first_number, last.number as last_number, first.previous, last.hash
from (select number, previous from audit_chain where sealed_at >= $1 and sealed_at < $2
        order by number limit 1) first,
    (select number, hash from audit_chain where sealed_at >= $1 and sealed_at < $2
        order by number desc limit 1) last
"""
OLDEST_AFTER = "select sealed_at from audit_chain where number > $1 order by number limit 1"
BACKLOG = """
select count(*), coalesce(extract(epoch from clock_timestamp() - min(recorded_at)), 0)
from audit_unchained
"""
PROVIDE = "select audit_provide($1)"


class Waiting(NamedTuple):
    """An entry that waits to be chained, and its place in the queue."""

    position: int
    entry: Entry


class Backlog(NamedTuple):
    """How many entries wait, and for how many seconds the oldest."""

    entries: int
    age: float


async def lock(unit: Unit) -> bool:
    """Become the one sealer until the transaction ends; ``False`` while another is."""
    got: bool = await unit.conn.fetchval(TRY_LOCK)
    return got


async def last(unit: Unit) -> Head | None:
    """The newest link of the chain."""
    row = await unit.conn.fetchrow(LAST)
    return None if row is None else Head(*row.values())


async def hashes(unit: Unit, numbers: Sequence[int]) -> dict[int, bytes]:
    """The links of these numbers that the chain has, by number."""
    return {row["number"]: row["hash"] for row in await unit.conn.fetch(AT, list(numbers))}


async def waiting(unit: Unit, limit: int) -> list[Waiting]:
    """Entries that no link names yet; whatever their times, none is passed over."""
    rows = map(tuple, await unit.conn.fetch(WAITING, limit))
    return [Waiting(row[0], Entry(*row[1:])) for row in rows]


async def append(unit: Unit, links: Sequence[Link], positions: Sequence[int]) -> None:
    """Write links, and take their entries out of the queue."""
    columns = [list(column) for column in zip(*links, strict=True)]
    await unit.conn.execute(APPEND, *columns)
    await unit.conn.execute(REMOVE, list(positions))


async def last_head(unit: Unit) -> tuple[int, datetime] | None:
    """Number and time of the newest published head."""
    row = await unit.conn.fetchrow(LAST_HEAD)
    return None if row is None else (row["number"], row["published_at"])


async def add_head(unit: Unit, head: Head, key_id: str, signature: bytes) -> None:
    """Remember that a head was published."""
    await unit.conn.execute(ADD_HEAD, *head, key_id, signature, unit.now)


async def last_closed(unit: Unit) -> tuple[date, int] | None:
    """The newest closed month, and the number of its last link."""
    row = await unit.conn.fetchrow(LAST_CLOSED)
    return None if row is None else (row["month"], row["last_number"])


async def oldest_after(unit: Unit, number: int) -> datetime | None:
    """When the first link after a number was sealed."""
    found: datetime | None = await unit.conn.fetchval(OLDEST_AFTER, number)
    return found


async def checkpoint(unit: Unit, month: date, begin: datetime, end: datetime) -> Checkpoint | None:
    """The links of a month as one; ``None`` when it has none."""
    row = await unit.conn.fetchrow(ENDS, begin, end)
    return None if row is None else Checkpoint(month, *row.values())


async def close(unit: Unit, closed: Checkpoint, key_id: str, signature: bytes) -> None:
    """Write a month's checkpoint."""
    await unit.conn.execute(ADD_CHECKPOINT, *closed, key_id, signature, unit.now)


async def backlog(unit: Unit) -> Backlog:
    """What waits to be chained."""
    row = await unit.conn.fetchrow(BACKLOG)
    count, age = (0, 0) if row is None else row.values()
    return Backlog(count, float(age))


async def provide(unit: Unit, month: date) -> bool:
    """Make sure that a month has partitions of its own; whether it has."""
    provided: bool = await unit.conn.fetchval(PROVIDE, month)
    return provided
