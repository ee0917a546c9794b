"""Invariant I9: whose eyes may a patient's data meet?

No link to data goes to a subject without an active identity bound to (subject, patient) *and* a
network query that Metriport accepted with that subject's own session. Metriport matches patients
fuzzily, so two subjects can share a patient; only proofing tells them apart.
"""

from schemas.reasons import Reason
from schemas.sources import PurposeOfUse
from service.ias.refusal import Refusal


def refuse_data(
    link: PurposeOfUse | None, *, has_active_identity: bool, has_accepted_query: bool
) -> Refusal | None:
    """Whether the subject may be handed the patient's consolidated record."""
    if link is None:
        return Refusal(
            Reason.PATIENT_NOT_LINKED, "the subject is not linked to this patient", "patientId"
        )
    if link is not PurposeOfUse.IAS:
        return Refusal(
            Reason.PURPOSE_NOT_ALLOWED, "records are handed out on ias links only", "patientId"
        )
    if not has_active_identity:
        return Refusal(Reason.NO_ACTIVE_IDENTITY, "the person is not proofed for this patient")
    if not has_accepted_query:
        return Refusal(
            Reason.NO_ACCEPTED_QUERY, "no network query was accepted with this subject's session"
        )
    return None
