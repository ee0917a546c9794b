"""Network queries and the progress of their sources."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from asyncpg import Record

from schemas.ids import (
    CommandId,
    IdentityId,
    PatientId,
    RequestId,
    SessionId,
    SubjectId,
    VendorRequestId,
)
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse, Source, SourceStatus
from service.ias.aal2 import Session
from service.ias.network_query import QueryState, SourceRow, Update
from service.store.unit import Unit

INSERT = """
insert into network_query (query_id, subject_id, patient_id, purpose, identity_id, session_id,
    command_id, state, deadline, consent_id, consent_notice_version)
values ($1, $2, $3, $4, $5, $6, $7, 'due', $8, $9, $10)
"""
INSERT_SOURCE = """
insert into network_query_source (query_id, source, status) values ($1, $2, 'processing')
"""
COLUMNS = """
query_id, subject_id, patient_id, purpose, identity_id, session_id, command_id, state, deadline,
vendor_request_id, withheld, refused_sessions, also_vendor_request_id
"""
BY_ID = f"select {COLUMNS} from network_query where query_id = $1 for update"
SUBJECT_OF = """
select query_id, subject_id from network_query where vendor_request_id = $1
union all
select query_id, subject_id from network_query where also_vendor_request_id = $1
"""
OWNER = "select subject_id from network_query where query_id = $1"
SOURCES = """
select source, status, finished_at, told_early, reason
from network_query_source where query_id = $1 order by source
"""
SET_STATE = """
update network_query set state = $2, unknown_at = case when $2 = 'unknown'
    then coalesce(unknown_at, clock_timestamp()) else unknown_at end
where query_id = $1
"""
RESEND = """
update network_query q set resend_decided_at = clock_timestamp(),
    first_called_at = coalesce(c.called_at, q.unknown_at)
from vendor_call c
where q.query_id = $1 and c.operation = 'start_network_query' and c.ref_id = q.query_id
"""
LEAVE_ALONE = """
update network_query set resend_decided_at = clock_timestamp() where query_id = $1
"""
ALSO_KNOWN_AS = """
update network_query set also_vendor_request_id = $2
where query_id = $1 and also_vendor_request_id is null and first_called_at is not null
"""
FREE_SLOT = "update network_query set hie_slot = false where query_id = $1"
FREE_LATE_SLOTS = """
update network_query set hie_slot = false where patient_id = $1 and hie_slot and deadline < $2
"""
LOCK_PATIENT = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
TAKE_SLOT = """
update network_query set hie_slot = true
where query_id = $1 and not exists (
    select from network_query other
    where other.patient_id = $2 and other.hie_slot and other.query_id <> $1)
"""
STARTED = """
update network_query set state = 'started', vendor_request_id = $2 where query_id = $1
"""
SESSION_USED = """
update aal2_session s set last_used_at = greatest(s.last_used_at, c.called_at)
from network_query q
join vendor_call c on c.operation = 'start_network_query' and c.ref_id = q.query_id
where q.query_id = $1 and s.session_id = q.session_id and c.called_at is not null
"""
REFUSED = "update network_query set reason = $2 where query_id = $1"
COUNT_REFUSED_SESSION = """
update network_query set refused_sessions = refused_sessions + 1 where query_id = $1
"""
WAITING_FOR_SESSION = f"""
select {COLUMNS} from network_query
where subject_id = $1 and patient_id = $2 and identity_id = $3 and state = 'waiting'
  and session_id in (select session_id from aal2_session where state = 'refused')
order by created_at limit $4 for update
"""
RENEW_SESSION = "update network_query set session_id = $2 where query_id = $1"
SET_SOURCE = """
update network_query_source set status = $3, finished_at = $4, reason = $5,
    ended_at = case when status = $3 then ended_at when $3 <> 'processing' then clock_timestamp() end
where query_id = $1 and source = $2
"""
TOLD_EARLY = """
update network_query_source set told_early = true where query_id = $1 and source = $2
"""
ACCEPTED = """
select exists (
    select from network_query q join aal2_session s using (session_id)
    where q.subject_id = $1 and q.patient_id = $2 and q.purpose = 'ias'
      and q.vendor_request_id is not null and q.identity_id = $3 and not q.withheld)
"""
UPDATED = "UPDATE 1"


class Query(NamedTuple):
    """One network query."""

    query_id: RequestId
    subject_id: SubjectId
    patient_id: PatientId
    purpose: PurposeOfUse
    identity_id: IdentityId | None
    session_id: SessionId | None
    command_id: CommandId
    state: QueryState
    deadline: datetime
    vendor_request_id: VendorRequestId | None = None
    withheld: bool = False
    refused_sessions: int = 0
    also_vendor_request_id: VendorRequestId | None = None


async def create(
    unit: Unit, query: Query, sources: Sequence[Source], consent: tuple[str | None, str | None]
) -> None:
    """A query that is due; ``consent`` is the reference's id and the notice's version."""
    await unit.conn.execute(INSERT, *query[:7], query.deadline, *consent)
    await unit.conn.executemany(INSERT_SOURCE, [(query.query_id, source) for source in sources])


async def lock(unit: Unit, query_id: RequestId) -> Query | None:
    """The query's row, locked; its subject must be locked before."""
    row = await unit.conn.fetchrow(BY_ID, query_id)
    return None if row is None else _query(row)


async def find_by_vendor_id(
    unit: Unit, vendor_request_id: VendorRequestId
) -> tuple[RequestId, SubjectId] | None:
    """Our id and the subject of the query that the vendor knows by this id."""
    row = await unit.conn.fetchrow(SUBJECT_OF, vendor_request_id)
    return None if row is None else (row["query_id"], row["subject_id"])


async def subject_of(unit: Unit, query_id: RequestId) -> SubjectId | None:
    """Whose query this is, by our own id."""
    found: SubjectId | None = await unit.conn.fetchval(OWNER, query_id)
    return found


async def progress(unit: Unit, query_id: RequestId) -> dict[Source, SourceRow]:
    """Every source of the query, in a fixed order."""
    rows = await unit.conn.fetch(SOURCES, query_id)
    return {Source(row["source"]): _source(row) for row in rows}


async def set_state(unit: Unit, query_id: RequestId, state: QueryState) -> None:
    """Move the query on."""
    unit.conn.later(SET_STATE, query_id, state)


async def take_hie_slot(unit: Unit, query: Query) -> bool:
    """Whether the patient's one HIE slot could be taken for this query.

    The vendor skips the HIE part of a second query while one runs for the patient. Two subjects can
    share a patient, so the patient is locked: the loser of a race is told no, not an error.
    """
    await unit.conn.execute(LOCK_PATIENT, query.patient_id)
    await unit.conn.execute(FREE_LATE_SLOTS, query.patient_id, unit.now)
    return await unit.conn.execute(TAKE_SLOT, query.query_id, query.patient_id) == UPDATED


async def free_hie_slot(unit: Unit, query_id: RequestId) -> None:
    """The query's HIE part is over."""
    unit.conn.later(FREE_SLOT, query_id)


async def started(unit: Unit, query_id: RequestId, vendor_request_id: VendorRequestId) -> None:
    """The vendor accepted the query, so its session was in use when the call was made."""
    await unit.conn.execute(STARTED, query_id, vendor_request_id)
    await unit.conn.execute(SESSION_USED, query_id)


async def resend(unit: Unit, query_id: RequestId) -> None:
    """The query is sent once more; when its first call was made is kept, for proof may still come."""
    await unit.conn.execute(RESEND, query_id)


async def leave_alone(unit: Unit, query_id: RequestId) -> None:
    """The query is not sent once more: its own time is over."""
    await unit.conn.execute(LEAVE_ALONE, query_id)


async def also_known_as(
    unit: Unit, query_id: RequestId, vendor_request_id: VendorRequestId
) -> bool:
    """Whether the vendor's other id of a query that was sent twice could be kept: it has one at most."""
    return await unit.conn.execute(ALSO_KNOWN_AS, query_id, vendor_request_id) == UPDATED


async def refused(unit: Unit, query_id: RequestId, reason: Reason) -> None:
    """Why the query was not started."""
    unit.conn.later(REFUSED, query_id, reason)


async def count_refused_session(unit: Unit, query_id: RequestId) -> None:
    """The vendor refused the session of the query."""
    unit.conn.later(COUNT_REFUSED_SESSION, query_id)


async def waiting_for_session(unit: Unit, fresh: Session, most: int | None) -> list[Query]:
    """Queries, locked, that go on with this fresh session of their identity; the oldest first."""
    whose = (fresh.subject_id, fresh.patient_id, fresh.identity_id)
    return [_query(row) for row in await unit.conn.fetch(WAITING_FOR_SESSION, *whose, most)]


async def renew_session(unit: Unit, query_id: RequestId, session_id: SessionId) -> None:
    """From now on the query carries this session; the database holds that it is of its identity."""
    await unit.conn.execute(RENEW_SESSION, query_id, session_id)


async def advance(unit: Unit, query_id: RequestId, update: Update) -> None:
    """Store news of one source that the rules found to be news."""
    if update.early:
        unit.conn.later(TOLD_EARLY, query_id, update.source)
        return
    row = (query_id, update.source, update.status, update.completed_at, update.reason)
    unit.conn.later(SET_SOURCE, *row)


async def has_accepted(
    unit: Unit, subject_id: SubjectId, patient_id: PatientId, identity_id: IdentityId
) -> bool:
    """Whether the vendor accepted an ias query with a session of this identity (I9)."""
    found: bool = await unit.conn.fetchval(ACCEPTED, subject_id, patient_id, identity_id)
    return found


def _query(row: Record) -> Query:
    words = {"purpose": PurposeOfUse(row["purpose"]), "state": QueryState(row["state"])}
    return Query(**{**dict(row.items()), **words})


def _source(row: Record) -> SourceRow:
    return SourceRow(
        Source(row["source"]),
        SourceStatus(row["status"]),
        row["finished_at"],
        row["told_early"],
        None if row["reason"] is None else Reason(row["reason"]),
    )
