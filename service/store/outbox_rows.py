"""The relay's side of the outbox: shards that have rows, rows in order, rows that are done.

Rows are found because they are there, never by ``position > cursor``: a lower position may commit
later than a higher one, and a cursor would pass it by for ever.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from schemas.ids import SubjectId
from service.crypto.envelope import DataKey
from service.crypto.keys import UnknownKeyError
from service.store.outbox import Draft, box_place
from service.store.unit import Unit

ROWS_COUNTED: Final = 100_000
"""``measure`` counts no further: that many rows are an alarm whatever their exact number."""

CLAIM_SHARDS = """
select shard from outbox_shard s
where exists (select from outbox o where o.shard = s.shard)
order by random() limit $1 for update skip locked
"""
WAITING = """
select o.position, o.event_id, o.topic, o.key, o.type, o.subject_id, o.body, o.occurred_at,
    o.traceparent, p.data_key
from unnest($1::smallint[]) as claimed (shard)
cross join lateral (
    select w.*, sum(coalesce(octet_length(body), 0)) over (order by position)
        - coalesce(octet_length(body), 0) as bytes_before
    from outbox w where w.shard = claimed.shard and w.key <> all($2::text[])
    order by position limit $3) o
left join subject p on p.subject_id = o.subject_id
where o.bytes_before < $4 order by o.position
"""
REMOVE = "delete from outbox where position = any($1::bigint[])"
OLDEST = """
select extract(epoch from now() - created_at) from outbox order by position limit 1
"""
COUNT = "select count(*) from (select from outbox order by position limit $1) counted"


class Waiting(NamedTuple):
    """One row as it waits: encrypted, when it is about a subject."""

    position: int
    event_id: UUID
    topic: str
    key: str
    type: str
    subject_id: SubjectId | None
    body: bytes | None
    occurred_at: datetime
    traceparent: str | None
    data_key: bytes | None

    def __repr__(self) -> str:
        return f"Waiting({self.position})"


class Backlog(NamedTuple):
    """How many rows wait (counted up to ``ROWS_COUNTED``), and for how many seconds the oldest."""

    rows: int
    age: float


async def claim_shards(unit: Unit, limit: int) -> list[int]:
    """Up to ``limit`` shards with waiting rows, locked until the transaction ends.

    In any order, so that replicas that wake at once do not queue for the same.
    """
    return [row["shard"] for row in await unit.conn.fetch(CLAIM_SHARDS, limit)]


async def waiting(
    unit: Unit, shards: Sequence[int], *, rows: int, size: int, without: Collection[str] = ()
) -> list[Waiting]:
    """The oldest rows of each shard, in order of position, still encrypted.

    At most ``rows`` of a shard, and no further row of it once they hold ``size`` bytes. Rows of the
    keys in ``without`` are passed over, so that what cannot be sent does not hide what can.
    """
    found = await unit.conn.fetch(WAITING, shards, list(without), rows, size)
    return [Waiting(*row.values()) for row in found]


def opened(unit: Unit, row: Waiting) -> Draft:
    """The row in the clear.

    Raises:
        UnknownKeyError: its subject has no key (any more), or not one that opens it.
    """
    body = row.body
    if row.subject_id is not None and body is not None:
        body = _data_key(unit, row.subject_id, row.data_key).decrypt(body, box_place(row.event_id))
    return Draft(row.event_id, row.topic, row.key, row.type, body, row.occurred_at, row.traceparent)


async def remove(unit: Unit, positions: Sequence[int]) -> None:
    """Forget rows that the broker has acknowledged."""
    await unit.conn.execute(REMOVE, positions)


async def measure(unit: Unit) -> Backlog:
    """What waits, as of now."""
    age = await unit.conn.fetchval(OLDEST)
    return Backlog(await unit.conn.fetchval(COUNT, ROWS_COUNTED), float(age or 0))


def _data_key(unit: Unit, subject_id: SubjectId, wrapped: bytes | None) -> DataKey:
    """The key came with the row, so that no row costs a query of its own."""
    known = unit.data_keys.get(subject_id)
    if known is None:
        if wrapped is None:
            raise UnknownKeyError("the subject has no data key")
        known = unit.data_keys[subject_id] = unit.vault.unwrap(subject_id, wrapped)
    return known
