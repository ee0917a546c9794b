"""Start Consolidated Data Query: entitlement is checked again right before the call (I9).

Safe to repeat: the same parameters return the running id.
"""

from datetime import timedelta
from typing import Final

from schemas.events import ConsolidatedDataFailed
from schemas.ids import RequestId
from schemas.metriport.api import ConsolidatedQuery as Answer
from schemas.reasons import Reason
from service.gateway import protocol
from service.gateway.operations.common import (
    Handler,
    Prepared,
    Surroundings,
    Void,
    finish,
    read_answer,
    refusal,
    retry_later,
)
from service.gateway.outcome import Outcome
from service.ias.consolidated import ConsolidatedState
from service.store import calls, consolidated, entitlements, outbox
from service.store.calls import Call
from service.store.consolidated import Consolidated
from service.store.outbox import UNSEQUENCED
from service.store.unit import Unit

_ASK_AGAIN: Final = timedelta(seconds=2)


async def prepare(unit: Unit, around: Surroundings, call: Call) -> Prepared:
    """The request, unless the query is over or the subject is not entitled any more."""
    del around
    query = await consolidated.lock(unit, RequestId(call.ref_id))
    if query is None or query.state not in {ConsolidatedState.DUE, ConsolidatedState.DISPATCHING}:
        return Void("the query is over")
    refused = await entitlements.refuse_data(unit, query.subject_id, query.patient_id)
    if refused is not None:
        await _fail(unit, query, refused.reason, refused.message)
        return Void(refused.reason)
    await consolidated.set_state(unit, query.request_id, ConsolidatedState.DISPATCHING)
    return protocol.start_consolidated_query(
        query.patient_id, query.conversion_type, query.resources, query.date_from, query.date_to
    )


async def record(unit: Unit, around: Surroundings, call: Call, outcome: Outcome) -> None:
    """Remember the vendor's id, or tell why there is none."""
    del around
    query = await consolidated.lock(unit, RequestId(call.ref_id))
    if query is None or query.state is not ConsolidatedState.DISPATCHING:
        await finish(unit, call, outcome)
        return
    if await retry_later(unit, call, outcome, repeatable=True):
        return
    answer = read_answer(outcome, Answer)
    if answer is None:
        await _fail(unit, query, *refusal(outcome))
    elif await consolidated.is_delivered(unit, answer.request_id):
        # The vendor gave us a running id whose webhook has come meanwhile: ask for one of our own.
        await calls.postpone(unit, call, "already_delivered", _ASK_AGAIN)
        return
    else:
        await consolidated.started(unit, query.request_id, answer.request_id)
    await finish(unit, call, outcome)


async def _fail(unit: Unit, query: Consolidated, reason: Reason, message: str) -> None:
    await consolidated.set_state(unit, query.request_id, ConsolidatedState.FAILED)
    event = ConsolidatedDataFailed(
        sequence=UNSEQUENCED,
        subject_id=query.subject_id,
        command_id=query.command_id,
        request_id=query.request_id,
        patient_id=query.patient_id,
        reason=reason,
        message=message,
    )
    await outbox.emit(unit, event, ends=True)


HANDLER = Handler(prepare, record)
