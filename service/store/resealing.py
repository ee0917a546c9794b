"""Key rotation of sealed rows: what waits in Postgres, sealed again to the newest public key.

As in ``reencryption``, a sealed text names its key, rows that somebody holds are passed over, and nobody
waits. Where each text belongs is bound into it, so the places are told here once more; the tests seal
with the code that really writes the rows.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple
from uuid import UUID

from asyncpg import Record

from schemas.metriport.webhooks import IDENTITY_VERIFIED
from schemas.topics import Topic
from service.crypto.keys import KEY_ID_BYTES, UnknownKeyError
from service.crypto.sealing import Opener, Sealer, place
from service.store.pool import Connection, Database

Places = Callable[[Record], tuple[bytes, ...]]


class Sealed(NamedTuple):
    """A table with a ``sealed`` column, the key that it is walked by, and where a row's text belongs.

    ``beginning`` sorts before every key. ``or_if`` are rows to take whatever key they have, and ``also``
    is set in them: what was put aside because its key was not there, opens now.
    """

    table: str
    key: str
    beginning: Any
    places: Places
    limit: int = 50
    or_if: str = ""
    also: str = ""
    columns: str = ""


def _parked(row: Record) -> tuple[bytes, ...]:
    where = f"parked_webhook/{Topic.WEBHOOKS}"
    return (place(where, row["webhook_type"], row["message_id"]),)


def _unbound(row: Record) -> tuple[bytes, ...]:
    return (place("unbound_identity", IDENTITY_VERIFIED, row["message_id"]),)


def _spooled(row: Record) -> tuple[bytes, ...]:
    return (place("spool", "record", str(row["record_id"])),)


def _held(row: Record) -> tuple[bytes, ...]:
    if not row["bound"]:
        return (place("held_record", row["topic"], "record"),)
    where = f"held_record/{row['topic']}"
    return (place(where, row["message_type"], row["record_digest"].hex()),)


def _large(row: Record) -> tuple[bytes, ...]:
    topics = (Topic.WEBHOOKS, Topic.CALLBACKS)
    return tuple(place("large_body", topic, str(row["key"])) for topic in topics)


_HELD: Final = ", topic, message_type, record_digest, bound"

SEALED: Final = (
    Sealed("parked_webhook", "message_digest", b"", _parked, columns=", webhook_type, message_id"),
    Sealed("unbound_identity", "message_digest", b"", _unbound, columns=", message_id"),
    Sealed("spool", "position", 0, _spooled, 50, " or stuck", ", stuck = false", ", record_id"),
    Sealed("held_record", "position", 0, _held, columns=_HELD),
    Sealed("large_body", "body_id", UUID(int=0), _large, limit=1),
)

COUNT = f"""
select substring(sealed from 2 for {KEY_ID_BYTES}) as key_id, count(*) from {{table}} group by 1
"""
OLD = f"""
select {{key}} as key, sealed{{columns}} from {{table}}
where {{key}} > $1 and (substring(sealed from 2 for {KEY_ID_BYTES}) <> $2{{or_if}})
order by {{key}} limit $3 for update skip locked
"""
REPLACE = "update {table} set sealed = $2{also} where {key} = $1"


class Batch(NamedTuple):
    """What one transaction did. ``last`` is the key to go on after; ``None`` at the table's end."""

    sealed: int
    closed: int
    last: Any


async def count(connection: Connection, sealed: Sealed) -> dict[str, int]:
    """How many rows are sealed to each key, by key id in hex."""
    rows = await connection.fetch(COUNT.format(table=sealed.table))
    return {row["key_id"].hex(): row["count"] for row in rows}


async def seal_again(
    database: Database, opener: Opener, sealer: Sealer, sealed: Sealed, after: object
) -> Batch:
    """Seal some rows of older keys again, in one short transaction.

    A row that no key at hand opens stays as it is and is counted as closed.
    """
    names = sealed._asdict()
    async with database.connection() as connection, connection.transaction():
        newest = bytes.fromhex(sealer.key_id)
        rows = await connection.fetch(OLD.format(**names), after, newest, sealed.limit)
        done = 0
        for row in rows:
            fresh = _sealed_again(opener, sealer, row, sealed.places(row))
            if fresh is not None:
                await connection.execute(REPLACE.format(**names), row["key"], fresh)
                done += 1
    last = rows[-1]["key"] if len(rows) == sealed.limit else None
    return Batch(done, len(rows) - done, last)


def _sealed_again(
    opener: Opener, sealer: Sealer, row: Record, places: tuple[bytes, ...]
) -> bytes | None:
    for where in places:
        try:
            return sealer.seal(opener.open(row["sealed"], where), where)
        except UnknownKeyError:
            continue
    return None
