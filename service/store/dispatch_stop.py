"""Whether calls go out at all: one row says that they do not, and why, to every replica."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from service.store.unit import Unit


class Why(StrEnum):
    """Why no call goes out. Of two reasons the later in this list stands."""

    KEY_REFUSED = "key_refused"
    PAUSED = "paused"
    DATABASE_CHANGED = "database_changed"


class Stop(NamedTuple):
    """The stop as it stands. ``loss_proven``: it is sure that the database lacks commits."""

    why: Why
    stopped_at: datetime
    loss_proven: bool


STOP = """
insert into dispatch_stop as standing (stopped_at, why, probe_at)
values (clock_timestamp(), $1, coalesce(clock_timestamp() + $2, 'infinity'))
on conflict (only_row) do update set stopped_at = excluded.stopped_at, why = excluded.why,
    probe_at = excluded.probe_at
where standing.why <> excluded.why
    and (standing.why = 'key_refused' or excluded.why = 'database_changed')
returning true
"""
STANDING = "select why, stopped_at, loss_proven from dispatch_stop"
IS_STOPPED = "select exists (select from dispatch_stop)"
TAKE_PROBE = """
update dispatch_stop set probe_at = clock_timestamp() + $1
where why = 'key_refused' and probe_at <= clock_timestamp() returning true
"""
PROVE_LOSS = """
update dispatch_stop set loss_proven = true
where why = 'database_changed' and not loss_proven returning true
"""
RESUME = "delete from dispatch_stop where why = $1 and loss_proven = $2 returning true"


async def stop(unit: Unit, why: Why, first_probe: timedelta | None = None) -> bool:
    """Stop; whether this is what stopped it, or a weightier reason than the one that stood.

    ``first_probe``: when to ask whether calls may go out again; a stop without it does not end by itself.
    """
    return await unit.conn.fetchval(STOP, why, first_probe) is not None


async def standing(unit: Unit) -> Stop | None:
    """The stop, if calls are stopped."""
    row = await unit.conn.fetchrow(STANDING)
    return None if row is None else Stop(Why(row["why"]), row["stopped_at"], row["loss_proven"])


async def is_stopped(unit: Unit) -> bool:
    """Whether calls are stopped."""
    found: bool = await unit.conn.fetchval(IS_STOPPED)
    return found


async def take_probe(unit: Unit, every: timedelta) -> bool:
    """Whether it is the caller's turn to ask; nobody else's for so long."""
    return await unit.conn.fetchval(TAKE_PROBE, every) is not None


async def prove_loss(unit: Unit) -> bool:
    """The changed database lacks commits; whether that is news."""
    return await unit.conn.fetchval(PROVE_LOSS) is not None


async def resume(unit: Unit, why: Why, *, loss_proven: bool = False) -> bool:
    """Let calls out again, if they are stopped for this reason; whether this is what did."""
    return await unit.conn.fetchval(RESUME, why, loss_proven) is not None
