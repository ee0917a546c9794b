"""Subjects' links to patients, and the registrations that make them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record

from schemas.ids import CommandId, ExternalId, FacilityId, PatientId, SubjectId
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse
from service.crypto.envelope import Place
from service.store import erased, subjects
from service.store.unit import Unit

PURPOSE = "select purpose from patient_link where subject_id = $1 and patient_id = $2"
LINK = """
insert into patient_link (subject_id, patient_id, purpose, matched_existing)
values ($1, $2, $3, $4) on conflict (subject_id, patient_id) do nothing
"""
EVER_LINKED = "select subject_id from patient_link where patient_id = $1"
ONLY_OF = """
select l.patient_id from patient_link l where l.subject_id = $1 and not exists (
    select from patient_link o where o.patient_id = l.patient_id and o.subject_id <> $1)
"""
REGISTER = """
insert into registration (registration_id, subject_id, command_id, purpose, patient_id,
    external_id, facility_id, demographics_box, state)
values ($1, $2, $3, $4, $5, $6, $7, $8, 'due')
"""
REGISTRATION = """
select registration_id, subject_id, command_id, purpose, patient_id, external_id, facility_id,
    demographics_box, state, created_at
from registration where registration_id = $1
"""
END = """
update registration set state = $2, demographics_box = null,
    patient_id = coalesce($3, patient_id), reason = $4
where registration_id = $1
"""


class Registration(NamedTuple):
    """One RegisterPatient (``demographics``) or LinkPatient (``patient_id``) on its way."""

    registration_id: UUID
    subject_id: SubjectId
    command_id: CommandId
    purpose: PurposeOfUse
    patient_id: PatientId | None = None
    external_id: ExternalId | None = None
    facility_id: FacilityId | None = None
    created_at: datetime | None = None

    def __repr__(self) -> str:
        return f"Registration({self.registration_id})"


async def purpose(unit: Unit, subject_id: SubjectId, patient_id: PatientId) -> PurposeOfUse | None:
    """The purpose of the subject's link to the patient, if there is a link."""
    word = await unit.conn.fetchval(PURPOSE, subject_id, patient_id)
    return None if word is None else PurposeOfUse(word)


async def link(
    unit: Unit,
    subject_id: SubjectId,
    patient_id: PatientId,
    purpose_of_use: PurposeOfUse,
    *,
    matched_existing: bool,
) -> None:
    """Link the subject to the patient; an existing link stays as it is."""
    await unit.conn.execute(LINK, subject_id, patient_id, purpose_of_use, matched_existing)


async def ever_linked(unit: Unit, patient_id: PatientId) -> frozenset[SubjectId]:
    """Every subject that was ever linked to the patient; a stand-in for each that was erased."""
    rows = await unit.conn.fetch(EVER_LINKED, patient_id)
    living = frozenset(SubjectId(row["subject_id"]) for row in rows)
    return living | await erased.once_linked(unit, patient_id, living)


async def only_of(unit: Unit, subject_id: SubjectId) -> list[PatientId]:
    """Patients to whom no other living subject is linked."""
    return [PatientId(row["patient_id"]) for row in await unit.conn.fetch(ONLY_OF, subject_id)]


async def start_registration(
    unit: Unit, registration: Registration, demographics: bytes | None
) -> None:
    """Keep what the call to the vendor needs; demographics are stored as a box."""
    box = None
    if demographics is not None:
        key = await subjects.data_key(unit, registration.subject_id)
        box = key.encrypt(demographics, _place(registration.registration_id))
    await unit.conn.execute(REGISTER, *registration[:-1], box)


async def registration(
    unit: Unit, registration_id: UUID
) -> tuple[Registration, bytes | None] | None:
    """A registration that is still due, and its demographics."""
    row = await unit.conn.fetchrow(REGISTRATION, registration_id)
    if row is None or row["state"] != "due":
        return None
    found = _registration(row)
    if row["demographics_box"] is None:
        return found, None
    key = await subjects.data_key(unit, found.subject_id)
    return found, key.decrypt(row["demographics_box"], _place(registration_id))


async def registered(unit: Unit, registration_id: UUID, patient_id: PatientId) -> None:
    """The registration led to this patient; its demographics are forgotten."""
    await unit.conn.execute(END, registration_id, "registered", patient_id, None)


async def not_registered(unit: Unit, registration_id: UUID, reason: Reason) -> None:
    """The registration led to nothing; its demographics are forgotten."""
    await unit.conn.execute(END, registration_id, "failed", None, reason)


def _registration(row: Record) -> Registration:
    return Registration(
        registration_id=row["registration_id"],
        subject_id=row["subject_id"],
        command_id=row["command_id"],
        purpose=PurposeOfUse(row["purpose"]),
        patient_id=row["patient_id"],
        external_id=row["external_id"],
        facility_id=row["facility_id"],
        created_at=row["created_at"],
    )


def _place(registration_id: UUID) -> Place:
    return Place("registration", "demographics_box", str(registration_id))
