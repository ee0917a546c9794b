"""``RequestRecords``: the whole flow, driven by the service.

    registration → identity_verification → aal2_challenge → network_query → consolidated_query → finished

A request hears of nothing: whenever something has happened it looks at what it waits for, and goes on.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from schemas.commands import CancelRecordRequest, RequestRecords
from schemas.events import (
    ConsolidatedDataFailed,
    ConsolidatedDataReady,
    NetworkQueryRefused,
    PatientRegistrationFailed,
)
from schemas.ids import RequestId
from schemas.reasons import Reason
from schemas.record_requests import RecordResult, RecordStep, WaitingFor
from schemas.sources import PurposeOfUse
from service.ias.aal2 import ChallengeState
from service.ias.consolidated import ConsolidatedState
from service.ias.network_query import QueryState
from service.ias.refusal import Refusal
from service.ias.telling import head
from service.testing import delivering, person, querying, registering
from service.testing import retrieval_told as told
from service.testing.memory import Query, Retrieval
from service.testing.world import World

Failure = PatientRegistrationFailed | NetworkQueryRefused | ConsolidatedDataFailed
_FAILURES: Final[tuple[type[Failure], ...]] = (
    PatientRegistrationFailed,
    NetworkQueryRefused,
    ConsolidatedDataFailed,
)


def start(world: World, command: RequestRecords) -> None:
    """Take the request on; ``advance_all`` goes as far as nobody else is needed."""
    longest = world.now + world.terms.query_deadline
    deadline = min(command.deadline or longest, longest)
    refused = _refuse(world, command, deadline)
    if refused is not None:
        world.reject(command, refused)
        return
    request_id = RequestId(world.new_id())
    retrieval = Retrieval(request_id, command, deadline, command.patient_id)
    world.subject(command.subject_id).retrievals.append(retrieval)
    links, retrieval.at = world.subject(command.subject_id).links, told.IDENTITY
    if command.patient_id not in links:
        retrieval.at = told.REGISTRATION
        told.say(world, retrieval, told.REGISTRATION, WaitingFor.PATIENT)
    elif links[command.patient_id] is not PurposeOfUse.IAS:
        told.finish(world, retrieval, RecordResult.FAILED, Reason.PURPOSE_NOT_ALLOWED)


def advance_all(world: World) -> None:
    """Let every request go on as far as it can."""
    for subject in list(world.subjects.values()):
        for retrieval in subject.retrievals:
            while retrieval.finished is None and _STEPS[retrieval.at](world, retrieval):
                pass


def cancel(world: World, command: CancelRecordRequest) -> None:
    """End the request, if it has not ended, and answer this command with the same end."""
    retrievals = world.subject(command.subject_id).retrievals
    found = next((one for one in retrievals if one.request_id == command.request_id), None)
    if found is None:
        unknown = Refusal(Reason.INVALID_FIELD, "no such request of this subject", "requestId")
        world.reject(command, unknown)
        return
    if found.finished is None:
        told.finish(world, found, RecordResult.CANCELLED, Reason.CANCELLED)
    told.answer(world, found, command.command_id)


def _refuse(world: World, command: RequestRecords, deadline: datetime) -> Refusal | None:
    if (command.patient_id is None) == (command.demographics is None):
        text = "give either patientId or demographics"
        return Refusal(Reason.INVALID_FIELD, text, "patientId")
    invalid = world.refuse_sources(command.sources.chosen(), deadline)
    return invalid or world.refuse_return_url(command.return_url)


def _register(world: World, retrieval: Retrieval) -> bool:
    command = retrieval.command
    who = command.demographics or command.patient_id
    about = head(command.subject_id, command.patient_id, command.command_id)
    patient_id = who and registering.register(world, about, PurposeOfUse.IAS, who)
    if patient_id is None:
        _fail(world, retrieval)
        return False
    retrieval.patient_id, retrieval.at = patient_id, told.IDENTITY
    return True


def _identify(world: World, retrieval: Retrieval) -> bool:
    about, patient_id = told.about(retrieval), retrieval.patient_id
    if world.proof(about)[0] is not None:
        retrieval.at = told.CHALLENGE
        return True
    if patient_id is not None and retrieval.proofing is None:
        until = retrieval.deadline
        retrieval.proofing = person.ask_identity(world, about, patient_id, until)
        told.say(world, retrieval, told.IDENTITY, WaitingFor.IDENTITY_VERIFICATION)
    return False


def _challenge(world: World, retrieval: Retrieval) -> bool:
    if retrieval.query is not None and querying.waits_for_session(world, retrieval.query):
        return False
    about = told.about(retrieval)
    identity, kept = world.proof(about)
    if kept is not None or retrieval.query is not None:
        retrieval.at = told.QUERY
        return True
    asked = retrieval.challenge
    if identity is not None and asked is None:
        back, until = retrieval.command.return_url, retrieval.deadline
        retrieval.challenge = person.ask_challenge(world, about, identity, back, until)
        told.say(world, retrieval, told.CHALLENGE, WaitingFor.AAL2_CHALLENGE)
    elif asked is not None and asked.state is ChallengeState.RETURNED:
        told.say(world, retrieval, told.CHALLENGE, WaitingFor.RETURN_CONFIRMATION)
    return False


def _query(world: World, retrieval: Retrieval) -> bool:
    if retrieval.query is None:
        sources, until = retrieval.command.sources.chosen(), retrieval.deadline
        about, purpose = told.about(retrieval), PurposeOfUse.IAS
        retrieval.query = querying.queue(world, about, purpose, sources, until)
        told.say(world, retrieval, told.QUERY, WaitingFor.NETWORK_QUERY_START)
        querying.take_turn(world, retrieval.query)
    return _queried(world, retrieval, retrieval.query)


def _queried(world: World, retrieval: Retrieval, query: Query) -> bool:
    match query.state:
        case QueryState.COMPLETED | QueryState.PARTIAL:
            retrieval.at = told.CONSOLIDATED
            return True
        case QueryState.FAILED:
            told.finish(world, retrieval, RecordResult.FAILED, Reason.SOURCE_FAILED)
        case QueryState.REFUSED:
            _fail(world, retrieval)
        case QueryState.STARTED:
            told.say(world, retrieval, told.QUERY, WaitingFor.SOURCES)
        case QueryState.UNKNOWN:
            told.say(world, retrieval, told.QUERY, WaitingFor.NETWORK_QUERY_PROOF)
        case QueryState.WAITING if querying.waits_for_session(world, query):
            retrieval.at = told.CHALLENGE
            told.say(world, retrieval, told.CHALLENGE, WaitingFor.AAL2_CHALLENGE)
        case _:
            told.say(world, retrieval, told.QUERY, WaitingFor.HIE_SLOT)
    return False


def _consolidate(world: World, retrieval: Retrieval) -> bool:
    patient_id, query = retrieval.patient_id, retrieval.query
    if patient_id is not None and retrieval.delivery is None:
        about = told.about(retrieval)
        retrieval.delivery = delivering.start(world, about, patient_id, "json")
    state = ConsolidatedState.FAILED if retrieval.delivery is None else retrieval.delivery.state
    if state is ConsolidatedState.READY:
        whole = query is not None and query.state is QueryState.COMPLETED
        ready = world.outbox.last((ConsolidatedDataReady,), retrieval.command.command_id)
        link_id = None if ready is None else ready.link_id
        reason = None if whole else Reason.SOURCE_FAILED
        result = RecordResult.READY if whole else RecordResult.PARTIAL
        told.finish(world, retrieval, result, reason, link_id)
    elif state is ConsolidatedState.FAILED:
        _fail(world, retrieval)
    else:
        told.say(world, retrieval, told.CONSOLIDATED, WaitingFor.CONSOLIDATED_DATA)
    return False


def _fail(world: World, retrieval: Retrieval) -> None:
    """For the reason that was told last of whatever the request had begun."""
    why = world.outbox.last(_FAILURES, retrieval.command.command_id)
    told.finish(
        world, retrieval, RecordResult.FAILED, Reason.VENDOR_REFUSED if why is None else why.reason
    )


_STEPS: Final[Mapping[RecordStep, Callable[[World, Retrieval], bool]]] = {
    told.REGISTRATION: _register,
    told.IDENTITY: _identify,
    told.CHALLENGE: _challenge,
    told.QUERY: _query,
    told.CONSOLIDATED: _consolidate,
}
"""What each step does; whether the request is at the next step now."""
