"""``medical.consolidated-data``: hand the link to the subjects who asked and are still entitled."""

from uuid import uuid4

from consumers.context import Context
from consumers.reading import RejectedError, Webhook
from consumers.webhooks.parking import park
from schemas.events import ConsolidatedDataFailed, ConsolidatedDataReady
from schemas.ids import LinkId
from schemas.links import Link, LinkKind
from schemas.metriport.webhooks import ConsolidatedData, ConsolidatedPatient
from schemas.problems import InvalidMessageError, decode_part
from schemas.reasons import REMEDIES, Reason
from service.ias.consolidated import (
    CONTENT_TYPES,
    ConsolidatedState,
    DataLink,
    Failed,
    NoData,
    read_delivery,
)
from service.store import consolidated, entitlements, outbox, subjects
from service.store.consolidated import Consolidated
from service.store.outbox import UNSEQUENCED
from service.store.unit import Unit


async def handle(unit: Unit, context: Context, webhook: Webhook) -> None:
    """Deliver to each subject's waiting queries; park what nobody here asked for, yet."""
    content = _decode(webhook)
    request_id = webhook.meta.request_id
    waiting = [] if request_id is None else await consolidated.subjects_of(unit, request_id)
    if request_id is None or not waiting:
        await park(unit, context, webhook)
        return
    for subject_id in waiting:
        await subjects.lock(unit, subject_id)
        for query in await consolidated.lock_running(unit, request_id, subject_id):
            for patient in content.patients:
                if patient.patient_id == query.patient_id:
                    await _deliver(unit, query, patient, webhook)


def _decode(webhook: Webhook) -> ConsolidatedData:
    try:
        return decode_part(webhook.body, ConsolidatedData)
    except InvalidMessageError as error:
        raise RejectedError(Reason.UNREADABLE, error.message, error.field) from None


async def _deliver(
    unit: Unit, query: Consolidated, patient: ConsolidatedPatient, webhook: Webhook
) -> None:
    refused = await entitlements.refuse_data(unit, query.subject_id, query.patient_id)
    if refused is not None:
        await _fail(unit, query, refused.reason, refused.message)
        return
    match read_delivery(patient, query.conversion_type, webhook.meta.when, unit.now):
        case Failed():
            reason = Reason.VENDOR_REFUSED
            await _fail(unit, query, reason, "Metriport could not deliver the record")
        case NoData():
            await _ready(unit, query, None)
        case DataLink(_, _, expires_at) if expires_at <= unit.now:
            reason = Reason.LINK_EXPIRED
            await _fail(unit, query, reason, "The link died on its way; send RenewDataLink.")
        case DataLink() as link:
            await _ready(unit, query, link)


async def _ready(unit: Unit, query: Consolidated, data: DataLink | None) -> None:
    await consolidated.set_state(unit, query.request_id, ConsolidatedState.READY)
    link_id = None
    if data is not None:
        link_id = LinkId(uuid4())
        await outbox.issue_link(unit, _link(query, data, link_id))
    event = ConsolidatedDataReady(
        sequence=UNSEQUENCED,
        subject_id=query.subject_id,
        command_id=query.command_id,
        request_id=query.request_id,
        patient_id=query.patient_id,
        content_type=CONTENT_TYPES[query.conversion_type],
        no_data=data is None,
        link_id=link_id,
        expires_at=None if data is None else data.expires_at,
    )
    await outbox.emit(unit, event, ends=True)


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


async def _fail(unit: Unit, query: Consolidated, reason: Reason, message: str) -> None:
    await consolidated.set_state(unit, query.request_id, ConsolidatedState.FAILED)
    event = ConsolidatedDataFailed(
        sequence=UNSEQUENCED,
        subject_id=query.subject_id,
        command_id=query.command_id,
        request_id=query.request_id,
        patient_id=query.patient_id,
        reason=reason,
        message=message or REMEDIES[reason],
    )
    await outbox.emit(unit, event, ends=True)
