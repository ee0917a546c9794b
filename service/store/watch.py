"""What runs at the vendor and is asked about: put under watch once, as a call that is due later.

A look is a row of ``vendor_call``, one for each thing, which is due again and again until the thing has
ended. ``watched_at`` says that there is one, and since when.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from schemas.ids import SubjectId, VendorRequestId
from service.store.calls import Call, Operation
from service.store.unit import Unit


class Kind(StrEnum):
    """What can be watched; the word is also the label of metrics."""

    NETWORK_QUERY = "network_query"
    CONSOLIDATED_QUERY = "consolidated_query"


class Unwatched(NamedTuple):
    """Something that runs and is not watched."""

    subject_id: SubjectId
    ref_id: UUID


LOOK: Final = {
    Kind.NETWORK_QUERY: Operation.GET_NETWORK_QUERY,
    Kind.CONSOLIDATED_QUERY: Operation.GET_CONSOLIDATED_QUERY,
}

UNWATCHED_QUERIES = """
select subject_id, query_id as ref_id from network_query
where state = 'started' and watched_at is null order by query_id limit $1
"""
UNWATCHED_CONSOLIDATED = """
select subject_id, request_id as ref_id from consolidated_query
where state = 'started' and watched_at is null order by request_id limit $1
"""
WATCH_QUERY = """
update network_query set watched_at = clock_timestamp()
where query_id = $1 and watched_at is null and state in ('started', 'unknown', 'resending')
"""
WATCH_CONSOLIDATED = """
update consolidated_query set watched_at = clock_timestamp()
where request_id = $1 and watched_at is null and state = 'started'
"""
UNWATCH_QUERY = "update network_query set watched_at = null where query_id = $1"
UNWATCH_CONSOLIDATED = "update consolidated_query set watched_at = null where request_id = $1"
QUERY_SINCE = "select watched_at from network_query where query_id = $1"
CONSOLIDATED_REQUEST = """
select vendor_request_id from consolidated_query where request_id = $1
"""
CONSOLIDATED_SINCE = """
select watched_at, created_at from consolidated_query where request_id = $1
"""
SCHEDULE = """
insert into vendor_call (call_id, operation, subject_id, ref_id, state, due_at)
values ($1, $2, $3, $4, 'due', clock_timestamp() + $5)
on conflict (operation, ref_id) do update set state = 'due', due_at = excluded.due_at
where vendor_call.state = 'done'
"""
LAST_WORD = "select outcome from vendor_call where call_id = $1"

_UNWATCHED: Final = {
    Kind.NETWORK_QUERY: UNWATCHED_QUERIES,
    Kind.CONSOLIDATED_QUERY: UNWATCHED_CONSOLIDATED,
}
_WATCH: Final = {
    Kind.NETWORK_QUERY: WATCH_QUERY,
    Kind.CONSOLIDATED_QUERY: WATCH_CONSOLIDATED,
}
_UNWATCH: Final = {
    Kind.NETWORK_QUERY: UNWATCH_QUERY,
    Kind.CONSOLIDATED_QUERY: UNWATCH_CONSOLIDATED,
}
_UPDATED: Final = "UPDATE 1"


async def unwatched(unit: Unit, kind: Kind, limit: int) -> list[Unwatched]:
    """Things that run and are not watched; not locked."""
    rows = await unit.conn.fetch(_UNWATCHED[kind], limit)
    return [Unwatched(row["subject_id"], row["ref_id"]) for row in rows]


async def begin(unit: Unit, kind: Kind, thing: Unwatched, first: timedelta) -> bool:
    """Let the thing be looked at after ``first``; its subject is locked. Whether it was not yet."""
    if await unit.conn.execute(_WATCH[kind], thing.ref_id) != _UPDATED:
        return False
    await unit.conn.execute(SCHEDULE, uuid4(), LOOK[kind], *thing, first)
    return True


async def end(unit: Unit, kind: Kind, ref_id: UUID) -> None:
    """Nobody asks any more; the thing may be put under watch again."""
    await unit.conn.execute(_UNWATCH[kind], ref_id)


async def query_since(unit: Unit, query_id: UUID) -> datetime:
    """Since when the network query is watched; now, if it is not."""
    since: datetime | None = await unit.conn.fetchval(QUERY_SINCE, query_id)
    return since or unit.now


async def consolidated_since(unit: Unit, request_id: UUID) -> tuple[datetime, datetime]:
    """Since when the consolidated query is watched (now, if it is not), and when it was made."""
    row = await unit.conn.fetchrow(CONSOLIDATED_SINCE, request_id)
    return (
        (unit.now, unit.now) if row is None else (row["watched_at"] or unit.now, row["created_at"])
    )


async def consolidated_request(unit: Unit, request_id: UUID) -> VendorRequestId | None:
    """The vendor's id of a consolidated query."""
    found: VendorRequestId | None = await unit.conn.fetchval(CONSOLIDATED_REQUEST, request_id)
    return found


async def last_word(unit: Unit, call: Call) -> str | None:
    """What the look before this one showed."""
    found: str | None = await unit.conn.fetchval(LAST_WORD, call.call_id)
    return found
