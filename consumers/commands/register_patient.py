"""``RegisterPatient`` and ``LinkPatient``: ask Metriport for the patient, link the subject to it."""

from uuid import uuid4

import msgspec

from consumers.commands.answers import reject
from consumers.context import Context
from schemas.commands import LinkPatient, RegisterPatient
from schemas.demographics import Demographics
from schemas.events import PatientRegistrationFailed
from schemas.problems import InvalidMessageError, decode
from schemas.reasons import Reason
from schemas.topics import Topic
from service.crypto.keys import UnknownKeyError
from service.crypto.sealing import place
from service.ias.purpose import refuse_link
from service.ias.refusal import Refusal
from service.ias.telling import head
from service.store import calls, outbox, patients
from service.store.calls import Operation
from service.store.patients import Registration
from service.store.unit import Unit


async def handle(unit: Unit, context: Context, command: RegisterPatient) -> None:
    """Keep the demographics sealed and schedule Create Patient."""
    person = read_demographics(context, command)
    if isinstance(person, Refusal):
        await reject(unit, command, person)
        return
    allowed = context.rules.treatment_enabled
    refused = refuse_link(None, command.purpose, treatment_enabled=allowed)
    if refused is not None:
        await _fail(unit, command, refused)
        return
    registration = Registration(
        uuid4(),
        command.subject_id,
        command.command_id,
        command.purpose,
        external_id=command.external_id,
        facility_id=command.facility_id,
    )
    await begin(unit, registration, person)


async def handle_link(unit: Unit, context: Context, command: LinkPatient) -> None:
    """Schedule Get Patient, so that only a patient of this account is linked."""
    held = await patients.purpose(unit, command.subject_id, command.patient_id)
    allowed = context.rules.treatment_enabled
    refused = refuse_link(held, command.purpose, treatment_enabled=allowed)
    if refused is not None:
        await _fail(unit, command, refused)
        return
    registration = Registration(
        uuid4(),
        command.subject_id,
        command.command_id,
        command.purpose,
        patient_id=command.patient_id,
    )
    await begin(unit, registration, None)


async def begin(unit: Unit, registration: Registration, person: Demographics | None) -> None:
    """Keep the registration, demographics sealed, and schedule its call."""
    demographics = None if person is None else msgspec.json.encode(person)
    await patients.start_registration(unit, registration, demographics)
    operation = Operation.GET_PATIENT if person is None else Operation.CREATE_PATIENT
    await calls.schedule(unit, operation, registration.subject_id, registration.registration_id)


def read_demographics(context: Context, command: RegisterPatient) -> Demographics | Refusal:
    """The person, from exactly one of the two fields."""
    if (command.demographics is None) == (command.demographics_sealed is None):
        return Refusal(
            Reason.INVALID_FIELD, "give either demographics or demographicsSealed", "demographics"
        )
    if command.demographics is not None:
        return command.demographics
    where = place(Topic.COMMANDS, "ias.command.RegisterPatient", str(command.command_id))
    try:
        opened = context.opener.open(command.demographics_sealed or b"", where)
        return decode(opened, Demographics)
    except UnknownKeyError:
        return Refusal(Reason.INVALID_FIELD, "the sealed text does not open", "demographicsSealed")
    except InvalidMessageError as error:
        return Refusal(Reason.INVALID_FIELD, error.message, f"demographicsSealed.{error.field}")


async def _fail(unit: Unit, command: RegisterPatient | LinkPatient, refusal: Refusal) -> None:
    patient_id = command.patient_id if isinstance(command, LinkPatient) else None
    event = PatientRegistrationFailed(
        **head(command.subject_id, patient_id, command.command_id),
        reason=refusal.reason,
        message=refusal.message,
        field=refusal.field,
    )
    await outbox.emit(unit, event, ends=True)
