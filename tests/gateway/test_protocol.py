"""Each call, letter for letter, against the requests that the vendor's documentation shows."""

from datetime import date
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.demographics import Address, Contact, Demographics
from schemas.ids import ExternalId, PatientId, RequestId, VerificationId
from schemas.sources import Source
from service.gateway import protocol
from service.gateway.protocol import IasProof, VendorRequest

from .samples import recorded, sent

PATIENT = PatientId("0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11")
FACILITY = "0199a001-2b7c-7d10-8e55-0c1d2e3f4a5b"
PROOFED, SESSION = "pid_0199b0caf4d57e90", "aal2_0199b1cf20417f58"
PROOF = IasProof(proofed_identity_id=PROOFED, aal2_session_id=SESSION)
QUERY_ID = RequestId(UUID("0199b1d0-0000-7000-8000-000000000001"))
OUR_METADATA = {"iasQueryId": "0199b1d0-0000-7000-8000-000000000001"}
JANE = Demographics(
    first_name="Jane",
    last_name="Smith",
    dob=date(1996, 2, 10),
    gender_at_birth="F",
    address=[Address(address_line1="123 Arsenal St", city="Phoenix", state="AZ", zip="85300")],
    contact=[Contact(phone="6025550134", email="jane.smith@example.com")],
)
SOURCES = st.lists(st.sampled_from(list(Source)), min_size=1, unique=True)


def _query(proof: IasProof | None, sources: list[Source] | None = None) -> VendorRequest:
    return protocol.start_network_query(PATIENT, sources or list(Source), QUERY_ID, proof)


def test_create_patient_is_the_recorded_request() -> None:
    ours = sent(protocol.create_patient(JANE, ExternalId("member-48213"), FACILITY))
    sample = recorded("create-patient")
    for address in sample.body["address"]:
        assert address.pop("country") == "USA", "the vendor's only country, and its default"
    assert ours == sample


def test_create_patient_leaves_out_what_is_not_known_and_never_starts_a_query() -> None:
    bare = msgspec.structs.replace(JANE, contact=None)
    body = sent(protocol.create_patient(bare, None, FACILITY)).body
    assert set(body) == {"firstName", "lastName", "dob", "genderAtBirth", "address"}


def test_create_identity_session_is_the_recorded_request_with_our_id_as_metadata() -> None:
    ours = protocol.create_identity_session(
        PATIENT,
        "https://app.example.com/ias/identity/return",
        VerificationId(UUID("0199b0c8-0000-7000-8000-000000000001")),
    )
    metadata = {"iasVerificationId": "0199b0c8-0000-7000-8000-000000000001"}
    assert sent(ours) == recorded("create-identity-session", metadata=metadata)


def test_create_aal2_challenge_is_the_recorded_request() -> None:
    url = "https://app.example.com/ias/aal2/return?state=7c1d6b0e"
    ours = protocol.create_aal2_challenge(PROOFED, url)
    assert sent(ours) == recorded("create-aal2-challenge")


def test_start_network_query_for_ias_is_the_recorded_request() -> None:
    assert sent(_query(PROOF)) == recorded("start-network-query.ias", metadata=OUR_METADATA)


def test_start_network_query_for_treatment_is_the_recorded_request() -> None:
    ours = protocol.start_network_query(
        PATIENT, [Source.HIE, Source.PHARMACY], QUERY_ID, None, FACILITY
    )
    enabled = {"hie": {"enabled": True}, "pharmacy": {"enabled": True}}
    sample = recorded("start-network-query.treatment", metadata=OUR_METADATA, sources=enabled)
    assert sent(ours) == sample


def test_start_consolidated_query_is_the_recorded_request() -> None:
    ours = protocol.start_consolidated_query(PATIENT, "json", None, None, None)
    assert sent(ours) == recorded("start-consolidated-query", metadata=None)


def test_a_consolidated_query_can_be_narrowed() -> None:
    ours = protocol.start_consolidated_query(
        PATIENT,
        "pdf",
        ["Observation", "MedicationRequest"],
        date(2024, 1, 1),
        date(2024, 12, 31),
    )
    assert sent(ours).query == {
        "conversionType": "pdf",
        "resources": "Observation,MedicationRequest",
        "dateFrom": "2024-01-01",
        "dateTo": "2024-12-31",
    }


def test_reading_a_patient_and_probing_the_key_send_nothing() -> None:
    patient, probe = protocol.get_patient(PATIENT), protocol.probe_key()
    assert sent(patient) == ("GET", f"/medical/v1/patient/{PATIENT}", {}, {}, None)
    assert sent(probe) == ("GET", "/settings", {}, {}, None)


@given(sources=SOURCES, proof=st.sampled_from([None, PROOF]))
def test_the_purpose_is_always_said(sources: list[Source], proof: IasProof | None) -> None:
    """The vendor takes a missing purpose for treatment, silently."""
    request = _query(proof, sources)
    assert sent(request).query["purposeOfUse"] == ("treatment" if proof is None else "ias")
    assert request.query.count("purposeOfUse=") == 1


@given(sources=SOURCES, facility=st.sampled_from([None, FACILITY]))
def test_an_ias_query_always_carries_session_and_identity(
    sources: list[Source], facility: str | None
) -> None:
    """I2."""
    request = protocol.start_network_query(PATIENT, sources, QUERY_ID, PROOF, facility)
    ours = sent(request)
    assert ours.headers["x-aal2-session"] == SESSION
    assert ours.body["proofedIdentityId"] == PROOFED
    assert ours.query == {"patientId": PATIENT, "purposeOfUse": "ias"}
    assert ours.body["sources"] == {source.value: {"enabled": True} for source in sources}


def test_a_treatment_query_carries_neither_session_nor_identity() -> None:
    """I2, I9."""
    ours = sent(_query(None))
    assert set(ours.headers) == {"content-type"}
    assert set(ours.body) == {"sources", "metadata"}


def test_no_other_call_carries_a_session() -> None:
    """I2."""
    calls = [
        protocol.create_patient(JANE, None, FACILITY),
        protocol.get_patient(PATIENT),
        protocol.create_identity_session(PATIENT, "https://a/b", VerificationId(UUID(int=1))),
        protocol.create_aal2_challenge(PROOFED, "https://a/b"),
        protocol.start_consolidated_query(PATIENT, "json", None, None, None),
        protocol.probe_key(),
        _query(None),
    ]
    for call in calls:
        assert "x-aal2-session" not in {name.lower() for name in call.headers}
        assert SESSION.encode() not in (call.body or b"")


def test_one_query_does_not_carry_the_session_of_the_one_before() -> None:
    """I2: nothing is shared between requests."""
    _query(PROOF)
    assert "x-aal2-session" not in _query(None).headers
    assert "x-aal2-session" not in protocol.create_patient(JANE, None, FACILITY).headers


@given(text=st.text(min_size=1, max_size=20).filter(lambda text: text.strip(".")))
def test_a_patient_id_cannot_change_path_or_query(text: str) -> None:
    patient = PatientId(text)
    for request in (
        protocol.get_patient(patient),
        protocol.start_consolidated_query(patient, "json", None, None, None),
    ):
        assert set(request.path).isdisjoint("?#\\ \r\n")
        assert request.path.count("/") - request.path.count("/consolidated/query") * 2 == 4
    request = protocol.start_network_query(patient, [Source.HIE], QUERY_ID, PROOF)
    assert sent(request).query == {"patientId": text, "purposeOfUse": "ias"}


@pytest.mark.parametrize("purpose", ["ias", "challenge"])
def test_no_repr_shows_an_identity_a_session_or_a_body(purpose: str) -> None:
    """I7."""
    canary = "K4n4ry"
    proof = IasProof(proofed_identity_id=f"pid_{canary}", aal2_session_id=f"aal2_{canary}")
    request = (
        _query(proof)
        if purpose == "ias"
        else protocol.create_aal2_challenge(f"pid_{canary}", f"https://a/{canary}")
    )
    assert canary in str(request.body)
    for shown in (repr(request), str(request), repr(proof), str(proof), f"{[request, proof]}"):
        assert canary not in shown
    assert "Arsenal" not in repr(protocol.create_patient(JANE, None, FACILITY))
