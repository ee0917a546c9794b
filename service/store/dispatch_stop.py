"""Whether calls go out at all: one row says that they do not, to every replica."""

from datetime import timedelta

from service.store.unit import Unit

STOP = """
insert into dispatch_stop (stopped_at, probe_at)
values (clock_timestamp(), clock_timestamp() + $1) on conflict do nothing returning true
"""
IS_STOPPED = "select exists (select from dispatch_stop)"
TAKE_PROBE = """
update dispatch_stop set probe_at = clock_timestamp() + $1
where probe_at <= clock_timestamp() returning true
"""
RESUME = "delete from dispatch_stop returning true"


async def stop(unit: Unit, first_probe: timedelta) -> bool:
    """Stop; whether this is what stopped it."""
    return await unit.conn.fetchval(STOP, first_probe) is not None


async def is_stopped(unit: Unit) -> bool:
    """Whether calls are stopped."""
    found: bool = await unit.conn.fetchval(IS_STOPPED)
    return found


async def take_probe(unit: Unit, every: timedelta) -> bool:
    """Whether it is the caller's turn to ask; nobody else's for so long."""
    return await unit.conn.fetchval(TAKE_PROBE, every) is not None


async def resume(unit: Unit) -> bool:
    """Let calls out again; whether this is what did."""
    return await unit.conn.fetchval(RESUME) is not None
