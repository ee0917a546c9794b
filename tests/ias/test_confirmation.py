"""What a status must say before a request counts as our query of unknown outcome (I2)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from schemas.ids import PatientId, RequestId, VendorRequestId
from schemas.metriport.api import NetworkQueryStatus
from schemas.sources import PurposeOfUse, Source
from service.ias.confirmation import Supposition, Verdict, judge
from service.ias.correlation import Candidate

CALLED = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
OURS = RequestId(UUID(int=1))
THEIRS = VendorRequestId("0199b1d0-77aa-7c21-8f3e-5a6b7c8d9e0f")
SOMEBODY = "01890a5d-ac96-774b-bcce-b302099a8057"
SUPPOSED = Supposition(query_id=OURS, patient_id=PatientId("patient-1"), vendor_request_id=THEIRS)
SOURCES = [{"type": "hie", "status": "processing"}, {"type": "lab", "status": "completed"}]


def _candidate(
    query_id: RequestId = OURS,
    purpose: PurposeOfUse = PurposeOfUse.IAS,
    called_at: datetime = CALLED,
) -> Candidate:
    return Candidate(
        query_id=query_id,
        purpose=purpose,
        sources=frozenset({Source.HIE, Source.LAB}),
        called_at=called_at,
    )


def _status(**fields: Any) -> NetworkQueryStatus:
    body = {
        "requestId": THEIRS,
        "status": "processing",
        "startedAt": "2026-06-01T15:00:01Z",
        "sources": SOURCES,
    }
    present = {key: value for key, value in (body | fields).items() if value is not ...}
    return msgspec.json.decode(msgspec.json.encode(present), type=NetworkQueryStatus)


def test_the_documented_status_of_our_query_proves_it() -> None:
    assert judge(SUPPOSED, _status(), [_candidate()]) is Verdict.OURS


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"patientId": "patient-1", "purposeOfUse": "ias"}, Verdict.OURS),
        ({"metadata": {"iasQueryId": str(OURS)}}, Verdict.OURS),
        ({"metadata": {}}, Verdict.OURS),
        ({"sources": SOURCES[:1], "errors": [{"source": "lab"}]}, Verdict.OURS),
        ({"sources": [*SOURCES, SOURCES[0]]}, Verdict.OURS),
        ({"patientId": "patient-2"}, Verdict.FOREIGN),
        ({"patientId": {"id": "patient-1"}}, Verdict.FOREIGN),
        ({"purposeOfUse": "treatment"}, Verdict.FOREIGN),
        ({"purposeOfUse": ["ias"]}, Verdict.FOREIGN),
        ({"metadata": {"iasQueryId": SOMEBODY}}, Verdict.FOREIGN),
        ({"metadata": {"flow": "ias"}}, Verdict.FOREIGN),
        ({"metadata": "iasQueryId"}, Verdict.FOREIGN),
        ({"sources": SOURCES[:1]}, Verdict.FOREIGN),
        ({"sources": [*SOURCES, {"type": "pharmacy", "status": "failed"}]}, Verdict.FOREIGN),
        ({"sources": [*SOURCES, {"type": "imaging", "status": "failed"}]}, Verdict.FOREIGN),
        ({"startedAt": "2026-06-01T14:58:59Z"}, Verdict.FOREIGN),
        ({"startedAt": "2026-06-01T15:04:01Z"}, Verdict.FOREIGN),
        ({"startedAt": ...}, Verdict.FOREIGN),  # the id's own time is in 2025
        ({"sources": []}, Verdict.OPEN),
        ({"sources": ...}, Verdict.OPEN),
        ({"requestId": SOMEBODY}, Verdict.OPEN),
    ],
    ids=str,
)
def test_whatever_the_status_says_beyond_must_agree(
    fields: dict[str, Any], verdict: Verdict
) -> None:
    assert judge(SUPPOSED, _status(**fields), [_candidate()]) is verdict


def test_a_status_without_a_start_is_dated_by_its_id() -> None:
    began = datetime(2025, 10, 4, 23, 26, 9, tzinfo=UTC)
    status = _status(startedAt=...)
    found = judge(SUPPOSED, status, [_candidate(called_at=_time_of(THEIRS))])
    assert found is Verdict.OURS
    assert abs(_time_of(THEIRS) - began) < timedelta(days=30)


def _time_of(request_id: str) -> datetime:
    """RFC 9562, 5.7: the first 48 bits are milliseconds since 1970."""
    return datetime.fromtimestamp(int(request_id.replace("-", "")[:12], 16) / 1000, UTC)


def test_two_queries_of_ours_that_fit_leave_it_open() -> None:
    both = [_candidate(), _candidate(RequestId(uuid4()))]
    assert judge(SUPPOSED, _status(), both) is Verdict.OPEN
    apart = [_candidate(), _candidate(RequestId(uuid4()), called_at=CALLED + timedelta(hours=1))]
    assert judge(SUPPOSED, _status(), apart) is Verdict.OURS


def test_a_treatment_query_is_proved_by_a_status_that_names_no_other_purpose() -> None:
    """I9: and never by one that is a person's own."""
    treatment = [_candidate(purpose=PurposeOfUse.TREATMENT)]
    assert judge(SUPPOSED, _status(), treatment) is Verdict.OURS
    assert judge(SUPPOSED, _status(purposeOfUse="treatment"), treatment) is Verdict.OURS
    assert judge(SUPPOSED, _status(purposeOfUse="ias"), treatment) is Verdict.FOREIGN


def test_a_query_whose_outcome_is_known_by_now_needs_no_proof() -> None:
    assert judge(SUPPOSED, _status(), []) is Verdict.OPEN
