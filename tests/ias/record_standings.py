"""Where a record request may stand, and what may be decided of it: in a word or two."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.reasons import Reason
from schemas.record_requests import RecordResult, RecordStep, WaitingFor
from schemas.sources import PurposeOfUse, Source, SourceStatus
from service.ias.consolidated import ConsolidatedState
from service.ias.network_query import QueryState, SourceRow
from service.ias.record_request import Act, AttachedQuery, End, Facts, Record, Start, Wait

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HIE, LAB = Source.HIE, Source.LAB
RUNS, DONE, BROKE = SourceStatus.PROCESSING, SourceStatus.COMPLETED, SourceStatus.FAILED


def facts(**more: Any) -> Facts:
    """Somebody linked and proofed, who asked for HIE a minute ago and has a day."""
    given: dict[str, Any] = {
        "step": RecordStep.AAL2_CHALLENGE,
        "created_at": NOW - timedelta(minutes=1),
        "deadline": NOW + DAY,
        "wanted": frozenset({HIE}),
        "link": PurposeOfUse.IAS,
        "is_proofed": True,
    }
    return Facts(**(given | more))


def query(state: str = "started", status: SourceStatus = RUNS, **more: Any) -> AttachedQuery:
    """The request's own query, of HIE."""
    rows = {HIE: SourceRow(HIE, status, None, told_early=False, reason=None)}
    accepted = state in {"started", "completed", "partial", "failed"}
    given: dict[str, Any] = {"is_own": True, "sources": rows, "is_accepted": accepted}
    return AttachedQuery(state=QueryState(state), **(given | more))


def record(state: str, **more: Any) -> Record:
    return Record(state=ConsolidatedState(state), **more)


def waits(step: str, waiting_for: str) -> Wait:
    return Wait(RecordStep(step), WaitingFor(waiting_for))


def starts(act: Act, step: str) -> Start:
    return Start(act, RecordStep(step))


def ends(result: str, reason: str | None = None) -> End:
    return End(RecordResult(result), None if reason is None else Reason(reason))
