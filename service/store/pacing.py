"""Slots: how many calls of one kind may go out in any 60 seconds, all replicas together.

A slot is held from the intent mark and is usable again 60 s after its call *ended*, by the database's
clock, so that no window can hold more calls than slots, whatever stalls. A replica that dies holds
its slot until the lease would have ended plus 60 s; if it wakes up after that, the slot is somebody else's
and it gives back nothing.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from service.store.unit import Unit

WINDOW: Final = timedelta(seconds=60)

PROVIDE = """
insert into pacing_slot (operation, slot, usable_at)
select $1, generate_series(1, $2::int), clock_timestamp() on conflict do nothing
"""
TAKE = """
update pacing_slot set usable_at = clock_timestamp() + $3
where (operation, slot) = (
    select operation, slot from pacing_slot
    where operation = $1 and slot <= $2 and usable_at <= clock_timestamp()
    order by usable_at limit 1 for update skip locked)
returning slot, usable_at
"""
GIVE_BACK = """
update pacing_slot set usable_at = clock_timestamp() + $4
where operation = $1 and slot = $2 and usable_at = $3
"""
NEXT_USABLE = """
select greatest(min(usable_at) - clock_timestamp(), interval '0')
from pacing_slot where operation = $1 and slot <= $2
"""


class Held(NamedTuple):
    """A slot as it was taken. The end of its hold tells it from any other time it was taken."""

    operation: str
    slot: int
    until: datetime


async def provide(unit: Unit, operation: str, slots: int) -> None:
    """Make sure that the slots exist."""
    await unit.conn.execute(PROVIDE, operation, slots)


async def take(unit: Unit, operation: str, slots: int, lease: timedelta) -> Held | None:
    """A slot, held through the lease and the window after it; ``None`` when all are in use."""
    row = await unit.conn.fetchrow(TAKE, operation, slots, lease + WINDOW)
    return None if row is None else Held(operation, row["slot"], row["usable_at"])


async def give_back(unit: Unit, held: Held) -> None:
    """The call has ended: usable again after the window."""
    await unit.conn.execute(GIVE_BACK, *held, WINDOW)


async def next_usable(unit: Unit, operation: str, slots: int) -> timedelta:
    """How long until a slot is usable."""
    wait: timedelta | None = await unit.conn.fetchval(NEXT_USABLE, operation, slots)
    return wait or timedelta(seconds=1)


async def release(unit: Unit, held: Held) -> None:
    """No call was made after all: usable at once."""
    await unit.conn.execute(GIVE_BACK, *held, timedelta(0))
