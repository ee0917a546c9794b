"""``RevokeIdentity``: stop everything of a subject and patient at once, in one transaction.

The tables of ``service.ias`` decide what ``REVOKED`` is to each thing. A call that the gateway is making
right now cannot be called back: its intent was committed before this, under the same lock. Its outcome
is recorded when it comes, and nothing of it is told but that it ended, which is told here.

Revoking what is not there, or twice, is answered alike: what was asked for is so. A patient to whom
the subject is not linked is a mistake of the caller's, who would believe somebody else stopped.
"""

from typing import Final

from consumers.commands.answers import reject
from consumers.context import Context
from consumers.records.advancing import advance
from schemas.commands import RevokeIdentity
from schemas.events import IdentityRevoked
from schemas.ids import ChallengeId, IdentityId, LinkId, RequestId, SessionId, VerificationId
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse
from service.ias import consolidated_steps, network_query_steps
from service.ias.aal2 import ChallengeState
from service.ias.aal2_steps import ChallengeStanding, on_challenge
from service.ias.aal2_table import ChallengeCue, SessionCue
from service.ias.consolidated_table import ConsolidatedCue
from service.ias.identity_steps import on_identity, on_verification
from service.ias.identity_table import IdentityCue, VerificationCue
from service.ias.network_query_table import QueryCue
from service.ias.purpose import refuse_use
from service.ias.telling import head
from service.store import (
    consolidated,
    expiry,
    identities,
    patients,
    queries,
    record_requests,
    revocation,
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
from service.store.revocation import Open
from service.store.unit import Unit

_PAGES: Final = (Operation.CREATE_IDENTITY_SESSION, Operation.CREATE_AAL2_CHALLENGE)
_QUERYING: Final = (Operation.START_NETWORK_QUERY,)
_CONSOLIDATING: Final = (Operation.START_CONSOLIDATED_QUERY,)


async def handle(unit: Unit, context: Context, command: RevokeIdentity) -> None:
    """Steps end first, then what was built on them; the revocation itself is told last."""
    link = await patients.purpose(unit, command.subject_id, command.patient_id)
    allowed = context.rules.treatment_enabled
    refused = refuse_use(link, PurposeOfUse.IAS, treatment_enabled=allowed)
    if refused is not None:
        await reject(unit, command, refused)
        return
    await _end_steps(unit, command)
    await _end_sessions(unit, command)
    await _end_queries(unit, command)
    await _end_consolidated(unit, command)
    await _end_identities(unit, command)
    for request in await record_requests.open_of(unit, command.subject_id, command.patient_id):
        await advance(unit, context, request, revoked=True)
    about = head(command.subject_id, command.patient_id, command.command_id)
    await tell(unit, [IdentityRevoked(**about, reason=command.reason)])


async def _end_steps(unit: Unit, command: RevokeIdentity) -> None:
    """Verifications and challenges; whoever opens their links, or waits at one, is shown it is over."""
    pair = (command.subject_id, command.patient_id)
    verifications = await revocation.still_open(unit, Open.VERIFICATION, *pair)
    for found in map(VerificationId, verifications):
        verification = await identities.verification(unit, found)
        if verification is not None:
            details = await identities.details(unit, found)
            about = head(*pair, details.command_id)
            decision = on_verification(verification, VerificationCue.REVOKED, about)
            await identities.set_state(unit, found, decision.state)
            await tell(unit, decision.events)
    challenges = await revocation.still_open(unit, Open.CHALLENGE, *pair)
    for ref_id in challenges:
        await _end_challenge(unit, ChallengeId(ref_id))
    links = [LinkId(ref_id) for ref_id in (*verifications, *challenges)]
    for open_id in await revocation.refuse_pages(unit, links, Reason.LINK_EXPIRED):
        await expiry.void_call(unit, _PAGES, open_id)


async def _end_challenge(unit: Unit, challenge_id: ChallengeId) -> None:
    found = await sessions.challenge(unit, challenge_id)
    if found is None:
        return
    standing = ChallengeStanding(
        state=ChallengeState(found.state),
        link_id=LinkId(challenge_id),
        expires_at=found.expires_at,
        head=head(found.subject_id, found.patient_id, found.command_id),
    )
    decision = on_challenge(standing, ChallengeCue.REVOKED, unit.now)
    await sessions.set_challenge_state(unit, challenge_id, decision.state)
    await tell(unit, decision.events)


async def _end_sessions(unit: Unit, command: RevokeIdentity) -> None:
    pair = (command.subject_id, command.patient_id)
    for ref_id in await revocation.still_open(unit, Open.SESSION, *pair):
        session = await sessions.by_id(unit, SessionId(ref_id))
        await move_session(unit, session, SessionCue.REVOKED)


async def _end_queries(unit: Unit, command: RevokeIdentity) -> None:
    """Those that wait are refused; those at the vendor run on there, and nobody hears of them."""
    pair = (command.subject_id, command.patient_id)
    for ref_id in await revocation.still_open(unit, Open.QUERY, *pair):
        query = await queries.lock(unit, RequestId(ref_id))
        if query is not None:
            await expiry.void_call(unit, _QUERYING, ref_id)
            standing = await query_standing(unit, query)
            decision = network_query_steps.on(standing, QueryCue.REVOKED)
            await carry_out(unit, query, decision)
    await revocation.withhold(unit, *pair)


async def _end_consolidated(unit: Unit, command: RevokeIdentity) -> None:
    pair = (command.subject_id, command.patient_id)
    for ref_id in await revocation.still_open(unit, Open.CONSOLIDATED, *pair):
        query = await consolidated.lock(unit, RequestId(ref_id))
        if query is not None:
            await expiry.void_call(unit, _CONSOLIDATING, ref_id)
            standing = consolidated_standing(query)
            decision = consolidated_steps.on(standing, ConsolidatedCue.REVOKED, unit.now)
            await carry_out_consolidated(unit, query, decision)


async def _end_identities(unit: Unit, command: RevokeIdentity) -> None:
    """All of the pair, also older ones: proving an old one again must not slip past the revocation."""
    pair = (command.subject_id, command.patient_id)
    for identity_id in map(IdentityId, await revocation.still_open(unit, Open.IDENTITY, *pair)):
        state = await revocation.identity_state(unit, identity_id)
        decision = on_identity(state, IdentityCue.REVOKED, head(*pair), command.reason)
        await revocation.set_identity(unit, command.subject_id, identity_id, decision.state)
