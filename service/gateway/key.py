"""Is our key good? Two probes tell; while it is not, no replica calls, and one of them asks now and then.

A person's input never gets here: a session that is refused passes the probe. Nothing is lost meanwhile:
what is due stays due, and what met the refusal is due again.
"""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from service.gateway import probing, stopping
from service.gateway.client import VendorClient
from service.gateway.outcome import Accepted, CredentialDoubt, Outcome, Unknown, settle_doubt
from service.store import dispatch_stop
from service.store.dispatch_stop import Why
from service.store.pool import Database
from service.store.unit import Unit

PROBE_EVERY: Final = timedelta(seconds=30)
"""Of all replicas together: soon enough for whoever mends the key, and no burden on the vendor."""

_PROBING_SECONDS: Final = 30.0
"""For both probes: less than the time that a call's lease leaves to record its outcome."""

log = structlog.get_logger()


async def settle(database: Database, client: VendorClient, doubt: CredentialDoubt) -> Outcome:
    """What a 401 or 403 meant: probe the key, twice if it is refused, well within the call's lease."""
    again = None
    try:
        async with asyncio.timeout(_PROBING_SECONDS):
            probe = await probing.probe(database, client)
            if isinstance(probe, CredentialDoubt):
                again = await probing.probe(database, client)
    except TimeoutError:
        return settle_doubt(doubt, Unknown())
    return settle_doubt(doubt, probe, again)


async def stop(unit: Unit) -> None:
    """Our key is refused: no replica calls any more. Operators are told once."""
    if await stopping.stop(unit, Why.KEY_REFUSED, PROBE_EVERY):
        log.error("gateway.key_refused")


async def may_call(database: Database, client: VendorClient) -> bool:
    """Whether calls may go out. If the key kept them, and it is this replica's turn, ask whether they may.

    What else stops them (``Why``) is not for us to end.
    """
    async with database.transaction() as unit:
        stop = await dispatch_stop.standing(unit)
        why = None if stop is None else stop.why
        is_my_turn = why is Why.KEY_REFUSED and await dispatch_stop.take_probe(unit, PROBE_EVERY)
    stopping.show(why)
    if not is_my_turn or not isinstance(await probing.probe(database, client), Accepted):
        return why is None
    async with database.transaction() as unit:
        if await stopping.resume(unit, Why.KEY_REFUSED):
            log.info("gateway.key_accepted_again")
        stop = await dispatch_stop.standing(unit)
    stopping.show(None if stop is None else stop.why)
    return stop is None
