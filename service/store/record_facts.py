"""What the database says about one record request, as ``service.ias.record_request`` wants to know it."""

from typing import Any, Final, NamedTuple
from uuid import UUID

from asyncpg import Record

from schemas.ids import IdentityId, LinkId, PatientId, RequestId
from schemas.reasons import Reason
from schemas.sources import Source
from service.ias import record_request as rules
from service.ias.aal2 import SessionState
from service.ias.consolidated import ConsolidatedState
from service.ias.identity import VerificationState
from service.ias.network_query import QueryState
from service.ias.record_request import AttachedQuery, Challenge, Facts
from service.ias.record_request_steps import IssuedLink
from service.store import entitlements, expiry, identities, patients, queries, sessions
from service.store.calls import Operation
from service.store.record_requests import Request
from service.store.sessions import Use
from service.store.unit import Unit

REGISTRATION = """
select registration_id, state, reason, patient_id from registration
where subject_id = $1 and command_id = $2
"""
VERIFICATION = """
select state, expires_at > $4 as lives from identity_verification
where subject_id = $1 and (command_id = $2 or verification_id = $3)
order by (state = 'pending' and expires_at > $4) desc, created_at desc limit 1
"""
CHALLENGE = """
select c.challenge_id, c.state, c.expires_at > $4 as lives, s.state as session
from aal2_challenge c left join aal2_session s using (challenge_id)
where c.subject_id = $1 and (c.command_id = $2 or c.challenge_id = $3)
order by (c.state = 'pending' and c.expires_at > $4) desc, c.created_at desc limit 1
"""
CHALLENGES = """
select count(*) from aal2_challenge where subject_id = $1 and command_id = $2
"""
QUERY = """
select q.state, q.command_id, q.reason, q.identity_id, q.vendor_request_id, s.state as session
from network_query q left join aal2_session s using (session_id) where q.query_id = $1
"""
SERVING = """
select q.query_id from network_query q
where q.subject_id = $1 and q.patient_id = $2 and q.identity_id = $3 and q.purpose = 'ias'
  and not q.withheld and q.state not in ('unknown', 'resending', 'refused', 'failed')
  and (q.deadline > $6 or q.state in ('completed', 'partial'))
  and cardinality($4::text[]) = (
      select count(*) from network_query_source s
      where s.query_id = q.query_id and s.source = any($4) and case s.status
          when 'processing' then q.state not in ('completed', 'partial') else s.ended_at >= $5 end)
  and exists (select from network_query_source s
      where s.query_id = q.query_id and s.source = any($4) and s.status <> 'failed')
order by q.created_at desc limit 1
"""
SLOT_TAKEN = """
select exists (select from network_query where patient_id = $1 and hie_slot and deadline >= $2)
"""
RECORD = """
select state, reason, link_id, link_expires_at from consolidated_query where request_id = $1
"""
_REGISTERING: Final = (Operation.CREATE_PATIENT, Operation.GET_PATIENT)


class Looked(NamedTuple):
    """A look at a request: the facts, and the rows that they are about."""

    request: Request
    facts: Facts
    identity_id: IdentityId | None = None
    registration_id: UUID | None = None
    link: IssuedLink | None = None


async def look(unit: Unit, request: Request, use: Use) -> Looked:
    """What is so now; the subject is locked."""
    asked = request.asked
    known: dict[str, Any] = {
        "step": request.step,
        "created_at": asked.created_at,
        "deadline": asked.deadline,
        "wanted": frozenset(asked.sources),
    }
    row = await unit.conn.fetchrow(REGISTRATION, *_mine(request))
    registration_id = None
    if row is not None:
        registration_id, known = row["registration_id"], known | await _registration(unit, row)
        request = request._replace(patient_id=request.patient_id or row["patient_id"])
    identity_id = await _identity(unit, request)
    if request.patient_id is not None:
        known |= await _person(unit, request, request.patient_id, identity_id)
        known |= await _challenge(unit, request, identity_id, use)
        known |= await _query(unit, request, identity_id)
        known |= await _record(unit, request)
    link = await _link(unit, request)
    return Looked(request, Facts(**known), identity_id, registration_id, link)


async def _identity(unit: Unit, request: Request) -> IdentityId | None:
    if request.patient_id is None:
        return None
    return await identities.active(unit, request.asked.subject_id, request.patient_id)


async def _person(
    unit: Unit, request: Request, patient_id: PatientId, identity_id: IdentityId | None
) -> dict[str, Any]:
    return {
        "link": await patients.purpose(unit, request.asked.subject_id, patient_id),
        "is_proofed": identity_id is not None,
        "verification": await _verification(unit, request),
    }


async def _registration(unit: Unit, row: Record) -> dict[str, Any]:
    """The registration that the request started; its patient is the request's from now on."""
    return {
        "registration": rules.Registration(row["state"]),
        "registration_reason": _reason(row["reason"]),
        "is_registering": await expiry.is_called_now(unit, _REGISTERING, row["registration_id"]),
    }


async def _verification(unit: Unit, request: Request) -> VerificationState | None:
    row = await unit.conn.fetchrow(VERIFICATION, *_mine(request), request.verification_id, unit.now)
    if row is None:
        return None
    state = VerificationState(row["state"])
    is_late = state is VerificationState.PENDING and not row["lives"]
    return VerificationState.EXPIRED if is_late else state


async def _challenge(
    unit: Unit, request: Request, identity_id: IdentityId | None, use: Use
) -> dict[str, Any]:
    row = await unit.conn.fetchrow(CHALLENGE, *_mine(request), request.challenge_id, unit.now)
    session = None if identity_id is None else await sessions.usable(unit, identity_id, use)
    if session is not None and not use.reuse:
        is_mine = row is not None and row["challenge_id"] == session.challenge_id
        session = session if is_mine else None
    return {
        "challenge": None if row is None else _stands(row),
        "challenges": await unit.conn.fetchval(CHALLENGES, *_mine(request)),
        "has_session": session is not None,
    }


def _stands(row: Record) -> Challenge:
    if row["state"] == "pending" and row["lives"]:
        return Challenge.OPEN
    returned = row["session"] == SessionState.RECEIVED
    return Challenge.RETURNED if returned else Challenge.OVER


async def _query(unit: Unit, request: Request, identity_id: IdentityId | None) -> dict[str, Any]:
    """The query that the request has; or, without one, whether it could have or start one now."""
    if request.query_id is not None:
        return {"query": await _attached(unit, request, request.query_id, identity_id)}
    return {
        "serves": await serving(unit, request, identity_id) is not None,
        "slot_is_free": not await _needs_taken_slot(unit, request),
    }


async def _attached(
    unit: Unit, request: Request, query_id: RequestId, identity_id: IdentityId | None
) -> AttachedQuery:
    row = await unit.conn.fetchrow(QUERY, query_id)
    state, accepted = QueryState(row["state"]), row["vendor_request_id"] is not None
    refused = None
    if accepted and request.patient_id is not None:
        refused = await entitlements.refuse_data(unit, request.asked.subject_id, request.patient_id)
    return AttachedQuery(
        state=state,
        is_own=row["command_id"] == request.asked.command_id,
        sources=await queries.progress(unit, query_id),
        is_current=identity_id is None or row["identity_id"] == identity_id,
        is_accepted=accepted,
        needs_session=state is QueryState.WAITING and row["session"] == SessionState.REFUSED,
        reason=_reason(row["reason"]),
        refused=None if refused is None else refused.reason,
    )


async def serving(unit: Unit, request: Request, identity_id: IdentityId | None) -> RequestId | None:
    """A query of this subject, patient and identity that answers the request, never another's.

    It runs with all the sources that are wanted, or they ended recently enough, and not all failed.
    """
    if identity_id is None or request.patient_id is None:
        return None
    asked = request.asked
    found: RequestId | None = await unit.conn.fetchval(
        SERVING,
        asked.subject_id,
        request.patient_id,
        identity_id,
        list(asked.sources),
        asked.fresh_since,
        unit.now,
    )
    return found


async def _needs_taken_slot(unit: Unit, request: Request) -> bool:
    if Source.HIE not in request.asked.sources:
        return False
    taken: bool = await unit.conn.fetchval(SLOT_TAKEN, request.patient_id, unit.now)
    return taken


async def _record(unit: Unit, request: Request) -> dict[str, Any]:
    if request.record_id is None:
        return {}
    row = await unit.conn.fetchrow(RECORD, request.record_id)
    record = rules.Record(
        state=ConsolidatedState(row["state"]),
        reason=_reason(row["reason"]),
    )
    return {"record": record}


async def _link(unit: Unit, request: Request) -> IssuedLink | None:
    if request.record_id is None:
        return None
    row = await unit.conn.fetchrow(RECORD, request.record_id)
    if row["link_id"] is None:
        return None
    return IssuedLink(LinkId(row["link_id"]), row["link_expires_at"])


def _mine(request: Request) -> tuple[Any, Any]:
    return request.asked.subject_id, request.asked.command_id


def _reason(word: str | None) -> Reason | None:
    return None if word is None else Reason(word)
