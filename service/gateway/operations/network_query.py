"""Start Network Query: the one call that must never be repeated blindly (I3).

The vendor gives every call an id of its own and skips the HIE part of a second query while one runs.
So an outcome that nobody knows ends here as *unknown*, visibly, and is not sent again.
"""

from datetime import timedelta
from typing import Final

from schemas.events import (
    Aal2SessionActivated,
    NetworkQueryFinished,
    NetworkQueryOutcomeUnknown,
    NetworkQueryRefused,
    NetworkQueryStarted,
)
from schemas.ids import RequestId
from schemas.metriport.api import NetworkQuery as Answer
from schemas.reasons import REMEDIES, Reason
from schemas.sources import PurposeOfUse, Source, SourceStatus
from service.gateway import protocol
from service.gateway.operations.common import (
    Handler,
    Prepared,
    Surroundings,
    Void,
    Wait,
    finish,
    read_answer,
    refusal,
    retry_later,
)
from service.gateway.outcome import Outcome, Refused, Unknown
from service.gateway.protocol import IasProof
from service.ias import aal2
from service.ias import network_query as rules
from service.ias.aal2 import SessionState
from service.ias.network_query import QueryState
from service.store import identities, outbox, patients, queries, sessions
from service.store.calls import Call
from service.store.outbox import UNSEQUENCED
from service.store.queries import Query
from service.store.unit import Unit

_SLOT_PAUSE: Final = timedelta(seconds=2)


async def prepare(unit: Unit, around: Surroundings, call: Call) -> Prepared:
    """Check everything again, take the patient's HIE slot, and build the request."""
    query = await queries.lock(unit, RequestId(call.ref_id))
    if query is None or query.state is not QueryState.DUE:
        return Void("the query is over")
    refused = await _refuse_now(unit, around, query)
    if refused is not None:
        await _refuse(unit, query, refused, REMEDIES[refused])
        return Void(refused)
    sources = list(await queries.progress(unit, query.query_id))
    if Source.HIE in sources and not await queries.take_hie_slot(unit, query):
        return Wait(_SLOT_PAUSE)
    proof = await _proof(unit, around, query)
    if proof is None and query.purpose is PurposeOfUse.IAS:
        await _refuse(unit, query, Reason.SESSION_REQUIRED, REMEDIES[Reason.SESSION_REQUIRED])
        return Void("no identity or session that may be used")
    await queries.set_state(unit, query.query_id, QueryState.DISPATCHING)
    return protocol.start_network_query(query.patient_id, sources, query.query_id, proof)


async def _refuse_now(unit: Unit, around: Surroundings, query: Query) -> Reason | None:
    if query.deadline <= unit.now:
        return Reason.DEADLINE_PASSED
    treatment = query.purpose is PurposeOfUse.TREATMENT
    if treatment and not around.rules.treatment_enabled:
        return Reason.TREATMENT_DISABLED
    if await patients.purpose(unit, query.subject_id, query.patient_id) is not query.purpose:
        return Reason.PURPOSE_NOT_ALLOWED
    return None


async def _proof(unit: Unit, around: Surroundings, query: Query) -> IasProof | None:
    """Identity and session of exactly this subject and patient, both usable now (I2)."""
    if query.identity_id is None or query.session_id is None:
        return None
    session = await sessions.by_id(unit, query.session_id)
    proofed = await identities.proofed_identity_id(unit, query.subject_id, query.identity_id)
    if session is None or proofed is None or session.identity_id != query.identity_id:
        return None
    if (session.subject_id, session.patient_id) != (query.subject_id, query.patient_id):
        return None
    settings = around.rules
    if not aal2.is_usable(
        session, unit.now, settings.session_max_age, reuse=settings.session_reuse
    ):
        return None
    await sessions.count_use(unit, session.session_id)
    secret = await sessions.secret(unit, session)
    return IasProof(proofed_identity_id=proofed, aal2_session_id=secret)


async def record(unit: Unit, around: Surroundings, call: Call, outcome: Outcome) -> None:
    """Write what the answer means; the query's row is locked."""
    query = await queries.lock(unit, RequestId(call.ref_id))
    if query is None or query.state is not QueryState.DISPATCHING:
        await finish(unit, call, outcome)
        return
    if await retry_later(unit, call, outcome, repeatable=False):
        await queries.free_hie_slot(unit, query.query_id)
        await queries.set_state(unit, query.query_id, QueryState.DUE)
        if query.session_id is not None:
            await sessions.uncount_use(unit, query.session_id)
        return
    answer = read_answer(outcome, Answer)
    if answer is not None:
        await _started(unit, around, query, answer)
    elif isinstance(outcome, Refused):
        await _refused_by_vendor(unit, query, outcome)
    else:
        outcome = outcome if isinstance(outcome, Unknown) else Unknown()
        await _unknown(unit, query)
    await finish(unit, call, outcome)


async def _started(unit: Unit, around: Surroundings, query: Query, answer: Answer) -> None:
    await queries.started(unit, query.query_id, answer.request_id)
    await _prove_session(unit, around, query)
    asked = await queries.progress(unit, query.query_id)
    updates = rules.read_answer(answer, asked)
    for update in updates:
        if update.status is not SourceStatus.PROCESSING:
            await queries.advance(unit, query.query_id, update)
    progress = {update.source: update.status for update in updates}
    told = rules.told(progress, {update.source: update.reason for update in updates})
    event = NetworkQueryStarted(
        sequence=UNSEQUENCED,
        subject_id=query.subject_id,
        command_id=query.command_id,
        request_id=query.query_id,
        patient_id=query.patient_id,
        vendor_request_id=answer.request_id,
        sources=told,
    )
    await outbox.emit(unit, event)
    if progress.get(Source.HIE) is not SourceStatus.PROCESSING:
        await queries.free_hie_slot(unit, query.query_id)
    ended = rules.result(progress)
    if ended is not None:
        await queries.set_state(unit, query.query_id, QueryState(ended))
        await outbox.emit(
            unit,
            NetworkQueryFinished(
                sequence=UNSEQUENCED,
                subject_id=query.subject_id,
                command_id=query.command_id,
                request_id=query.query_id,
                patient_id=query.patient_id,
                status=ended,
                sources=told,
            ),
            ends=True,
        )


async def _prove_session(unit: Unit, around: Surroundings, query: Query) -> None:
    """The first 2xx that carries a session proves it."""
    session = None if query.session_id is None else await sessions.by_id(unit, query.session_id)
    if session is None or session.state is not SessionState.CONFIRMED:
        return
    await sessions.set_state(unit, session.session_id, SessionState.PROVEN)
    event = Aal2SessionActivated(
        sequence=UNSEQUENCED,
        subject_id=query.subject_id,
        command_id=query.command_id,
        patient_id=query.patient_id,
        expires_at=aal2.expires_at(session, around.rules.session_max_age),
    )
    await outbox.emit(unit, event)


async def _refused_by_vendor(unit: Unit, query: Query, outcome: Refused) -> None:
    reason, message = refusal(outcome)
    if outcome.may_mean_session and query.session_id is not None:
        await sessions.set_state(unit, query.session_id, SessionState.REFUSED)
        reason = Reason.SESSION_REFUSED
        message = f"Metriport answered {outcome.status}. {REMEDIES[reason]}"
    await _refuse(unit, query, reason, message)


async def _refuse(unit: Unit, query: Query, reason: Reason, message: str) -> None:
    await queries.set_state(unit, query.query_id, QueryState.REFUSED)
    await queries.free_hie_slot(unit, query.query_id)
    event = NetworkQueryRefused(
        sequence=UNSEQUENCED,
        subject_id=query.subject_id,
        command_id=query.command_id,
        request_id=query.query_id,
        patient_id=query.patient_id,
        reason=reason,
        message=message,
    )
    await outbox.emit(unit, event, ends=True)


async def _unknown(unit: Unit, query: Query) -> None:
    await queries.set_state(unit, query.query_id, QueryState.UNKNOWN)
    event = NetworkQueryOutcomeUnknown(
        sequence=UNSEQUENCED,
        subject_id=query.subject_id,
        command_id=query.command_id,
        request_id=query.query_id,
        patient_id=query.patient_id,
        reason=Reason.VENDOR_UNCLEAR,
        message=REMEDIES[Reason.VENDOR_UNCLEAR],
    )
    await outbox.emit(unit, event, ends=True)


HANDLER = Handler(prepare, record)
