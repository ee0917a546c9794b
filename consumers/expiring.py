"""How each kind of thing ends when its time is over. The rules decide, ``service.store`` writes.

Every function is called with its subject locked and its row found to be over and locked. It answers
whether the thing ended: a call to the vendor that is under way is waited for.

Every session that the application heard of (``Aal2SessionReceived``) has its end told, confirmed or
not: whoever waits for a person learns when to stop.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from uuid import UUID

from schemas.events import PatientRegistrationFailed
from schemas.ids import ChallengeId, CommandId, LinkId, OpenId, RequestId, SessionId, VerificationId
from schemas.reasons import REMEDIES, Reason
from service.ias import consolidated_steps, network_query_steps
from service.ias.aal2 import UNKNOWN_CODE, ChallengeState
from service.ias.aal2_steps import ChallengeStanding, on_challenge, rejected
from service.ias.aal2_table import ChallengeCue, SessionCue
from service.ias.consolidated_table import ConsolidatedCue
from service.ias.identity_steps import on_verification
from service.ias.identity_table import VerificationCue
from service.ias.machine import Effect
from service.ias.network_query_table import QueryCue
from service.ias.telling import head
from service.store import (
    calls,
    consolidated,
    early_confirmations,
    expiry,
    hosted_pages,
    identities,
    outbox,
    patients,
    queries,
    sessions,
)
from service.store.calls import Operation
from service.store.decisions import (
    carry_out,
    carry_out_consolidated,
    consolidated_standing,
    move_session,
    query_standing,
    tell,
)
from service.store.expiry import Kind
from service.store.unit import Unit

_REGISTERING: Final = (Operation.CREATE_PATIENT, Operation.GET_PATIENT)
_MAKING_PAGES: Final = (Operation.CREATE_IDENTITY_SESSION, Operation.CREATE_AAL2_CHALLENGE)
_QUERYING: Final = (Operation.START_NETWORK_QUERY,)
_CONSOLIDATING: Final = (Operation.START_CONSOLIDATED_QUERY,)

Ending = Callable[[Unit, UUID], Awaitable[bool]]


async def end_verification(unit: Unit, ref_id: UUID) -> bool:
    """Nobody proved who they are in time."""
    verification_id = VerificationId(ref_id)
    verification = await identities.verification(unit, verification_id)
    if verification is None:
        return False
    details = await identities.details(unit, verification_id)
    about = head(verification.subject_id, verification.patient_id, details.command_id)
    decision = on_verification(verification, VerificationCue.EXPIRED, about)
    await identities.set_state(unit, verification_id, decision.state)
    await tell(unit, decision.events)
    return True


async def end_challenge(unit: Unit, ref_id: UUID) -> bool:
    """Nobody came back in time."""
    found = await sessions.challenge(unit, ChallengeId(ref_id))
    if found is None:
        return False
    standing = ChallengeStanding(
        state=ChallengeState(found.state),
        link_id=LinkId(found.challenge_id),
        expires_at=found.expires_at,
        head=head(found.subject_id, found.patient_id, found.command_id),
    )
    decision = on_challenge(standing, ChallengeCue.EXPIRED, unit.now)
    await sessions.set_challenge_state(unit, found.challenge_id, decision.state)
    await tell(unit, decision.events)
    return True


async def end_early_confirmation(unit: Unit, ref_id: UUID) -> bool:
    """Nobody came back with its code in time: it is of nobody, or of another subject."""
    command_id = CommandId(ref_id)
    subject_id = await early_confirmations.drop(unit, command_id)
    if subject_id is None:
        return False
    refused = rejected(head(subject_id, None, command_id), UNKNOWN_CODE)
    await outbox.emit(unit, refused, ends=True)
    return True


async def end_session(unit: Unit, ref_id: UUID) -> bool:
    """Not confirmed in time, too old, or too long unused."""
    session = await sessions.by_id(unit, SessionId(ref_id))
    if session is None:
        return False
    challenge = await sessions.challenge(unit, session.challenge_id)
    command_id = None if challenge is None else challenge.command_id
    about = head(session.subject_id, session.patient_id, command_id)
    await move_session(unit, session, SessionCue.EXPIRED, about)
    return True


async def end_query(unit: Unit, ref_id: UUID) -> bool:
    """Never sent in time, or without the last word of the vendor; its HIE slot is free."""
    query = await queries.lock(unit, RequestId(ref_id))
    if query is None:
        return False
    await expiry.void_call(unit, _QUERYING, ref_id)
    standing = await query_standing(unit, query)
    decision = network_query_steps.on(standing, QueryCue.EXPIRED)
    await carry_out(unit, query, decision)
    return True


async def resend_query(unit: Unit, ref_id: UUID) -> bool:
    """No proof came in time: the query is sent once more, unless its own time is over."""
    query = await queries.lock(unit, RequestId(ref_id))
    if query is None:
        return False
    if query.deadline <= unit.now:
        await queries.leave_alone(unit, query.query_id)
        return True
    decision = network_query_steps.on(await query_standing(unit, query), QueryCue.RESEND)
    await carry_out(unit, query, decision)
    if Effect.ASK_AGAIN in decision.calls:
        await queries.resend(unit, query.query_id)
        await calls.make_due_again(unit, Operation.START_NETWORK_QUERY, query.query_id)
    return True


async def end_consolidated(unit: Unit, ref_id: UUID) -> bool:
    """No record was delivered in time."""
    if await expiry.is_called_now(unit, _CONSOLIDATING, ref_id):
        return False
    query = await consolidated.lock(unit, RequestId(ref_id))
    if query is None:
        return False
    await expiry.void_call(unit, _CONSOLIDATING, ref_id)
    standing = consolidated_standing(query)
    decision = consolidated_steps.on(standing, ConsolidatedCue.EXPIRED, unit.now)
    await carry_out_consolidated(unit, query, decision)
    return True


async def end_registration(unit: Unit, ref_id: UUID) -> bool:
    """The vendor did not take the registration in time; its demographics are forgotten."""
    found = await patients.registration(unit, ref_id)
    if found is None or await expiry.is_called_now(unit, _REGISTERING, ref_id):
        return False
    registration, _ = found
    await expiry.void_call(unit, _REGISTERING, ref_id)
    reason = Reason.DEADLINE_PASSED
    await patients.not_registered(unit, ref_id, reason)
    about = head(registration.subject_id, registration.patient_id, registration.command_id)
    await tell(unit, [PatientRegistrationFailed(**about, reason=reason, message=REMEDIES[reason])])
    return True


async def end_hosted_page(unit: Unit, ref_id: UUID) -> bool:
    """The browser is told that there will be no page; nobody else waits for one."""
    if await expiry.is_called_now(unit, _MAKING_PAGES, ref_id):
        return False
    await expiry.void_call(unit, _MAKING_PAGES, ref_id)
    await hosted_pages.refused(unit, OpenId(ref_id), Reason.DEADLINE_PASSED)
    return True


ENDINGS: Final[Mapping[Kind, Ending]] = {
    Kind.VERIFICATION: end_verification,
    Kind.CHALLENGE: end_challenge,
    Kind.CODE: end_session,
    Kind.EARLY_CONFIRMATION: end_early_confirmation,
    Kind.SESSION_AGE: end_session,
    Kind.SESSION_IDLE: end_session,
    Kind.QUERY: end_query,
    Kind.HELD_SLOT: end_query,
    Kind.RESENDING: end_query,
    Kind.UNPROVEN: resend_query,
    Kind.CONSOLIDATED: end_consolidated,
    Kind.REGISTRATION: end_registration,
    Kind.HOSTED_PAGE: end_hosted_page,
}
