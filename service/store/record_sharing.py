"""Hosted steps that several record requests of one subject share: the person is not sent twice."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from schemas.ids import ChallengeId, LinkId, VerificationId
from service.store.record_requests import Request
from service.store.unit import Unit

VERIFICATION = """
select r.verification_id, v.expires_at from record_request r
join identity_verification v using (verification_id)
where r.subject_id = $1 and r.result is null and r.patient_id = $2 and r.return_url = $3
  and v.state = 'pending' and v.expires_at > $4 order by v.expires_at desc limit 1
"""
CHALLENGE = """
select c.challenge_id, c.expires_at from record_request r
join aal2_challenge c on c.subject_id = $1
  and (c.challenge_id = r.challenge_id or c.command_id = r.command_id)
where r.subject_id = $1 and r.result is null and r.patient_id = $2 and r.return_url = $3
  and c.state = 'pending' and c.expires_at > $4 order by c.expires_at desc limit 1
"""
NEEDLESS_VERIFICATIONS = """
select v.verification_id from identity_verification v
where v.subject_id = $1 and (v.command_id = $2 or v.verification_id = $3) and v.state = 'pending'
  and not exists (select from record_request r where r.subject_id = $1 and r.result is null
      and r.command_id <> $2 and r.verification_id = v.verification_id)
"""
NEEDLESS_CHALLENGES = """
select c.challenge_id from aal2_challenge c
where c.subject_id = $1 and (c.command_id = $2 or c.challenge_id = $3) and c.state = 'pending'
  and not exists (select from record_request r where r.subject_id = $1 and r.result is null
      and r.command_id <> $2 and r.challenge_id = c.challenge_id)
  and not exists (select from network_query q where q.subject_id = $1 and q.command_id <> $2
      and q.identity_id = c.identity_id and q.state = 'waiting')
"""


class Shared(NamedTuple):
    """A step that another request asked the person for."""

    ref_id: UUID
    expires_at: datetime

    @property
    def link_id(self) -> LinkId:
        """The link to it."""
        return LinkId(self.ref_id)


async def verification(unit: Unit, request: Request) -> Shared | None:
    """A verification that leads back to the same place, and can still be finished."""
    return await _shared(unit, VERIFICATION, request)


async def challenge(unit: Unit, request: Request) -> Shared | None:
    """A challenge that leads back to the same place, and can still be answered.

    Also one that the query of a request asked for, because Metriport had refused its session.
    """
    return await _shared(unit, CHALLENGE, request)


async def _shared(unit: Unit, sql: str, request: Request) -> Shared | None:
    asked = request.asked
    row = await unit.conn.fetchrow(
        sql, asked.subject_id, request.patient_id, asked.return_url, unit.now
    )
    return None if row is None else Shared(*row.values())


async def needless_verifications(unit: Unit, request: Request) -> Sequence[VerificationId]:
    """Open verifications that the request asked for, or shares, and no other one waits for."""
    rows = await unit.conn.fetch(
        NEEDLESS_VERIFICATIONS, *request.asked[1:3], request.verification_id
    )
    return [VerificationId(row[0]) for row in rows]


async def needless_challenges(unit: Unit, request: Request) -> Sequence[ChallengeId]:
    """The same of challenges; one that a query of another command waits for is needed too."""
    rows = await unit.conn.fetch(NEEDLESS_CHALLENGES, *request.asked[1:3], request.challenge_id)
    return [ChallengeId(row[0]) for row in rows]
