"""Carries out what the rules decided: store the state and the news, cause the effects, tell."""

from collections.abc import Iterable

from schemas.base import Event
from schemas.events import ConsolidatedDataFailed, ConsolidatedDataReady, NetworkQueryRefused
from schemas.sources import PurposeOfUse
from service.ias.aal2 import Session
from service.ias.aal2_steps import SessionMessage, on_session
from service.ias.aal2_table import SessionCue
from service.ias.consolidated import ConsolidatedState
from service.ias.consolidated_steps import ConsolidatedStanding
from service.ias.machine import Decision, Effect
from service.ias.network_query_messages import QueryDecision, Standing
from service.ias.telling import Head, ends, head
from service.store import (
    calls,
    consolidated,
    identities,
    outbox,
    queries,
    record_requests,
    sessions,
)
from service.store.calls import Operation
from service.store.consolidated import Consolidated
from service.store.queries import Query
from service.store.unit import Unit


async def tell(unit: Unit, events: Iterable[Event]) -> None:
    """Write the events; those that answer a command for good are kept for repeats of it."""
    for event in events:
        await outbox.emit(unit, event, ends=ends(event))


async def query_standing(unit: Unit, query: Query) -> Standing:
    """The query as the rules see it; its row must be locked."""
    active = await identities.active(unit, query.subject_id, query.patient_id)
    return Standing(
        state=query.state,
        purpose=query.purpose,
        deadline=query.deadline,
        sources=await queries.progress(unit, query.query_id),
        may_be_told=query.purpose is PurposeOfUse.TREATMENT or active is not None,
        head=head(query.subject_id, query.patient_id, query.command_id, query.query_id),
        withheld=query.withheld,
    )


async def carry_out(unit: Unit, query: Query, decision: QueryDecision) -> None:
    """Everything about a network query but its call, its session's proving and asking a person."""
    if decision.vendor_request_id is not None:
        await queries.started(unit, query.query_id, decision.vendor_request_id)
    for update in decision.updates:
        await queries.advance(unit, query.query_id, update)
    if decision.state is not query.state:
        await queries.set_state(unit, query.query_id, decision.state)
    if Effect.FREE_HIE_SLOT in decision.calls:
        await queries.free_hie_slot(unit, query.query_id)
    if query.session_id is not None and Effect.RETURN_USE in decision.calls:
        await sessions.uncount_use(unit, query.session_id)
    if query.session_id is not None and Effect.REFUSE_SESSION in decision.calls:
        session = await sessions.by_id(unit, query.session_id)
        await move_session(unit, session, SessionCue.REFUSED)
        await queries.count_refused_session(unit, query.query_id)
    for refused in (e for e in decision.events if isinstance(e, NetworkQueryRefused)):
        await queries.refused(unit, query.query_id, refused.reason)
    await tell(unit, decision.events)


async def move_session(
    unit: Unit, session: Session | None, message: SessionMessage, about: Head | None = None
) -> bool:
    """Tell a session, whether it moved; ``about`` heads its events where a command is named."""
    if session is None:
        return False
    heading = about or head(session.subject_id, session.patient_id)
    decision = on_session(session, message, heading, unit.now)
    if decision.state is not session.state:
        await sessions.set_state(unit, session.session_id, decision.state)
    await tell(unit, decision.events)
    return decision.state is not session.state


def consolidated_standing(query: Consolidated) -> ConsolidatedStanding:
    """The consolidated query as the rules see it."""
    return ConsolidatedStanding(
        state=query.state,
        conversion_type=query.conversion_type,
        renewals=query.renewals,
        head=head(query.subject_id, query.patient_id, query.command_id, query.request_id),
    )


async def carry_out_consolidated(
    unit: Unit, query: Consolidated, decision: Decision[ConsolidatedState]
) -> None:
    """Store the state and what it led to, renew and tell; other calls, and links, are the caller's."""
    if decision.state is not query.state:
        await consolidated.set_state(unit, query.request_id, decision.state)
    if Effect.RENEW in decision.calls:
        fresh = await consolidated.renew(unit, query.request_id)
        await record_requests.follow(unit, query.request_id, fresh)
        await calls.schedule(unit, Operation.START_CONSOLIDATED_QUERY, query.subject_id, fresh)
    for event in decision.events:
        if isinstance(event, ConsolidatedDataFailed):
            await consolidated.failed(unit, query.request_id, event.reason)
        if isinstance(event, ConsolidatedDataReady) and event.link_id is not None:
            await consolidated.issued(unit, query.request_id, event.link_id, event.expires_at)
    await tell(unit, decision.events)
