"""What the double remembers about one record request, as the rule of record requests wants to know it."""

from typing import Any, Final, TypeVar

from schemas.sources import Source, SourceStatus
from service.ias import record_request as rules
from service.ias.aal2 import SessionState
from service.ias.identity import VerificationState
from service.ias.network_query import UNPROVEN, QueryState
from service.ias.record_request import AttachedQuery, Facts
from service.ias.telling import Head, head
from service.testing import querying
from service.testing.memory import Challenge, Proofing, Query, Retrieval
from service.testing.world import World

_ENDED: Final = frozenset({QueryState.COMPLETED, QueryState.PARTIAL})
_SERVES_NOBODY: Final = frozenset({*UNPROVEN, QueryState.REFUSED, QueryState.FAILED})

Step = TypeVar("Step", Proofing, Challenge)


def about(retrieval: Retrieval) -> Head:
    """What every event of the request begins with."""
    command = retrieval.command
    ids = (retrieval.patient_id, command.command_id, retrieval.request_id)
    return head(command.subject_id, *ids)


def look(world: World, retrieval: Retrieval) -> Facts:
    """What is so now."""
    known: dict[str, Any] = {}
    if retrieval.patient_id is not None:
        known |= _person(world, retrieval)
        known |= _challenge(world, retrieval)
        known |= _query(world, retrieval)
        known |= _record(retrieval)
    return Facts(
        step=retrieval.step,
        created_at=retrieval.created_at,
        deadline=retrieval.deadline,
        wanted=frozenset(retrieval.wanted),
        registration=retrieval.registration,
        registration_reason=retrieval.registration_reason,
        **known,
    )


def serving(world: World, retrieval: Retrieval) -> Query | None:
    """A query of this subject, patient and identity that answers the request: the newest."""
    subject = world.subject(retrieval.command.subject_id)
    identity = subject.active(retrieval.patient_id)
    found = (
        query
        for query in reversed(subject.queries)
        if identity is not None
        and query.identity_id == identity.identity_id
        and _answers(world, retrieval, query)
    )
    return next(found, None)


def _answers(world: World, retrieval: Retrieval, query: Query) -> bool:
    """It runs with all the sources that are wanted, or they ended recently enough, and not all failed."""
    if query.withheld or query.state in _SERVES_NOBODY:
        return False
    if query.deadline <= world.now and query.state not in _ENDED:
        return False
    rows = [query.sources.get(source) for source in retrieval.wanted]
    return any(row and row.status is not SourceStatus.FAILED for row in rows) and all(
        row is not None and _is_fresh(retrieval, query, row.source) for row in rows
    )


def _is_fresh(retrieval: Retrieval, query: Query, source: Source) -> bool:
    if query.sources[source].status is SourceStatus.PROCESSING:
        return query.state not in _ENDED
    return query.ended[source] >= retrieval.fresh_since


def _person(world: World, retrieval: Retrieval) -> dict[str, Any]:
    subject = world.subject(retrieval.command.subject_id)
    found, state = _newest(world, retrieval, subject.proofings, retrieval.proofing), None
    if found is not None:
        late = found.rule.state is VerificationState.PENDING and not found.is_open(world.now)
        state = VerificationState.EXPIRED if late else found.rule.state
    return {
        "link": world.purpose(about(retrieval)),
        "is_proofed": subject.active(retrieval.patient_id) is not None,
        "verification": state,
    }


def _challenge(world: World, retrieval: Retrieval) -> dict[str, Any]:
    subject = world.subject(retrieval.command.subject_id)
    found = _newest(world, retrieval, subject.challenges, retrieval.challenge)
    _, session = world.proof(about(retrieval))
    if session is not None and not world.terms.session_reuse:
        mine = found is not None and session.rule.challenge_id == found.challenge_id
        session = session if mine else None
    return {
        "challenge": None if found is None else _stands(world, found),
        "challenges": sum(_is_of(retrieval, one) for one in subject.challenges),
        "has_session": session is not None,
    }


def _newest(
    world: World, retrieval: Retrieval, steps: list[Step], shared: Step | None
) -> Step | None:
    """The newest step that the request asked the person for, or shares; one that is open before others."""
    mine = [one for one in reversed(steps) if _is_of(retrieval, one) or one is shared]
    return max(mine, key=lambda one: one.is_open(world.now), default=None)


def _is_of(retrieval: Retrieval, step: Proofing | Challenge) -> bool:
    return step.about["command_id"] == retrieval.command.command_id


def _stands(world: World, challenge: Challenge) -> rules.Challenge:
    if challenge.is_open(world.now):
        return rules.Challenge.OPEN
    returned = any(
        kept.rule.challenge_id == challenge.challenge_id
        and kept.rule.state is SessionState.RECEIVED
        for kept in world.subject(challenge.about["subject_id"]).sessions
    )
    return rules.Challenge.RETURNED if returned else rules.Challenge.OVER


def _query(world: World, retrieval: Retrieval) -> dict[str, Any]:
    """The query that the request has; or, without one, whether it could have or start one now."""
    if retrieval.query is not None:
        return {"query": _attached(world, retrieval, retrieval.query)}
    return {
        "serves": serving(world, retrieval) is not None,
        "slot_is_free": Source.HIE not in retrieval.wanted
        or retrieval.patient_id not in world.slots,
    }


def _attached(world: World, retrieval: Retrieval, query: Query) -> AttachedQuery:
    identity, _ = world.proof(about(retrieval))
    accepted = query.vendor_request_id is not None
    refused = world.refuse_data(about(retrieval)) if accepted else None
    return AttachedQuery(
        state=query.state,
        is_own=query.about["command_id"] == retrieval.command.command_id,
        sources=query.sources,
        is_current=identity is None or query.identity_id == identity.identity_id,
        is_accepted=accepted,
        needs_session=querying.waits_for_session(world, query),
        reason=query.reason,
        refused=None if refused is None else refused.reason,
    )


def _record(retrieval: Retrieval) -> dict[str, Any]:
    delivery = retrieval.delivery
    return {"record": delivery and rules.Record(state=delivery.state, reason=delivery.reason)}
