"""Is a request at the vendor the query whose outcome we do not know? What its status says of that.

The third way of ``service.ias.correlation`` ends here: the strict rule has supposed it, from a webhook
without metadata that named our patient and purpose. A status is documented to hold the request's start
and its sources, and nothing of whose it is; where it says more (patient, purpose, metadata), that must
agree too. Whatever disagrees makes the request somebody else's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.ids import PatientId, RequestId, VendorRequestId
from schemas.metriport.api import NetworkQueryStatus
from schemas.sources import PurposeOfUse, Source
from service.ias.correlation import (
    Candidate,
    Seen,
    fits,
    has_metadata,
    our_query_id,
    started_at,
    suppose,
)


class Verdict(StrEnum):
    """What a status makes of a supposition; the word is also the label of metrics."""

    OURS = "ours"
    FOREIGN = "foreign"
    OPEN = "open"


@dataclass(frozen=True, kw_only=True)
class Supposition:
    """The query of ours that the request may be."""

    query_id: RequestId
    patient_id: PatientId
    vendor_request_id: VendorRequestId


def judge(
    supposed: Supposition, status: NetworkQueryStatus, candidates: Iterable[Candidate]
) -> Verdict:
    """Whether the status proves the supposition, refutes it, or leaves it open.

    Open: it names no source, or several queries of ours fit it. ``candidates`` are those of the
    supposed query's patient, of any subject, and include it unless its outcome is known by now.
    """
    known = {candidate.query_id: candidate for candidate in candidates}
    ours = known.get(supposed.query_id)
    if ours is None or status.request_id != supposed.vendor_request_id:
        return Verdict.OPEN
    named = _named(status)
    if not named:
        return Verdict.OPEN
    if named != {source.value for source in ours.sources} or _contradicts(status, supposed, ours):
        return Verdict.FOREIGN
    began = _began(status)
    if began is None:
        return Verdict.FOREIGN
    purpose = ours.purpose.value
    seen = [Seen(source=Source(one), purpose=purpose, started_at=began) for one in sorted(named)]
    if not all(fits(one, ours) for one in seen):
        return Verdict.FOREIGN
    only = all(suppose(one, known.values()) == supposed.query_id for one in seen)
    return Verdict.OURS if only else Verdict.OPEN


def _named(status: NetworkQueryStatus) -> set[str]:
    """Every source the request was started with: one that failed may stand in ``errors`` only."""
    return {row.type for row in status.sources} | {error.source for error in status.errors}


def _began(status: NetworkQueryStatus) -> datetime | None:
    """When it was started, as the status says, else as its id does."""
    return status.started_at or started_at(status.request_id)


def _contradicts(status: NetworkQueryStatus, supposed: Supposition, ours: Candidate) -> bool:
    if status.patient_id is not None and status.patient_id != supposed.patient_id:
        return True
    if has_metadata(status.metadata) and our_query_id(status.metadata) != supposed.query_id:
        return True
    if status.purpose_of_use is None:
        return False
    said_ias = status.purpose_of_use == PurposeOfUse.IAS
    return said_ias is not (ours.purpose is PurposeOfUse.IAS)
