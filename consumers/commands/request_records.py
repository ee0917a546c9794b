"""``RequestRecords``: keep what is asked for, and begin; the rest happens by itself."""

from datetime import datetime, timedelta
from uuid import uuid4

from consumers.commands.answers import reject
from consumers.commands.register_patient import begin
from consumers.context import Context
from consumers.records.advancing import advance
from schemas.commands import RequestRecords
from schemas.ids import RequestId
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse
from service.ias.consolidated import refuse_range
from service.ias.refusal import Refusal
from service.ias.return_url import refuse_return_url
from service.store import record_requests
from service.store.patients import Registration
from service.store.record_requests import Asked
from service.store.unit import Unit


async def handle(unit: Unit, context: Context, command: RequestRecords) -> None:
    """Refuse what is not valid; else the first look is part of the same transaction."""
    longest = unit.now + context.rules.query_deadline
    deadline = min(command.deadline or longest, longest)
    refused = _refuse_fields(command, expired=deadline <= unit.now)
    refused = refused or refuse_return_url(command.return_url, context.web.return_urls)
    if refused is not None:
        await reject(unit, command, refused)
        return
    request = await record_requests.create(unit, _asked(unit, context, command, deadline))
    await _register(unit, command)
    await advance(unit, context, request)


def _asked(unit: Unit, context: Context, command: RequestRecords, deadline: datetime) -> Asked:
    """What is kept; how old a result may be counts from now."""
    cool_down = context.rules.records_cool_down
    age = cool_down if command.freshness is None else timedelta(seconds=command.freshness)
    consent = command.consent_reference
    return Asked(
        request_id=RequestId(uuid4()),
        subject_id=command.subject_id,
        command_id=command.command_id,
        patient_id=command.patient_id,
        sources=command.sources.chosen(),
        return_url=command.return_url,
        deadline=deadline,
        fresh_since=unit.now - age,
        resources=command.resources,
        date_from=command.date_from,
        date_to=command.date_to,
        consent_id=None if consent is None else consent.id,
        consent_notice_version=None if consent is None else consent.notice_version,
        created_at=unit.now,
    )


async def _register(unit: Unit, command: RequestRecords) -> None:
    """Demographics are kept with the registration alone, sealed, and forgotten when it ends."""
    if command.demographics is not None:
        registration = Registration(
            uuid4(), command.subject_id, command.command_id, PurposeOfUse.IAS
        )
        await begin(unit, registration, command.demographics)


def _refuse_fields(command: RequestRecords, *, expired: bool) -> Refusal | None:
    invalid = Reason.INVALID_FIELD
    if (command.patient_id is None) == (command.demographics is None):
        return Refusal(invalid, "give either patientId or demographics", "patientId")
    if not command.sources.chosen():
        return Refusal(invalid, "at least one source must be enabled", "sources")
    if expired:
        return Refusal(Reason.DEADLINE_PASSED, "the deadline has passed", "deadline")
    return refuse_range(command.date_from, command.date_to)
