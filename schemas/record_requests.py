"""The latest state of each record request (``ias.record-requests.v1``, compacted, key request id)."""

from typing import Final

from .base import Message, UtcTime
from .ids import PatientId, RequestId, SubjectId
from .reasons import Reason
from .sources import Source


class RecordRequest(Message, frozen=True, kw_only=True):
    """Where a record request stands. A tombstone (no value) follows an erasure."""

    request_id: RequestId
    subject_id: SubjectId
    step: str
    deadline: UtcTime
    sources: list[Source]
    updated_at: UtcTime
    patient_id: PatientId | None = None
    waiting_for: str | None = None
    result: str | None = None
    reason: Reason | None = None


RECORD_REQUEST_TYPE: Final = "ias.record-request.State"
"""``ce_type`` of a record request's state."""
