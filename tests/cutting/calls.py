"""One call of every kind, with secrets that can be searched for."""

from dataclasses import replace
from datetime import date
from typing import Final
from uuid import UUID

from schemas.demographics import Address, Demographics
from schemas.ids import PatientId, RequestId, VendorRequestId, VerificationId
from schemas.sources import Source
from service.gateway import protocol
from service.gateway.protocol import IasProof, VendorRequest
from service.store.calls import Operation

API_KEY: Final = "key-K4n4ry-1"
SESSION: Final = "aal2_K4n4ry-2"
PROOFED: Final = "pid_K4n4ry-3"
PATIENT: Final = PatientId("patient-K4n4ry-4")
FAMILY_NAME: Final = "K4n4ry-5"
CANARY: Final = "K4n4ry"
"""In every secret, and in every value of a person."""

_URL: Final = "https://ias.example.com/callbacks"
_ID: Final = UUID("0199b1d0-0000-7000-8000-000000000001")
_QUERY: Final = VendorRequestId("0199b1d0-77aa-7c21-8f3e-5a6b7c8d9e0f")
_SOMEBODY: Final = Demographics(
    first_name="Given",
    last_name=FAMILY_NAME,
    dob=date(1990, 1, 1),
    gender_at_birth="U",
    address=[Address(address_line1="1 Any St", city="Anywhere", state="AZ", zip="85300")],
    contact=None,
)

NETWORK_QUERY: Final = protocol.start_network_query(
    PATIENT,
    [Source.HIE],
    RequestId(_ID),
    IasProof(proofed_identity_id=PROOFED, aal2_session_id=SESSION),
)
CALLS: Final[dict[str, VendorRequest]] = {
    Operation.CREATE_PATIENT: protocol.create_patient(_SOMEBODY, None, "facility"),
    Operation.GET_PATIENT: protocol.get_patient(PATIENT),
    Operation.CREATE_IDENTITY_SESSION: protocol.create_identity_session(
        PATIENT, f"{_URL}/identity", VerificationId(_ID)
    ),
    Operation.CREATE_AAL2_CHALLENGE: protocol.create_aal2_challenge(PROOFED, f"{_URL}/aal2"),
    Operation.START_NETWORK_QUERY: NETWORK_QUERY,
    Operation.START_CONSOLIDATED_QUERY: protocol.start_consolidated_query(
        PATIENT, "json", None, None, None
    ),
    Operation.GET_NETWORK_QUERY: protocol.get_network_query(_QUERY),
    Operation.GET_CONSOLIDATED_QUERY: protocol.get_consolidated_query(PATIENT, _QUERY),
    "probe_key": protocol.probe_key(),
}


def marked(request: VendorRequest, number: int) -> VendorRequest:
    """The same request, told from every other by its ``traceparent``; always of the same length."""
    return replace(request, headers={**request.headers, "traceparent": f"{number:08}"})
