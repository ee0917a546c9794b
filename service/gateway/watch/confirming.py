"""Whether a request at the vendor is our query of unknown outcome: proof, or somebody else's.

Proof makes the query started; the webhooks that were parked under its id are then found by the
consumers (``consumers.unparking``), who look for parked ones whose request is known by now.
"""

import structlog

from schemas.metriport.api import NetworkQueryStatus
from service.gateway.outcome import Outcome
from service.gateway.watch import looking
from service.ias.confirmation import Supposition, Verdict, judge
from service.ias.network_query_messages import ProofFound
from service.ias.network_query_steps import on
from service.store import suppositions
from service.store.decisions import carry_out, query_standing
from service.store.queries import Query
from service.store.unit import Unit
from service.telemetry import metrics

log = structlog.get_logger()


async def confirm(
    unit: Unit, query: Query, outcome: Outcome, answer: NetworkQueryStatus | None
) -> str:
    """What came of it; the query's row is locked, and its state unknown.

    Only the request that is still the one supposition of the query can prove it: another may have been
    seen while the vendor was asked.
    """
    asked = await suppositions.of_query(unit, query.query_id)
    if asked is None:
        return Verdict.OPEN
    if answer is None:
        word = looking.shows_nothing(outcome)
        if word == looking.GONE:
            await suppositions.refute(unit, asked, query.query_id)
        return word
    supposed = Supposition(
        query_id=query.query_id, patient_id=query.patient_id, vendor_request_id=asked
    )
    verdict = judge(supposed, answer, await suppositions.candidates(unit, query.patient_id))
    if verdict is Verdict.FOREIGN:
        await suppositions.refute(unit, asked, query.query_id)
        log.info("watch.request_is_not_ours")
    if verdict is Verdict.OURS:
        decision = on(await query_standing(unit, query), ProofFound(asked))
        await carry_out(unit, query, decision)
        metrics.FOUND_BY_POLL.labels("proof").inc()
        log.info("network_query.proof_found", state=query.state.value)
    return verdict
