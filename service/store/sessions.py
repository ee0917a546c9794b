"""AAL2 challenges and the sessions that came back from them."""

from datetime import datetime, timedelta
from typing import NamedTuple

from asyncpg import Record

from schemas.ids import ChallengeId, CommandId, IdentityId, LinkId, PatientId, SessionId, SubjectId
from service.crypto.envelope import Place
from service.crypto.tokens import secret_digest
from service.ias.aal2 import Session, SessionState, is_usable
from service.ias.audit import Kind
from service.store import audit, subjects
from service.store.unit import Unit

INSERT_CHALLENGE = """
insert into aal2_challenge
    (challenge_id, identity_id, subject_id, patient_id, command_id, state, expires_at, return_url)
values ($1, $2, $3, $4, $5, 'pending', $6, $7)
"""
CHALLENGE_COLUMNS = """
challenge_id, identity_id, subject_id, patient_id, command_id, state, expires_at, return_url
"""
CHALLENGE = f"select {CHALLENGE_COLUMNS} from aal2_challenge where challenge_id = $1"
OPEN_CHALLENGE = f"""
select {CHALLENGE_COLUMNS} from aal2_challenge
where identity_id = $1 and state = 'pending' and expires_at > $2 order by expires_at desc limit 1
"""
SET_CHALLENGE = "update aal2_challenge set state = $2 where challenge_id = $1"
INSERT_SESSION = """
insert into aal2_session (session_id, challenge_id, identity_id, subject_id, patient_id,
    session_digest, session_box, code_hash, state, returned_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, 'received', $9)
"""
COLUMNS = """
session_id, challenge_id, identity_id, subject_id, patient_id, state, returned_at, uses,
last_used_at
"""
BY_CODE = f"select {COLUMNS} from aal2_session where code_hash = $1 and subject_id = $2"
BY_ID = f"select {COLUMNS} from aal2_session where session_id = $1"
BY_DIGEST = f"select {COLUMNS} from aal2_session where session_digest = $1"
OF_IDENTITY = f"""
select {COLUMNS} from aal2_session
where identity_id = $1 and state in ('confirmed', 'proven') order by returned_at desc limit 5
"""
SET_SESSION = "update aal2_session set state = $2 where session_id = $1 returning subject_id"
COUNT_USE = "update aal2_session set uses = uses + 1 where session_id = $1"
UNCOUNT_USE = "update aal2_session set uses = greatest(uses - 1, 0) where session_id = $1"
BOX = "select session_box from aal2_session where session_id = $1"


class Challenge(NamedTuple):
    """One challenge. ``return_url`` is unknown where an older release asked."""

    challenge_id: ChallengeId
    identity_id: IdentityId
    subject_id: SubjectId
    patient_id: PatientId
    command_id: CommandId
    state: str
    expires_at: datetime
    return_url: str | None = None


class Use(NamedTuple):
    """When a session may be used: how old and how long idle it may be, and whether more than once."""

    max_age: timedelta
    max_idle: timedelta
    reuse: bool


class Returned(NamedTuple):
    """What a browser brought back; holds the vendor's secret, so it has no repr of its fields."""

    secret: str
    code_hash: bytes
    returned_at: datetime

    def __repr__(self) -> str:
        return "Returned(…)"


async def start_challenge(unit: Unit, challenge: Challenge) -> None:
    """A pending challenge."""
    row = (*challenge[:5], challenge.expires_at, challenge.return_url)
    await unit.conn.execute(INSERT_CHALLENGE, *row)


async def challenge(unit: Unit, challenge_id: ChallengeId | LinkId) -> Challenge | None:
    """A challenge by our id."""
    row = await unit.conn.fetchrow(CHALLENGE, challenge_id)
    return None if row is None else Challenge(*row.values())


async def open_challenge(unit: Unit, identity_id: IdentityId) -> Challenge | None:
    """The challenge of an identity that a person can answer for longest, if there is one."""
    row = await unit.conn.fetchrow(OPEN_CHALLENGE, identity_id, unit.now)
    return None if row is None else Challenge(*row.values())


async def set_challenge_state(unit: Unit, challenge_id: ChallengeId, state: str) -> None:
    """Move the challenge on."""
    await unit.conn.execute(SET_CHALLENGE, challenge_id, state)


async def receive(
    unit: Unit, session_id: SessionId, challenge: Challenge, returned: Returned
) -> None:
    """A session that came back, unusable until confirmed."""
    key = await subjects.data_key(unit, challenge.subject_id)
    await unit.conn.execute(
        INSERT_SESSION,
        session_id,
        *challenge[:4],
        secret_digest("session", returned.secret),
        key.encrypt(returned.secret.encode(), _place(session_id)),
        returned.code_hash,
        returned.returned_at,
    )
    await audit.record(unit, Kind.SESSION_RECEIVED, challenge.subject_id, session_id)


async def by_code(unit: Unit, subject_id: SubjectId, code_hash: bytes) -> Session | None:
    """The session that a one-time code of this subject belongs to."""
    return _session(await unit.conn.fetchrow(BY_CODE, code_hash, subject_id))


async def by_id(unit: Unit, session_id: SessionId) -> Session | None:
    """A session by our id."""
    return _session(await unit.conn.fetchrow(BY_ID, session_id))


async def by_secret(unit: Unit, secret: str) -> Session | None:
    """The session that this vendor session id was received as, whoever's it is."""
    return _session(await unit.conn.fetchrow(BY_DIGEST, secret_digest("session", secret)))


async def of_identity(unit: Unit, identity_id: IdentityId) -> list[Session]:
    """Confirmed and proven sessions of an identity, newest first."""
    rows = await unit.conn.fetch(OF_IDENTITY, identity_id)
    return [session for session in map(_session, rows) if session is not None]


async def usable(unit: Unit, identity_id: IdentityId, use: Use) -> Session | None:
    """The newest session of the identity that a call may carry now."""
    for session in await of_identity(unit, identity_id):
        if is_usable(session, unit.now, use.max_age, use.max_idle, reuse=use.reuse):
            return session
    return None


async def set_state(unit: Unit, session_id: SessionId, state: SessionState) -> None:
    """Move the session on."""
    subject_id = await unit.conn.fetchval(SET_SESSION, session_id, state)
    await audit.record(unit, Kind(f"session_{state.value}"), subject_id, session_id)


async def count_use(unit: Unit, session_id: SessionId) -> None:
    """A call is about to carry the session."""
    await unit.conn.execute(COUNT_USE, session_id)


async def uncount_use(unit: Unit, session_id: SessionId) -> None:
    """The call that was about to carry the session was not made."""
    await unit.conn.execute(UNCOUNT_USE, session_id)


async def secret(unit: Unit, session: Session) -> str:
    """The vendor's secret id of a session."""
    key = await subjects.data_key(unit, session.subject_id)
    box = await unit.conn.fetchval(BOX, session.session_id)
    await audit.record(unit, Kind.SESSION_USED, session.subject_id, session.session_id)
    return key.decrypt(box, _place(session.session_id)).decode()


def _session(row: Record | None) -> Session | None:
    if row is None:
        return None
    return Session(**{**dict(row.items()), "state": SessionState(row["state"])})


def _place(session_id: SessionId) -> Place:
    return Place("aal2_session", "session_box", str(session_id))
