"""``network-query.*``: one source of one query moved on."""

import structlog

from consumers.context import Context
from consumers.reading import RejectedError, Webhook
from consumers.webhooks.correlation import find
from consumers.webhooks.parking import drop_late, park
from schemas.metriport.webhooks import NetworkQuery
from schemas.problems import InvalidMessageError, decode_part
from schemas.reasons import Reason
from service.ias.network_query import Update, read_webhook
from service.ias.network_query_messages import News
from service.ias.network_query_steps import on
from service.store import queries, subjects
from service.store.decisions import carry_out, query_standing
from service.store.queries import Query
from service.store.unit import Unit

log = structlog.get_logger()


async def handle(unit: Unit, context: Context, webhook: Webhook) -> None:
    """Apply the update if the query is ours, else park it."""
    content = _decode(webhook)
    found = await find(unit, webhook, content.payload)
    if found is None:
        await park(unit, context, webhook, [content.payload.patient_id])
        return
    query_id, subject_id = found
    if not await subjects.lock(unit, subject_id):
        drop_late(webhook)
        return
    query = await queries.lock(unit, query_id)
    update = read_webhook(webhook.meta.type, content.payload.source)
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
    standing = await query_standing(unit, query)
    decision = on(standing, News(update, "webhook"))
    if decision.updates and not standing.may_be_told:
        log.info("network_query.update_withheld")
    await carry_out(unit, query, decision)
