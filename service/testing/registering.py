"""Registration: Metriport's answer about a person, and the subject's link to the patient."""

import msgspec

from schemas.demographics import Demographics
from schemas.events import PatientRegistered, PatientRegistrationFailed
from schemas.ids import ExternalId, PatientId
from schemas.metriport.api import Patient
from schemas.reasons import REMEDIES
from schemas.sources import PurposeOfUse
from service.ias.purpose import refuse_link
from service.ias.refusal import Refusal
from service.ias.registration import matched_existing
from service.ias.telling import Head, head
from service.testing.world import World

Who = Demographics | bytes | PatientId
"""Whom Metriport is asked about: a person, a person sealed, or a patient that exists."""


def register(
    world: World,
    about: Head,
    purpose: PurposeOfUse,
    who: Who,
    external_id: ExternalId | None = None,
) -> PatientId | Refusal:
    """Link the subject to the patient that Metriport answers with, or tell why not."""
    refused = _refuse(world, about, purpose, who)
    patient_id, existed = (PatientId(""), False) if refused else _match(world, who, external_id)
    refused = refused or _refuse(world, about, purpose, patient_id)
    if refused is not None:
        fail(world, about, refused)
        return refused
    world.subject(about["subject_id"]).links.setdefault(patient_id, purpose)
    found = head(about["subject_id"], patient_id, about["command_id"])
    event = PatientRegistered(
        **found, purpose=purpose, matched_existing=existed, external_id=external_id
    )
    world.tell([event])
    return patient_id


def fail(world: World, about: Head, refused: Refusal) -> None:
    """No link was made."""
    reason, message = refused.reason, refused.message
    event = PatientRegistrationFailed(**about, reason=reason, message=message, field=refused.field)
    world.tell([event])


def _refuse(world: World, about: Head, purpose: PurposeOfUse, who: Who) -> Refusal | None:
    """What our rules say of the link, or else Metriport of the call."""
    links = world.subject(about["subject_id"]).links
    held = links.get(PatientId(who)) if isinstance(who, str) else None
    refused = refuse_link(held, purpose, treatment_enabled=world.terms.treatment_enabled)
    reason = None if refused else world.take_refusal()
    return refused if reason is None else Refusal(reason, REMEDIES[reason])


def _match(world: World, who: Who, external_id: ExternalId | None) -> tuple[PatientId, bool]:
    """Metriport matches by name, day of birth and the like; what is sealed, only by itself."""
    if isinstance(who, str):
        return PatientId(who), True
    matched = who if isinstance(who, bytes) else _traits(who)
    if matched not in world.patients:
        world.patients[matched] = Patient(
            id=PatientId(str(world.new_id())), external_id=external_id, date_created=world.now
        )
    patient = world.patients[matched]
    return patient.id, matched_existing(patient, external_id, world.now)


def _traits(who: Demographics) -> bytes:
    names = (who.first_name.lower(), who.last_name.lower())
    return msgspec.json.encode((*names, who.dob, who.gender_at_birth))
