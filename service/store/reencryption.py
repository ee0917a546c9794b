"""Key rotation at rest: every data key wrapped again by the newest of ``ENCRYPTION_KEYS``.

Only wrappings change, never a data key: what it encrypted, and the audit's references that are keyed by
it, stay as they are. The wrapping itself names its key, so there is no state to keep: whoever runs this
again goes on where it was killed. Rows that somebody holds are passed over and met in the next round, so
nobody waits for this and this waits for nobody; the lock is the weak one that lets other tables refer to
the row meanwhile. Subjects are locked first and nothing after them, as everywhere.
"""

from typing import Final, NamedTuple

from asyncpg import Record

from service.crypto import envelope
from service.crypto.keys import KEY_ID_BYTES, KeyRing, UnknownKeyError
from service.store import erased
from service.store.pool import Connection, Database


class Wrapped(NamedTuple):
    """A column of wrapped data keys. ``owner`` is SQL for whose they are, in order of the table."""

    table: str
    column: str
    owner: str


SUBJECT: Final = Wrapped("subject", "data_key", "subject_id")
ERASURE: Final = Wrapped("erasure_key", "wrapped", "only_row::text")
"""One row; its owner is no subject, see ``service.store.erased``."""

WRAPPED: Final = (SUBJECT, ERASURE)

COUNT = f"""
select substring({{column}} from 1 for {KEY_ID_BYTES}) as key_id, count(*) from {{table}}
where {{column}} is not null group by 1
"""
OLD = f"""
select {{owner}} as owner, {{column}} as wrapped from {{table}}
where {{owner}} > $1 and substring({{column}} from 1 for {KEY_ID_BYTES}) = any($2::bytea[])
order by {{owner}} limit $3 for no key update skip locked
"""
REPLACE = """
update {table} t set {column} = n.wrapped
from unnest($1::text[], $2::bytea[]) n(owner, wrapped) where t.{owner} = n.owner
"""


class Batch(NamedTuple):
    """What one transaction did. ``last`` is the owner to go on after; empty at the table's end."""

    wrapped: int
    broken: int
    last: str


async def count(connection: Connection, place: Wrapped) -> dict[str, int]:
    """How many data keys are wrapped by each key, by key id in hex."""
    rows = await connection.fetch(COUNT.format(**place._asdict()))
    return {row["key_id"].hex(): row["count"] for row in rows}


async def wrap_again(
    database: Database, ring: KeyRing, place: Wrapped, after: str, limit: int
) -> Batch:
    """Wrap some data keys that older keys of the ring wrap, in one short transaction.

    A wrapping that does not open is left as it is and counted: it was altered.
    """
    async with database.connection() as connection, connection.transaction():
        old = OLD.format(**place._asdict())
        rows = await connection.fetch(old, after, list(ring.older), limit)
        fresh = _wrapped_again(ring, place, rows)
        if fresh:
            replace = REPLACE.format(**place._asdict())
            await connection.execute(replace, list(fresh), list(fresh.values()))
    last = rows[-1]["owner"] if len(rows) == limit else ""
    return Batch(len(fresh), len(rows) - len(fresh), last)


def _wrapped_again(ring: KeyRing, place: Wrapped, rows: list[Record]) -> dict[str, bytes]:
    fresh = {}
    for owner, wrapped in rows:
        whose = erased.OWNER if place is ERASURE else owner
        try:
            fresh[owner] = envelope.rewrap(ring, wrapped, whose)
        except UnknownKeyError:
            continue
    return fresh
