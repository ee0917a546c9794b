"""Start Consolidated Data Query: entitlement is checked again right before the call (I9).

Safe to repeat: the same parameters return the running id.
"""

from datetime import timedelta
from typing import Final

from schemas.ids import RequestId
from schemas.metriport.api import ConsolidatedQuery as Answer
from service.gateway import protocol
from service.gateway.operations.common import (
    Handler,
    Prepared,
    Surroundings,
    Void,
    finish,
    may_retry,
    read_answer,
    refusal,
    retry_later,
)
from service.gateway.outcome import Outcome
from service.ias.consolidated import ConsolidatedState
from service.ias.consolidated_steps import Message, Refusing, Turn, on
from service.ias.consolidated_table import ConsolidatedCue
from service.ias.machine import Effect
from service.ias.refusal import Refusal
from service.store import calls, consolidated, entitlements, record_requests
from service.store.calls import Call
from service.store.decisions import carry_out_consolidated, consolidated_standing
from service.store.unit import Unit

_ASK_AGAIN: Final = timedelta(seconds=2)


async def prepare(unit: Unit, around: Surroundings, call: Call) -> Prepared:
    """The request, unless the query is over or the subject is not entitled any more."""
    del around
    query = await consolidated.lock(unit, RequestId(call.ref_id))
    if query is None:
        return Void("there is no such query")
    refused = await entitlements.refuse_data(unit, query.subject_id, query.patient_id)
    over = await record_requests.is_over(unit, query.subject_id, query.command_id)
    heard: Message = ConsolidatedCue.CANCELLED if over else Turn(refused)
    decision = on(consolidated_standing(query), heard, unit.now)
    await carry_out_consolidated(unit, query, decision)
    if Effect.CALL_VENDOR not in decision.calls:
        return Void("the query is over")
    return protocol.start_consolidated_query(
        query.patient_id, query.conversion_type, query.resources, query.date_from, query.date_to
    )


async def record(unit: Unit, around: Surroundings, call: Call, outcome: Outcome) -> None:
    """Remember the vendor's id, or tell why there is none."""
    del around
    query = await consolidated.lock(unit, RequestId(call.ref_id))
    if query is None:
        await finish(unit, call, outcome)
        return
    answer = read_answer(outcome, Answer)
    decision = on(consolidated_standing(query), await _hear(unit, call, outcome, answer), unit.now)
    await carry_out_consolidated(unit, query, decision)
    if decision.state is ConsolidatedState.STARTED and answer is not None:
        await consolidated.started(unit, query.request_id, answer.request_id)
    if Effect.ASK_AGAIN not in decision.calls:
        await finish(unit, call, outcome)
    elif answer is not None:
        await calls.postpone(unit, call, "already_delivered", _ASK_AGAIN)
    else:
        await retry_later(unit, call, outcome, repeatable=True)


async def _hear(unit: Unit, call: Call, outcome: Outcome, answer: Answer | None) -> Message:
    if may_retry(call, outcome, repeatable=True):
        return ConsolidatedCue.NOT_SENT
    if answer is None:
        return Refusing(Refusal(*refusal(outcome)))
    delivered = await consolidated.is_delivered(unit, answer.request_id)
    return ConsolidatedCue.ALREADY_DELIVERED if delivered else ConsolidatedCue.ACCEPTED


HANDLER = Handler(prepare, record)
