"""Unbound identities that can be looked at once more.

A webhook may come before the answer to the call that made its session, and with nothing else to bind it
by. When the answer lands, a hosted page has the session's digest, and the identity is matched again:
once, because what more is known then does not change.
"""

from typing import NamedTuple

from service.store.unit import Unit

NEXT = """
select u.message_digest, u.message_id, u.sealed from unbound_identity u
where not u.settled and exists (
    select from hosted_page p
    where p.kind = 'identity_verification' and p.vendor_digest = any(u.vendor_digests))
order by u.received_at limit 1 for update of u skip locked
"""
SETTLE = "update unbound_identity set settled = true where message_digest = $1"
BOUND = "delete from unbound_identity where message_digest = $1"


class Kept(NamedTuple):
    """One unbound identity; ``sealed`` is its webhook."""

    message_digest: bytes
    message_id: str
    sealed: bytes

    def __repr__(self) -> str:
        return "Kept(…)"


async def take_matched(unit: Unit) -> Kept | None:
    """One whose session we know by now, locked and marked as looked at."""
    row = await unit.conn.fetchrow(NEXT)
    if row is None:
        return None
    kept = Kept(*row.values())
    await unit.conn.execute(SETTLE, kept.message_digest)
    return kept


async def forget(unit: Unit, kept: Kept) -> None:
    """It is bound."""
    await unit.conn.execute(BOUND, kept.message_digest)
