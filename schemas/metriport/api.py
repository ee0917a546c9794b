"""Bodies of Metriport's HTTP API (docs of 2026; published SDK and schemas)."""

from typing import Any

import msgspec

from ..base import UtcTime  # noqa: TID252 - `schemas` is published alone: its imports stay relative
from ..demographics import Address, Contact  # noqa: TID252 - as above
from ..ids import ExternalId, FacilityId, PatientId, VendorRequestId  # noqa: TID252 - as above
from .webhooks import Body


class Request(msgspec.Struct, rename="camel", frozen=True, kw_only=True, omit_defaults=True):
    """A body that we send: exactly the documented fields, absent ones left out."""


class CreatePatient(Request, frozen=True, kw_only=True):
    """``POST /medical/v1/patient``. ``networkQuery`` is left out: it would start a Treatment query."""

    first_name: str
    last_name: str
    dob: str
    gender_at_birth: str
    address: list[Address]
    contact: list[Contact] | None = None
    external_id: ExternalId | None = None


class Patient(Body, frozen=True, kw_only=True):
    """Answer to Create and Get Patient; demographics are not read."""

    id: PatientId
    external_id: str | None = None
    facility_ids: list[FacilityId] = msgspec.field(default_factory=list)
    date_created: UtcTime | None = None


class CreateIdentitySession(Request, frozen=True, kw_only=True):
    """``POST /medical/v1/identity/session``."""

    patient_id: PatientId
    redirect_url: str
    metadata: dict[str, str] | None = None


class IdentitySession(Body, frozen=True, kw_only=True):
    """A hosted page, single use, until ``expiresAt`` (A04)."""

    session_id: str
    session_url: str
    expires_at: UtcTime
    status: str | None = None


class CreateAal2Challenge(Request, frozen=True, kw_only=True):
    """``POST /medical/v1/identity/aal2/challenge``; no metadata is documented."""

    proofed_identity_id: str
    redirect_url: str


class Aal2Challenge(Body, frozen=True, kw_only=True):
    """A hosted page, single use, until ``expiresAt`` (A07)."""

    challenge_id: str
    challenge_url: str
    expires_at: UtcTime
    method: str | None = None


class EnabledSource(Request, frozen=True, kw_only=True):
    """One source of the strict ``sources`` object; only ``enabled`` is sent."""

    enabled: bool


class StartNetworkQuery(Request, frozen=True, kw_only=True):
    """``POST /medical/v1/network/query``. ``proofedIdentityId`` on ias only, and then always."""

    sources: dict[str, EnabledSource]
    proofed_identity_id: str | None = None
    metadata: dict[str, str] | None = None


class QuerySource(Body, frozen=True, kw_only=True):
    """One row of ``sources``; a type may occur more than once."""

    type: str
    status: str
    started_at: UtcTime | None = None
    completed_at: UtcTime | None = None


class QueryError(Body, frozen=True, kw_only=True):
    """One row of ``errors``: a source that did not start, inside a 2xx."""

    source: str
    http_status: int | None = None
    message: Any = None


class NetworkQuery(Body, frozen=True, kw_only=True):
    """Answer to Start and Get Network Query, for ias as for treatment (A11)."""

    request_id: VendorRequestId
    status: str
    started_at: UtcTime | None = None
    sources: list[QuerySource] = msgspec.field(default_factory=list)
    errors: list[QueryError] = msgspec.field(default_factory=list)


class NetworkQueryStatus(NetworkQuery, frozen=True, kw_only=True):
    """Answer to Get Network Query. Whose query it is, is not documented: read where it is said."""

    patient_id: Any = None
    purpose_of_use: Any = None
    metadata: Any = None


class StartConsolidatedQuery(Request, frozen=True, kw_only=True):
    """``POST /medical/v1/patient/{id}/consolidated/query``."""

    metadata: dict[str, str] | None = None


class ConsolidatedQuery(Body, frozen=True, kw_only=True):
    """Answer to Start Consolidated Query; the same id while the same query is processing."""

    request_id: VendorRequestId
    status: str
    started_at: UtcTime | None = None


class Settings(Body, frozen=True, kw_only=True):
    """``GET /settings``; used as a harmless probe of the API key."""

    id: str
    webhook_url: str | None = None


class DeliveryCounts(Body, frozen=True, kw_only=True):
    """``GET /settings/webhook``; a count of -1 means that the vendor could not count (docs)."""

    webhook_requests_processing: int
    webhook_requests_failed: int


class ErrorBody(Body, frozen=True, kw_only=True):
    """Both JSON error shapes in one: the envelope, and the gateway's ``{"message"}``."""

    status: Any = None
    title: Any = None
    detail: Any = None
    message: Any = None
