"""Webhooks whose request we do not know yet: sealed, put aside, handled when the id becomes known.

They come before the answer to the call that caused them, or belong to queries of others (scheduled
ones, dashboard users), which is not an error.
"""

from collections.abc import Iterable

from consumers.context import Context
from consumers.reading import Webhook
from schemas.ids import PatientId
from schemas.topics import Topic
from service.crypto.sealing import place
from service.store import erased, inbox, parked
from service.store.parked import Parked
from service.store.unit import Unit
from service.telemetry import metrics


async def park(
    unit: Unit, context: Context, webhook: Webhook, patient_ids: Iterable[PatientId]
) -> None:
    """Put the webhook aside under its request id; one for an erased subject is counted and dropped."""
    meta = webhook.meta
    if meta.request_id is None:
        return
    if await erased.owns_request(unit, meta.request_id, patient_ids):
        drop_late(webhook)
        return
    sealed = context.sealer.seal(webhook.body, place_of(meta.type, meta.message_id))
    row = Parked(meta.message_id, meta.type, sealed)
    await parked.park(unit, inbox.digest(meta.message_id), row, meta.request_id)


def drop_late(webhook: Webhook) -> None:
    """Count a webhook that came after its subject was erased; only known types get here."""
    metrics.LATE_FOR_ERASED.labels(webhook.meta.type).inc()


def place_of(webhook_type: str, message_id: str) -> bytes:
    """Where a parked webhook's sealed text belongs."""
    return place(f"{parked.PLACE}/{Topic.WEBHOOKS}", webhook_type, message_id)
