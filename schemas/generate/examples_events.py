"""An example of each event, in the order of the story; ``sequence`` counts them."""

from typing import Final

from .. import events as e  # noqa: TID252 - `schemas` is published alone: its imports stay relative
from ..base import Event  # noqa: TID252 - as above
from ..ids import ExternalId  # noqa: TID252 - as above
from ..reasons import Reason  # noqa: TID252 - as above
from ..sources import (  # noqa: TID252 - as above
    PurposeOfUse,
    QueryResult,
    Source,
    SourceProgress,
    SourceStatus,
)
from .story import PATIENT, SUBJECT, VENDOR_REQUEST, at, command_id, link_id, request_id

HIE_RUNS: Final = SourceProgress(source=Source.HIE, status=SourceStatus.PROCESSING)
HIE_DONE: Final = SourceProgress(source=Source.HIE, status=SourceStatus.COMPLETED)
PHARMACY_FAILED: Final = SourceProgress(
    source=Source.PHARMACY, status=SourceStatus.FAILED, reason="not-enabled"
)

EVENT_EXAMPLES: Final[tuple[Event, ...]] = (
    e.PatientRegistered(
        sequence=1,
        subject_id=SUBJECT,
        command_id=command_id(1),
        patient_id=PATIENT,
        metadata={"traceOfYours": "anything"},
        purpose=PurposeOfUse.IAS,
        matched_existing=False,
        external_id=ExternalId("chart-77"),
    ),
    e.PatientRegistrationFailed(
        sequence=2,
        subject_id=SUBJECT,
        command_id=command_id(1),
        reason=Reason.INVALID_FIELD,
        message="Metriport refused the address.",
        field="demographics.address",
    ),
    e.UserActionRequired(
        sequence=3,
        subject_id=SUBJECT,
        command_id=command_id(3),
        patient_id=PATIENT,
        kind=e.StepKind.IDENTITY_VERIFICATION,
        link_id=link_id(1),
        expires_at=at(18, 0),
    ),
    e.IdentityVerified(
        sequence=4,
        subject_id=SUBJECT,
        command_id=command_id(3),
        patient_id=PATIENT,
        link_id=link_id(1),
        verified_at=at(9, 12),
    ),
    e.IdentityVerificationExpired(
        sequence=5,
        subject_id=SUBJECT,
        command_id=command_id(3),
        patient_id=PATIENT,
        link_id=link_id(1),
    ),
    e.IdentityVerificationFailed(
        sequence=6,
        subject_id=SUBJECT,
        command_id=command_id(3),
        patient_id=PATIENT,
        reason=Reason.CANCELLED,
        message="Cancelled on request.",
        link_id=link_id(1),
    ),
    e.IdentityVerificationUnbound(
        sequence=7, subject_id=SUBJECT, patient_id=PATIENT, reason=Reason.IDENTITY_CONFLICT
    ),
    e.IdentityRevoked(
        sequence=8,
        subject_id=SUBJECT,
        command_id=command_id(13),
        patient_id=PATIENT,
        reason="The person withdrew consent.",
    ),
    e.Aal2SessionReceived(
        sequence=9,
        subject_id=SUBJECT,
        command_id=command_id(5),
        patient_id=PATIENT,
        link_id=link_id(2),
    ),
    e.ReturnConfirmed(
        sequence=10,
        subject_id=SUBJECT,
        command_id=command_id(6),
        patient_id=PATIENT,
        link_id=link_id(2),
    ),
    e.Aal2SessionActivated(
        sequence=11,
        subject_id=SUBJECT,
        command_id=command_id(8),
        patient_id=PATIENT,
        expires_at=at(9, 50),
    ),
    e.Aal2SessionExpired(sequence=12, subject_id=SUBJECT, patient_id=PATIENT),
    e.Aal2ChallengeFailed(
        sequence=13,
        subject_id=SUBJECT,
        command_id=command_id(5),
        patient_id=PATIENT,
        reason=Reason.NO_ACTIVE_IDENTITY,
        message="The person is not proofed yet.",
        link_id=link_id(2),
    ),
    e.Aal2ChallengeExpired(
        sequence=14,
        subject_id=SUBJECT,
        command_id=command_id(5),
        patient_id=PATIENT,
        link_id=link_id(2),
    ),
    e.NetworkQueryQueued(
        sequence=15,
        subject_id=SUBJECT,
        command_id=command_id(8),
        request_id=request_id(1),
        patient_id=PATIENT,
        position=3,
        not_before=at(9, 25),
    ),
    e.NetworkQueryStarted(
        sequence=16,
        subject_id=SUBJECT,
        command_id=command_id(8),
        request_id=request_id(1),
        patient_id=PATIENT,
        vendor_request_id=VENDOR_REQUEST,
        sources=[HIE_RUNS, PHARMACY_FAILED],
    ),
    e.NetworkQuerySourceUpdated(
        sequence=17,
        subject_id=SUBJECT,
        command_id=command_id(8),
        request_id=request_id(1),
        patient_id=PATIENT,
        source=Source.HIE,
        status=SourceStatus.COMPLETED,
        from_="webhook",
    ),
    e.NetworkQueryFinished(
        sequence=18,
        subject_id=SUBJECT,
        command_id=command_id(8),
        request_id=request_id(1),
        patient_id=PATIENT,
        status=QueryResult.PARTIAL,
        sources=[HIE_DONE, PHARMACY_FAILED],
    ),
    e.NetworkQueryRefused(
        sequence=19,
        subject_id=SUBJECT,
        command_id=command_id(8),
        request_id=request_id(1),
        patient_id=PATIENT,
        reason=Reason.SESSION_REQUIRED,
        message="No confirmed session is left.",
    ),
    e.NetworkQueryOutcomeUnknown(
        sequence=20,
        subject_id=SUBJECT,
        command_id=command_id(8),
        request_id=request_id(1),
        patient_id=PATIENT,
        reason=Reason.VENDOR_UNCLEAR,
        message="The call was sent and no answer came.",
    ),
    e.ConsolidatedDataReady(
        sequence=21,
        subject_id=SUBJECT,
        command_id=command_id(9),
        request_id=request_id(2),
        patient_id=PATIENT,
        content_type="application/fhir+json",
        no_data=False,
        link_id=link_id(3),
        expires_at=at(9, 48),
    ),
    e.ConsolidatedDataFailed(
        sequence=22,
        subject_id=SUBJECT,
        command_id=command_id(9),
        request_id=request_id(2),
        patient_id=PATIENT,
        reason=Reason.NO_ACCEPTED_QUERY,
        message="No query for this purpose was accepted yet.",
    ),
    e.RecordRequestUpdated(
        sequence=23,
        subject_id=SUBJECT,
        command_id=command_id(11),
        request_id=request_id(3),
        patient_id=PATIENT,
        step="network_query",
    ),
    e.RecordRequestFinished(
        sequence=24,
        subject_id=SUBJECT,
        command_id=command_id(11),
        request_id=request_id(3),
        patient_id=PATIENT,
        result="ready",
        link_id=link_id(3),
    ),
    e.SubjectErased(
        sequence=25,
        subject_id=SUBJECT,
        command_id=command_id(14),
        complete_by=at(23, 59),
        not_erased=["metriport"],
    ),
    e.DispatchStopped(sequence=26, subject_id=SUBJECT, reason=Reason.VENDOR_REFUSED),
    e.DispatchResumed(sequence=27, subject_id=SUBJECT),
    e.CommandRejected(
        sequence=28,
        subject_id=SUBJECT,
        command_id=command_id(11),
        reason=Reason.RETURN_URL_NOT_ALLOWED,
        message="The returnUrl is not on the list.",
        field="returnUrl",
    ),
)
"""One of each."""
