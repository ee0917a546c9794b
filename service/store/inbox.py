"""Inbox: every message takes effect once, because its key is unique for as long as it matters.

The row is written in the transaction that holds the effect. Kept at least 400 days: Metriport
re-sends without an age limit and its signature has no timestamp.
"""

import hashlib

from service.store.unit import Unit

REMEMBER = "insert into inbox (source, message_digest) values ($1, $2) on conflict do nothing"
INSERTED = "INSERT 0 1"


def digest(message_id: str) -> bytes:
    """A fixed-length stand-in for an id of any length."""
    return hashlib.sha256(message_id.encode()).digest()


async def remember(unit: Unit, source: str, message_id: str) -> bool:
    """Whether this message is new; from now on it is not."""
    return await unit.conn.execute(REMEMBER, source, digest(message_id)) == INSERTED
