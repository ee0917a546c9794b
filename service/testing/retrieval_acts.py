"""What a record request starts and stops: the acts of its rule, with what the double has for them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from schemas.events import StepKind
from schemas.ids import LinkId
from schemas.record_requests import RecordResult
from schemas.sources import PurposeOfUse
from service.ias.aal2_table import ChallengeCue
from service.ias.consolidated import ConsolidatedState
from service.ias.identity_table import VerificationCue
from service.ias.network_query import QueryState
from service.ias.network_query_table import QueryCue
from service.ias.record_request import Act, End, Registration
from service.ias.refusal import Refusal
from service.ias.telling import head
from service.testing import delivering, person, querying, registering
from service.testing.memory import Challenge, Retrieval
from service.testing.retrieval_facts import Step, about, serving
from service.testing.world import World

_NOT_SENT: Final = frozenset({QueryState.WAITING, QueryState.DUE})


def link_patient(world: World, retrieval: Retrieval) -> None:
    """Metriport is asked for the patient when the look is over (``call``)."""
    del world
    retrieval.registration = Registration.DUE


def ask_identity(world: World, retrieval: Retrieval) -> None:
    """Send the person to prove who they are, until the deadline; or where another request sent them."""
    others = world.subject(retrieval.command.subject_id).others(retrieval)
    shared = _shared(world, retrieval, [(one, one.proofing) for one in others])
    if shared is not None:
        kind, link_id = StepKind.IDENTITY_VERIFICATION, LinkId(shared.rule.verification_id)
        person.point_to(world, about(retrieval), kind, link_id, shared.expires_at)
    elif retrieval.patient_id is not None:
        until = retrieval.deadline
        shared = person.ask_identity(world, about(retrieval), retrieval.patient_id, until)
    retrieval.proofing = shared


def ask_challenge(world: World, retrieval: Retrieval) -> None:
    """Send the person to answer a challenge, until the deadline; or where another request sent them."""
    subject, reuse = world.subject(retrieval.command.subject_id), world.terms.session_reuse
    others = subject.others(retrieval) if reuse else []
    theirs = [
        (one, step) for one in others for step in _mine(one, subject.challenges, one.challenge)
    ]
    shared = _shared(world, retrieval, theirs)
    identity = subject.active(retrieval.patient_id)
    if shared is not None:
        kind = StepKind.AAL2_CHALLENGE
        person.point_to(world, about(retrieval), kind, shared.link_id, shared.expires_at)
    elif identity is not None:
        back, until = retrieval.command.return_url, retrieval.deadline
        shared = person.ask_challenge(world, about(retrieval), identity, back, until)
    retrieval.challenge = shared


def start_query(world: World, retrieval: Retrieval) -> None:
    """Queue a network query; its turn comes when the look is over (``call``)."""
    purpose, until = PurposeOfUse.IAS, retrieval.deadline
    retrieval.query = querying.queue(world, about(retrieval), purpose, retrieval.wanted, until)
    close_steps(world, retrieval)


def join_query(world: World, retrieval: Retrieval) -> None:
    """Take the query that answers the request."""
    retrieval.query = serving(world, retrieval)
    close_steps(world, retrieval)


def leave_query(world: World, retrieval: Retrieval) -> None:
    """Go on as if there had been no query."""
    del world
    retrieval.query = None


def start_record(world: World, retrieval: Retrieval) -> None:
    """Queue a consolidated query under the request's own id (``call``)."""
    if retrieval.patient_id is not None:
        named, patient_id = about(retrieval), retrieval.patient_id
        retrieval.delivery = delivering.queue(world, named, patient_id, "json")


ACTS: Final[Mapping[Act, Callable[[World, Retrieval], None]]] = {
    Act.LINK_PATIENT: link_patient,
    Act.ASK_IDENTITY: ask_identity,
    Act.ASK_CHALLENGE: ask_challenge,
    Act.START_QUERY: start_query,
    Act.JOIN_QUERY: join_query,
    Act.LEAVE_QUERY: leave_query,
    Act.START_RECORD: start_record,
}
"""What each act is."""


def call(world: World) -> None:
    """Ask Metriport whatever is due, as the gateway does once a look is committed."""
    for subject in world.subjects.values():
        for retrieval in subject.retrievals:
            if retrieval.registration is Registration.DUE:
                _register(world, retrieval)
        for delivery in subject.deliveries:
            if delivery.state is ConsolidatedState.DUE:
                delivering.call(world, delivery)
    querying.take_turns(world)


def close(world: World, retrieval: Retrieval, end: End) -> None:
    """Everything that has not reached Metriport yet, then the hosted steps."""
    query = retrieval.query
    is_own = query is not None and query.about["command_id"] == retrieval.command.command_id
    if query is not None and is_own and query.state in _NOT_SENT:
        cancelled = end.result is RecordResult.CANCELLED
        querying.end(world, query, QueryCue.CANCELLED if cancelled else QueryCue.EXPIRED)
    close_steps(world, retrieval)


def close_steps(world: World, retrieval: Retrieval) -> None:
    """End the hosted steps that nobody needs any more, as at the end of their time."""
    subject = world.subject(retrieval.command.subject_id)
    others = subject.others(retrieval)
    for proofing in _mine(retrieval, subject.proofings, retrieval.proofing):
        if all(one.proofing is not proofing for one in others):
            person.end_proofing(world, proofing, VerificationCue.EXPIRED)
    for challenge in _mine(retrieval, subject.challenges, retrieval.challenge):
        shared = any(one.challenge is challenge for one in others)
        if not shared and not _is_waited_for(world, retrieval, challenge):
            person.end_challenge(world, challenge, ChallengeCue.EXPIRED)


def _mine(retrieval: Retrieval, steps: list[Step], shared: Step | None) -> list[Step]:
    command_id = retrieval.command.command_id
    return [one for one in steps if one.about["command_id"] == command_id or one is shared]


def _is_waited_for(world: World, retrieval: Retrieval, challenge: Challenge) -> bool:
    """Whether a query of another command waits for a session of the challenge's identity."""
    return any(
        query.state is QueryState.WAITING
        and query.identity_id == challenge.identity.identity_id
        and query.about["command_id"] != retrieval.command.command_id
        for query in world.subject(retrieval.command.subject_id).queries
    )


def _shared(
    world: World, retrieval: Retrieval, theirs: Iterable[tuple[Retrieval, Step | None]]
) -> Step | None:
    """A step that another request asked for, leads back to the same place and is open for longest."""
    place = (retrieval.patient_id, retrieval.command.return_url)
    steps = [
        step
        for other, step in theirs
        if step is not None
        and step.is_open(world.now)
        and (other.patient_id, other.command.return_url) == place
    ]
    return max(steps, key=lambda step: step.expires_at, default=None)


def _register(world: World, retrieval: Retrieval) -> None:
    command = retrieval.command
    who = command.demographics or command.patient_id
    if who is None:
        return
    named = head(command.subject_id, command.patient_id, command.command_id)
    found = registering.register(world, named, PurposeOfUse.IAS, who)
    if isinstance(found, Refusal):
        retrieval.registration, retrieval.registration_reason = Registration.FAILED, found.reason
    else:
        retrieval.registration, retrieval.patient_id = Registration.REGISTERED, found
