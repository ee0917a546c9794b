"""Any number of replicas: each thing is watched once, each look made once, none forgotten (I4, I8)."""

import asyncio
from datetime import timedelta

from schemas.sources import Source
from service.store import subjects, watch
from service.store.pool import Database
from service.store.watch import Kind, Unwatched
from tests.support import people
from tests.support.outbox import kinds
from tests.support.people import Person

from .conftest import Replica, Start, Vendor, let_time_pass, look, next_look, running, together


async def _replicas(start: Start, count: int = 3) -> list[Replica]:
    return [await start(own=True) for _ in range(count)]


async def test_several_replicas_put_a_query_under_watch_once_and_ask_once(
    database: Database, start: Start, vendor: Vendor, jane: Person
) -> None:
    """I8."""
    replicas = await _replicas(start)
    for _ in range(2):
        _, theirs = await running(database, jane, Source.LAB)
        vendor.runs(jane, theirs, lab="failed")
    begun = await asyncio.gather(*(one.watcher.round() for one in replicas))
    again = [await one.watcher.round() for one in replicas]  # who met a lock has a next round
    assert sum(begun) + sum(again) == 2
    assert await people.count(database, "vendor_call", operation="get_network_query") == 2
    await let_time_pass(database, timedelta(minutes=11))
    await together(*replicas)
    await together(*replicas)
    assert sorted(call.path[-36:] for call in vendor.calls()) == sorted(
        vendor.sandbox.state.network_queries
    )
    assert await kinds(database) == ["NetworkQuerySourceUpdated", "NetworkQueryFinished"] * 2


async def test_what_another_replica_took_meanwhile_is_not_begun_again(
    database: Database, jane: Person
) -> None:
    """Both had read that it is not watched: the second finds that it is, and since when it was."""
    query_id, _ = await running(database, jane, Source.LAB)
    thing = Unwatched(jane.subject_id, query_id)
    begun = []
    for _ in range(2):
        async with database.transaction() as unit:
            await subjects.lock(unit, jane.subject_id)
            begun.append(await watch.begin(unit, Kind.NETWORK_QUERY, thing, timedelta(minutes=10)))
    assert begun == [True, False]


async def test_the_look_of_a_replica_that_died_is_made_by_another(
    database: Database, start: Start, vendor: Vendor, jane: Person
) -> None:
    """I4: its lease runs out, and the query is looked at again after the shortest pause."""
    _, theirs = await running(database, jane, Source.LAB)
    vendor.runs(jane, theirs, lab="failed")
    killed, other = await _replicas(start, 2)
    killed.dies = True
    await look(database, killed)
    await other.settle()
    assert (vendor.calls(), await kinds(database)) == ([], [])
    await let_time_pass(database, timedelta(minutes=2))
    await other.settle()
    assert await next_look(database) == timedelta(minutes=10)
    await look(database, other)
    assert len(vendor.calls()) == 1
    assert await kinds(database) == ["NetworkQuerySourceUpdated", "NetworkQueryFinished"]


async def test_a_subject_that_is_busy_is_put_under_watch_a_round_later(
    database: Database, gateway: Replica, jane: Person
) -> None:
    """The watcher waits for nobody and holds up nobody."""
    await running(database, jane, Source.LAB)
    async with database.transaction() as unit:
        await subjects.lock(unit, jane.subject_id)
        assert await gateway.watcher.round() == 0
    assert await gateway.watcher.round() == 1
    assert await gateway.watcher.round() == 0


async def test_a_subject_that_is_erased_during_a_look_leaves_nothing_behind(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person
) -> None:
    _, theirs = await running(database, jane, Source.LAB)
    vendor.runs(jane, theirs, lab="failed")
    vendor.fails(kind="delay-answer", seconds=0.3)
    await gateway.watcher.round()
    await let_time_pass(database, timedelta(minutes=11))
    await gateway.round()
    for table in ("vendor_call", "network_query_source", "network_query"):
        await people.sql(database, f"delete from {table}")  # noqa: S608 - names of the tests' own
    await gateway.drain(15)
    assert len(vendor.calls()) == 1
    assert await kinds(database) == []
