"""Stops what a record request started and does not need any more.

What was not sent to Metriport is not sent; what it has, or may have, is left to end by itself. A call
that is under way here and turns out not to have been sent is stopped before it is made again (the
gateway looks at ``record_requests.is_over``).
"""

from typing import Final
from uuid import UUID

from consumers.expiring import end_challenge, end_verification
from schemas.events import PatientRegistrationFailed
from schemas.ids import LinkId, RequestId
from schemas.reasons import REMEDIES, Reason
from schemas.record_requests import RecordResult
from service.ias import consolidated_steps, network_query_steps
from service.ias.consolidated_steps import Message as RecordMessage
from service.ias.consolidated_table import ConsolidatedCue
from service.ias.network_query import QueryState
from service.ias.network_query_messages import Message as QueryMessage
from service.ias.network_query_table import QueryCue
from service.ias.record_request import End
from service.ias.telling import head
from service.store import (
    consolidated,
    expiry,
    patients,
    queries,
    record_sharing,
    revocation,
)
from service.store.calls import Operation
from service.store.decisions import (
    carry_out,
    carry_out_consolidated,
    consolidated_standing,
    query_standing,
    tell,
)
from service.store.record_requests import Request
from service.store.unit import Unit

_PAGES: Final = (Operation.CREATE_IDENTITY_SESSION, Operation.CREATE_AAL2_CHALLENGE)
_REGISTERING: Final = (Operation.CREATE_PATIENT, Operation.GET_PATIENT)
_NOT_SENT: Final = frozenset({QueryState.WAITING, QueryState.DUE})


async def close_steps(unit: Unit, request: Request) -> None:
    """End the hosted steps that nobody needs any more; whoever opens their links is shown that.

    As at the end of their time: a verification that the person finishes all the same still verifies.
    """
    verifications = await record_sharing.needless_verifications(unit, request)
    for verification_id in verifications:
        await end_verification(unit, verification_id)
    challenges = await record_sharing.needless_challenges(unit, request)
    for challenge_id in challenges:
        await end_challenge(unit, challenge_id)
    links = [LinkId(ref_id) for ref_id in (*verifications, *challenges)]
    for open_id in await revocation.refuse_pages(unit, links, Reason.LINK_EXPIRED):
        await expiry.void_call(unit, _PAGES, open_id)


async def close(unit: Unit, request: Request, end: End, registration_id: UUID | None) -> None:
    """Everything that has not reached Metriport yet, then the hosted steps."""
    if registration_id is not None:
        await _stop_registration(unit, request, registration_id, end)
    if request.query_id is not None:
        await _stop_query(unit, request, request.query_id, end)
    if request.record_id is not None:
        await _stop_record(unit, request.record_id, end)
    await close_steps(unit, request)


async def _stop_registration(unit: Unit, request: Request, registration_id: UUID, end: End) -> None:
    found = await patients.registration(unit, registration_id)
    if found is None or await expiry.is_called_now(unit, _REGISTERING, registration_id):
        return
    reason = end.reason or Reason.CANCELLED
    await expiry.void_call(unit, _REGISTERING, registration_id)
    await patients.not_registered(unit, registration_id, reason)
    asked = request.asked
    event = PatientRegistrationFailed(
        **head(asked.subject_id, found[0].patient_id, asked.command_id),
        reason=reason,
        message=REMEDIES[reason],
    )
    await tell(unit, [event])


async def _stop_query(unit: Unit, request: Request, query_id: RequestId, end: End) -> None:
    """Its own only: one that was started for somebody else goes on for them."""
    query = await queries.lock(unit, query_id)
    is_own = query is not None and query.command_id == request.asked.command_id
    if query is None or not is_own or query.state not in _NOT_SENT:
        return
    await expiry.void_call(unit, (Operation.START_NETWORK_QUERY,), query_id)
    cancelled = end.result is RecordResult.CANCELLED
    cue: QueryMessage = QueryCue.CANCELLED if cancelled else QueryCue.EXPIRED
    await carry_out(unit, query, network_query_steps.on(await query_standing(unit, query), cue))


async def _stop_record(unit: Unit, record_id: RequestId, end: End) -> None:
    operations = (Operation.START_CONSOLIDATED_QUERY,)
    query = await consolidated.lock(unit, record_id)
    if query is None or query.state != "due":
        return
    if await expiry.is_called_now(unit, operations, record_id):
        return
    await expiry.void_call(unit, operations, record_id)
    cancelled = end.result is RecordResult.CANCELLED
    cue: RecordMessage = ConsolidatedCue.CANCELLED if cancelled else ConsolidatedCue.EXPIRED
    decision = consolidated_steps.on(consolidated_standing(query), cue, unit.now)
    await carry_out_consolidated(unit, query, decision)
