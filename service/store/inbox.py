"""Inbox: every message takes effect once, because its key is unique for as long as it matters.

The row is written in the transaction that holds the effect. Kept at least 400 days: Metriport
re-sends without an age limit and its signature has no timestamp.
"""

import hashlib
from collections.abc import Iterable

from service.store.unit import Unit

REMEMBER = "insert into inbox (source, message_digest) values ($1, $2) on conflict do nothing"
REMEMBER_ALL = """
insert into inbox (source, message_digest)
select source, message_digest from unnest($1::text[], $2::bytea[]) as row(source, message_digest)
order by source, message_digest on conflict do nothing returning source, message_digest
"""
KNOWN = """
select exists (select from inbox where source = $1 and message_digest = $2)
"""
INSERTED = "INSERT 0 1"


def digest(message_id: str) -> bytes:
    """A fixed-length stand-in for an id of any length."""
    return hashlib.sha256(message_id.encode()).digest()


async def remember(unit: Unit, source: str, message_id: str) -> bool:
    """Whether this message is new; from now on it is not."""
    row = (source, digest(message_id))
    if row in unit.remembered:
        return unit.remembered.pop(row)
    return await unit.conn.execute(REMEMBER, *row) == INSERTED


async def remember_all(unit: Unit, messages: Iterable[tuple[str, str]]) -> None:
    """Remember a batch of (source, message id) at once; ``remember`` tells of each whether it was new.

    The first that asks for a message is told so, and the second that it is not new any more.
    """
    rows = sorted({(source, digest(message_id)) for source, message_id in messages})
    if rows:
        sources, digests = zip(*rows, strict=True)
        new = set(map(tuple, await unit.conn.fetch(REMEMBER_ALL, list(sources), list(digests))))
        unit.remembered.update({row: row in new for row in rows})


async def is_known(unit: Unit, source: str, message_id: str) -> bool:
    """Whether the message has taken effect; nothing is remembered by asking."""
    known: bool = await unit.conn.fetchval(KNOWN, source, digest(message_id))
    return known
