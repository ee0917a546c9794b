"""Create Patient and Get Patient: both end in a subject's link to a patient, or in its refusal.

Safe to repeat one after another: a repeated Create Patient finds the first one's patient.
"""

import msgspec

from schemas.demographics import Demographics
from schemas.events import PatientRegistered, PatientRegistrationFailed
from schemas.metriport.api import Patient
from schemas.reasons import REMEDIES, Reason
from service.gateway import protocol
from service.gateway.operations.common import (
    Handler,
    Prepared,
    Surroundings,
    Void,
    finish,
    read_answer,
    refusal,
    retry_later,
)
from service.gateway.outcome import Outcome, Refused
from service.ias.purpose import refuse_link
from service.ias.registration import matched_existing
from service.ias.telling import head
from service.store import outbox, patients, record_requests
from service.store.calls import Call
from service.store.patients import Registration
from service.store.unit import Unit


async def prepare(unit: Unit, around: Surroundings, call: Call) -> Prepared:
    """The request, unless the registration is over."""
    found = await patients.registration(unit, call.ref_id)
    if found is None:
        return Void("the registration is over")
    registration, demographics = found
    if await record_requests.is_over(unit, registration.subject_id, registration.command_id):
        cancelled = Reason.CANCELLED
        await _fail(unit, registration, cancelled, REMEDIES[cancelled], None)
        return Void("the record request is over")
    if demographics is None:
        if registration.patient_id is None:
            return Void("nothing to register")
        return protocol.get_patient(registration.patient_id)
    person = msgspec.json.decode(demographics, type=Demographics)
    facility = registration.facility_id or around.facility_id
    return protocol.create_patient(person, registration.external_id, facility)


async def record(unit: Unit, around: Surroundings, call: Call, outcome: Outcome) -> None:
    """Link the subject to the patient that came back, or tell why not."""
    found = await patients.registration(unit, call.ref_id)
    if found is None or await retry_later(unit, call, outcome, repeatable=True):
        return
    registration, demographics = found
    patient = read_answer(outcome, Patient)
    if patient is not None:
        created = demographics is not None
        await _link(
            unit,
            around,
            registration,
            patient,
            existed=not created or _existed(registration, call, patient),
        )
    else:
        reason, message = refusal(outcome)
        field = outcome.field if isinstance(outcome, Refused) else None
        await _fail(unit, registration, reason, message, field)
    await finish(unit, call, outcome)


async def _link(
    unit: Unit, around: Surroundings, registration: Registration, patient: Patient, *, existed: bool
) -> None:
    subject_id, wanted = registration.subject_id, registration.purpose
    held = await patients.purpose(unit, subject_id, patient.id)
    refused = refuse_link(held, wanted, treatment_enabled=around.rules.treatment_enabled)
    if refused is not None:
        await _fail(unit, registration, refused.reason, refused.message, refused.field)
        return
    await patients.link(unit, subject_id, patient.id, wanted, matched_existing=existed)
    await patients.registered(unit, registration.registration_id, patient.id)
    event = PatientRegistered(
        **head(subject_id, patient.id, registration.command_id),
        purpose=wanted,
        matched_existing=existed,
        external_id=registration.external_id,
    )
    await outbox.emit(unit, event, ends=True)


async def _fail(
    unit: Unit, registration: Registration, reason: Reason, message: str, field: str | None
) -> None:
    await patients.not_registered(unit, registration.registration_id, reason)
    event = PatientRegistrationFailed(
        **head(registration.subject_id, registration.patient_id, registration.command_id),
        reason=reason,
        message=message,
        field=field,
    )
    await outbox.emit(unit, event, ends=True)


def _existed(registration: Registration, call: Call, patient: Patient) -> bool:
    called_at = call.called_at or registration.created_at
    if called_at is None:
        return True
    return matched_existing(patient, registration.external_id, called_at)


HANDLER = Handler(prepare, record)
