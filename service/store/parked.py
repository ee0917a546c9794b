"""Webhooks that came before the answer to the call that caused them, or for queries of others.

Kept sealed, and taken out again as soon as the request id becomes known, or when their time is over.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.ids import PatientId, VendorRequestId
from service.store.unit import Unit

PARK = """
insert into parked_webhook
    (message_digest, message_id, webhook_type, vendor_request_id, sealed, patient_ids)
values ($1, $2, $3, $4, $5, $6) on conflict do nothing
"""
TAKE = """
delete from parked_webhook where message_digest = (
    select p.message_digest from parked_webhook p
    where p.received_at > $1 and coalesce(
        (select true from network_query q
            where q.vendor_request_id = p.vendor_request_id limit 1),
        (select true from network_query q
            where q.also_vendor_request_id = p.vendor_request_id limit 1),
        (select true from consolidated_query c
            where c.vendor_request_id = p.vendor_request_id limit 1),
        false)
    order by p.received_at limit 1 for update skip locked)
returning message_id, webhook_type, sealed
"""
TAKE_OVER = """
delete from parked_webhook p where message_digest = any(array(
    select message_digest from parked_webhook where received_at <= $1
    order by received_at limit $2 for update skip locked))
returning message_id, webhook_type, case when patient_ids is null or exists (
    select from patient_link l where l.patient_id = any(p.patient_ids)) then sealed end as sealed
"""
EVER: Final = timedelta(days=3650)
PLACE: Final = "parked_webhook"


class Parked(NamedTuple):
    """One parked webhook, sealed."""

    message_id: str
    webhook_type: str
    sealed: bytes

    def __repr__(self) -> str:
        return f"Parked({self.webhook_type})"


class Over(NamedTuple):
    """Webhooks whose time is over: those that name a patient of ours, and how many there were in all."""

    ours: list[Parked]
    total: int


async def park(
    unit: Unit,
    digest: bytes,
    parked: Parked,
    vendor_request_id: VendorRequestId,
    patient_ids: Iterable[PatientId],
) -> None:
    """Put a webhook aside until its request is known."""
    row = (digest, parked.message_id, parked.webhook_type, vendor_request_id, parked.sealed)
    unit.conn.later(PARK, *row, list(patient_ids))


async def take_matched(unit: Unit, age: timedelta = EVER) -> Parked | None:
    """One webhook whose request is known by now, removed; of those parked for less than ``age``.

    Each parked row costs two look-ups, also those for queries of others, which may be many: so who
    asks often asks for the young ones.
    """
    row = await unit.conn.fetchrow(TAKE, unit.now - age)
    return None if row is None else Parked(*row.values())


async def take_over(unit: Unit, limit: datetime, size: int) -> Over:
    """Some webhooks that were parked at ``limit`` or before, removed.

    A patient is ours while a subject is linked to it. What an older release parked does not say whom it
    names, and counts as ours.
    """
    rows = await unit.conn.fetch(TAKE_OVER, limit, size)
    ours = [Parked(*row.values()) for row in rows if row["sealed"] is not None]
    return Over(ours, len(rows))
