"""Slots: how many calls of one pool may go out in any window, all replicas together.

A slot is held from the intent mark and is usable again one window after its call *ended*, by the
database's clock, so that no window can hold more calls than slots, whatever stalls. A replica that dies
holds its slot until the lease would have ended plus the window; if it wakes up after that, the slot is
somebody else's and it gives back nothing. A call may need a slot of several pools: all of them, or none.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from service.store.unit import Unit

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


class NoSlotError(Exception):
    """Every slot of a pool is in use. What was taken for the call goes back when its unit ends."""

    def __init__(self, pool: str) -> None:
        super().__init__(pool)
        self.pool = pool


async def provide(unit: Unit, operation: str, slots: int) -> None:
    """Make sure that the slots exist."""
    await unit.conn.execute(PROVIDE, operation, slots)


async def take(unit: Unit, operation: str, slots: int, hold: timedelta) -> Held | None:
    """A slot, held for so long (the lease and the window after it); ``None`` when all are in use."""
    row = await unit.conn.fetchrow(TAKE, operation, slots, hold)
    return None if row is None else Held(operation, row["slot"], row["usable_at"])


async def take_all(
    unit: Unit, wanted: Iterable[str], pools: Mapping[str, int], hold: timedelta
) -> tuple[Held, ...]:
    """A slot of each pool that is wanted.

    Raises:
        NoSlotError: one of them has none; the unit must be rolled back.
    """
    held = []
    for pool in wanted:
        slot = await take(unit, pool, pools[pool], hold)
        if slot is None:
            raise NoSlotError(pool)
        held.append(slot)
    return tuple(held)


async def give_back(unit: Unit, held: Held, window: timedelta) -> None:
    """The call has ended: usable again after the window."""
    await unit.conn.execute(GIVE_BACK, *held, window)


async def next_usable(unit: Unit, operation: str, slots: int) -> timedelta:
    """How long until a slot is usable."""
    wait: timedelta | None = await unit.conn.fetchval(NEXT_USABLE, operation, slots)
    return wait or timedelta(0)


async def release(unit: Unit, held: Held) -> None:
    """No call was made after all: usable at once."""
    await unit.conn.execute(GIVE_BACK, *held, timedelta(0))
