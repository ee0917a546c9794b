"""Looks at a record request, starts what it lacks, looks again, until it waits or has ended.

The subject is locked by the caller, and nothing here waits for anybody: one look is one transaction.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from consumers.context import Context
from consumers.records.closing import close
from consumers.records.starting import STARTERS, about
from schemas.ids import CommandId
from schemas.record_requests import RecordRequest
from service.ias.record_request import Choice, End, Start, Wait
from service.ias.record_request_steps import (
    early_sources,
    finished,
    look_again_at,
    next_step,
    updated,
)
from service.store import outbox, record_facts, record_requests
from service.store.decisions import tell
from service.store.record_facts import Looked
from service.store.record_requests import Request
from service.store.unit import Unit
from service.telemetry import metrics

_MOST_STARTS: Final = 8
"""The longest way from a start to a wait has four: let go of a query, join one, ask for its record."""


class NeverRestsError(RuntimeError):
    """What was started does not change what is lacking: a defect, and the request is looked at later."""


async def advance(unit: Unit, context: Context, request: Request, **facts: bool) -> Request:
    """Bring the request to where it waits or has ended. ``facts``: ``cancelled``, ``revoked``.

    Raises:
        NeverRestsError: it comes to neither.
    """
    for _ in range(_MOST_STARTS):
        looked, choice = await _look(unit, context, request, facts)
        match choice:
            case Start(act, _):
                request = await STARTERS[act](unit, context, looked)
            case Wait():
                return await _rest(unit, looked, choice)
            case End():
                return await _end(unit, looked, choice)
    raise NeverRestsError(str(request.step))


async def _look(
    unit: Unit, context: Context, request: Request, more: Mapping[str, Any]
) -> tuple[Looked, Choice]:
    looked = await record_facts.look(unit, request, context.session_use)
    looked = looked._replace(facts=replace(looked.facts, **more))
    return looked, next_step(looked.facts, unit.now)


async def _rest(unit: Unit, looked: Looked, waits: Wait) -> Request:
    """Remember what was seen; tell it if it is news."""
    early = tuple(early_sources(looked.facts))
    before = looked.request
    after = before._replace(step=waits.step, waiting_for=waits.waiting_for, early_sources=early)
    if (after.step, after.waiting_for) != (before.step, before.waiting_for) or set(early) - set(
        before.early_sources
    ):
        await tell(unit, [updated(about(after), looked.facts, waits)])
        await outbox.tell_state(unit, state_of(unit, after))
    await record_requests.save(unit, after, look_again_at(looked.facts, waits, unit.now))
    return after


async def _end(unit: Unit, looked: Looked, end: End) -> Request:
    """Stop what was not sent, then say how it ended: the last word about it."""
    await close(unit, looked.request, end, looked.registration_id)
    after = looked.request._replace(
        step=end.step, waiting_for=None, result=end.result, reason=end.reason
    )
    await tell(unit, [finished(about(after), looked.facts, end, looked.link)])
    await outbox.tell_state(unit, state_of(unit, after))
    await record_requests.save(unit, after, unit.now)
    metrics.RECORD_REQUESTS.labels(end.result.value).inc()
    return after


async def answer_again(
    unit: Unit, context: Context, request: Request, command_id: CommandId
) -> None:
    """Tell another command how a request, which has ended, ended."""
    if request.result is None:
        return
    looked, _ = await _look(unit, context, request, {})
    heading = about(looked.request)
    heading["command_id"] = command_id
    end = End(request.result, request.reason)
    await tell(unit, [finished(heading, looked.facts, end, looked.link)])


def state_of(unit: Unit, request: Request) -> RecordRequest:
    """The latest state, as the compacted topic has it."""
    asked = request.asked
    return RecordRequest(
        request_id=asked.request_id,
        subject_id=asked.subject_id,
        step=request.step,
        deadline=asked.deadline,
        sources=list(asked.sources),
        updated_at=unit.now,
        patient_id=request.patient_id,
        waiting_for=request.waiting_for,
        result=request.result,
        reason=request.reason,
    )
