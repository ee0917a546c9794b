"""The daily quota: how many calls of every kind went out in any 24 hours, all replicas together.

Calls are tallied by five minutes, and a tally counts until its last call is a day old, so that no 24
hours hold more than is allowed. Whoever counts holds one lock until the end of its unit: counting comes
last, right before the commit.
"""

from datetime import timedelta
from typing import Final

from service.store.unit import Unit

TALLY: Final = timedelta(minutes=5)
DAY: Final = timedelta(hours=24)

LOCK = "select pg_advisory_xact_lock(hashtextextended('ias.call_tally', 0))"
MADE = """
select coalesce(sum(calls), 0)::int from call_tally where since > clock_timestamp() - $1::interval
"""
COUNT = """
insert into call_tally (since, calls)
values (date_bin($1, clock_timestamp(), timestamptz '2000-01-01 00:00+00'), 1)
on conflict (since) do update set calls = call_tally.calls + 1
"""
FORGET = "delete from call_tally where since <= clock_timestamp() - $1::interval"


class NoQuotaError(Exception):
    """The calls of the day are used up. What was taken for the call goes back when its unit ends."""


async def made(unit: Unit) -> int:
    """How many calls were made in the last 24 hours, and up to five minutes before."""
    found: int = await unit.conn.fetchval(MADE, DAY + TALLY)
    return found


async def count(unit: Unit, allowed: int | None = None) -> int:
    """Count one call that is about to be made; how many there are with it.

    Args:
        unit: The unit that marks the intent; the lock is held to its end.
        allowed: How many there may be with this one; ``None`` counts it in any case.

    Raises:
        NoQuotaError: there are as many already; the unit must be rolled back.
    """
    await unit.conn.execute(LOCK)
    before = await made(unit)
    if allowed is not None and before >= allowed:
        raise NoQuotaError
    await unit.conn.execute(FORGET, DAY + TALLY)
    await unit.conn.execute(COUNT, TALLY)
    return before + 1
