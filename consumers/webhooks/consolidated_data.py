"""``medical.consolidated-data``: hand the link to the subjects who asked and are still entitled.

What Metriport sends again carries the link of the first time, which is dead by then: it is asked for anew.
"""

from uuid import uuid4

from consumers.context import Context
from consumers.reading import RejectedError, Webhook
from consumers.webhooks.parking import drop_late, park
from schemas.ids import LinkId
from schemas.links import Link, LinkKind
from schemas.metriport.webhooks import ConsolidatedData, ConsolidatedPatient
from schemas.problems import InvalidMessageError, decode_part
from schemas.reasons import Reason
from service.ias.consolidated import DataLink, read_delivery
from service.ias.consolidated_steps import Delivery, on
from service.ias.machine import Effect
from service.store import consolidated, entitlements, outbox, subjects
from service.store.consolidated import Consolidated
from service.store.decisions import carry_out_consolidated, consolidated_standing
from service.store.unit import Unit


async def handle(unit: Unit, context: Context, webhook: Webhook) -> None:
    """Deliver to each subject's waiting queries; park what nobody here asked for, yet."""
    content = _decode(webhook)
    request_id = webhook.meta.request_id
    waiting = [] if request_id is None else await consolidated.subjects_of(unit, request_id)
    if request_id is None or not waiting:
        await park(unit, context, webhook, [patient.patient_id for patient in content.patients])
        return
    for subject_id in waiting:
        if not await subjects.lock(unit, subject_id):
            drop_late(webhook)
            continue
        for query in await consolidated.lock_running(unit, request_id, subject_id):
            patient = _patient_of(content, query)
            if patient is not None:
                await _deliver(unit, query, patient, webhook)


def _decode(webhook: Webhook) -> ConsolidatedData:
    try:
        return decode_part(webhook.body, ConsolidatedData)
    except InvalidMessageError as error:
        raise RejectedError(Reason.UNREADABLE, error.message, error.field) from None


def _patient_of(content: ConsolidatedData, query: Consolidated) -> ConsolidatedPatient | None:
    """What the webhook says of the query's patient: one that is named twice is delivered once."""
    mine = (one for one in content.patients if one.patient_id == query.patient_id)
    return next(mine, None)


async def _deliver(
    unit: Unit, query: Consolidated, patient: ConsolidatedPatient, webhook: Webhook
) -> None:
    content = read_delivery(patient, query.conversion_type, webhook.meta.when, unit.now)
    refused = await entitlements.refuse_data(unit, query.subject_id, query.patient_id)
    delivery = Delivery(refused, content, LinkId(uuid4()))
    decision = on(consolidated_standing(query), delivery, unit.now)
    if Effect.ISSUE_LINK in decision.calls and isinstance(content, DataLink):
        await outbox.issue_link(unit, _link(query, content, delivery.link_id))
    await carry_out_consolidated(unit, query, decision)


def _link(query: Consolidated, data: DataLink, link_id: LinkId) -> Link:
    return Link(
        link_id=link_id,
        kind=LinkKind.CONSOLIDATED_DATA,
        url=data.url,
        expires_at=data.expires_at,
        subject_id=query.subject_id,
        patient_id=query.patient_id,
        content_type=data.content_type,
        request_id=query.request_id,
    )
