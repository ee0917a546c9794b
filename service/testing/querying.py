"""Network queries: their turn, Metriport's answer, and the news of their sources."""

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Literal

from schemas.events import NetworkQueryQueued, NetworkQueryRefused, StepKind
from schemas.ids import RequestId, SubjectId, VendorRequestId
from schemas.metriport.api import NetworkQuery as Answer
from schemas.reasons import REMEDIES, Reason
from schemas.sources import PurposeOfUse, Source, SourceStatus
from service.ias.aal2 import ChallengeState, SessionState, expires_at
from service.ias.aal2_steps import Accepted
from service.ias.aal2_table import SessionCue
from service.ias.machine import Effect
from service.ias.network_query import QueryState, SourceRow, Update
from service.ias.network_query_messages import (
    Answered,
    Message,
    News,
    ProofFound,
    QueryDecision,
    Refusing,
    SessionRefused,
    Standing,
    Turn,
)
from service.ias.network_query_steps import on, refuse_turn
from service.ias.network_query_table import QueryCue
from service.ias.source_steps import after
from service.ias.telling import Head, head
from service.testing import person
from service.testing.memory import Kept, Query
from service.testing.world import World


def queue(
    world: World, about: Head, purpose: PurposeOfUse, asked: tuple[Source, ...], until: datetime
) -> Query:
    """A query that waits for its turn, under a request id of its own, and the event that says so."""
    query_id = RequestId(world.new_id())
    identity, kept = world.proof(about) if purpose is PurposeOfUse.IAS else (None, None)
    runs = SourceStatus.PROCESSING
    query = Query(
        query_id=query_id,
        purpose=purpose,
        about=head(about["subject_id"], about["patient_id"], about["command_id"], query_id),
        deadline=until,
        sources={
            one: SourceRow(one, runs, None, told_early=False, reason=None) for one in sorted(asked)
        },
        identity_id=None if identity is None else identity.identity_id,
        session_id=None if kept is None else kept.rule.session_id,
    )
    world.subject(about["subject_id"]).queries.append(query)
    world.tell([NetworkQueryQueued(**query.about)])
    return query


def take_turns(world: World) -> None:
    """Every query that is due or waits for its patient's slot looks whether it can be sent."""
    for subject in world.subjects.values():
        for query in subject.queries:
            waits = query.state is QueryState.WAITING and not waits_for_session(world, query)
            if waits or query.state is QueryState.DUE:
                take_turn(world, query)


def take_turn(world: World, query: Query) -> None:
    """Check everything again and, if nothing stands in the way, call Metriport."""
    standing, link = _standing(world, query), world.purpose(query.about)
    allowed = world.terms.treatment_enabled
    refused = refuse_turn(standing, link, world.now, treatment_enabled=allowed)
    kept = _session(world, query)
    dead = kept is not None and kept.rule.state is SessionState.REFUSED
    turn = Turn(
        refused=refused,
        slot_is_free=refused is None and _take_slot(world, query),
        has_proof=kept is not None and world.is_usable(kept),
        can_ask=dead and not query.refused_sessions,
    )
    decision = on(standing, turn)
    carry_out(world, query, decision)
    if Effect.CALL_VENDOR in decision.calls:
        _call(world, query)
    elif Effect.ASK_PERSON in decision.calls:
        _ask_person(world, query)


def go_on(world: World, fresh: Kept) -> None:
    """Queries whose session Metriport refused carry the fresh one: all of them, or the oldest."""
    waiting = [
        query
        for query in world.subject(fresh.rule.subject_id).queries
        if query.identity_id == fresh.rule.identity_id and waits_for_session(world, query)
    ]
    for query in waiting if world.terms.session_reuse else waiting[:1]:
        decision = on(_standing(world, query), QueryCue.SESSION_RENEWED)
        query.session_id = fresh.rule.session_id
        carry_out(world, query, decision)


def hear(world: World, query: Query, update: Update) -> None:
    """A webhook about one source; it proves that Metriport runs the query, if that is not known."""
    if query.state is QueryState.UNKNOWN:
        proof = ProofFound(VendorRequestId(str(query.query_id)))
        carry_out(world, query, on(_standing(world, query), proof))
    carry_out(world, query, on(_standing(world, query), News(update, "webhook")))


def which(world: World, subject_id: SubjectId, source: Source) -> Query | None:
    """The oldest query that waits for the source's end, else the newest that asked it."""
    asked = [query for query in world.subject(subject_id).queries if source in query.sources]
    runs = {QueryState.STARTED, QueryState.UNKNOWN}
    for query in asked:
        if query.state in runs and query.sources[source].status is SourceStatus.PROCESSING:
            return query
    return next((query for query in reversed(asked) if query.vendor_request_id), None)


def waits_for_session(world: World, query: Query) -> bool:
    """Whether Metriport refused its session, and the person is asked for another."""
    kept = _session(world, query)
    refused = kept is not None and kept.rule.state is SessionState.REFUSED
    return query.state is QueryState.WAITING and refused


Over = Literal[QueryCue.EXPIRED, QueryCue.REVOKED, QueryCue.CANCELLED]


def end(world: World, query: Query, cue: Over) -> None:
    """The query hears that its time is over, or that nobody may have or wants it any more."""
    carry_out(world, query, on(_standing(world, query), cue))


def _call(world: World, query: Query) -> None:
    kept, reason = _session(world, query), world.take_refusal()
    if kept is not None:
        kept.rule = replace(kept.rule, uses=kept.rule.uses + 1)
    decision = on(_standing(world, query), _answer(world, query, reason))
    if kept is not None and Effect.PROVE_SESSION in decision.calls:
        until = expires_at(kept.rule, world.terms.session_max_age)
        ids = (query.about["subject_id"], query.about["patient_id"], query.about["command_id"])
        person.move_session(world, kept, Accepted(until), head(*ids))
        kept.rule = replace(kept.rule, last_used_at=world.now)
    carry_out(world, query, decision)
    if Effect.ASK_PERSON in decision.calls:
        _ask_person(world, query)


def _answer(world: World, query: Query, reason: Reason | None) -> Message:
    """What Metriport answers: yes, or what the test wanted it to refuse for."""
    match reason:
        case None:
            vendor_id = VendorRequestId(str(world.new_id()))
            return Answered(Answer(request_id=vendor_id, status="processing"))
        case Reason.SESSION_REFUSED if query.session_id is not None:
            status, before = HTTPStatus.FORBIDDEN, query.refused_sessions
            return SessionRefused(status=status, refused_before=before, can_ask=True)
        case Reason.VENDOR_UNCLEAR:
            return QueryCue.UNCLEAR
        case _:
            return Refusing(reason, REMEDIES[reason])


def carry_out(world: World, query: Query, decision: QueryDecision) -> None:
    """Everything about a query but its call, its session's proving and asking the person."""
    query.vendor_request_id = decision.vendor_request_id or query.vendor_request_id
    query.state = decision.state
    for update in decision.updates:
        _advance(world, query, update)
    kept = _session(world, query)
    if kept is not None and Effect.REFUSE_SESSION in decision.calls:
        person.move_session(world, kept, SessionCue.REFUSED, query.about)
        query.refused_sessions += 1
    for refused in (event for event in decision.events if isinstance(event, NetworkQueryRefused)):
        query.reason = refused.reason
    world.tell(decision.events)
    if Effect.FREE_HIE_SLOT in decision.calls:
        _free_slot(world, query)


def _advance(world: World, query: Query, update: Update) -> None:
    before = query.sources[update.source]
    query.sources[update.source] = after(before, update)
    if query.sources[update.source].status is not before.status:
        query.ended[update.source] = world.now


def _ask_person(world: World, query: Query) -> None:
    """Ask for a fresh challenge, as long as the query waits; one that is open already will do."""
    subject = world.subject(query.about["subject_id"])
    open_ones = [
        one
        for one in subject.challenges
        if one.identity.identity_id == query.identity_id and one.state is ChallengeState.PENDING
    ]
    if open_ones and world.terms.session_reuse:
        asked = open_ones[-1]
        kind = StepKind.AAL2_CHALLENGE
        person.point_to(world, query.about, kind, asked.link_id, asked.expires_at)
        return
    identity, before = subject.active(query.about["patient_id"]), subject.challenges[-1]
    if identity is not None:
        person.ask_challenge(world, query.about, identity, before.return_url, query.deadline)


def _standing(world: World, query: Query) -> Standing:
    active = world.subject(query.about["subject_id"]).active(query.about["patient_id"])
    return Standing(
        state=query.state,
        purpose=query.purpose,
        deadline=query.deadline,
        sources=query.sources,
        may_be_told=query.purpose is PurposeOfUse.TREATMENT or active is not None,
        head=query.about,
        withheld=query.withheld,
    )


def _session(world: World, query: Query) -> Kept | None:
    return world.subject(query.about["subject_id"]).session(query.session_id)


def _take_slot(world: World, query: Query) -> bool:
    """Whether the patient's one HIE query may be this one; Metriport skips HIE in a second."""
    patient_id = query.about["patient_id"]
    if Source.HIE not in query.sources or patient_id is None:
        return True
    return world.slots.setdefault(patient_id, query.query_id) == query.query_id


def _free_slot(world: World, query: Query) -> None:
    """Whoever waits for the patient's slot, of any subject, takes its turn afterwards."""
    patient_id = query.about["patient_id"]
    if patient_id is not None and world.slots.get(patient_id) == query.query_id:
        del world.slots[patient_id]
