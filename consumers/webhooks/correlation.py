"""Finds the network query that a webhook is about, and locks it: see ``service.ias.correlation``."""

import structlog

from consumers.reading import Webhook
from schemas.ids import RequestId, SubjectId, VendorRequestId
from schemas.metriport.webhooks import NetworkQueryPayload
from schemas.sources import Source
from service.ias.correlation import Seen, has_metadata, our_query_id, started_at, suppose
from service.ias.network_query_messages import ProofFound
from service.ias.network_query_steps import on
from service.store import queries, subjects, suppositions
from service.store.decisions import carry_out, query_standing
from service.store.queries import Query
from service.store.unit import Unit

log = structlog.get_logger()

Found = tuple[RequestId, SubjectId]


async def find(unit: Unit, webhook: Webhook, payload: NetworkQueryPayload) -> Found | None:
    """Our id and the subject of the webhook's query; ``None`` when it is nobody's, as far as we know."""
    request_id = webhook.meta.request_id
    known = None if request_id is None else await queries.find_by_vendor_id(unit, request_id)
    if known is not None:
        return known
    query_id = our_query_id(webhook.meta.data)
    if query_id is not None:
        return await _by_our_id(unit, query_id, request_id, payload)
    if request_id is not None and not has_metadata(webhook.meta.data):
        await _suppose(unit, request_id, payload)
    return None


async def _by_our_id(
    unit: Unit,
    query_id: RequestId,
    request_id: VendorRequestId | None,
    payload: NetworkQueryPayload,
) -> Found | None:
    """The query that the metadata names; that the vendor speaks of it proves that it runs."""
    subject_id = await queries.subject_of(unit, query_id)
    if subject_id is None or not await subjects.lock(unit, subject_id):
        return None
    query = await queries.lock(unit, query_id)
    if query is None or query.patient_id != payload.patient_id:
        log.warning("network_query.metadata_of_another_patient")
        return None
    if query.vendor_request_id is None and request_id is not None:
        await _prove(unit, query, request_id)
        query = await queries.lock(unit, query_id) or query
    known = {None, query.vendor_request_id, query.also_vendor_request_id}
    if request_id is not None and request_id not in known:
        known |= {request_id} if await queries.also_known_as(unit, query_id, request_id) else set()
    if query.vendor_request_id is None or request_id not in known:
        log.warning("network_query.metadata_does_not_fit", state=query.state.value)
        return None
    return query_id, subject_id


async def _prove(unit: Unit, query: Query, request_id: VendorRequestId) -> None:
    decision = on(await query_standing(unit, query), ProofFound(request_id))
    await carry_out(unit, query, decision)
    if decision.vendor_request_id is not None:
        log.info("network_query.proof_found", state=query.state.value)


async def _suppose(unit: Unit, request_id: VendorRequestId, payload: NetworkQueryPayload) -> None:
    """Remember what the strict rule finds; the webhook is parked until a status query confirms it."""
    started = started_at(request_id)
    if started is None or payload.source.type not in set(Source):
        return
    seen = Seen(
        source=Source(payload.source.type), purpose=payload.purpose_of_use, started_at=started
    )
    query_id = suppose(seen, await suppositions.candidates(unit, payload.patient_id))
    if query_id is not None:
        await suppositions.keep(unit, request_id, query_id)
