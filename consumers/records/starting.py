"""Starts what a record request lacks, through what the single commands use.

Every row carries the command of the request, and every check of the single steps stays: whoever calls
Metriport later looks at link, identity, session and slot again.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from uuid import uuid4

from consumers.commands import register_patient, start_consolidated_query, start_network_query
from consumers.context import Context
from consumers.records.closing import close_steps
from schemas.events import StepKind
from schemas.ids import ChallengeId, PatientId, RequestId, VerificationId
from schemas.sources import PurposeOfUse
from service.ias.aal2 import ChallengeState
from service.ias.consolidated import ConsolidatedState
from service.ias.identity import Verification, VerificationState
from service.ias.network_query import QueryState
from service.ias.record_request import Act
from service.ias.telling import Head, head
from service.store import record_facts, record_sharing, sessions
from service.store.asking import ask_for_challenge, ask_for_identity, point_to
from service.store.consolidated import Consolidated
from service.store.patients import Registration
from service.store.queries import Query
from service.store.record_facts import Looked
from service.store.record_requests import Request
from service.store.sessions import Challenge
from service.store.unit import Unit

Starter = Callable[[Unit, Context, Looked], Awaitable[Request]]


def about(request: Request) -> Head:
    """The head of the events about a request."""
    asked = request.asked
    return head(asked.subject_id, request.patient_id, asked.command_id, asked.request_id)


def patient_of(request: Request) -> PatientId:
    """The patient of a request that is past its registration.

    Raises:
        LookupError: it has none yet.
    """
    if request.patient_id is None:
        raise LookupError("the request has no patient yet")
    return request.patient_id


async def link_patient(unit: Unit, context: Context, looked: Looked) -> Request:
    """Ask Metriport for the patient that the command named."""
    del context
    asked = looked.request.asked
    registration = Registration(
        uuid4(),
        asked.subject_id,
        asked.command_id,
        PurposeOfUse.IAS,
        patient_id=patient_of(looked.request),
    )
    await register_patient.begin(unit, registration, None)
    return looked.request


async def ask_identity(unit: Unit, context: Context, looked: Looked) -> Request:
    """Send the person to prove who they are, until the deadline; or where another request sent them."""
    request = looked.request
    shared = await record_sharing.verification(unit, request)
    if shared is not None:
        kind = StepKind.IDENTITY_VERIFICATION
        await point_to(unit, about(request), kind, shared.link_id, shared.expires_at)
        return request._replace(verification_id=VerificationId(shared.ref_id))
    verification = Verification(
        verification_id=VerificationId(uuid4()),
        subject_id=request.asked.subject_id,
        patient_id=patient_of(request),
        state=VerificationState.PENDING,
    )
    until, back_to = request.asked.deadline, request.asked.return_url
    await ask_for_identity(unit, context.door, about(request), verification, until, back_to)
    return request._replace(verification_id=verification.verification_id)


async def ask_challenge(unit: Unit, context: Context, looked: Looked) -> Request:
    """Send the person to answer a challenge, until the deadline; or where another request sent them."""
    request, identity_id = looked.request, looked.identity_id
    if identity_id is None:
        raise LookupError("a challenge needs an identity")
    shared = await record_sharing.challenge(unit, request) if context.rules.session_reuse else None
    if shared is not None:
        kind = StepKind.AAL2_CHALLENGE
        await point_to(unit, about(request), kind, shared.link_id, shared.expires_at)
        return request._replace(challenge_id=ChallengeId(shared.ref_id))
    challenge = Challenge(
        ChallengeId(uuid4()),
        identity_id,
        request.asked.subject_id,
        patient_of(request),
        request.asked.command_id,
        ChallengeState.PENDING,
        request.asked.deadline,
    )
    back_to = request.asked.return_url
    await ask_for_challenge(unit, context.door, about(request), challenge, back_to)
    return request._replace(challenge_id=challenge.challenge_id)


async def start_query(unit: Unit, context: Context, looked: Looked) -> Request:
    """Queue a network query with the session that was found."""
    request, asked, identity_id = looked.request, looked.request.asked, looked.identity_id
    if identity_id is None:
        raise LookupError("a query needs an identity")
    session = await sessions.usable(unit, identity_id, context.session_use)
    if session is None:
        raise LookupError("a query needs a session")
    query = Query(
        RequestId(uuid4()),
        asked.subject_id,
        patient_of(request),
        PurposeOfUse.IAS,
        identity_id,
        session.session_id,
        asked.command_id,
        QueryState.DUE,
        asked.deadline,
    )
    consent = (asked.consent_id, asked.consent_notice_version)
    await start_network_query.queue(unit, query, asked.sources, consent)
    await close_steps(unit, request)
    return request._replace(query_id=query.query_id)


async def join_query(unit: Unit, context: Context, looked: Looked) -> Request:
    """Take the query that answers the request; what the person was asked for is not needed any more."""
    del context
    query_id = await record_facts.serving(unit, looked.request, looked.identity_id)
    await close_steps(unit, looked.request)
    return looked.request._replace(query_id=query_id)


async def leave_query(unit: Unit, context: Context, looked: Looked) -> Request:
    """Go on as if there had been no query."""
    del unit, context
    return looked.request._replace(query_id=None)


async def start_record(unit: Unit, context: Context, looked: Looked) -> Request:
    """Ask for the record, under the request's own id, so that RenewDataLink finds it."""
    del context
    request, asked = looked.request, looked.request.asked
    query = Consolidated(
        asked.request_id,
        asked.subject_id,
        patient_of(request),
        asked.command_id,
        "json",
        asked.resources,
        asked.date_from,
        asked.date_to,
        ConsolidatedState.DUE,
    )
    await start_consolidated_query.queue(unit, query)
    return request._replace(record_id=query.request_id)


STARTERS: Final[Mapping[Act, Starter]] = {
    Act.LINK_PATIENT: link_patient,
    Act.ASK_IDENTITY: ask_identity,
    Act.ASK_CHALLENGE: ask_challenge,
    Act.START_QUERY: start_query,
    Act.JOIN_QUERY: join_query,
    Act.LEAVE_QUERY: leave_query,
    Act.START_RECORD: start_record,
}
"""What each act is."""
