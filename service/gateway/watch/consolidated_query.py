"""Get Consolidated Query Status: whether a delivery failed, or was made and did not arrive.

The status holds no link, so it cannot bring the record. ``completed`` at two looks, further apart than a
link lives, means that the webhook is lost or late with a dead link: the same as a webhook that brings
one, so it is asked for anew. A row that is not found tells nothing, because starting another query drops finished ones.
"""

from datetime import timedelta
from typing import Final
from uuid import uuid4

from schemas.ids import LinkId, RequestId
from schemas.metriport.api import ConsolidatedQuery as Answer
from service.gateway import protocol
from service.gateway.operations.common import (
    Handler,
    Prepared,
    Surroundings,
    Void,
    finish,
    read_answer,
)
from service.gateway.outcome import Outcome
from service.gateway.watch import looking, spacing
from service.ias.consolidated import (
    CONTENT_TYPES,
    LINK_LIFETIME,
    ConsolidatedState,
    DataLink,
    Failed,
)
from service.ias.consolidated_steps import Delivery, on
from service.store import consolidated, entitlements, watch
from service.store.calls import Call
from service.store.consolidated import Consolidated
from service.store.decisions import carry_out_consolidated, consolidated_standing
from service.store.unit import Unit
from service.store.watch import Kind
from service.telemetry import metrics

MISSED_AFTER: Final = LINK_LIFETIME + timedelta(minutes=1)
"""When a delivery that has been made is looked at again: its link, and its webhook, are past by then."""

_COMPLETED: Final = "completed"
_FAILED: Final = "failed"
_RUNNING: Final = "running"


async def prepare(unit: Unit, around: Surroundings, call: Call) -> Prepared:
    """Ask about a query that waits for its delivery."""
    request_id = RequestId(call.ref_id)
    query = await consolidated.lock(unit, request_id)
    if query is None:
        return Void("there is no such query")
    asked = await watch.consolidated_request(unit, request_id)
    if not around.watching.enabled or query.state is not ConsolidatedState.STARTED or asked is None:
        await watch.end(unit, Kind.CONSOLIDATED_QUERY, request_id)
        return Void("there is nothing to ask")
    return protocol.get_consolidated_query(query.patient_id, asked)


async def record(unit: Unit, around: Surroundings, call: Call, outcome: Outcome) -> None:
    """End a query whose delivery failed, renew one that was missed; else say when to look again."""
    query = await consolidated.lock(unit, RequestId(call.ref_id))
    if query is None:
        await finish(unit, call, outcome)
        return
    if not await looking.was_made(unit, Kind.CONSOLIDATED_QUERY, call, outcome):
        return
    answer = read_answer(outcome, Answer)
    if answer is not None and answer.request_id != await watch.consolidated_request(
        unit, query.request_id
    ):
        answer = None
    word = looking.shows_nothing(outcome) if answer is None else _word(answer.status)
    ended = query.state is not ConsolidatedState.STARTED
    if not ended:
        ended = await _end(unit, call, query, word)
    following = None if ended else await _following(unit, around, query, word)
    await looking.settle(unit, Kind.CONSOLIDATED_QUERY, call, word, following)


def _word(status: str) -> str:
    return status if status in {_COMPLETED, _FAILED} else _RUNNING


async def _end(unit: Unit, call: Call, query: Consolidated, word: str) -> bool:
    """Tell the query what its webhook would have, where that is certain; whether it was."""
    missed = word == _COMPLETED and await watch.last_word(unit, call) == _COMPLETED
    if word != _FAILED and not missed:
        return False
    content_type = CONTENT_TYPES[query.conversion_type]
    content = DataLink("", content_type, unit.now) if missed else Failed()
    refused = await entitlements.refuse_data(unit, query.subject_id, query.patient_id)
    delivery = Delivery(refused, content, LinkId(uuid4()))
    decision = on(consolidated_standing(query), delivery, unit.now)
    await carry_out_consolidated(unit, query, decision)
    metrics.FOUND_BY_POLL.labels("delivery_missed" if missed else "delivery_failed").inc()
    return True


async def _following(
    unit: Unit, around: Surroundings, query: Consolidated, word: str
) -> timedelta | None:
    since, made = await watch.consolidated_since(unit, query.request_id)
    left = made + around.rules.consolidated_lifetime - unit.now
    match word:
        case "completed":
            return MISSED_AFTER
        case "running":
            return spacing.next_look(unit.now - since, left, around.watching)
        case _:
            return spacing.look_again(left, around.watching)


HANDLER = Handler(prepare, record)
