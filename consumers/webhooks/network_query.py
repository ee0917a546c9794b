"""``network-query.*``: one source of one query moved on."""

import structlog

from consumers.context import Context
from consumers.reading import RejectedError, Webhook
from consumers.webhooks.parking import park
from schemas.events import NetworkQueryFinished, NetworkQuerySourceUpdated
from schemas.metriport.webhooks import NetworkQuery
from schemas.problems import InvalidMessageError, decode_part
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse, Source, SourceStatus
from service.ias import network_query as rules
from service.ias.network_query import FINISHED, QueryState, Update
from service.store import identities, outbox, queries, subjects
from service.store.outbox import UNSEQUENCED
from service.store.queries import Query
from service.store.unit import Unit

log = structlog.get_logger()


async def handle(unit: Unit, context: Context, webhook: Webhook) -> None:
    """Apply the update if the query is ours, else park it."""
    content = _decode(webhook)
    request_id = webhook.meta.request_id
    found = None if request_id is None else await queries.find_by_vendor_id(unit, request_id)
    if found is None:
        await park(unit, context, webhook)
        return
    query_id, subject_id = found
    await subjects.lock(unit, subject_id)
    query = await queries.lock(unit, query_id)
    update = rules.read_webhook(webhook.meta.type, content.payload.source)
    if query is None or update is None:
        return
    if content.payload.patient_id != query.patient_id:
        raise RejectedError(Reason.IDENTITY_CONFLICT, "the webhook names another patient")
    await _apply(unit, query, update)


def _decode(webhook: Webhook) -> NetworkQuery:
    try:
        return decode_part(webhook.body, NetworkQuery)
    except InvalidMessageError as error:
        raise RejectedError(Reason.UNREADABLE, error.message, error.field) from None


async def _apply(unit: Unit, query: Query, update: Update) -> None:
    """Store news and tell it; what is no news changes nothing."""
    rows = await queries.progress(unit, query.query_id)
    row = rows.get(update.source)
    if row is None:
        return
    if rules.confirms_later(row.status, row.finished_at, update):
        await queries.advance(unit, query.query_id, update)
        return
    if not rules.advances(row.status, row.finished_at, update, told_early=row.told_early):
        return
    await queries.advance(unit, query.query_id, update)
    if update.source is Source.HIE and update.status is not SourceStatus.PROCESSING:
        await queries.free_hie_slot(unit, query.query_id)
    entitled = await _may_be_told(unit, query)
    if entitled:
        await _tell_update(unit, query, update)
    progress = {source: row.status for source, row in rows.items()} | {update.source: update.status}
    ended = rules.result(progress)
    if ended is None or query.state not in {QueryState.STARTED, *FINISHED}:
        return
    await queries.set_state(unit, query.query_id, QueryState(ended))
    if entitled:
        reasons = {source: row.reason for source, row in rows.items()}
        event = NetworkQueryFinished(
            sequence=UNSEQUENCED,
            subject_id=query.subject_id,
            command_id=query.command_id,
            request_id=query.query_id,
            patient_id=query.patient_id,
            status=ended,
            sources=rules.told(progress, reasons | {update.source: update.reason}),
        )
        await outbox.emit(unit, event, ends=True)


async def _may_be_told(unit: Unit, query: Query) -> bool:
    """No status of a person's sources goes to a subject whose identity is gone (I9)."""
    if query.purpose is PurposeOfUse.TREATMENT:
        return True
    active = await identities.active(unit, query.subject_id, query.patient_id)
    if active is None:
        log.info("network_query.update_withheld")
    return active is not None


async def _tell_update(unit: Unit, query: Query, update: Update) -> None:
    event = NetworkQuerySourceUpdated(
        sequence=UNSEQUENCED,
        subject_id=query.subject_id,
        command_id=query.command_id,
        request_id=query.query_id,
        patient_id=query.patient_id,
        source=update.source,
        status=update.status,
        from_="webhook",
        early=True if update.early else None,
        reason=update.reason,
    )
    await outbox.emit(unit, event)
