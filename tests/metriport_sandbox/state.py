"""What the sandbox remembers: plain values, no behaviour beyond their own words."""

from dataclasses import dataclass, field
from typing import Any, Literal

from .config import CX_ID
from .times import iso

Json = dict[str, Any]


@dataclass(kw_only=True)
class Patient:
    """A patient of the account."""

    id: str
    e_tag: str
    facility_ids: list[str]
    created: float
    demographics: Json
    external_id: str | None = None
    additional_ids: Json | None = None
    opted_out: bool = False
    hie_running: bool = False
    """While true, another query's HIE work is skipped (vendor code)."""
    gathered: set[str] = field(default_factory=set)
    """Parts of the persona's record that network queries have brought in so far."""
    consolidated_metadata: Json | None = None
    """One per patient, not per query: the later one wins for both (vendor code)."""

    def dto(self) -> Json:
        """Return the patient as the API shows it."""
        body: Json = {"id": self.id, "eTag": self.e_tag, "facilityIds": self.facility_ids}
        body |= self.references()
        return body | {"dateCreated": iso(self.created)} | self.demographics

    def references(self) -> Json:
        """Return the caller's own ids, as far as given."""
        found: Json = {"externalId": self.external_id, "additionalIds": self.additional_ids}
        return {key: value for key, value in found.items() if value is not None}


@dataclass(kw_only=True)
class HostedPage:
    """A single-use URL: it belongs to the first browser that opens it."""

    token: str
    redirect_url: str
    expires: float
    walk: str | None = None
    """Made when the page is opened; forms and the cookie carry it."""
    finished: bool = False


@dataclass(kw_only=True)
class IdentitySession(HostedPage):
    """One attempt of a person to prove who they are."""

    id: str
    patient_id: str
    metadata: Json | None
    totp_secret: str
    status: Literal["pending", "completed"] = "pending"


@dataclass(kw_only=True)
class Identity:
    """A proofed identity; only `active` ones may be used (Metriport docs)."""

    id: str
    patient_id: str
    totp_secret: str
    status: str = "active"


@dataclass(kw_only=True)
class Challenge(HostedPage):
    """One AAL2 challenge."""

    id: str
    identity_id: str
    wrong_codes: int = 0


@dataclass(kw_only=True)
class Aal2Session:
    """What a passed challenge gives."""

    id: str
    identity_id: str
    patient_id: str
    expires: float
    status: str = "active"


@dataclass(kw_only=True)
class SourceRow:
    """One source of a network query."""

    type: str
    status: str
    started: float
    completed: float | None = None


@dataclass(kw_only=True)
class NetworkQuery:
    """One network query with its sources."""

    request_id: str
    patient_id: str
    purpose: str
    started: float
    metadata: Json | None
    sources: list[SourceRow] = field(default_factory=list)
    errors: list[Json] = field(default_factory=list)


@dataclass(kw_only=True)
class ConsolidatedQuery:
    """One consolidated data query."""

    request_id: str
    patient_id: str
    started: float
    parameters: Json
    status: str = "processing"

    def dto(self) -> Json:
        """Return the row as the API shows it."""
        head: Json = {
            "requestId": self.request_id,
            "status": self.status,
            "startedAt": iso(self.started),
        }
        return head | self.parameters


@dataclass(kw_only=True)
class Settings:
    """The account's settings row; it comes into being with the first read or write."""

    id: str = CX_ID
    exists: bool = False
    webhook_url: str | None = None
    webhook_key: str | None = None
    webhook_key_dropped: bool = False
    """The account had a key before; the next one is a fresh one."""
    webhook_enabled: bool = False
    webhook_status_detail: str | None = None

    def dto(self) -> Json:
        """Return the settings as the API shows them."""
        return {
            "id": self.id,
            "webhookUrl": self.webhook_url,
            "webhookKey": self.webhook_key,
            "mrFilters": None,
        }


@dataclass(kw_only=True)
class State:
    """Everything stored, by id (hosted pages: by token)."""

    settings: Settings = field(default_factory=Settings)
    patients: dict[str, Patient] = field(default_factory=dict)
    identity_sessions: dict[str, IdentitySession] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)
    challenges: dict[str, Challenge] = field(default_factory=dict)
    aal2_sessions: dict[str, Aal2Session] = field(default_factory=dict)
    network_queries: dict[str, NetworkQuery] = field(default_factory=dict)
    consolidated_queries: list[ConsolidatedQuery] = field(default_factory=list)
    bulk_requests: dict[str, str] = field(default_factory=dict)
    """Patient id → id of the bulk document request that runs for it."""
