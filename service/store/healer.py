"""The delivery healer's one row, and the heartbeats of the ingress.

Whoever takes the turn is the leader until its lease ends; what it writes later than that is dropped,
because the turn has a number (fencing).
"""

from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from service.store.pool import Connection
from service.store.unit import Unit

WELL_FOR: Final = timedelta(seconds=30)
"""So long every ingress must have been well before the vendor is asked to send again."""

SILENT: Final = timedelta(seconds=15)
"""An ingress that is silent for so long is not well; after twice that it is gone."""

BEAT = "select ingress_beat($1, $2)"
WELL_SINCE = """
select case when bool_and(seen_at > clock_timestamp() - $2::interval
        and coalesce(good_since <= clock_timestamp() - $1::interval, false))
    then max(good_since) end
from ingress_heartbeat where seen_at > clock_timestamp() - 2 * $2::interval
"""
TAKE = """
update delivery_healer set turn = turn + 1, lease_until = clock_timestamp() + $1
where (next_at <= clock_timestamp() or coalesce(looked_at < $2, true))
    and coalesce(lease_until < clock_timestamp(), true)
returning turn, resent_at, expecting, residue, fruitless, unknown, processing, processing_since,
    stopped_at, problem
"""
KEEP = """
update delivery_healer set lease_until = null, looked_at = clock_timestamp(),
    next_at = clock_timestamp() + $2, resent_at = $3, expecting = $4, residue = $5, fruitless = $6,
    unknown = $7, processing = $8, processing_since = $9, stopped_at = $10, problem = $11
where turn = $1
"""
TRY_AGAIN = """
update delivery_healer set lease_until = clock_timestamp() + $2 where turn = $1
"""
NOT_ASKED = "update delivery_healer set expecting = null, resent_at = $2 where turn = $1"
STANDING = "select residue, problem from delivery_healer"
_UPDATED: Final = "UPDATE 1"


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is kept between looks, in the order of the columns; meanings are in the healer's rule."""

    resent_at: datetime | None
    expecting: int | None
    residue: int | None
    fruitless: int
    unknown: int
    processing: int
    processing_since: datetime | None
    stopped_at: int | None
    problem: str | None


async def beat(connection: Connection, ingress_id: UUID, *, good: bool) -> None:
    """Say that an ingress lives, and whether it can take webhooks."""
    await connection.execute(BEAT, ingress_id, good)


async def well_since(unit: Unit) -> datetime | None:
    """Since when the newest ingress is well, if every one is, long enough; else ``None``."""
    since: datetime | None = await unit.conn.fetchval(WELL_SINCE, WELL_FOR, SILENT)
    return since


async def take_turn(
    unit: Unit, lease: timedelta, well: datetime
) -> tuple[int, dict[str, Any]] | None:
    """The turn's number and the row, if a look is due and nobody else is at it.

    It is due at its time, and at once when the last look was before the ingress became well.
    """
    row = await unit.conn.fetchrow(TAKE, lease, well)
    if row is None:
        return None
    known = dict(row.items())
    return known.pop("turn"), known


async def keep(unit: Unit, turn: int, row: Row, wait: timedelta) -> bool:
    """Write what is known now and end the turn; whether it was still ours."""
    return await unit.conn.execute(KEEP, turn, wait, *astuple(row)) == _UPDATED


async def try_again(unit: Unit, turn: int, after: timedelta) -> None:
    """Nothing was found out: somebody takes the turn after so long."""
    await unit.conn.execute(TRY_AGAIN, turn, after)


async def not_asked(unit: Unit, turn: int, resent_at: datetime | None) -> None:
    """The re-send was not asked for after all, so nothing is expected of it."""
    await unit.conn.execute(NOT_ASKED, turn, resent_at)


async def standing(unit: Unit) -> tuple[int | None, str | None]:
    """The last count of failures, and the problem that stands."""
    row = await unit.conn.fetchrow(STANDING)
    return (None, None) if row is None else (row["residue"], row["problem"])
