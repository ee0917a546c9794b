"""A vendor that is away for long, and comes back to a backlog (I3, I4)."""

from service.store.pool import Database
from tests.stack.ports import free_port
from tests.support import people
from tests.support.outbox import kinds

from .conftest import Start, Vendor, let_try, make_due, state_of, together

QUERY = "start-network-query"
WAITING = 27
A_MINUTE = 20
"""Metriport takes so many network queries a minute (its documentation of rate limits)."""


async def test_after_an_outage_everything_is_done_once_and_nothing_comes_in_a_rush(
    database: Database, start: Start, vendor: Vendor
) -> None:
    """Three replicas, more waiting than a minute takes; nobody is told of the outage."""
    queries = []
    for number in range(WAITING):
        who = await people.person(database, f"subject-{number}", f"patient-{number}")
        vendor.knows(who)
        queries.append(await people.due_query(database, who))
    away = [await start(url=f"http://127.0.0.1:{free_port()}") for _ in range(3)]
    for _ in range(4):
        await _next_minute(database, vendor)
        await together(*away)
    assert {await state_of(database, one) for one in queries} == {"due"}
    assert await kinds(database) == []
    back = [await start() for _ in range(3)]
    await _next_minute(database, vendor)
    for _ in range(3):
        await together(*back)
    assert len(vendor.calls(QUERY)) == A_MINUTE
    await _next_minute(database, vendor)
    await together(*back)
    assert len(vendor.calls(QUERY)) == WAITING
    assert {await state_of(database, one) for one in queries} == {"started"}
    assert (await kinds(database)).count("NetworkQueryStarted") == WAITING


async def _next_minute(database: Database, vendor: Vendor) -> None:
    """Calls that wait are due, and the slots of the last minute are free; the vendor counts anew."""
    vendor.clock.ahead += 60
    await make_due(database)
    await people.sql(database, "update pacing_slot set usable_at = now()")
    await let_try(database)
