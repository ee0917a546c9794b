"""One query, told messages in any order: the rules, and the few lines of the shell that they need.

What the shell does is repeated here: news of a query whose request id is not known yet is parked, and heard
again once it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from schemas.base import Event
from schemas.ids import CommandId, PatientId, RequestId, SubjectId, VendorRequestId
from schemas.metriport.api import NetworkQuery as Answer
from schemas.sources import PurposeOfUse, Source, SourceStatus
from service.ias.network_query import QueryState, SourceRow, Update
from service.ias.network_query_messages import Answered, Message, News, Standing
from service.ias.network_query_steps import on
from service.ias.network_query_table import QueryCue
from service.ias.source_steps import after
from service.ias.telling import head

T0 = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
RUNS, DONE, FAILED = SourceStatus.PROCESSING, SourceStatus.COMPLETED, SourceStatus.FAILED
ASKED = (Source.HIE, Source.LAB)
VENDOR_ID = VendorRequestId("r-1")
RUNNING = {QueryState.STARTED, QueryState.COMPLETED, QueryState.PARTIAL, QueryState.FAILED}


def standing(state: QueryState = QueryState.DISPATCHING, *, may_be_told: bool = True) -> Standing:
    """A query of two sources, nothing heard of either."""
    rows = {one: SourceRow(one, RUNS, None, told_early=False, reason=None) for one in ASKED}
    about = head(
        SubjectId("u-7781"), PatientId("p"), CommandId(UUID(int=1)), RequestId(UUID(int=2))
    )
    return Standing(
        state=state,
        purpose=PurposeOfUse.IAS,
        deadline=T0 + timedelta(days=1),
        sources=rows,
        may_be_told=may_be_told,
        head=about,
    )


@dataclass
class Shell:
    """Stores what the rules say, parks news that comes too early, and keeps what was told."""

    query: Standing = field(default_factory=standing)
    parked: list[Message] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)

    def hear(self, message: Message) -> None:
        waits = isinstance(message, News) or message is QueryCue.EXPIRED
        if waits and self.query.state not in RUNNING:
            self.parked.append(message)
            return
        decision = on(self.query, message)
        rows = dict(self.query.sources)
        for update in decision.updates:
            rows[update.source] = after(rows[update.source], update)
        withheld = self.query.withheld or message is QueryCue.REVOKED
        self.query = replace(self.query, state=decision.state, sources=rows, withheld=withheld)
        self.told += decision.events
        if self.query.state in RUNNING:
            again, self.parked = self.parked, []
            for one in again:
                self.hear(one)

    def end(self) -> Any:
        rows = self.query.sources.values()
        return self.query.state, {row.source: (row.status, row.finished_at) for row in rows}


def run(messages: Sequence[Message]) -> Shell:
    shell = Shell()
    for message in messages:
        shell.hear(message)
    return shell


def answered(sources: Sequence[dict[str, str]] = (), errors: Sequence[Any] = ()) -> Answered:
    """The vendor's answer to Start Network Query."""
    raw = {"requestId": "r-1", "status": "processing", "sources": sources, "errors": errors}
    return Answered(msgspec.convert(raw, Answer))


def owed(updates: Iterable[Update]) -> dict[Source, SourceStatus]:
    """How each source must end: by its weightiest word, which is the newest; of two alike, the good one."""
    words: dict[Source, list[tuple[datetime, bool]]] = {source: [] for source in ASKED}
    for update in updates:
        if update.status is not RUNS:
            when = update.completed_at or datetime.min.replace(tzinfo=UTC)
            words[update.source].append((when, update.status is DONE))
    return {
        source: RUNS if not said else DONE if max(said)[1] else FAILED
        for source, said in words.items()
    }


def owed_state(sources: Mapping[Source, SourceStatus], *, expired: bool) -> QueryState:
    """Where a query that runs must end, by its sources; ``expired``: its deadline passed."""
    ends = list(sources.values())
    if RUNS in ends:
        return QueryState.PARTIAL if expired else QueryState.STARTED
    return (QueryState.FAILED, QueryState.PARTIAL, QueryState.COMPLETED)[ends.count(DONE)]
