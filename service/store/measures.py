"""How much there is, and how old: one statement for each process that says so, every few seconds.

Counting goes through the partial indexes of what is open, and ends at ``ROWS_COUNTED`` a table: what is
over may be any number of rows and is never looked at. Nothing is locked.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from asyncpg import Record

from schemas.record_requests import RecordStep
from service.store.unit import Unit

ROWS_COUNTED: Final = 100_000


_RUNNING: Final = tuple(step.value for step in RecordStep if step is not RecordStep.FINISHED)


class _Open(NamedTuple):
    """Rows of a table that can still end: those in one of these states, and of ``more`` where that says so.

    ``column`` holds the state; a table without one has one state, and ``more`` alone says which rows.
    """

    table: str
    since: str
    states: tuple[str, ...]
    column: str | None = "state"
    more: str = "true"

    @property
    def query(self) -> str:
        """State and age of each row."""
        listed = ", ".join(f"'{state}'" for state in self.states)
        state = self.column or listed
        where = "true" if self.column is None else f"{self.column} in ({listed})"
        return f"select {state} as state, {self.since} as since from {self.table} where {where} and {self.more}"


_OPEN: Final = (
    _Open("registration", "created_at", ("due",)),
    _Open("identity_verification", "created_at", ("pending",)),
    _Open("aal2_challenge", "created_at", ("pending",)),
    _Open("aal2_session", "returned_at", ("received",)),
    _Open("aal2_session", "returned_at", ("confirmed", "proven")),
    _Open("early_confirmation", "received_at", ("waiting",), None, "true order by received_at"),
    _Open("hosted_page", "opened_at", ("waiting",)),
    _Open("network_query", "created_at", ("waiting", "due", "started")),
    _Open("network_query", "unknown_at", ("unknown",), more="resend_decided_at is null"),
    _Open("network_query", "created_at", ("resending",)),
    _Open("consolidated_query", "created_at", ("due", "dispatching", "started")),
    _Open("record_request", "created_at", _RUNNING, "step", "result is null"),
    _Open("parked_webhook", "received_at", ("parked",), None, "true order by received_at"),
    _Open("unbound_identity", "received_at", ("unbound",), None, "not settled"),
)
STATES: Final[Mapping[str, tuple[str, ...]]] = {
    one.table: tuple(state for other in _OPEN if other.table == one.table for state in other.states)
    for one in _OPEN
}
"""Every state that is counted, so that one that holds nothing is told as 0."""

_AGE: Final = "coalesce(extract(epoch from clock_timestamp() - min(since)), 0)::float8"


def _counting(one: _Open) -> str:
    return f"""
select '{one.table}' as thing, state, count(*)::int as number, {_AGE} as age
from ({one.query} limit {ROWS_COUNTED}) counted group by state"""


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
