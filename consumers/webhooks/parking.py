"""Webhooks whose request we do not know yet: sealed, put aside, handled when the id becomes known.

They come before the answer to the call that caused them, or belong to queries of others (scheduled
ones, dashboard users), which is not an error. Those that nobody claims in time and that name a patient
of ours end in the dead letters (``consumers.unparking``).
"""

from collections.abc import Iterable
from uuid import uuid4

from consumers.context import Context
from consumers.reading import Webhook
from schemas.dead_letters import DeadLetter
from schemas.ids import PatientId
from schemas.reasons import Reason
from schemas.topics import Topic
from service.crypto.keys import UnknownKeyError
from service.crypto.sealing import place
from service.store import erased, inbox, outbox, parked
from service.store.parked import Parked
from service.store.unit import Unit
from service.telemetry import metrics


async def park(
    unit: Unit, context: Context, webhook: Webhook, patient_ids: Iterable[PatientId]
) -> None:
    """Put the webhook aside under its request id; one for an erased subject is counted and dropped."""
    meta, patients = webhook.meta, list(patient_ids)
    if meta.request_id is None:
        return
    if await erased.owns_request(unit, meta.request_id, patients):
        drop_late(webhook)
        return
    sealed = context.sealer.seal(webhook.body, _place_of(meta.type, meta.message_id))
    row = Parked(meta.message_id, meta.type, sealed)
    await parked.park(unit, inbox.digest(meta.message_id), row, meta.request_id, patients)


def drop_late(webhook: Webhook) -> None:
    """Count a webhook that came after its subject was erased; only known types get here."""
    metrics.LATE_FOR_ERASED.labels(webhook.meta.type).inc()


def open_parked(context: Context, found: Parked) -> bytes:
    """What Metriport signed.

    Raises:
        UnknownKeyError: not sealed for one of our keys, or for this row.
    """
    return context.opener.open(found.sealed, _place_of(found.webhook_type, found.message_id))


async def put_aside(unit: Unit, context: Context, found: Parked, reason: Reason) -> None:
    """To the dead letters: it opens to what Metriport signed, unless that opens no more itself."""
    letter_id = uuid4()
    where = place(Topic.DEAD_LETTERS, Topic.WEBHOOKS, str(letter_id))
    try:
        content = open_parked(context, found)
    except UnknownKeyError:
        content = found.sealed
    letter = DeadLetter(
        reason=reason,
        sealed=context.sealer.seal(content, where),
        received_at=unit.now,
        topic=Topic.WEBHOOKS,
        message_type=found.webhook_type,
    )
    await outbox.put_aside(unit, letter, letter_id)
    metrics.DEAD_LETTERS.labels(reason.value).inc()


def _place_of(webhook_type: str, message_id: str) -> bytes:
    return place(f"{parked.PLACE}/{Topic.WEBHOOKS}", webhook_type, message_id)
