"""Calls to the vendor, waiting in Postgres until a gateway replica claims them.

due → dispatching (the intent is marked and committed before the call) → done | unknown
dispatching → due, only when the call provably was not sent or may be repeated
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from asyncpg import Record

from schemas.ids import SubjectId
from service.store.unit import Unit

CHANNEL: Final = "ias_vendor_calls"

INSERT = """
insert into vendor_call
    (call_id, operation, subject_id, ref_id, state, traceparent, background, turn_at)
values ($1, $2, $3, $4, 'due', $5, $6, clock_timestamp() + $7)
on conflict (operation, ref_id) do nothing
"""
NOTIFY = f"notify {CHANNEL}"
COLUMNS = "call_id, operation, subject_id, ref_id, attempts, called_at, traceparent, background"
NEXT_DUE = f"""
select {COLUMNS} from vendor_call
where state = 'due' and operation = $1 and due_at <= clock_timestamp() order by turn_at limit $2
"""
NEXT_LOOK = f"""
select {COLUMNS} from vendor_call
where state = 'due' and operation = $1 and due_at <= clock_timestamp() order by due_at limit $2
"""
LOCK_DUE = f"""
select {COLUMNS} from vendor_call
where call_id = $1 and state = 'due' and not exists (select from dispatch_stop)
    and exists (select from known_cluster k join this_cluster() c using (system_identifier, timeline))
for update of vendor_call skip locked
"""
MARK = """
update vendor_call set state = 'dispatching', attempts = attempts + 1,
    called_at = clock_timestamp(), lease_until = clock_timestamp() + $2
where call_id = $1 returning attempts
"""
LOCK_MINE = f"""
select {COLUMNS} from vendor_call
where call_id = $1 and state = 'dispatching' and attempts = $2 for update
"""
EXPIRED = f"""
select {COLUMNS} from vendor_call
where state = 'dispatching' and lease_until < clock_timestamp() order by lease_until limit $1
"""
FINISH = """
update vendor_call set state = $2, outcome = $3, lease_until = null where call_id = $1
"""
AGAIN = """
update vendor_call set state = 'due', outcome = null, due_at = clock_timestamp()
where operation = $1 and ref_id = $2 and state in ('done', 'unknown')
"""
POSTPONE = """
update vendor_call set state = 'due', outcome = $2, lease_until = null,
    due_at = clock_timestamp() + $3
where call_id = $1
"""


class Operation(StrEnum):
    """Everything the gateway asks of the vendor for a command."""

    CREATE_PATIENT = "create_patient"
    GET_PATIENT = "get_patient"
    CREATE_IDENTITY_SESSION = "create_identity_session"
    CREATE_AAL2_CHALLENGE = "create_aal2_challenge"
    START_NETWORK_QUERY = "start_network_query"
    START_CONSOLIDATED_QUERY = "start_consolidated_query"
    GET_NETWORK_QUERY = "get_network_query"
    GET_CONSOLIDATED_QUERY = "get_consolidated_query"


LOOKS: Final = frozenset({Operation.GET_NETWORK_QUERY, Operation.GET_CONSOLIDATED_QUERY})
"""Calls that are due again and again, most of them later: the one whose time came first has its turn.

All others are first come, first served: one that had to be put off keeps its place.
"""

HEAD_START: Final = timedelta(minutes=10)
"""Background work counts as having come so much later than it did: what somebody waits for goes first,
and no backlog of that can keep it waiting for ever."""


class CallState(StrEnum):
    """How a call ended."""

    DONE = "done"
    UNKNOWN = "unknown"


class Call(NamedTuple):
    """One call; ``ref_id`` names the row that it is for."""

    call_id: UUID
    operation: Operation
    subject_id: SubjectId
    ref_id: UUID
    attempts: int
    called_at: datetime | None
    traceparent: str | None = None
    background: bool = False


async def schedule(
    unit: Unit,
    operation: Operation,
    subject_id: SubjectId,
    ref_id: UUID,
    *,
    background: bool = False,
) -> None:
    """A call is wanted, once for each operation and row; ``background``: nobody waits for it."""
    what = (operation, subject_id, ref_id, unit.traceparent)
    later = HEAD_START if background else timedelta(0)
    await unit.conn.execute(INSERT, uuid4(), *what, background, later)
    await unit.conn.execute(NOTIFY)


async def make_due_again(unit: Unit, operation: Operation, ref_id: UUID) -> None:
    """A call that is over is wanted once more: with something else in it, or because its policy says so."""
    await unit.conn.execute(AGAIN, operation, ref_id)
    await unit.conn.execute(NOTIFY)


async def next_due(unit: Unit, operation: Operation, limit: int) -> list[Call]:
    """Calls of one kind that are due, in their order, not locked.

    Kind by kind, so that a backlog of one that waits for its pace does not hide the others.
    """
    statement = NEXT_LOOK if operation in LOOKS else NEXT_DUE
    return [_call(row) for row in await unit.conn.fetch(statement, operation, limit)]


async def lock_due(unit: Unit, call_id: UUID) -> Call | None:
    """The call, locked, unless another replica has it or it is not due any more.

    Nothing is due to be made where calls are stopped, or in a cluster other than the known one: whichever
    connection of a pool is the first to reach another cluster, no intent is marked through it.
    """
    row = await unit.conn.fetchrow(LOCK_DUE, call_id)
    return None if row is None else _call(row)


async def mark_intent(unit: Unit, call: Call, lease: timedelta) -> Call:
    """Say that the call will be made; after the commit it counts as sent until proven otherwise."""
    attempts = await unit.conn.fetchval(MARK, call.call_id, lease)
    return call._replace(attempts=attempts)


async def lock_mine(unit: Unit, call: Call) -> Call | None:
    """The call as this attempt left it, locked; ``None`` when another took over (fencing)."""
    row = await unit.conn.fetchrow(LOCK_MINE, call.call_id, call.attempts)
    return None if row is None else _call(row)


async def expired(unit: Unit, limit: int) -> list[Call]:
    """Calls whose attempt never reported back."""
    return [_call(row) for row in await unit.conn.fetch(EXPIRED, limit)]


async def finish(unit: Unit, call: Call, state: CallState, outcome: str) -> None:
    """The call is over."""
    await unit.conn.execute(FINISH, call.call_id, state, outcome)


async def postpone(unit: Unit, call: Call, outcome: str, delay: timedelta) -> None:
    """The call was not made, or may be made again: due after ``delay``."""
    await unit.conn.execute(POSTPONE, call.call_id, outcome, delay)


def _call(row: Record) -> Call:
    return Call(**{**dict(row.items()), "operation": Operation(row["operation"])})
