"""What a network query does next: (standing, message, now) → (state, updates, events, effects).

The guards here turn a message into a cue; the tables decide what the cue means.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from schemas.base import Event
from schemas.events import (
    NetworkQueryFinished,
    NetworkQueryOutcomeUnknown,
    NetworkQueryQueued,
    NetworkQueryRefused,
    NetworkQuerySourceUpdated,
    NetworkQueryStarted,
)
from schemas.ids import VendorRequestId
from schemas.metriport.api import NetworkQuery as Answer
from schemas.reasons import REMEDIES, Reason
from schemas.sources import PurposeOfUse, QueryResult, Source, SourceProgress, SourceStatus
from service.ias.machine import Effect
from service.ias.network_query import (
    FINISHED,
    QueryState,
    SourceRow,
    Update,
    read_answer,
    result,
    told,
)
from service.ias.network_query_messages import (
    Answered,
    Message,
    News,
    Origin,
    ProofFound,
    QueryDecision,
    Refusing,
    SessionRefused,
    Standing,
    Turn,
)
from service.ias.network_query_table import QUERY, QueryCue
from service.ias.source_steps import after, is_kept, step_of

_LISTENS: Final = frozenset({QueryState.STARTED, *FINISHED})
_ABOUT_DATA: Final = (NetworkQueryStarted, NetworkQuerySourceUpdated, NetworkQueryFinished)
_ENDED: Final = {
    QueryResult.COMPLETED: QueryCue.ALL_COMPLETED,
    QueryResult.PARTIAL: QueryCue.SOME_FAILED,
    QueryResult.FAILED: QueryCue.ALL_FAILED,
}
_REASONS: Final = {
    QueryCue.DATABASE_CHANGED: Reason.DATABASE_CHANGED,
    QueryCue.EXPIRED: Reason.DEADLINE_PASSED,
    QueryCue.REVOKED: Reason.REVOKED,
    QueryCue.CANCELLED: Reason.CANCELLED,
}


def refuse_turn(
    query: Standing, link: PurposeOfUse | None, now: datetime, *, treatment_enabled: bool
) -> Reason | None:
    """Why a query whose turn has come is not sent, before slot and session are looked at."""
    if query.deadline <= now:
        return Reason.DEADLINE_PASSED
    if query.purpose is PurposeOfUse.TREATMENT and not treatment_enabled:
        return Reason.TREATMENT_DISABLED
    return None if link is query.purpose else Reason.PURPOSE_NOT_ALLOWED


def on(query: Standing, message: Message) -> QueryDecision:
    """What the query does on hearing the message."""
    match message:
        case Turn():
            cue, reason = _turn(query, message)
            decided = _plain(query, cue, reason)
        case Refusing(reason, text):
            decided = _plain(query, QueryCue.VENDOR_REFUSED, reason, text)
        case SessionRefused():
            decided = _session_refused(query, message)
        case Answered(answer):
            decided = _answered(query, answer)
        case ProofFound(vendor_request_id):
            decided = _begin(query, QueryCue.PROOF_FOUND, vendor_request_id, query.sources)
        case News(update, origin):
            decided = _news(query, [update], origin)
        case cue:
            decided = _plain(query, cue, _REASONS.get(cue, Reason.VENDOR_UNCLEAR))
    if query.withheld:
        return replace(decided, events=())
    return decided if query.may_be_told else _withheld(decided)


def _withheld(decided: QueryDecision) -> QueryDecision:
    kept = tuple(event for event in decided.events if not isinstance(event, _ABOUT_DATA))
    return replace(decided, events=kept)


def _turn(query: Standing, turn: Turn) -> tuple[QueryCue, Reason]:
    if turn.refused is not None:
        return QueryCue.TURNED_DOWN, turn.refused
    if not turn.slot_is_free:
        return QueryCue.SLOT_TAKEN, Reason.QUERY_ALREADY_OPEN
    if query.purpose is PurposeOfUse.IAS and not turn.has_proof:
        if turn.can_ask:
            return QueryCue.SESSION_REFUSED, Reason.SESSION_REFUSED
        return QueryCue.TURNED_DOWN, Reason.SESSION_REQUIRED
    return QueryCue.CLEARED, Reason.VENDOR_UNCLEAR


def _session_refused(query: Standing, refused: SessionRefused) -> QueryDecision:
    """The person is asked once for a fresh session; whether it was the session, nobody knows."""
    again = refused.refused_before > 0
    reason = Reason.SESSION_REFUSED_TWICE if again else Reason.SESSION_REFUSED
    text = f"Metriport answered {refused.status}. {REMEDIES[reason]}"
    for_good = again or not refused.can_ask
    cue = QueryCue.SESSION_REFUSED_FOR_GOOD if for_good else QueryCue.SESSION_REFUSED
    return _plain(query, cue, reason, text)


def _plain(
    query: Standing, cue: QueryCue, reason: Reason, message: str | None = None
) -> QueryDecision:
    """A cue without news of sources: a refusal, an unknown outcome, or the end of its time."""
    step = QUERY.step(query.state, cue)
    text = REMEDIES[reason] if message is None else message
    events: list[Event] = []
    if NetworkQueryRefused in step.tells:
        events.append(NetworkQueryRefused(**query.head, reason=reason, message=text))
    if NetworkQueryOutcomeUnknown in step.tells:
        events.append(NetworkQueryOutcomeUnknown(**query.head, reason=reason, message=text))
    if NetworkQueryQueued in step.tells:
        events.append(NetworkQueryQueued(**query.head, resend=True))
    if NetworkQueryFinished in step.tells:
        standing = _told(_out_of_time(query.sources))
        ended = NetworkQueryFinished(**query.head, status=QueryResult.PARTIAL, sources=standing)
        events.append(ended)
    return QueryDecision(state=step.to, events=tuple(events), calls=step.calls)


def _out_of_time(sources: Mapping[Source, SourceRow]) -> dict[Source, SourceRow]:
    """Sources that still run when the query's time is over carry that as their reason."""
    return {
        source: row._replace(reason=Reason.DEADLINE_PASSED)
        if row.status is SourceStatus.PROCESSING
        else row
        for source, row in sources.items()
    }


def _answered(query: Standing, answer: Answer) -> QueryDecision:
    """The query is running; what the answer says of its sources is told within ``Started``."""
    updates = read_answer(answer, query.sources)
    rows = {update.source: after(query.sources[update.source], update) for update in updates}
    begun = _begin(query, QueryCue.ACCEPTED, answer.request_id, rows)
    heard = _news(replace(query, state=begun.state), updates, "response")
    events = heard.events
    if begun.events:
        events = _without_updates(events)
    return replace(
        heard,
        events=begun.events + events,
        calls=begun.calls + heard.calls,
        vendor_request_id=begun.vendor_request_id,
    )


def _begin(
    query: Standing, cue: QueryCue, vendor_id: VendorRequestId, sources: Mapping[Source, SourceRow]
) -> QueryDecision:
    step = QUERY.step(query.state, cue)
    if NetworkQueryStarted not in step.tells:
        return QueryDecision(state=step.to, calls=step.calls)
    started = NetworkQueryStarted(**query.head, vendor_request_id=vendor_id, sources=_told(sources))
    return QueryDecision(
        state=step.to, events=(started,), calls=step.calls, vendor_request_id=vendor_id
    )


def _without_updates(events: Sequence[Event]) -> tuple[Event, ...]:
    """The events, but for single sources that another event tells of already."""
    return tuple(e for e in events if not isinstance(e, NetworkQuerySourceUpdated))


def _news(query: Standing, updates: Sequence[Update], origin: Origin) -> QueryDecision:
    """Each update through the source's table; then whether the query has ended with them."""
    if query.state not in _LISTENS:
        return QueryDecision(state=query.state)
    sources = dict(query.sources)
    stored, events, calls = [], list[Event](), list[Effect]()
    for update in updates:
        row = sources.get(update.source)
        if row is None or not is_kept(row, update):
            continue
        step = step_of(row, update)
        sources[update.source] = after(row, update)
        stored.append(update)
        if step.tells:
            events.append(_updated(query, update, origin))
        if update.source is Source.HIE:
            calls += step.calls
    ended = result({source: row.status for source, row in sources.items()})
    state = query.state
    if ended is not None and events:
        last = QUERY.step(state, _ENDED[ended])
        state = last.to
        if NetworkQueryFinished in last.tells:
            events.append(NetworkQueryFinished(**query.head, status=ended, sources=_told(sources)))
    return QueryDecision(
        state=state, events=tuple(events), calls=tuple(calls), updates=tuple(stored)
    )


def _updated(query: Standing, update: Update, origin: Origin) -> Event:
    return NetworkQuerySourceUpdated(
        **query.head,
        source=update.source,
        status=update.status,
        from_=origin,
        early=True if update.early else None,
        reason=update.reason,
    )


def _told(sources: Mapping[Source, SourceRow]) -> list[SourceProgress]:
    return told(
        {source: row.status for source, row in sources.items()},
        {source: row.reason for source, row in sources.items()},
    )
