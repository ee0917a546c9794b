"""Start Network Query: the one call that must never be repeated blindly (I3).

The vendor gives every call an id of its own and skips the HIE part of a second query while one runs.
So an outcome that nobody knows ends here as *unknown*, visibly, and is not sent again. Any of the three
sources is asked for ias (A22): one that may not be is an error inside the answer.
"""

from datetime import timedelta
from typing import Final
from uuid import uuid4

from schemas.ids import ChallengeId, RequestId, VendorRequestId
from schemas.metriport.api import NetworkQuery as Answer
from schemas.reasons import Reason
from schemas.sources import Source
from service.gateway import protocol
from service.gateway.operations.common import (
    Handler,
    Prepared,
    Surroundings,
    Void,
    Wait,
    finish,
    may_retry,
    read_answer,
    refusal,
    retry_later,
)
from service.gateway.outcome import Accepted, Outcome, Refused, Unknown
from service.gateway.pacing import source_pool
from service.gateway.protocol import IasProof
from service.ias import aal2
from service.ias import network_query_steps as rules
from service.ias.aal2 import ChallengeState, SessionState
from service.ias.aal2_steps import Accepted as SessionAccepted
from service.ias.machine import Effect
from service.ias.network_query import QueryState
from service.ias.network_query_messages import (
    Answered,
    Message,
    Refusing,
    SessionRefused,
    Standing,
    Turn,
)
from service.ias.network_query_table import QueryCue
from service.ias.telling import head
from service.store import identities, patients, queries, record_requests, sessions
from service.store.asking import Door, ask_for_challenge, point_to_challenge
from service.store.calls import Call
from service.store.decisions import carry_out, move_session, query_standing
from service.store.queries import Query
from service.store.sessions import Challenge
from service.store.unit import Unit

_SLOT_PAUSE: Final = timedelta(seconds=2)
_SENDABLE: Final = frozenset({QueryState.DUE, QueryState.WAITING, QueryState.RESENDING})


async def prepare(unit: Unit, around: Surroundings, call: Call) -> Prepared:
    """Check everything again, take the patient's HIE slot, and build the request."""
    query = await queries.lock(unit, RequestId(call.ref_id))
    if query is None or query.state not in _SENDABLE:
        return Void("the query is over")
    standing = await query_standing(unit, query)
    link = await patients.purpose(unit, query.subject_id, query.patient_id)
    allowed = around.rules.treatment_enabled
    refused = rules.refuse_turn(standing, link, unit.now, treatment_enabled=allowed)
    if await record_requests.is_over(unit, query.subject_id, query.command_id):
        refused = Reason.CANCELLED
    free = refused is None and await _take_slot(unit, query, standing)
    proof = await _proof(unit, around, query) if free else None
    return_url = await _return_url_of_dead_session(unit, query) if free and not proof else None
    turn = Turn(
        refused=refused,
        slot_is_free=free,
        has_proof=proof is not None,
        can_ask=return_url is not None,
    )
    decision = rules.on(standing, turn)
    await carry_out(unit, query, decision)
    if Effect.ASK_PERSON in decision.calls and return_url is not None:
        await _ask_person(unit, around, query, return_url)
    if Effect.ASK_AGAIN in decision.calls:
        return Wait(_SLOT_PAUSE)
    if Effect.CALL_VENDOR not in decision.calls:
        return Void("a check before the call said no")
    return protocol.start_network_query(
        query.patient_id, list(standing.sources), query.query_id, proof
    )


async def _take_slot(unit: Unit, query: Query, standing: Standing) -> bool:
    return Source.HIE not in standing.sources or await queries.take_hie_slot(unit, query)


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
        session,
        unit.now,
        settings.session_max_age,
        settings.session_max_idle,
        reuse=settings.session_reuse,
    ):
        return None
    await sessions.count_use(unit, session.session_id)
    secret = await sessions.secret(unit, session)
    return IasProof(proofed_identity_id=proofed, aal2_session_id=secret)


async def record(unit: Unit, around: Surroundings, call: Call, outcome: Outcome) -> None:
    """Write what the outcome means; the query's row is locked."""
    query = await queries.lock(unit, RequestId(call.ref_id))
    if query is None:
        await finish(unit, call, outcome)
        return
    if isinstance(outcome, Accepted) and read_answer(outcome, Answer) is None:
        outcome = Unknown()
    return_url = await _return_url(unit, query)
    message = _hear(call, query, outcome, can_ask=return_url is not None)
    decision = rules.on(await query_standing(unit, query), message)
    if Effect.PROVE_SESSION in decision.calls:
        await _prove_session(unit, around, query)
    await carry_out(unit, query, decision)
    if isinstance(message, Answered) and query.vendor_request_id is not None:
        await _keep_other_id(unit, query, message.answer.request_id)
    if Effect.ASK_PERSON in decision.calls and return_url is not None:
        await _ask_person(unit, around, query, return_url)
    if Effect.ASK_AGAIN in decision.calls:
        await retry_later(unit, call, outcome, repeatable=False)
    else:
        await finish(unit, call, outcome)


async def _keep_other_id(unit: Unit, query: Query, request_id: VendorRequestId) -> None:
    """The vendor accepted both calls of a query that was sent twice: news may come under either id."""
    if request_id != query.vendor_request_id:
        await queries.also_known_as(unit, query.query_id, request_id)


def _hear(call: Call, query: Query, outcome: Outcome, *, can_ask: bool) -> Message:
    """What the outcome is to the query; one that nobody can read is unclear, never repeated."""
    answer = read_answer(outcome, Answer)
    if answer is not None:
        return Answered(answer)
    if may_retry(call, outcome, repeatable=False):
        return QueryCue.NOT_SENT
    if not isinstance(outcome, Refused):
        return QueryCue.UNCLEAR
    if outcome.may_mean_session and query.session_id is not None:
        return SessionRefused(
            status=outcome.status, refused_before=query.refused_sessions, can_ask=can_ask
        )
    return Refusing(*refusal(outcome))


async def _return_url_of_dead_session(unit: Unit, query: Query) -> str | None:
    """Another call with the session was refused: may the person be asked for the first time?"""
    session = None if query.session_id is None else await sessions.by_id(unit, query.session_id)
    if session is None or session.state is not SessionState.REFUSED or query.refused_sessions:
        return None
    return await _return_url(unit, query)


async def _return_url(unit: Unit, query: Query) -> str | None:
    """Where the person of the query's session could be sent back to after another challenge."""
    session = None if query.session_id is None else await sessions.by_id(unit, query.session_id)
    if session is None or query.deadline <= unit.now:
        return None
    if await record_requests.is_over(unit, query.subject_id, query.command_id):
        return None
    active = await identities.active(unit, query.subject_id, query.patient_id)
    challenge = await sessions.challenge(unit, session.challenge_id)
    return None if challenge is None or active != query.identity_id else challenge.return_url


async def _ask_person(unit: Unit, around: Surroundings, query: Query, return_url: str) -> None:
    """Ask for a challenge that can be answered as long as the query waits.

    One that is open already will do, where sessions serve several queries: the person is not sent twice.
    """
    if query.identity_id is None:
        return
    about = head(query.subject_id, query.patient_id, query.command_id, query.query_id)
    asked = await sessions.open_challenge(unit, query.identity_id)
    if asked is not None and around.rules.session_reuse:
        await point_to_challenge(unit, about, asked)
        return
    challenge = Challenge(
        ChallengeId(uuid4()),
        query.identity_id,
        query.subject_id,
        query.patient_id,
        query.command_id,
        ChallengeState.PENDING,
        query.deadline,
    )
    door = Door(around.public_url, around.link_keys)
    await ask_for_challenge(unit, door, about, challenge, return_url)


async def _prove_session(unit: Unit, around: Surroundings, query: Query) -> None:
    """The first 2xx that carries a session proves it."""
    session = None if query.session_id is None else await sessions.by_id(unit, query.session_id)
    if session is not None:
        until = aal2.expires_at(session, around.rules.session_max_age)
        about = head(query.subject_id, query.patient_id, query.command_id)
        await move_session(unit, session, SessionAccepted(until), about)


async def pools(unit: Unit, call: Call) -> tuple[str, ...]:
    """The vendor counts a query as one, and once for each of its sources."""
    sources = await queries.progress(unit, RequestId(call.ref_id))
    return (call.operation, *map(source_pool, sources))


HANDLER = Handler(prepare, record, pools)
