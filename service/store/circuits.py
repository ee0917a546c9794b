"""The rows of the circuit breaker, one for each class of calls that ever met a fault."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record

from service.store.unit import Unit

COLUMNS = "kind, state, failures, last_failed, pause, wait_until"
ALL = f"select {COLUMNS} from circuit"
LOCK = f"select {COLUMNS} from circuit where kind = $1 for update"
IS_CLEAN = """
select not exists (select from circuit where kind = $1 and (state <> 'closed' or failures > 0))
"""
KEEP = """
insert into circuit (kind, state, failures, last_failed, pause, wait_until)
values ($1, $2, $3, $4, $5, $6)
on conflict (kind) do update set state = excluded.state, failures = excluded.failures,
    last_failed = excluded.last_failed, pause = excluded.pause, wait_until = excluded.wait_until
"""
TAKE_TURN = """
update circuit set wait_until = clock_timestamp() + $3
where kind = $1 and state = $2 and wait_until <= clock_timestamp()
"""
_TAKEN = "UPDATE 1"


class Row(NamedTuple):
    """One circuit as it is kept."""

    kind: str
    state: str
    failures: int
    last_failed: UUID | None
    pause: timedelta
    wait_until: datetime


async def every(unit: Unit) -> list[Row]:
    """Every circuit that has a row; not locked."""
    return [_row(row) for row in await unit.conn.fetch(ALL)]


async def is_clean(unit: Unit, kind: str) -> bool:
    """Whether the class met no fault lately, so that a good outcome changes nothing."""
    clean: bool = await unit.conn.fetchval(IS_CLEAN, kind)
    return clean


async def lock(unit: Unit, kind: str) -> Row | None:
    """The circuit, locked."""
    row = await unit.conn.fetchrow(LOCK, kind)
    return None if row is None else _row(row)


async def keep(unit: Unit, row: Row) -> None:
    """Write a circuit."""
    await unit.conn.execute(KEEP, *row)


async def take_turn(unit: Unit, kind: str, state: str, hold: timedelta) -> bool:
    """Whether the probe of an open circuit, or the trial of a half open one, is this replica's."""
    return await unit.conn.execute(TAKE_TURN, kind, state, hold) == _TAKEN


def _row(row: Record) -> Row:
    return Row(**dict(row.items()))
