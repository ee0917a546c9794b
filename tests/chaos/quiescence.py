"""When nothing is under way any more: the moment at which promises can be judged."""

import asyncio
import time
from typing import Final

from tests.chaos.world import World

_LOOK_SECONDS: Final = 1.0
_LEFT: Final = """
select 'outbox', count(*) from outbox
union all select 'spool', count(*) from spool
union all select 'calls', count(*) from vendor_call
    where state in ('due', 'dispatching')
      and operation not in ('get_network_query', 'get_consolidated_query')
union all select 'registrations', count(*) from registration where state = 'due'
union all select 'verifications', count(*) from identity_verification where state = 'pending'
union all select 'challenges', count(*) from aal2_challenge where state = 'pending'
union all select 'network queries', count(*) from network_query
    where state in ('waiting', 'due', 'dispatching', 'started', 'resending')
union all select 'consolidated queries', count(*) from consolidated_query
    where state in ('due', 'dispatching', 'started')
union all select 'record requests', count(*) from record_request where result is null
"""


async def settle(world: World, within: float) -> dict[str, int]:
    """Wait until nothing is left, or the time is up; what is left."""
    end = time.monotonic() + within
    left = await look(world)
    while left and time.monotonic() < end:
        await asyncio.sleep(_LOOK_SECONDS)
        left = await look(world)
    return left


async def look(world: World) -> dict[str, int]:
    """What is under way now, by name; what there is none of is left out."""
    deployment = world.deployment
    rows = await asyncio.to_thread(deployment.postgres.execute, _LEFT, database=deployment.database)
    left = {name: int(count) for name, count in (row.split("|") for row in rows.splitlines())}
    left["people"] = world.traffic.started - world.traffic.ended.total()
    left = {name: count for name, count in left.items() if count}
    if not left and (failed := await _failed(world)):
        left["failed deliveries"] = failed
    return left


async def _failed(world: World) -> int:
    """Webhooks that the vendor could not deliver and the healer has not had sent again yet."""
    async with world.vendor.http.get(f"{world.vendor.url}/_sandbox/webhooks") as answer:
        rows = (await answer.json())["webhooks"]
    return sum(row["status"] == "failure" for row in rows)
