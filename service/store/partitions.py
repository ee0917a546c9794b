"""Partitions: made ahead, and dropped when their time is over and nothing unsent is in them.

The service may not create or drop tables; functions of the owner's do it, for the tables and within
the limits of ``partition_plan``. Each waits for a lock half a second at most.
"""

from datetime import timedelta
from typing import Final

from service.store.unit import Unit

QUEUES: Final = ("outbox", "spool")
HISTORY: Final = "vendor_call_history"

ALONE = "select pg_try_advisory_xact_lock(8451927302)"
PROVIDE = "select provide_partitions()"
DROP = "select drop_partitions($1, $2)"


async def try_alone(unit: Unit) -> bool:
    """Whether this replica is the one to see to partitions until its transaction ends."""
    alone: bool = await unit.conn.fetchval(ALONE)
    return alone


async def provide(unit: Unit) -> int:
    """Make what is missing now and ahead; how many are missing still, to be tried again."""
    missing: int = await unit.conn.fetchval(PROVIDE)
    return missing


async def drop(unit: Unit, parent: str, age: timedelta) -> int:
    """Drop the partitions of one table that ended longer than ``age`` ago; how many went.

    A partition of a queue that holds a row stays, however old it is.
    """
    dropped: int = await unit.conn.fetchval(DROP, parent, age)
    return dropped
