"""Metriport's HTTP protocol as pure functions: a call to a request.

Sources: docs.metriport.com (Create Patient, Create Identity Session, Create AAL2 Challenge, Start
Network Query, Start Consolidated Query, IAS guide). The official SDK cannot send ``purposeOfUse``,
``proofedIdentityId`` or ``x-aal2-session``; ``purposeOfUse`` defaults to ``treatment`` at the vendor,
so it is always said here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from schemas.demographics import Demographics
from schemas.ids import ExternalId, PatientId, RequestId, VendorRequestId, VerificationId
from schemas.metriport import api
from schemas.metriport.settings import UpdateSettings
from schemas.sources import PurposeOfUse, Source
from service.ias.correlation import QUERY_METADATA_KEY
from service.ias.identity import METADATA_KEY

_V1: Final = "/medical/v1"


@dataclass(frozen=True, kw_only=True)
class VendorRequest:
    """One HTTP request. Body and headers hold secrets and stay out of its repr."""

    method: str
    path: str
    query: str = field(default="", repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class IasProof:
    """What an ias query carries besides: the person's identity and session, both secret."""

    proofed_identity_id: str = field(repr=False)
    aal2_session_id: str = field(repr=False)


def create_patient(
    demographics: Demographics, external_id: ExternalId | None, facility_id: str
) -> VendorRequest:
    """Create Patient. ``networkQuery`` is never sent: it would start a Treatment query."""
    body = api.CreatePatient(
        first_name=demographics.first_name,
        last_name=demographics.last_name,
        dob=demographics.dob.isoformat(),
        gender_at_birth=demographics.gender_at_birth,
        address=demographics.address,
        contact=demographics.contact,
        external_id=external_id,
    )
    return _post(f"{_V1}/patient", body, facilityId=facility_id)


def get_patient(patient_id: PatientId) -> VendorRequest:
    """Get Patient."""
    return VendorRequest(method="GET", path=f"{_V1}/patient/{quote(patient_id, safe='')}")


def create_identity_session(
    patient_id: PatientId, redirect_url: str, verification_id: VerificationId
) -> VendorRequest:
    """Create Identity Session, with our verification id as metadata."""
    body = api.CreateIdentitySession(
        patient_id=patient_id,
        redirect_url=redirect_url,
        metadata={METADATA_KEY: str(verification_id)},
    )
    return _post(f"{_V1}/identity/session", body)


def create_aal2_challenge(proofed_identity_id: str, redirect_url: str) -> VendorRequest:
    """Create AAL2 Challenge."""
    body = api.CreateAal2Challenge(
        proofed_identity_id=proofed_identity_id, redirect_url=redirect_url
    )
    return _post(f"{_V1}/identity/aal2/challenge", body)


def start_network_query(
    patient_id: PatientId,
    sources: Sequence[Source],
    query_id: RequestId,
    proof: IasProof | None,
    facility_id: str | None = None,
) -> VendorRequest:
    """Start Network Query: for ias with the person's proof, for treatment without any.

    A query with a proof is an ias query; there is no other way to say so, hence none to forget it.
    """
    purpose = PurposeOfUse.TREATMENT if proof is None else PurposeOfUse.IAS
    body = api.StartNetworkQuery(
        sources={source.value: api.EnabledSource(enabled=True) for source in sources},
        proofed_identity_id=None if proof is None else proof.proofed_identity_id,
        metadata={QUERY_METADATA_KEY: str(query_id)},
    )
    query = {"patientId": patient_id, "purposeOfUse": purpose.value}
    if facility_id is not None and purpose is PurposeOfUse.TREATMENT:
        query["facilityId"] = facility_id
    request = _post(f"{_V1}/network/query", body, **query)
    if proof is not None:
        request.headers["x-aal2-session"] = proof.aal2_session_id
    return request


def start_consolidated_query(
    patient_id: PatientId,
    conversion_type: str,
    resources: Sequence[str] | None,
    date_from: date | None,
    date_to: date | None,
) -> VendorRequest:
    """Start Consolidated Data Query. Safe to repeat: the same parameters return the running id.

    No session goes with it (A13).
    """
    query = {"conversionType": conversion_type}
    if resources:
        query["resources"] = ",".join(resources)
    if date_from is not None:
        query["dateFrom"] = date_from.isoformat()
    if date_to is not None:
        query["dateTo"] = date_to.isoformat()
    path = f"{_V1}/patient/{quote(patient_id, safe='')}/consolidated/query"
    return _post(path, api.StartConsolidatedQuery(), **query)


def get_network_query(vendor_request_id: VendorRequestId) -> VendorRequest:
    """Get Network Query Status; no session is documented as needed for it (A12)."""
    return VendorRequest(
        method="GET", path=f"{_V1}/network/query/{quote(vendor_request_id, safe='')}"
    )


def get_consolidated_query(
    patient_id: PatientId, vendor_request_id: VendorRequestId
) -> VendorRequest:
    """Get Consolidated Query Status: one row, without the link."""
    patient, request = quote(patient_id, safe=""), quote(vendor_request_id, safe="")
    return VendorRequest(method="GET", path=f"{_V1}/patient/{patient}/consolidated/query/{request}")


def get_facility(facility_id: str) -> VendorRequest:
    """Get Facility: harmless; tells whether the account has it."""
    return VendorRequest(method="GET", path=f"{_V1}/facility/{quote(facility_id, safe='')}")


def knock_at_identity() -> VendorRequest:
    """Create Identity Session without the patient that it is about: it can only be refused."""
    return VendorRequest(
        method="POST",
        path=f"{_V1}/identity/session",
        headers={"content-type": "application/json"},
        body=b"{}",
    )


def probe_key() -> VendorRequest:
    """Get Settings: harmless, and answered for every key that is accepted."""
    return VendorRequest(method="GET", path="/settings")


def update_settings(webhook_url: str) -> VendorRequest:
    """Update Settings. The URL is pinged at once; sending the same one again is a ping and no more."""
    return _post("/settings", UpdateSettings(webhook_url=webhook_url))


def webhook_status() -> VendorRequest:
    """Get Webhook Status: the last outcome, and how many deliveries failed."""
    return VendorRequest(method="GET", path="/settings/webhook")


def resend_webhooks() -> VendorRequest:
    """Retry Webhooks: every failed one again. Harmless to repeat: it takes what has failed by then."""
    return VendorRequest(method="POST", path="/settings/webhook/retry")


def _post(path: str, body: api.Request, **query: str) -> VendorRequest:
    return VendorRequest(
        method="POST",
        path=path,
        query=urlencode(query, quote_via=quote),
        headers={"content-type": "application/json"},
        body=msgspec.json.encode(body),
    )
