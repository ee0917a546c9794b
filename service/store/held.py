"""Types of messages that are stopped, and their records, kept sealed and in order until they can go on.

Each record is sealed to its own row: table, topic, type and digest. A stopped type stays stopped while a transaction that saw it is open (``for share``), so a record is
never kept after the last one was taken out.
"""

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from schemas.reasons import Reason
from service.store.unit import Unit

STOPPED = "select topic, message_type from stopped_type for share"
ALL = "select topic, message_type from stopped_type order by stopped_at"
STOP = """
insert into stopped_type (topic, message_type, reason) values ($1, $2, $3) on conflict do nothing
"""
HOLD = """
insert into held_record (topic, message_type, record_digest, sealed, about, bound)
values ($1, $2, $3, $4, $5, true) on conflict do nothing
"""
OLDEST = """
select position, topic, message_type, record_digest, bound, held_at, sealed from held_record where topic = $1 and message_type = $2
order by position limit $3
"""
TAKE = "delete from held_record where position = $1"
TAKE_ABOUT = """
delete from held_record where position = any(array(
    select position from held_record where about = any($1::bytea[]) for update skip locked))
returning position, topic, message_type, record_digest, bound, held_at, sealed
"""
LOCK = "select from stopped_type where topic = $1 and message_type = $2 for update"
RESUME = """
delete from stopped_type s where s.topic = $1 and s.message_type = $2
and not exists (
    select from held_record h where h.topic = s.topic and h.message_type = s.message_type)
"""
TRY_ALONE = "select pg_try_advisory_xact_lock(hashtextextended($1, 1))"
COUNT = "select count(*) from (select from held_record limit 100000) counted"
PLACE: Final = "held_record"
INSERTED, DELETED = "INSERT 0 1", "DELETE 1"


class Kind(NamedTuple):
    """Messages of one type on one topic."""

    topic: str
    message_type: str


class Held(NamedTuple):
    """One record, sealed."""

    position: int
    topic: str
    message_type: str
    record_digest: bytes
    is_bound: bool
    """``False``: an older release kept it, sealed to its topic only."""
    held_at: datetime
    sealed: bytes

    def __repr__(self) -> str:
        return f"Held({self.position})"


def about(topic: str, name: bytes) -> bytes:
    """Stands for the subject, or the patient, that records of a topic are about."""
    return hashlib.sha256(topic.encode() + b"\x00" + name).digest()


async def stopped(unit: Unit) -> set[Kind]:
    """What is stopped, and stays so until this unit ends."""
    return {Kind(*row) for row in await unit.conn.fetch(STOPPED)}


async def stop(unit: Unit, kind: Kind, reason: Reason) -> bool:
    """Stop a kind; whether it was not stopped before."""
    return await unit.conn.execute(STOP, *kind, reason) == INSERTED


async def hold(
    unit: Unit, kind: Kind, digest: bytes, sealed: bytes, about_whom: bytes | None
) -> None:
    """Keep a record of a stopped kind; the same one once."""
    await unit.conn.execute(HOLD, *kind, digest, sealed, about_whom)


async def kinds(unit: Unit) -> list[Kind]:
    """What is stopped, longest first."""
    return [Kind(*row) for row in await unit.conn.fetch(ALL)]


async def try_alone(unit: Unit, kind: Kind) -> bool:
    """Become the one replica that tries this kind, until the unit ends."""
    alone: bool = await unit.conn.fetchval(TRY_ALONE, "/".join(kind))
    return alone


async def oldest(unit: Unit, kind: Kind, limit: int) -> list[Held]:
    """Kept records, in order."""
    return [Held(*row) for row in await unit.conn.fetch(OLDEST, *kind, limit)]


async def take(unit: Unit, position: int) -> bool:
    """Take a record out, in the transaction that handles it; whether it was still there."""
    return await unit.conn.execute(TAKE, position) == DELETED


async def take_about(unit: Unit, about_whom: Collection[bytes]) -> list[Held]:
    """Take out what is kept about somebody; but for what is just being handled."""
    return [Held(*row) for row in await unit.conn.fetch(TAKE_ABOUT, list(about_whom))]


async def resume(unit: Unit, kind: Kind) -> bool:
    """Let the kind flow again if nothing of it is kept any more; whether it does.

    Two statements: the second must see what was kept while the first waited for its lock.
    """
    await unit.conn.execute(LOCK, *kind)
    return await unit.conn.execute(RESUME, *kind) == DELETED


async def count(unit: Unit) -> int:
    """How many records are kept, counted up to 100,000."""
    found: int = await unit.conn.fetchval(COUNT)
    return found
