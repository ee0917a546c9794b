"""What a revocation has to end: everything of one subject and patient that is not over yet."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

from schemas.ids import IdentityId, LinkId, OpenId, PatientId, SubjectId
from schemas.reasons import Reason
from service.ias.audit import Kind
from service.ias.identity import IdentityState
from service.store import audit
from service.store.unit import Unit


class Open(StrEnum):
    """What can still go on."""

    VERIFICATION = "verification"
    IDENTITY = "identity"
    CHALLENGE = "challenge"
    SESSION = "session"
    QUERY = "query"
    CONSOLIDATED = "consolidated"


_PAIR: Final = "subject_id = $1 and patient_id = $2"
_ROWS: Final = {
    Open.VERIFICATION: f"""
select verification_id from identity_verification
where {_PAIR} and state in ('pending', 'expired', 'verified', 'superseded') order by created_at""",
    Open.IDENTITY: f"""
select identity_id from identity
where {_PAIR} and state in ('active', 'superseded') order by verified_at""",
    Open.CHALLENGE: f"""
select challenge_id from aal2_challenge
where {_PAIR} and state = 'pending' order by created_at""",
    Open.SESSION: f"""
select session_id from aal2_session
where {_PAIR} and state in ('received', 'confirmed', 'proven') order by returned_at""",
    Open.QUERY: f"""
select query_id from network_query
where {_PAIR} and purpose = 'ias' and not withheld
    and state not in ('refused', 'completed', 'partial', 'failed') order by created_at""",
    Open.CONSOLIDATED: f"""
select request_id from consolidated_query
where {_PAIR} and state in ('due', 'dispatching', 'started') order by created_at""",
}
SET_IDENTITY = "update identity set state = $2 where identity_id = $1"
STATE = "select state from identity where identity_id = $1"
WITHHOLD = f"""
update network_query set withheld = true where {_PAIR} and purpose = 'ias' and not withheld
"""
REFUSE_PAGES = """
update hosted_page set state = 'refused', reason = $2, url_token = null
where link_id = any($1::uuid[]) and state in ('waiting', 'ready') returning open_id
"""


async def still_open(
    unit: Unit, kind: Open, subject_id: SubjectId, patient_id: PatientId
) -> list[UUID]:
    """Our ids of the things of a kind that are not over, oldest first; the subject is locked."""
    return [row[0] for row in await unit.conn.fetch(_ROWS[kind], subject_id, patient_id)]


async def identity_state(unit: Unit, identity_id: IdentityId) -> IdentityState:
    """Where the identity stands."""
    return IdentityState(await unit.conn.fetchval(STATE, identity_id))


async def set_identity(
    unit: Unit, subject_id: SubjectId, identity_id: IdentityId, state: IdentityState
) -> None:
    """Take the identity out of use."""
    await unit.conn.execute(SET_IDENTITY, identity_id, state)
    await audit.record(unit, Kind.IDENTITY_REVOKED, subject_id, identity_id)


async def withhold(unit: Unit, subject_id: SubjectId, patient_id: PatientId) -> None:
    """From now on no query that was started before is told about, or entitles to data (I9)."""
    await unit.conn.execute(WITHHOLD, subject_id, patient_id)


async def refuse_pages(unit: Unit, link_ids: Sequence[LinkId], reason: Reason) -> list[OpenId]:
    """Nobody is sent to the pages of these steps any more; the clicks that they were made for."""
    return [row[0] for row in await unit.conn.fetch(REFUSE_PAGES, list(link_ids), reason)]
