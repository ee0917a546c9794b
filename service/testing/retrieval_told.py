"""What is told of a record request: its events, its latest state, and how it ended.

The one place that writes the fields of ``RecordRequest``, ``RecordRequestUpdated`` and
``RecordRequestFinished``, and the words in them.
"""

from typing import Final

import msgspec

from schemas.events import RecordRequestFinished, RecordRequestUpdated
from schemas.ids import CommandId, LinkId
from schemas.reasons import REMEDIES, Reason
from schemas.record_requests import RecordRequest, RecordResult, RecordStep, WaitingFor
from service.ias.aal2_table import ChallengeCue
from service.ias.identity_table import VerificationCue
from service.ias.telling import Head, head
from service.testing import person
from service.testing.memory import Retrieval
from service.testing.world import World

REGISTRATION: Final = RecordStep.REGISTRATION
IDENTITY: Final = RecordStep.IDENTITY_VERIFICATION
CHALLENGE: Final = RecordStep.AAL2_CHALLENGE
QUERY: Final = RecordStep.NETWORK_QUERY
CONSOLIDATED: Final = RecordStep.CONSOLIDATED_QUERY
FINISHED: Final = RecordStep.FINISHED


def about(retrieval: Retrieval) -> Head:
    """What every event of the request begins with."""
    command = retrieval.command
    ids = (retrieval.patient_id, command.command_id, retrieval.request_id)
    return head(command.subject_id, *ids)


def say(
    world: World, retrieval: Retrieval, step: RecordStep, waiting_for: WaitingFor | None = None
) -> None:
    """Tell what the request waits for, if that is news: another step as an event, all of it as state."""
    before = (retrieval.step, retrieval.waiting_for)
    retrieval.step, retrieval.waiting_for = step, waiting_for
    if (step, waiting_for) == before:
        return
    if step is not FINISHED:
        updated = RecordRequestUpdated(
            **about(retrieval), step=step, waiting_for=waiting_for, deadline=retrieval.deadline
        )
        world.tell([updated])
    world.tell_state(_state(world, retrieval))


def finish(
    world: World,
    retrieval: Retrieval,
    result: RecordResult,
    reason: Reason | None = None,
    link_id: LinkId | None = None,
) -> None:
    """The request has ended, and with it the links to its steps; nothing is told to it any more."""
    retrieval.finished = RecordRequestFinished(
        **about(retrieval),
        result=result,
        reason=reason,
        message=None if reason is None else REMEDIES[reason],
        link_id=link_id,
    )
    _close(world, retrieval)
    world.tell([retrieval.finished])
    say(world, retrieval, FINISHED)


def answer(world: World, retrieval: Retrieval, command_id: CommandId) -> None:
    """Tell another command how the request has ended."""
    if retrieval.finished is not None:
        world.tell([msgspec.structs.replace(retrieval.finished, command_id=command_id)])


def _close(world: World, retrieval: Retrieval) -> None:
    """As at the end of their time: a verification that is finished all the same still verifies."""
    if retrieval.proofing is not None:
        person.end_proofing(world, retrieval.proofing, VerificationCue.EXPIRED)
    if retrieval.challenge is not None:
        person.end_challenge(world, retrieval.challenge, ChallengeCue.EXPIRED)


def _state(world: World, retrieval: Retrieval) -> RecordRequest:
    ended = retrieval.finished
    return RecordRequest(
        request_id=retrieval.request_id,
        subject_id=retrieval.command.subject_id,
        step=retrieval.step or retrieval.at,
        deadline=retrieval.deadline,
        sources=list(retrieval.command.sources.chosen()),
        updated_at=world.now,
        patient_id=retrieval.patient_id,
        waiting_for=retrieval.waiting_for,
        result=None if ended is None else ended.result,
        reason=None if ended is None else ended.reason,
    )
