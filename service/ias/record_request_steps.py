"""What a record request does next, and what is told of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from schemas.events import RecordRequestFinished, RecordRequestUpdated
from schemas.ids import LinkId
from schemas.reasons import REMEDIES, Reason
from schemas.record_requests import RecordResult, WaitingFor
from schemas.sources import Source, SourceCounts, SourceProgress, SourceStatus
from service.ias.consolidated import ConsolidatedState
from service.ias.network_query import UNPROVEN, QueryState
from service.ias.record_request import (
    SLOT_PAUSE,
    AttachedQuery,
    Choice,
    End,
    Facts,
    Registration,
    Wait,
)
from service.ias.record_request_cases import may_not_be_told, record_is
from service.ias.record_request_table import ROWS
from service.ias.telling import Head

_MAY_RUN: Final = frozenset({QueryState.DISPATCHING, QueryState.STARTED, *UNPROVEN})
_OUT_OF_TIME: Final = frozenset({RecordResult.PARTIAL, RecordResult.EXPIRED})
_RUNS_ON: Final = "Metriport runs what it was sent to its end, and its events still come."
_RUNS_UNTOLD: Final = "Metriport runs what it was sent to its end, and nothing of it is told."
_NO_DATA: Final = "Metriport holds nothing that fits."


def next_step(facts: Facts, now: datetime) -> Choice:
    """What to start now, what to wait for, or how it ends. Always one of the three (I4)."""
    row = next(row for row in ROWS if row.holds(facts, now))
    if isinstance(row.then, End) and row.reason is not None:
        return replace(row.then, reason=row.reason(facts))
    return row.then


def look_again_at(facts: Facts, waits: Wait, now: datetime) -> datetime:
    """When the request is looked at even if nothing is heard: at its deadline at the latest."""
    if waits.waiting_for is WaitingFor.HIE_SLOT:
        return min(now + SLOT_PAUSE, facts.deadline)
    if waits.waiting_for is WaitingFor.SOURCES:
        return min(facts.collect_at, facts.deadline)
    return facts.deadline


def early_sources(facts: Facts) -> list[Source]:
    """Sources whose first data are there while they still run."""
    return [
        source
        for source, row in facts.rows.items()
        if row.status is SourceStatus.PROCESSING and row.told_early
    ]


def progress(facts: Facts, end: End) -> list[SourceProgress] | None:
    """How every source that was asked stands; ``None`` when the subject may not hear of it (I9).

    That is: before Metriport has accepted a query, and when the identity was taken away.
    """
    query = facts.query
    if query is None or not query.is_accepted or query.refused is not None:
        return None
    late = Reason.DEADLINE_PASSED if end.result in _OUT_OF_TIME else None
    return [
        SourceProgress(
            source=source,
            status=row.status,
            reason=late if row.status is SourceStatus.PROCESSING else row.reason,
        )
        for source, row in facts.rows.items()
    ]


def counts(sources: Sequence[SourceProgress]) -> SourceCounts:
    """How many sources stand how."""
    words = [one.status for one in sources]
    return SourceCounts(
        completed=words.count(SourceStatus.COMPLETED),
        failed=words.count(SourceStatus.FAILED),
        processing=words.count(SourceStatus.PROCESSING),
    )


def updated(about: Head, facts: Facts, waits: Wait) -> RecordRequestUpdated:
    """It reached another step, or waits for something else."""
    return RecordRequestUpdated(
        **about,
        step=waits.step,
        waiting_for=waits.waiting_for,
        deadline=facts.deadline,
        early_sources=early_sources(facts) or None,
    )


@dataclass(frozen=True)
class IssuedLink:
    """The link to the record that was delivered."""

    link_id: LinkId
    expires_at: datetime


def finished(about: Head, facts: Facts, end: End, link: IssuedLink | None) -> RecordRequestFinished:
    """It has ended."""
    sources = progress(facts, end)
    return RecordRequestFinished(
        **about,
        result=end.result,
        reason=end.reason,
        message=message(facts, end, has_link=link is not None),
        sources=sources,
        counts=None if sources is None else counts(sources),
        link_id=None if link is None else link.link_id,
        expires_at=None if link is None else link.expires_at,
    )


def message(facts: Facts, end: End, *, has_link: bool) -> str | None:
    """What the person or the operator can do, and what goes on at Metriport all the same."""
    parts = [] if end.reason is None else [REMEDIES[end.reason]]
    if end.result in {RecordResult.READY, RecordResult.PARTIAL} and not has_link:
        parts.append(_NO_DATA)
    if goes_on(facts):
        untold = facts.revoked or may_not_be_told(facts)
        parts.append(_RUNS_UNTOLD if untold else _RUNS_ON)
    return " ".join(parts) or None


def goes_on(facts: Facts) -> bool:
    """Whether Metriport still works, or may be working, on something that the request started."""
    query = facts.query
    if query is not None and query.is_own and (query.state in _MAY_RUN or _runs_late(query)):
        return True
    if record_is(facts, ConsolidatedState.DISPATCHING, ConsolidatedState.STARTED):
        return True
    return facts.registration is Registration.DUE and facts.is_registering


def _runs_late(query: AttachedQuery) -> bool:
    """Its deadline, which is the request's too, ended the query before its sources had ended."""
    statuses = {row.status for row in query.sources.values()}
    return query.state is QueryState.PARTIAL and SourceStatus.PROCESSING in statuses
