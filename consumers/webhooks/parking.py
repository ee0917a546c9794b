"""Webhooks whose request we do not know yet: sealed, put aside, handled when the id becomes known.

They come before the answer to the call that caused them, or belong to queries of others (scheduled
ones, dashboard users), which is not an error.
"""

from consumers.context import Context
from consumers.reading import Webhook
from schemas.topics import Topic
from service.crypto.sealing import place
from service.store import inbox, parked
from service.store.parked import Parked
from service.store.unit import Unit


async def park(unit: Unit, context: Context, webhook: Webhook) -> None:
    """Put the webhook aside under its request id."""
    meta = webhook.meta
    if meta.request_id is None:
        return
    sealed = context.sealer.seal(webhook.body, place_of(meta.type, meta.message_id))
    row = Parked(meta.message_id, meta.type, sealed)
    await parked.park(unit, inbox.digest(meta.message_id), row, meta.request_id)


def place_of(webhook_type: str, message_id: str) -> bytes:
    """Where a parked webhook's sealed text belongs."""
    return place(f"{parked.PLACE}/{Topic.WEBHOOKS}", webhook_type, message_id)
