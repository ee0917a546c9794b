"""How much there is, and how old: one statement for each process that says so, every few seconds.

Counting goes through the partial indexes of what is open, and ends at ``ROWS_COUNTED`` a table: what is
over may be any number of rows and is never looked at. Nothing is locked.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from asyncpg import Record

from service.store.unit import Unit

ROWS_COUNTED: Final = 100_000


class _Open(NamedTuple):
    """Rows of a table that can still end: ``states`` may be a column's name or one constant."""

    thing: str
    table: str
    state: str
    since: str
    where: str


_OPEN: Final = (
    _Open("registration", "registration", "state", "created_at", "state = 'due'"),
    _Open(
        "identity_verification", "identity_verification", "state", "created_at", "state = 'pending'"
    ),
    _Open("aal2_challenge", "aal2_challenge", "state", "created_at", "state = 'pending'"),
    _Open("aal2_session", "aal2_session", "state", "returned_at", "state = 'received'"),
    _Open(
        "aal2_session", "aal2_session", "state", "returned_at", "state in ('confirmed', 'proven')"
    ),
    _Open("hosted_page", "hosted_page", "state", "opened_at", "state = 'waiting'"),
    _Open(
        "network_query",
        "network_query",
        "state",
        "created_at",
        "state in ('waiting', 'due', 'started')",
    ),
    _Open(
        "network_query",
        "network_query",
        "state",
        "unknown_at",
        "state = 'unknown' and resend_decided_at is null",
    ),
    _Open("network_query", "network_query", "state", "created_at", "state = 'resending'"),
    _Open(
        "consolidated_query",
        "consolidated_query",
        "state",
        "created_at",
        "state in ('due', 'dispatching', 'started')",
    ),
    _Open("record_request", "record_request", "step", "created_at", "result is null"),
    _Open(
        "parked_webhook", "parked_webhook", "'parked'", "received_at", "true order by received_at"
    ),
    _Open("unbound_identity", "unbound_identity", "'unbound'", "received_at", "not settled"),
)
STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "registration": ("due",),
    "identity_verification": ("pending",),
    "aal2_challenge": ("pending",),
    "aal2_session": ("received", "confirmed", "proven"),
    "hosted_page": ("waiting",),
    "network_query": ("waiting", "due", "started", "unknown", "resending"),
    "consolidated_query": ("due", "dispatching", "started"),
    "record_request": (
        "registration",
        "identity_verification",
        "aal2_challenge",
        "network_query",
        "consolidated_query",
    ),
    "parked_webhook": ("parked",),
    "unbound_identity": ("unbound",),
}
"""Every state that is counted, so that one that holds nothing is told as 0."""

_AGE: Final = "coalesce(extract(epoch from clock_timestamp() - min(since)), 0)::float8"


def _counting(one: _Open) -> str:
    return f"""
select '{one.thing}' as thing, state, count(*)::int as number, {_AGE} as age
from (select {one.state} as state, {one.since} as since from {one.table}
    where {one.where} limit {ROWS_COUNTED}) counted group by state"""


OPEN = (
    "\nunion all".join(map(_counting, _OPEN))
    + """
union all
select 'inbox', 'estimated', greatest(reltuples, 0)::int, coalesce((
    select extract(epoch from clock_timestamp() - min(received_at)) from inbox), 0)::float8
from pg_class where oid = 'inbox'::regclass
"""
)
CALLS = f"""
select 'waiting' as what, operation as name, count(*)::int as number, {_AGE} as age
from (select operation, due_at as since from vendor_call
    where state = 'due' and due_at <= clock_timestamp() limit {ROWS_COUNTED}) counted group by operation
union all
select 'in_flight', operation, count(*)::int, {_AGE}
from (select operation, called_at as since from vendor_call where state = 'dispatching') counted
group by operation
union all
select 'slots_free', pool, count(s.slot) filter (where s.usable_at <= clock_timestamp())::int, 0
from unnest($1::text[], $2::int[]) as wanted (pool, slots)
left join pacing_slot s on s.operation = wanted.pool and s.slot <= wanted.slots group by pool
"""


class Measured(NamedTuple):
    """So many, and for how many seconds the oldest; 0 seconds when there is none."""

    number: int = 0
    age: float = 0.0


class Holdings(NamedTuple):
    """What is open, by thing and state, each known one named; and what dedupe remembers."""

    open: Mapping[tuple[str, str], Measured]
    inbox: Measured


class Traffic(NamedTuple):
    """Calls by operation (those named that there are), and free slots by pool."""

    waiting: Mapping[str, Measured]
    in_flight: Mapping[str, int]
    slots_free: Mapping[str, int]


async def holdings(unit: Unit) -> Holdings:
    """What has not ended."""
    found = {(row["thing"], row["state"]): _measured(row) for row in await unit.conn.fetch(OPEN)}
    inbox = found.pop(("inbox", "estimated"), Measured())
    nothing = {(thing, state): Measured() for thing, states in STATES.items() for state in states}
    return Holdings(nothing | found, inbox)


async def traffic(unit: Unit, pools: Mapping[str, int]) -> Traffic:
    """What waits for the vendor; ``pools``: the slots that each pool may use."""
    rows = await unit.conn.fetch(CALLS, list(pools), list(pools.values()))

    def of(what: str) -> dict[str, Measured]:
        return {row["name"]: _measured(row) for row in rows if row["what"] == what}

    return Traffic(
        of("waiting"),
        {name: one.number for name, one in of("in_flight").items()},
        {name: one.number for name, one in of("slots_free").items()},
    )


def _measured(row: Record) -> Measured:
    return Measured(row["number"], row["age"])
