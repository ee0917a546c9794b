"""Reads the audit for its tools: the chain, heads and checkpoints, and entries of a time."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from asyncpg import Record

from service.ias.audit import Checkpoint, Entry, Head, Link, Position
from service.store.pool import Connection

BATCH: Final = 2000
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)

LINKS = """
select c.number, c.entry_id, c.recorded_at, c.entry_digest, c.previous, c.hash, c.sealed_at,
    e.kind, e.subject_ref, e.object_id, e.box
from audit_chain c
left join audit_entry e on e.entry_id = c.entry_id and e.recorded_at = c.recorded_at
where (c.number, c.sealed_at) > ($1, $2) order by c.number, c.sealed_at limit $3
"""
FIRST = "select number from audit_chain order by number limit 1"
CHAINED = """
select e.recorded_at, e.entry_id, exists (
    select from audit_chain c
    where c.entry_id = e.entry_id and c.sealed_at >= e.recorded_at - interval '1 day') as chained
from audit_entry e
where (e.recorded_at, e.entry_id) > ($1, $2) and e.recorded_at < clock_timestamp() - $3::interval
order by e.recorded_at, e.entry_id limit $4
"""
HEADS = """
select number, hash, sealed_at, key_id, signature, published_at from audit_head
where (number, published_at) > ($1, $2) order by number, published_at limit $3
"""
NEWEST_HEAD = """
select number, hash, sealed_at, key_id, signature from audit_head
order by number desc, published_at desc limit 1
"""
PARTITIONS = """
select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent in ('audit_entry'::regclass, 'audit_chain'::regclass, 'audit_head'::regclass)
"""
CHECKPOINTS = """
select month, first_number, last_number, previous, hash, key_id, signature, closed_at
from audit_checkpoint order by month
"""
ENTRIES = """
select entry_id, recorded_at, kind, subject_ref, object_id, box from audit_entry
where (recorded_at, entry_id) > ($1, $2) and recorded_at >= $3 and recorded_at < $4
    and ($5::bytea is null or subject_ref = $5)
order by recorded_at, entry_id limit $6
"""


class Row(NamedTuple):
    """A link, and its entry if it is there."""

    link: Link
    entry: Entry | None


class SignedHead(NamedTuple):
    """A head and who signed it."""

    head: Head
    key_id: str
    signature: bytes


class SignedCheckpoint(NamedTuple):
    """A checkpoint, who signed it, and when the month was closed."""

    checkpoint: Checkpoint
    key_id: str
    signature: bytes
    closed_at: datetime

    @property
    def end(self) -> Position:
        """The last link of the month."""
        return Position(self.checkpoint.last_number, self.checkpoint.hash)


async def links(connection: Connection) -> AsyncIterator[Row]:
    """The whole chain, in order of its numbers."""
    number, sealed_at = 0, BEGINNING
    while True:
        rows = await connection.fetch(LINKS, number, sealed_at, BATCH)
        for row in rows:
            yield _row(row)
        if len(rows) < BATCH:
            return
        number, sealed_at = rows[-1]["number"], rows[-1]["sealed_at"]


async def first_number(connection: Connection) -> int | None:
    """The number of the first link that is there."""
    found: int | None = await connection.fetchval(FIRST)
    return found


async def never_chained(connection: Connection, since: datetime, older_than: timedelta) -> int:
    """How many entries of ``since`` and later wait for longer than the sealer ever takes."""
    found, at, last = 0, since, UUID(int=0)
    while True:
        rows = await connection.fetch(CHAINED, at, last, older_than, BATCH)
        found += sum(not row["chained"] for row in rows)
        if len(rows) < BATCH:
            return found
        at, last = rows[-1]["recorded_at"], rows[-1]["entry_id"]


async def heads(connection: Connection) -> AsyncIterator[SignedHead]:
    """Every head that the database remembers having published, in order of their numbers.

    Read in batches: there may be one for each minute of six years.
    """
    number, published_at = 0, BEGINNING
    while True:
        rows = await connection.fetch(HEADS, number, published_at, BATCH)
        for row in rows:
            yield _head(row)
        if len(rows) < BATCH:
            return
        number, published_at = rows[-1]["number"], rows[-1]["published_at"]


async def newest_head(connection: Connection) -> SignedHead | None:
    """The last head that was published, if one was."""
    row = await connection.fetchrow(NEWEST_HEAD)
    return None if row is None else _head(row)


async def checkpoints(connection: Connection) -> list[SignedCheckpoint]:
    """The checkpoints of all months that are over."""
    rows = map(tuple, await connection.fetch(CHECKPOINTS))
    return [SignedCheckpoint(Checkpoint(*row[:5]), *row[5:]) for row in rows]


async def partitions(connection: Connection) -> set[str]:
    """Names of the partitions that are there."""
    return {row["relname"] for row in await connection.fetch(PARTITIONS)}


async def entries(
    connection: Connection, begin: datetime, end: datetime, subject_ref: bytes | None
) -> AsyncIterator[Entry]:
    """Entries of a time, oldest first, of all subjects or of one."""
    at, last = begin, UUID(int=0)
    while True:
        rows = await connection.fetch(ENTRIES, at, last, begin, end, subject_ref, BATCH)
        for row in rows:
            yield Entry(*row.values())
        if len(rows) < BATCH:
            return
        at, last = rows[-1]["recorded_at"], rows[-1]["entry_id"]


def _head(record: Record) -> SignedHead:
    return SignedHead(Head(*record[:3]), *record[3:5])


def _row(record: Record) -> Row:
    link = Link(*record[:7])
    if record["box"] is None:
        return Row(link, None)
    return Row(link, Entry(link.entry_id, link.recorded_at, *record[7:]))
