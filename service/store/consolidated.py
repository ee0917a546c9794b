"""Consolidated queries: what was asked for whom, until the link is delivered."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import uuid4

from asyncpg import Record

from schemas.ids import CommandId, LinkId, PatientId, RequestId, SubjectId, VendorRequestId
from schemas.reasons import Reason
from service.ias.consolidated import ConsolidatedState
from service.store.unit import Unit

INSERT = """
insert into consolidated_query (request_id, subject_id, patient_id, command_id, conversion_type,
    resources, date_from, date_to, state)
values ($1, $2, $3, $4, $5, $6, $7, $8, 'due')
"""
RENEW = """
insert into consolidated_query (request_id, subject_id, patient_id, command_id, conversion_type,
    resources, date_from, date_to, created_at, renewals, state)
select $2, subject_id, patient_id, command_id, conversion_type, resources, date_from, date_to,
    created_at, renewals + 1, 'due'
from consolidated_query where request_id = $1
"""
COLUMNS = """
request_id, subject_id, patient_id, command_id, conversion_type, resources, date_from, date_to,
state, renewals
"""
BY_ID = f"select {COLUMNS} from consolidated_query where request_id = $1 for update"
RUNNING = f"""
select {COLUMNS} from consolidated_query
where vendor_request_id = $1 and subject_id = $2 and state = 'started' for update
"""
SUBJECTS = """
select distinct subject_id from consolidated_query where vendor_request_id = $1 order by subject_id
"""
STARTED = """
update consolidated_query set state = 'started', vendor_request_id = $2 where request_id = $1
"""
DELIVERED = """
select exists (select from consolidated_query
    where vendor_request_id = $1 and state in ('ready', 'failed'))
"""
SET_STATE = "update consolidated_query set state = $2 where request_id = $1"
FAILED = "update consolidated_query set reason = $2 where request_id = $1"
ISSUED = """
update consolidated_query set link_id = $2, link_expires_at = $3 where request_id = $1
"""


class Consolidated(NamedTuple):
    """One consolidated query. ``renewals``: how many links of the same command came dead before."""

    request_id: RequestId
    subject_id: SubjectId
    patient_id: PatientId
    command_id: CommandId
    conversion_type: str
    resources: list[str] | None
    date_from: date | None
    date_to: date | None
    state: ConsolidatedState
    renewals: int = 0


async def create(unit: Unit, query: Consolidated) -> None:
    """A consolidated query that is due, and was never renewed."""
    await unit.conn.execute(INSERT, *query[:-2])


async def renew(unit: Unit, request_id: RequestId) -> RequestId:
    """The same query once more, due and as old as before: its lifetime is that of the first."""
    fresh = RequestId(uuid4())
    await unit.conn.execute(RENEW, request_id, fresh)
    return fresh


async def lock(unit: Unit, request_id: RequestId) -> Consolidated | None:
    """The row, locked; its subject must be locked before."""
    row = await unit.conn.fetchrow(BY_ID, request_id)
    return None if row is None else _consolidated(row)


async def subjects_of(unit: Unit, vendor_request_id: VendorRequestId) -> list[SubjectId]:
    """Whose queries the vendor knows by this id: two subjects of one patient can share it."""
    rows = await unit.conn.fetch(SUBJECTS, vendor_request_id)
    return [row["subject_id"] for row in rows]


async def lock_running(
    unit: Unit, vendor_request_id: VendorRequestId, subject_id: SubjectId
) -> list[Consolidated]:
    """The subject's queries that wait for this delivery, locked."""
    rows = await unit.conn.fetch(RUNNING, vendor_request_id, subject_id)
    return [_consolidated(row) for row in rows]


async def started(unit: Unit, request_id: RequestId, vendor_request_id: VendorRequestId) -> None:
    """The vendor accepted the query."""
    await unit.conn.execute(STARTED, request_id, vendor_request_id)


async def is_delivered(unit: Unit, vendor_request_id: VendorRequestId) -> bool:
    """Whether the vendor's answer to this request has come already, to somebody else's query."""
    found: bool = await unit.conn.fetchval(DELIVERED, vendor_request_id)
    return found


async def set_state(unit: Unit, request_id: RequestId, state: ConsolidatedState) -> None:
    """Move the query on."""
    await unit.conn.execute(SET_STATE, request_id, state)


async def failed(unit: Unit, request_id: RequestId, reason: Reason) -> None:
    """Why there will be no link."""
    await unit.conn.execute(FAILED, request_id, reason)


async def issued(
    unit: Unit, request_id: RequestId, link_id: LinkId, expires_at: datetime | None
) -> None:
    """Which link was issued, and until when it works."""
    await unit.conn.execute(ISSUED, request_id, link_id, expires_at)


def _consolidated(row: Record) -> Consolidated:
    return Consolidated(**{**dict(row.items()), "state": ConsolidatedState(row["state"])})
