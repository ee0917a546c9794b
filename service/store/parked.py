"""Webhooks that came before the answer to the call that caused them, or for queries of others.

Kept sealed, and taken out again as soon as the request id becomes known.
"""

from typing import Final, NamedTuple

from schemas.ids import VendorRequestId
from service.store.unit import Unit

PARK = """
insert into parked_webhook
    (message_digest, message_id, webhook_type, vendor_request_id, sealed)
values ($1, $2, $3, $4, $5) on conflict do nothing
"""
TAKE = """
delete from parked_webhook where message_digest = (
    select p.message_digest from parked_webhook p
    where exists (select from network_query q where q.vendor_request_id = p.vendor_request_id)
       or exists (select from consolidated_query c where c.vendor_request_id = p.vendor_request_id)
    order by p.received_at limit 1 for update skip locked)
returning message_id, webhook_type, sealed
"""
PLACE: Final = "parked_webhook"


class Parked(NamedTuple):
    """One parked webhook, sealed."""

    message_id: str
    webhook_type: str
    sealed: bytes


async def park(
    unit: Unit, digest: bytes, parked: Parked, vendor_request_id: VendorRequestId
) -> None:
    """Put a webhook aside until its request is known."""
    row = (digest, parked.message_id, parked.webhook_type, vendor_request_id, parked.sealed)
    await unit.conn.execute(PARK, *row)


async def take_matched(unit: Unit) -> Parked | None:
    """One parked webhook whose request is known by now, removed."""
    row = await unit.conn.fetchrow(TAKE)
    return None if row is None else Parked(*row.values())
