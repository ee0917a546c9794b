"""A subject's link to a patient has one purpose for ever (invariant I9).

Metriport assumes ``treatment`` when the purpose is not said, silently turning a person's own request
into a provider's. So the purpose is fixed when the link is made, and whatever does not fit is refused.
"""

from schemas.reasons import Reason
from schemas.sources import PurposeOfUse
from service.ias.refusal import Refusal


def refuse_link(
    existing: PurposeOfUse | None, wanted: PurposeOfUse, *, treatment_enabled: bool
) -> Refusal | None:
    """Whether the subject may be linked to the patient for ``wanted``."""
    return _refuse(existing or wanted, wanted, "purpose", treatment_enabled=treatment_enabled)


def refuse_use(
    link: PurposeOfUse | None, wanted: PurposeOfUse, *, treatment_enabled: bool
) -> Refusal | None:
    """Whether a command for ``wanted`` may act on the subject's link to the patient."""
    if link is None:
        return Refusal(
            Reason.PATIENT_NOT_LINKED, "the subject is not linked to this patient", "patientId"
        )
    return _refuse(link, wanted, "purposeOfUse", treatment_enabled=treatment_enabled)


def _refuse(
    link: PurposeOfUse, wanted: PurposeOfUse, field: str, *, treatment_enabled: bool
) -> Refusal | None:
    if wanted is PurposeOfUse.TREATMENT and not treatment_enabled:
        return Refusal(Reason.TREATMENT_DISABLED, "treatment is not enabled here", field)
    if link is not wanted:
        message = f"the subject is linked to this patient for {link}"
        return Refusal(Reason.PURPOSE_NOT_ALLOWED, message, field)
    return None
