"""Record requests: their steps, what they wait for, how they end, and the latest state of each.

The state is on ``ias.record-requests.v1`` (compacted, key request id).
"""

from enum import StrEnum
from typing import Final

from .base import Message, UtcTime
from .ids import PatientId, RequestId, SubjectId
from .reasons import Reason
from .sources import Source


class RecordStep(StrEnum):
    """How far a record request is. From ``network_query`` it can return to ``aal2_challenge``."""

    REGISTRATION = "registration"
    IDENTITY_VERIFICATION = "identity_verification"
    AAL2_CHALLENGE = "aal2_challenge"
    NETWORK_QUERY = "network_query"
    CONSOLIDATED_QUERY = "consolidated_query"
    FINISHED = "finished"


class WaitingFor(StrEnum):
    """What a record request waits for, until its deadline at most.

    ``patient``: Metriport's answer about the patient. ``identity_verification``, ``aal2_challenge``: the
    person, who was asked with ``UserActionRequired``. ``return_confirmation``: the application's
    ``ConfirmReturn``. ``hie_slot``: the end of another HIE query of the same patient; Metriport would
    skip HIE in a second one. ``network_query_start``: the query's turn, and Metriport's answer.
    ``network_query_proof``: whether Metriport runs the query, for no answer came. ``sources``: the
    sources that were asked. ``consolidated_data``: the link to the record.
    """

    PATIENT = "patient"
    IDENTITY_VERIFICATION = "identity_verification"
    AAL2_CHALLENGE = "aal2_challenge"
    RETURN_CONFIRMATION = "return_confirmation"
    HIE_SLOT = "hie_slot"
    NETWORK_QUERY_START = "network_query_start"
    NETWORK_QUERY_PROOF = "network_query_proof"
    SOURCES = "sources"
    CONSOLIDATED_DATA = "consolidated_data"


class RecordResult(StrEnum):
    """How a record request ended.

    ``ready``: the record, with what every source had. ``partial``: the record, and at least one source
    failed or still runs. ``expired``: its deadline came before there was anything to hand out.
    """

    READY = "ready"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class RecordRequest(Message, frozen=True, kw_only=True):
    """Where a record request stands. A tombstone (no value) follows an erasure."""

    request_id: RequestId
    subject_id: SubjectId
    step: RecordStep
    deadline: UtcTime
    sources: list[Source]
    updated_at: UtcTime
    patient_id: PatientId | None = None
    waiting_for: WaitingFor | None = None
    result: RecordResult | None = None
    reason: Reason | None = None


RECORD_REQUEST_TYPE: Final = "ias.record-request.State"
"""``ce_type`` of a record request's state."""
