"""What the double remembers of each subject: the rules' own values where they have one."""

from dataclasses import dataclass, field
from datetime import datetime

from schemas.commands import ConfirmReturn, ConversionType, RequestRecords
from schemas.ids import (
    ChallengeId,
    IdentityId,
    LinkId,
    PatientId,
    RequestId,
    SessionId,
    SubjectId,
    VendorRequestId,
)
from schemas.reasons import Reason
from schemas.record_requests import RecordStep, WaitingFor
from schemas.sources import PurposeOfUse, Source
from service.ias.aal2 import ChallengeState, Session
from service.ias.consolidated import ConsolidatedState
from service.ias.identity import IdentityState, Verification, VerificationState
from service.ias.network_query import QueryState, SourceRow
from service.ias.record_request import End, Registration
from service.ias.record_request_steps import IssuedLink
from service.ias.telling import Head


@dataclass
class Proofing:
    """One identity verification."""

    rule: Verification
    about: Head
    expires_at: datetime

    def is_open(self, now: datetime) -> bool:
        """Whether the person can finish it in its time."""
        return self.rule.state is VerificationState.PENDING and self.expires_at > now


@dataclass
class Identity:
    """One proofed identity."""

    identity_id: IdentityId
    patient_id: PatientId
    state: IdentityState


@dataclass
class Challenge:
    """One AAL2 challenge."""

    challenge_id: ChallengeId
    identity: Identity
    about: Head
    expires_at: datetime
    return_url: str
    state: ChallengeState = ChallengeState.PENDING

    @property
    def link_id(self) -> LinkId:
        """The link to a step has the step's id."""
        return LinkId(self.challenge_id)

    def is_open(self, now: datetime) -> bool:
        """Whether the person can answer it."""
        return self.state is ChallengeState.PENDING and self.expires_at > now


@dataclass
class Kept:
    """One AAL2 session, with the code that confirms it. ``about`` names its challenge's command."""

    rule: Session
    code: str
    about: Head


@dataclass
class Early:
    """A confirmation with a code that nobody came back with so far."""

    command: ConfirmReturn
    came_at: datetime


@dataclass
class Query:
    """One network query. ``reason``: why it was refused; ``ended``: since when its sources stand so."""

    query_id: RequestId
    purpose: PurposeOfUse
    about: Head
    deadline: datetime
    sources: dict[Source, SourceRow]
    identity_id: IdentityId | None
    session_id: SessionId | None
    state: QueryState = QueryState.DUE
    vendor_request_id: VendorRequestId | None = None
    refused_sessions: int = 0
    withheld: bool = False
    reason: Reason | None = None
    ended: dict[Source, datetime] = field(default_factory=dict)


@dataclass
class Delivery:
    """One consolidated query. ``reason``: why there is no record; ``link``: the one to it."""

    request_id: RequestId
    patient_id: PatientId
    conversion_type: ConversionType
    about: Head
    started_at: datetime
    state: ConsolidatedState = ConsolidatedState.DUE
    reason: Reason | None = None
    link: IssuedLink | None = None


@dataclass
class Retrieval:
    """One record request, and what it refers to.

    ``wake_at``, ``seen``: it is looked at again then, or when more than this was told of its subject.
    """

    request_id: RequestId
    command: RequestRecords
    created_at: datetime
    deadline: datetime
    fresh_since: datetime
    patient_id: PatientId | None
    wake_at: datetime
    registration: Registration | None = None
    registration_reason: Reason | None = None
    step: RecordStep = RecordStep.REGISTRATION
    waiting_for: WaitingFor | None = None
    early: list[Source] = field(default_factory=list)
    proofing: Proofing | None = None
    challenge: Challenge | None = None
    query: Query | None = None
    delivery: Delivery | None = None
    end: End | None = None
    seen: int = 0

    @property
    def wanted(self) -> tuple[Source, ...]:
        """The sources that were asked for."""
        return self.command.sources.chosen()


@dataclass
class Subject:
    """Everything about one subject."""

    subject_id: SubjectId
    links: dict[PatientId, PurposeOfUse] = field(default_factory=dict)
    proofings: list[Proofing] = field(default_factory=list)
    identities: list[Identity] = field(default_factory=list)
    challenges: list[Challenge] = field(default_factory=list)
    sessions: list[Kept] = field(default_factory=list)
    early: list[Early] = field(default_factory=list)
    queries: list[Query] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    retrievals: list[Retrieval] = field(default_factory=list)
    legal_hold: bool = False

    def active(self, patient_id: PatientId | None) -> Identity | None:
        """The identity that is in use for the patient."""
        wanted = (patient_id, IdentityState.ACTIVE)
        found = (one for one in self.identities if (one.patient_id, one.state) == wanted)
        return next(found, None)

    def others(self, retrieval: Retrieval) -> list[Retrieval]:
        """Every other record request that has not ended."""
        return [one for one in self.retrievals if one.end is None and one is not retrieval]

    def session(self, session_id: SessionId | None) -> Kept | None:
        """A session by its id."""
        return next((one for one in self.sessions if one.rule.session_id == session_id), None)
