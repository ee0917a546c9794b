"""Whether an IAS query may run: the identity and the AAL2 session that it presents.

Metriport docs demand an active session of the patient's verified identity. Which status a
refusal has is not documented; 403 `ForbiddenError` is assumed for every case, without
telling which of them it was.
"""

from .errors import ApiError, forbidden
from .kernel import Sandbox
from .state import Patient

_SESSION = "AAL2 session is missing, expired or does not belong to this identity"
_IDENTITY = "Proofed identity is not active or does not belong to this patient"


def check_ias(
    sandbox: Sandbox, patient: Patient, *, identity_id: str | None, session_id: str | None
) -> None:
    """Pass, or refuse.

    Raises:
        ApiError: 403.
    """
    identity = sandbox.state.identities.get(identity_id or "")
    if identity is None or identity.patient_id != patient.id or identity.status != "active":
        raise forbidden(_IDENTITY)
    session = sandbox.state.aal2_sessions.get(session_id or "")
    if session is None or (session.identity_id, session.patient_id) != (identity.id, patient.id):
        raise _session_refused()
    if session.status != "active" or sandbox.now() >= session.expires:
        raise _session_refused()
    if sandbox.config.aal2_single_use:
        session.status = "used"


def _session_refused() -> ApiError:
    return forbidden(_SESSION)
