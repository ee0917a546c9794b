"""Get Network Query Status: news of a query that runs, as its webhooks would bring them.

An identity that was revoked meanwhile keeps the news from being told (``service.ias``), and does not
end the looks: the patient's HIE slot is freed when HIE is over, for whoever waits for it.
"""

from datetime import timedelta

from schemas.ids import RequestId
from schemas.metriport.api import NetworkQueryStatus
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
from service.gateway.watch import confirming, looking, spacing
from service.ias.network_query import FINISHED, UNPROVEN, QueryState, read_status
from service.ias.network_query import read_answer as read_sources
from service.ias.network_query_messages import News
from service.ias.network_query_steps import on
from service.settings.watching import Watching
from service.store import queries, suppositions, watch
from service.store.calls import Call
from service.store.decisions import carry_out, query_standing
from service.store.queries import Query
from service.store.unit import Unit
from service.store.watch import Kind
from service.telemetry import metrics


async def prepare(unit: Unit, around: Surroundings, call: Call) -> Prepared:
    """Ask about a query that runs, or about the one request that an unknown query may be."""
    query = await queries.lock(unit, RequestId(call.ref_id))
    if query is None:
        return Void("there is no such query")
    asked = None
    if around.watching.enabled and query.state is QueryState.STARTED:
        asked = query.vendor_request_id
    elif around.watching.enabled and query.state in UNPROVEN:
        asked = await suppositions.of_query(unit, query.query_id)
    if asked is None:
        await watch.end(unit, Kind.NETWORK_QUERY, query.query_id)
        return Void("there is nothing to ask")
    return protocol.get_network_query(asked)


async def record(unit: Unit, around: Surroundings, call: Call, outcome: Outcome) -> None:
    """Apply what the status shows, and say when to look again."""
    query = await queries.lock(unit, RequestId(call.ref_id))
    if query is None:
        await finish(unit, call, outcome)
        return
    if not await looking.was_made(unit, Kind.NETWORK_QUERY, call, outcome):
        return
    answer = read_answer(outcome, NetworkQueryStatus)
    if query.state in UNPROVEN:
        word = await confirming.confirm(unit, query, outcome, answer)
        query = await queries.lock(unit, query.query_id) or query
    elif answer is None or answer.request_id != query.vendor_request_id:
        word = looking.shows_nothing(outcome)
        answer = None
    else:
        word = _word(answer)
    if answer is not None and query.vendor_request_id == answer.request_id:
        query = await apply(unit, query, answer)
    following = await _following(unit, around.watching, query, shown=answer is not None)
    await looking.settle(unit, Kind.NETWORK_QUERY, call, word, following)


async def apply(unit: Unit, query: Query, answer: NetworkQueryStatus) -> Query:
    """Tell the query every source's status, one after the other; the query as it stands then."""
    asked = await queries.progress(unit, query.query_id)
    for update in read_sources(answer, asked):
        decision = on(await query_standing(unit, query), News(update, "poll"))
        await carry_out(unit, query, decision)
        if decision.events:
            metrics.FOUND_BY_POLL.labels(f"source_{update.status.value}").inc()
        query = await queries.lock(unit, query.query_id) or query
    return query


def _word(answer: NetworkQueryStatus) -> str:
    """The whole query's status; ``partial`` has no meaning for a source and is kept."""
    if answer.status == "partial":
        return "partial"
    status = read_status(answer.status).value
    return "running" if status == "processing" else status


async def _following(unit: Unit, how: Watching, query: Query, *, shown: bool) -> timedelta | None:
    """When to look again; ``None`` when there is nothing to ask any more."""
    left = query.deadline - unit.now if query.state is QueryState.STARTED else None
    supposed = None
    if query.state in UNPROVEN:
        supposed = await suppositions.of_query(unit, query.query_id)
    if left is None and supposed is None:
        if query.state not in FINISHED:
            await watch.end(unit, Kind.NETWORK_QUERY, query.query_id)
        return None
    if not shown:
        return spacing.look_again(left, how)
    watched = unit.now - await watch.query_since(unit, query.query_id)
    return spacing.next_look(watched, left, how)


HANDLER = Handler(prepare, record)
