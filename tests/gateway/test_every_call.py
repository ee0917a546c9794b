"""The whole table of calls: what goes out for each, to the letter, and that nothing else does.

Written from the vendor's documentation (endpoint pages and IAS guide), not from our code.
"""

import inspect
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from schemas.demographics import Address, Contact, Demographics
from schemas.ids import ExternalId, PatientId, RequestId, VendorRequestId, VerificationId
from schemas.sources import Source
from service.gateway import protocol
from service.gateway.protocol import IasProof, VendorRequest

from .samples import Sent, sent

PATIENT = PatientId("0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11")
QUERY = VendorRequestId("0199b1d0-77aa-7c21-8f3e-5a6b7c8d9e0f")
OUR_ID = "0199b1d0-0000-7000-8000-000000000001"
FACILITY = "0199a001-2b7c-7d10-8e55-0c1d2e3f4a5b"
PROOF = IasProof(proofed_identity_id="pid_1", aal2_session_id="aal2_1")
URL = "https://ias.example.com/callbacks/aal2"
SOMEBODY = Demographics(
    first_name="Given, Second",
    last_name="Fämily",
    dob=date(1990, 1, 2),
    gender_at_birth="O",
    address=[
        Address(address_line1="1 Any St", address_line2="#2", city="A", state="PR", zip="00901"),
        Address(address_line1="3 Any St", city="B", state="AZ", zip="85300"),
    ],
    contact=[Contact(phone="6025550134"), Contact(email="a@example.com")],
)
JSON = {"content-type": "application/json"}
IAS = {**JSON, "x-aal2-session": "aal2_1"}
V1 = "/medical/v1"


class Row(NamedTuple):
    """A call of ours, and what the vendor documents for it."""

    made: VendorRequest
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


def _read(made: VendorRequest, path: str) -> Row:
    return Row(made, "GET", path, {}, {}, None)


def _query(*sources: Source, proof: IasProof | None, facility: str | None = None) -> VendorRequest:
    return protocol.start_network_query(PATIENT, sources, RequestId(UUID(OUR_ID)), proof, facility)


METADATA = {"iasQueryId": OUR_ID}
CONSOLIDATED = f"{V1}/patient/{PATIENT}/consolidated/query"
TABLE: dict[str, Row] = {
    "create_patient": Row(
        protocol.create_patient(SOMEBODY, ExternalId("theirs"), FACILITY),
        "POST",
        f"{V1}/patient",
        {"facilityId": FACILITY},
        JSON,
        {
            "firstName": "Given, Second",
            "lastName": "Fämily",
            "dob": "1990-01-02",
            "genderAtBirth": "O",
            "address": [
                {
                    "addressLine1": "1 Any St",
                    "addressLine2": "#2",
                    "city": "A",
                    "state": "PR",
                    "zip": "00901",
                },
                {"addressLine1": "3 Any St", "city": "B", "state": "AZ", "zip": "85300"},
            ],
            "contact": [{"phone": "6025550134"}, {"email": "a@example.com"}],
            "externalId": "theirs",
        },
    ),
    "get_patient": _read(protocol.get_patient(PATIENT), f"{V1}/patient/{PATIENT}"),
    "create_identity_session": Row(
        protocol.create_identity_session(PATIENT, URL, VerificationId(UUID(OUR_ID))),
        "POST",
        f"{V1}/identity/session",
        {},
        JSON,
        {"patientId": PATIENT, "redirectUrl": URL, "metadata": {"iasVerificationId": OUR_ID}},
    ),
    "create_aal2_challenge": Row(
        protocol.create_aal2_challenge("pid_1", URL),
        "POST",
        f"{V1}/identity/aal2/challenge",
        {},
        JSON,
        {"proofedIdentityId": "pid_1", "redirectUrl": URL},
    ),
    "start_network_query ias": Row(
        _query(Source.HIE, Source.LAB, proof=PROOF, facility=FACILITY),
        "POST",
        f"{V1}/network/query",
        {"patientId": PATIENT, "purposeOfUse": "ias"},
        IAS,
        {
            "sources": {"hie": {"enabled": True}, "lab": {"enabled": True}},
            "proofedIdentityId": "pid_1",
            "metadata": METADATA,
        },
    ),
    "start_network_query treatment": Row(
        _query(Source.PHARMACY, proof=None, facility=FACILITY),
        "POST",
        f"{V1}/network/query",
        {"patientId": PATIENT, "purposeOfUse": "treatment", "facilityId": FACILITY},
        JSON,
        {"sources": {"pharmacy": {"enabled": True}}, "metadata": METADATA},
    ),
    "start_network_query treatment, the patient's facility": Row(
        _query(Source.HIE, proof=None),
        "POST",
        f"{V1}/network/query",
        {"patientId": PATIENT, "purposeOfUse": "treatment"},
        JSON,
        {"sources": {"hie": {"enabled": True}}, "metadata": METADATA},
    ),
    "get_network_query": _read(protocol.get_network_query(QUERY), f"{V1}/network/query/{QUERY}"),
    "start_consolidated_query": Row(
        protocol.start_consolidated_query(PATIENT, "json", None, None, None),
        "POST",
        CONSOLIDATED,
        {"conversionType": "json"},
        JSON,
        {},
    ),
    "start_consolidated_query narrowed": Row(
        protocol.start_consolidated_query(
            PATIENT, "html", ["Patient", "Condition"], date(2024, 1, 1), None
        ),
        "POST",
        CONSOLIDATED,
        {"conversionType": "html", "resources": "Patient,Condition", "dateFrom": "2024-01-01"},
        JSON,
        {},
    ),
    "get_consolidated_query": _read(
        protocol.get_consolidated_query(PATIENT, QUERY), f"{CONSOLIDATED}/{QUERY}"
    ),
    "get_facility": _read(protocol.get_facility(FACILITY), f"{V1}/facility/{FACILITY}"),
    "knock_at_identity": Row(
        protocol.knock_at_identity(), "POST", f"{V1}/identity/session", {}, JSON, {}
    ),
    "probe_key": _read(protocol.probe_key(), "/settings"),
    "update_settings": Row(
        protocol.update_settings("https://ias.example.com/webhooks/metriport"),
        "POST",
        "/settings",
        {},
        JSON,
        {"webhookUrl": "https://ias.example.com/webhooks/metriport"},
    ),
    "resend_webhooks": Row(
        protocol.resend_webhooks(), "POST", "/settings/webhook/retry", {}, {}, None
    ),
    "webhook_status": _read(protocol.webhook_status(), "/settings/webhook"),
}
IAS_ONLY = ("x-aal2-session", "aal2_1")


def test_the_table_has_every_call_that_the_protocol_knows() -> None:
    known = {
        name
        for name, made in vars(protocol).items()
        if inspect.isfunction(made)
        and made.__module__ == protocol.__name__
        and not name.startswith("_")
        and inspect.signature(made).return_annotation is VendorRequest
    }
    assert known == {name.split(" ")[0] for name in TABLE}


@pytest.mark.parametrize("name", TABLE)
def test_each_call_is_what_the_vendor_documents_and_nothing_besides(name: str) -> None:
    made, *expected = TABLE[name]
    assert sent(made) == Sent(*expected)


@pytest.mark.parametrize("name", TABLE)
def test_a_purpose_is_said_where_there_is_one_and_nowhere_else(name: str) -> None:
    """I2: without it the vendor takes a person's own request for treatment, silently."""
    query = sent(TABLE[name].made).query
    assert ("purposeOfUse" in query) is name.startswith("start_network_query")


@pytest.mark.parametrize("name", TABLE)
def test_session_and_identity_go_together_and_with_ias_alone(name: str) -> None:
    """I2. The challenge names the identity, for which it asks for a session."""
    made = TABLE[name].made
    is_ias = sent(made).query.get("purposeOfUse") == "ias"
    body = sent(made).body or {}
    assert ("x-aal2-session" in made.headers) is is_ias
    assert ("proofedIdentityId" in body) is (is_ias or name == "create_aal2_challenge")
    if not is_ias:
        whole = f"{made.path}{made.query}{made.headers}{made.body!r}".lower()
        assert not any(mark in whole for mark in IAS_ONLY)


@pytest.mark.parametrize("name", TABLE)
def test_no_secret_goes_into_a_url(name: str) -> None:
    """I7: URLs end up in logs, the vendor's too."""
    made = TABLE[name].made
    assert "pid_1" not in made.path + made.query
    assert "aal2_1" not in made.path + made.query
