"""Webhooks that came before the answer to the call that caused them, or for queries of others.

Kept sealed, and taken out again as soon as the request id becomes known.
"""

from datetime import timedelta
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
    where p.received_at > $1 and coalesce(
        (select true from network_query q
            where q.vendor_request_id = p.vendor_request_id limit 1),
        (select true from consolidated_query c
            where c.vendor_request_id = p.vendor_request_id limit 1),
        false)
    order by p.received_at limit 1 for update skip locked)
returning message_id, webhook_type, sealed
"""
EVER: Final = timedelta(days=3650)
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
    unit.conn.later(PARK, *row)


async def take_matched(unit: Unit, age: timedelta = EVER) -> Parked | None:
    """One webhook whose request is known by now, removed; of those parked for less than ``age``.

    Each parked row costs two look-ups, also those for queries of others, which may be many: so who
    asks often asks for the young ones.
    """
    row = await unit.conn.fetchrow(TAKE, unit.now - age)
    return None if row is None else Parked(*row.values())
