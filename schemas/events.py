"""What happened, for other services (``ias.events.v1``, key ``subjectId``).

The type is in ``ce_type`` (``ias.event.PatientRegistered``). No event carries an AAL2 session id, a
proofed identity id or a link: links travel on ``ias.links.v1`` and are named here by ``linkId``.
"""

from enum import StrEnum
from typing import Final, Literal

import msgspec

from .base import Count, Ed25519Hex, Event, KeyIdHex, Sha256Hex, UtcTime
from .ids import ExternalId, LinkId, VendorRequestId
from .reasons import Reason
from .record_requests import RecordResult, RecordStep, WaitingFor
from .sources import (
    PurposeOfUse,
    QueryResult,
    Source,
    SourceCounts,
    SourceProgress,
    SourceStatus,
)


class StepKind(StrEnum):
    """A step that only the person can take."""

    IDENTITY_VERIFICATION = "identity_verification"
    AAL2_CHALLENGE = "aal2_challenge"


class PatientRegistered(Event, frozen=True, kw_only=True):
    """The subject is linked to the event's patient.

    ``matchedExisting``: Metriport returned a patient that was there before, perhaps somebody else's;
    only proofing tells.
    """

    purpose: PurposeOfUse
    matched_existing: bool
    external_id: ExternalId | None = None


class PatientRegistrationFailed(Event, frozen=True, kw_only=True):
    """No link was made."""

    reason: Reason
    message: str
    field: str | None = None


class UserActionRequired(Event, frozen=True, kw_only=True):
    """Show the person the link ``linkId`` (see ``ias.links.v1``) before ``expiresAt``."""

    kind: StepKind
    link_id: LinkId
    expires_at: UtcTime


class IdentityVerified(Event, frozen=True, kw_only=True):
    """The person is proofed (NIST IAL2) for this subject and patient."""

    link_id: LinkId | None = None
    verified_at: UtcTime


class IdentityVerificationExpired(Event, frozen=True, kw_only=True):
    """Nobody finished the verification in time. A late webhook can still verify it."""

    link_id: LinkId


class IdentityVerificationFailed(Event, frozen=True, kw_only=True):
    """The verification cannot succeed any more."""

    reason: Reason
    message: str
    link_id: LinkId | None = None


class IdentityVerificationUnbound(Event, frozen=True, kw_only=True):
    """For operators: an identity arrived that fits no single pending verification. It is kept sealed."""

    reason: Reason


class IdentityRevoked(Event, frozen=True, kw_only=True):
    """The identity is not used any more."""

    reason: str


class Aal2SessionReceived(Event, frozen=True, kw_only=True):
    """The person's browser came back verified. Not usable before ``ConfirmReturn``."""

    link_id: LinkId


class ReturnConfirmed(Event, frozen=True, kw_only=True):
    """The application vouched for the return; the session may now be used."""

    link_id: LinkId


class Aal2SessionActivated(Event, frozen=True, kw_only=True):
    """Metriport accepted a call with the session: it is proven."""

    expires_at: UtcTime


class Aal2SessionExpired(Event, frozen=True, kw_only=True):
    """The session is too old to be used."""


class Aal2ChallengeFailed(Event, frozen=True, kw_only=True):
    """The challenge cannot succeed any more."""

    reason: Reason
    message: str
    link_id: LinkId | None = None


class Aal2ChallengeExpired(Event, frozen=True, kw_only=True):
    """Nobody answered the challenge in time."""

    link_id: LinkId


class NetworkQueryQueued(Event, frozen=True, kw_only=True):
    """The query waits for its turn.

    ``resend``: for the second time, because no proof came that Metriport accepted the first call
    (``UNKNOWN_POLICY=resend``). Metriport may then run it twice.
    """

    position: Count | None = None
    not_before: UtcTime | None = None
    resend: bool | None = None


class NetworkQueryStarted(Event, frozen=True, kw_only=True):
    """Metriport accepted the query."""

    vendor_request_id: VendorRequestId
    sources: list[SourceProgress]


class NetworkQuerySourceUpdated(Event, frozen=True, kw_only=True):
    """One source moved on. ``early``: first data are there before the source has finished."""

    source: Source
    status: SourceStatus
    from_: Literal["webhook", "poll", "response"] = msgspec.field(name="from")
    early: bool | None = None
    reason: Reason | None = None


class NetworkQueryFinished(Event, frozen=True, kw_only=True):
    """Every source has ended, or the query's deadline has passed.

    In that case ``status`` is ``partial``, and sources that still run carry ``deadline_passed``. What
    they bring later is told as well, and the query finishes once more.
    """

    status: QueryResult
    sources: list[SourceProgress]


class NetworkQueryRefused(Event, frozen=True, kw_only=True):
    """The query was not started and never will be.

    With reason `revoked` it may run on at Metriport, and nothing of it is told any more.
    """

    reason: Reason
    message: str


class NetworkQueryOutcomeUnknown(Event, frozen=True, kw_only=True):
    """The call was sent and no answer came. Not final: later proof continues the query."""

    reason: Reason
    message: str


class ConsolidatedDataReady(Event, frozen=True, kw_only=True):
    """A link to the record was issued as ``linkId``; it dies at ``expiresAt``.

    ``noData``: there is no link, because Metriport holds nothing that fits.
    """

    content_type: str
    no_data: bool
    link_id: LinkId | None = None
    expires_at: UtcTime | None = None


class ConsolidatedDataFailed(Event, frozen=True, kw_only=True):
    """There will be no link for this request."""

    reason: Reason
    message: str


class RecordRequestUpdated(Event, frozen=True, kw_only=True):
    """A record request reached another step, or waits for something else, until ``deadline`` at most.

    ``earlySources``: sources whose first data are there while they still run; ask for the record with
    ``StartConsolidatedQuery`` if you cannot wait.
    """

    step: RecordStep
    deadline: UtcTime | None = None
    waiting_for: WaitingFor | None = None
    early_sources: list[Source] | None = None


class RecordRequestFinished(Event, frozen=True, kw_only=True):
    """A record request has ended; ``message`` says what helps, where something does.

    ``sources`` holds every source that was asked, with ``reason`` where one failed, and ``counts`` how
    many stand how; both are left out when Metriport accepted no query for the request. The link
    ``linkId`` dies at ``expiresAt``; ``RenewDataLink`` with this ``requestId`` asks for another. Without
    a link, a result of ``ready`` or ``partial`` says that Metriport holds nothing that fits.
    """

    result: RecordResult
    reason: Reason | None = None
    message: str | None = None
    sources: list[SourceProgress] | None = None
    counts: SourceCounts | None = None
    link_id: LinkId | None = None
    expires_at: UtcTime | None = None


class Remainder(StrEnum):
    """What an erasure does not reach, if there is any of it.

    ``metriport``: the vendor's own records. ``kafka``, ``backups``: records and copies made before,
    gone by ``completeBy``. ``audit``: entries that nobody can open or tie to the subject any more.
    ``marks``: keyed digests by which late messages are recognised. ``shared_patient``: rows of other
    subjects that are linked to the same patient.
    """

    METRIPORT = "metriport"
    KAFKA = "kafka"
    BACKUPS = "backups"
    AUDIT = "audit"
    MARKS = "marks"
    SHARED_PATIENT = "shared_patient"


class SubjectErased(Event, frozen=True, kw_only=True):
    """Receipt of an erasure; the final event of every command of the subject.

    What the subject had not been told yet is dropped, so this one event may follow a gap in
    ``sequence``. ``notErased`` is the same for every subject: it tells nothing about others.
    """

    complete_by: UtcTime
    not_erased: list[Remainder]


class DispatchStopped(Event, frozen=True, kw_only=True):
    """For operators: no calls go out."""

    reason: Reason


class DispatchResumed(Event, frozen=True, kw_only=True):
    """For operators: calls go out again."""


class ConsumerStopped(Event, frozen=True, kw_only=True):
    """For operators: messages of one type on one topic are kept and not handled.

    Too many of them failed at once, for several subjects, which is a defect of ours or a wrong key and
    not theirs. Nothing is lost: they are tried again every few seconds, and handled in order once that
    works. Other types go on.
    """

    topic: str
    message_type: str
    reason: Reason


class ConsumerResumed(Event, frozen=True, kw_only=True):
    """For operators: the messages kept since ``ConsumerStopped`` are handled."""

    topic: str
    message_type: str


class DeliveryProblem(StrEnum):
    """Why webhooks that failed are not healed by asking for them again.

    ``count_unknown``: Metriport does not say how many failed. ``processing_hangs``: webhooks are being
    sent and do not get fewer, so none is asked for. ``does_not_fall``: asked for again several times,
    and none arrived. ``stopped``: given up after days; goes on when more fail or an ingress comes back.
    """

    COUNT_UNKNOWN = "count_unknown"
    PROCESSING_HANGS = "processing_hangs"
    DOES_NOT_FALL = "does_not_fall"
    STOPPED = "stopped"


class DeliveryAlarm(Event, frozen=True, kw_only=True):
    """For operators: webhooks failed at Metriport, and asking for them again does not help.

    ``failed`` is Metriport's count; absent when it is not known.
    """

    problem: DeliveryProblem
    failed: Count | None = None


class DeliveriesHealed(Event, frozen=True, kw_only=True):
    """For operators: no failed webhook is left. ``recovered``: how many the last re-send brought."""

    recovered: Count


class AuditHeadPublished(Event, frozen=True, kw_only=True):
    """For operators: how far the audit chain went when this was told, signed.

    Keep these events longer than the database can be changed unseen: ``metriport-ias audit verify
    --heads`` finds with them that the chain was cut off or computed anew.
    """

    number: Count
    hash: Sha256Hex
    sealed_at: UtcTime
    key_id: KeyIdHex
    signature: Ed25519Hex


class CommandRejected(Event, frozen=True, kw_only=True):
    """The command was not acted on.

    Without a readable subject, ``topic``, ``partition`` and ``offset`` say which record it was,
    ``subjectId`` is ``unreadable`` and ``sequence`` is 0.
    """

    reason: Reason
    message: str
    field: str | None = None
    topic: str | None = None
    partition: Count | None = None
    offset: Count | None = None


EVENTS: Final[dict[str, type[Event]]] = {
    f"ias.event.{event.__name__}": event
    for event in (
        PatientRegistered,
        PatientRegistrationFailed,
        UserActionRequired,
        IdentityVerified,
        IdentityVerificationExpired,
        IdentityVerificationFailed,
        IdentityVerificationUnbound,
        IdentityRevoked,
        Aal2SessionReceived,
        ReturnConfirmed,
        Aal2SessionActivated,
        Aal2SessionExpired,
        Aal2ChallengeFailed,
        Aal2ChallengeExpired,
        NetworkQueryQueued,
        NetworkQueryStarted,
        NetworkQuerySourceUpdated,
        NetworkQueryFinished,
        NetworkQueryRefused,
        NetworkQueryOutcomeUnknown,
        ConsolidatedDataReady,
        ConsolidatedDataFailed,
        RecordRequestUpdated,
        RecordRequestFinished,
        SubjectErased,
        DispatchStopped,
        DispatchResumed,
        ConsumerStopped,
        ConsumerResumed,
        DeliveryAlarm,
        DeliveriesHealed,
        AuditHeadPublished,
        CommandRejected,
    )
}
"""Every event by its ``ce_type``."""
