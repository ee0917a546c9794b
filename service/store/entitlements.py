"""The facts behind entitlement (I9), read in one place for every path that hands out data."""

from schemas.ids import PatientId, SubjectId
from service.ias import entitlement
from service.ias.refusal import Refusal
from service.store import identities, patients, queries
from service.store.unit import Unit


async def refuse_data(unit: Unit, subject_id: SubjectId, patient_id: PatientId) -> Refusal | None:
    """Whether the subject may be handed the patient's consolidated record, as of now."""
    link = await patients.purpose(unit, subject_id, patient_id)
    identity = await identities.active(unit, subject_id, patient_id)
    accepted = identity is not None and await queries.has_accepted(
        unit, subject_id, patient_id, identity
    )
    return entitlement.refuse_data(
        link, has_active_identity=identity is not None, has_accepted_query=accepted
    )
