"""Network queries: who may start one, and how one advances to its end.

    due → dispatching → started → (progress of sources) → completed | partial | failed
    waiting (for the patient's HIE slot) → dispatching; refused; unknown → started when proof comes
    waiting, due, resending → unknown, when the database may have lost the intent of a call
    unknown → resending (once, if the policy is to) → started; unknown again, whatever else comes of it

Facts of the vendor that shape this (docs; code of the network-query feature): a 200 can hide that
every source failed; a failed source may stand in ``errors`` only, in ``sources`` only, or in both; a
type may repeat; unknown status words mean processing; completion can be told more than once and out
of order; ``first-data-ready`` is never final.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Final, NamedTuple

from schemas.metriport.api import NetworkQuery as Answer
from schemas.metriport.webhooks import FIRST_DATA_READY, NetworkSource
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse, QueryResult, Source, SourceProgress, SourceStatus
from service.ias.refusal import Refusal


class QueryState(StrEnum):
    """Where one network query stands."""

    WAITING = "waiting"
    DUE = "due"
    DISPATCHING = "dispatching"
    STARTED = "started"
    UNKNOWN = "unknown"
    RESENDING = "resending"
    REFUSED = "refused"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"


FINISHED: Final = frozenset({QueryState.COMPLETED, QueryState.PARTIAL, QueryState.FAILED})

UNPROVEN: Final = frozenset({QueryState.UNKNOWN, QueryState.RESENDING})
"""A call was made and nobody knows whether the vendor accepted it; proof ends that."""

Progress = Mapping[Source, SourceStatus]


@dataclass(frozen=True, kw_only=True)
class Update:
    """News about one source. ``early``: first data are there, the source still runs."""

    source: Source
    status: SourceStatus
    completed_at: datetime | None = None
    early: bool = False
    reason: Reason | None = None


class SourceRow(NamedTuple):
    """What is known of one source. ``finished_at``: the vendor's time of its end, if it gave one."""

    source: Source
    status: SourceStatus
    finished_at: datetime | None
    told_early: bool
    reason: Reason | None


def refuse_start(
    purpose: PurposeOfUse, *, has_active_identity: bool, has_usable_session: bool
) -> Refusal | None:
    """What a query needs beyond its link: for ias an identity and a session, for treatment neither."""
    if purpose is PurposeOfUse.TREATMENT:
        return None
    if not has_active_identity:
        return Refusal(Reason.NO_ACTIVE_IDENTITY, "the person is not proofed for this patient")
    if not has_usable_session:
        return Refusal(Reason.SESSION_REQUIRED, "no confirmed session that is young enough")
    return None


def read_status(word: str) -> SourceStatus:
    """A status by the vendor's word; any word that is not final means processing."""
    return {"completed": SourceStatus.COMPLETED, "failed": SourceStatus.FAILED}.get(
        word, SourceStatus.PROCESSING
    )


def read_answer(answer: Answer, asked: Iterable[Source]) -> list[Update]:
    """The state of every source we asked for, folded from ``sources`` and ``errors``.

    A source that is in neither list is running: the vendor accepted the call.
    """
    refused = {error.source: error.http_status for error in answer.errors}
    updates: list[Update] = []
    for source in asked:
        rows = [row for row in answer.sources if row.type == source.value]
        status = _fold([read_status(row.status) for row in rows], in_errors=source.value in refused)
        reason = (
            _source_reason(refused.get(source.value)) if status is SourceStatus.FAILED else None
        )
        times = [row.completed_at for row in rows if row.completed_at is not None]
        updates.append(
            Update(
                source=source, status=status, completed_at=max(times, default=None), reason=reason
            )
        )
    return updates


def _fold(statuses: list[SourceStatus], *, in_errors: bool) -> SourceStatus:
    """One status for a type that may repeat: any that runs keeps it running."""
    if not statuses:
        return SourceStatus.FAILED if in_errors else SourceStatus.PROCESSING
    for status in (SourceStatus.PROCESSING, SourceStatus.COMPLETED):
        if status in statuses:
            return status
    return SourceStatus.FAILED


def _source_reason(http_status: int | None) -> Reason:
    return (
        Reason.SOURCE_NOT_ENABLED if http_status == HTTPStatus.BAD_REQUEST else Reason.SOURCE_FAILED
    )


def read_webhook(webhook_type: str, source: NetworkSource) -> Update | None:
    """What a ``network-query.*`` webhook says, or ``None`` for a source we do not know."""
    try:
        kind = Source(source.type)
    except ValueError:
        return None
    if webhook_type == FIRST_DATA_READY:
        return Update(source=kind, status=SourceStatus.PROCESSING, early=True)
    status = read_status(source.status)
    reason = Reason.SOURCE_FAILED if status is SourceStatus.FAILED else None
    return Update(source=kind, status=status, completed_at=source.completed_at, reason=reason)


def result(progress: Progress) -> QueryResult | None:
    """How the query ended, or ``None`` while any source runs."""
    statuses = set(progress.values())
    if SourceStatus.PROCESSING in statuses:
        return None
    if statuses == {SourceStatus.COMPLETED}:
        return QueryResult.COMPLETED
    if statuses == {SourceStatus.FAILED}:
        return QueryResult.FAILED
    return QueryResult.PARTIAL


def told(progress: Progress, reasons: Mapping[Source, Reason | None]) -> list[SourceProgress]:
    """The progress as events tell it."""
    return [
        SourceProgress(source=source, status=status, reason=reasons.get(source))
        for source, status in progress.items()
    ]
