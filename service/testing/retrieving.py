"""``RequestRecords``: the whole flow, driven by the service's own rule (``service.ias.record_request``).

A request hears of nothing: whenever its subject was told something, or its time has come, it is looked
at; whatever is missing next is started or waited for.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from schemas.commands import CancelRecordRequest, RequestRecords
from schemas.ids import CommandId, RequestId
from schemas.reasons import Reason
from schemas.record_requests import RecordRequest, WaitingFor
from service.ias.consolidated import refuse_range
from service.ias.record_request import Choice, End, Facts, Registration, Start, Wait
from service.ias.record_request_steps import (
    early_sources,
    finished,
    look_again_at,
    next_step,
    updated,
)
from service.ias.refusal import Refusal
from service.testing.memory import Retrieval
from service.testing.retrieval_acts import ACTS, call, close
from service.testing.retrieval_facts import about, look
from service.testing.world import World


def start(world: World, command: RequestRecords) -> None:
    """Take the request on; ``settle`` goes as far as nobody else is needed."""
    longest = world.now + world.terms.query_deadline
    deadline = min(command.deadline or longest, longest)
    refused = _refuse(world, command, deadline)
    if refused is not None:
        world.reject(command, refused)
        return
    retrieval = _taken(world, command, deadline)
    world.subject(command.subject_id).retrievals.append(retrieval)
    advance(world, retrieval)


def _taken(world: World, command: RequestRecords, deadline: datetime) -> Retrieval:
    """What is kept; how old a result may be counts from now."""
    cool_down, freshness = world.terms.records_cool_down, command.freshness
    age = cool_down if freshness is None else timedelta(seconds=freshness)
    return Retrieval(
        request_id=RequestId(world.new_id()),
        command=command,
        created_at=world.now,
        deadline=deadline,
        fresh_since=world.now - age,
        patient_id=command.patient_id,
        wake_at=deadline,
        registration=None if command.demographics is None else Registration.DUE,
    )


def _refuse(world: World, command: RequestRecords, deadline: datetime) -> Refusal | None:
    if (command.patient_id is None) == (command.demographics is None):
        text = "give either patientId or demographics"
        return Refusal(Reason.INVALID_FIELD, text, "patientId")
    invalid = world.refuse_sources(command.sources.chosen(), deadline)
    invalid = invalid or refuse_range(command.date_from, command.date_to)
    return invalid or world.refuse_return_url(command.return_url)


def cancel(world: World, command: CancelRecordRequest) -> None:
    """End the request, if it has not ended, and answer this command with the same end."""
    retrievals = world.subject(command.subject_id).retrievals
    found = next((one for one in retrievals if one.request_id == command.request_id), None)
    if found is None:
        unknown = Refusal(Reason.INVALID_FIELD, "no such request of this subject", "requestId")
        world.reject(command, unknown)
        return
    if found.end is None:
        advance(world, found, cancelled=True)
    _answer_again(world, found, command.command_id)


def settle(world: World) -> None:
    """Look at every request with news, then ask Metriport what is due, until there is nothing new."""
    told = -1
    while told < len(world.outbox.told):
        told = len(world.outbox.told)
        for retrieval in _open(world):
            if _has_news(world, retrieval):
                advance(world, retrieval)
        call(world)


def _open(world: World) -> list[Retrieval]:
    subjects = world.subjects.values()
    return [one for subject in subjects for one in subject.retrievals if one.end is None]


def _has_news(world: World, retrieval: Retrieval) -> bool:
    """Whether to look again; the slot is freed without a word to the subject who waits for it."""
    told = world.outbox.number(retrieval.command.subject_id)
    waits_for_others = retrieval.waiting_for is WaitingFor.HIE_SLOT
    return told > retrieval.seen or retrieval.wake_at <= world.now or waits_for_others


def advance(
    world: World, retrieval: Retrieval, *, cancelled: bool = False, revoked: bool = False
) -> None:
    """Bring the request to where it waits or has ended."""

    def decide() -> tuple[Facts, Choice]:
        facts = replace(look(world, retrieval), cancelled=cancelled, revoked=revoked)
        return facts, next_step(facts, world.now)

    facts, choice = decide()
    while isinstance(choice, Start):
        ACTS[choice.act](world, retrieval)
        facts, choice = decide()
    if isinstance(choice, Wait):
        _rest(world, retrieval, facts, choice)
    else:
        _end(world, retrieval, facts, choice)


def _rest(world: World, retrieval: Retrieval, facts: Facts, waits: Wait) -> None:
    """Remember what was seen; tell it if it is news."""
    early, before = early_sources(facts), (retrieval.step, retrieval.waiting_for)
    is_news = before != (waits.step, waits.waiting_for) or set(early) - set(retrieval.early)
    retrieval.step, retrieval.waiting_for, retrieval.early = waits.step, waits.waiting_for, early
    if is_news:
        world.tell([updated(about(retrieval), facts, waits)])
        world.tell_state(_state(world, retrieval))
    for_slot = waits.waiting_for is WaitingFor.HIE_SLOT  # which is looked at all the time
    retrieval.wake_at = facts.deadline if for_slot else look_again_at(facts, waits, world.now)
    retrieval.seen = world.outbox.number(retrieval.command.subject_id)


def _end(world: World, retrieval: Retrieval, facts: Facts, end: End) -> None:
    """Stop what was not sent, then say how it ended: the last word about it."""
    close(world, retrieval, end)
    retrieval.step, retrieval.waiting_for, retrieval.end = end.step, None, end
    link = None if retrieval.delivery is None else retrieval.delivery.link
    world.tell([finished(about(retrieval), facts, end, link)])
    world.tell_state(_state(world, retrieval))


def _answer_again(world: World, retrieval: Retrieval, command_id: CommandId) -> None:
    """Tell another command how a request, which has ended, ended."""
    heading = about(retrieval)
    heading["command_id"] = command_id
    link = None if retrieval.delivery is None else retrieval.delivery.link
    if retrieval.end is not None:
        world.tell([finished(heading, look(world, retrieval), retrieval.end, link)])


def _state(world: World, retrieval: Retrieval) -> RecordRequest:
    """The latest state, as the compacted topic has it."""
    end = retrieval.end
    return RecordRequest(
        request_id=retrieval.request_id,
        subject_id=retrieval.command.subject_id,
        step=retrieval.step,
        deadline=retrieval.deadline,
        sources=list(retrieval.wanted),
        updated_at=world.now,
        patient_id=retrieval.patient_id,
        waiting_for=retrieval.waiting_for,
        result=None if end is None else end.result,
        reason=None if end is None else end.reason,
    )
