"""A standby takes over, and nothing that was acknowledged is missing (I3, I4): trusted, or asked about."""

import asyncio
from contextlib import suppress

import pytest

from schemas.ids import RequestId
from service.gateway.failover import resuming
from service.settings.failover import Policy
from service.store.pool import TRANSIENT, Database
from tests.dispatch.conftest import Gateway, Vendor, make_due, together
from tests.stack.standby import Standby
from tests.support import people
from tests.support.outbox import bodies, kinds

from .conftest import Begin, Site, accepted, running, somebody

pytestmark = pytest.mark.edge


@pytest.fixture
def standby(site: Site, served: Database) -> Standby:
    """Has everything that was acknowledged."""
    del served
    standby = site.stack.start(Standby(site.primary, port=site.spare_port))
    standby.be_synchronous()
    return standby


class Writer:
    """Commits one person's query after the other, and knows which commits were acknowledged."""

    def __init__(self, database: Database, vendor: Vendor) -> None:
        self._database = database
        self._vendor = vendor
        self.acknowledged: list[RequestId] = []

    async def write(self, number: int) -> None:
        """Commit so many; what fails is somebody else's next time, for it may be there."""
        for attempt in range(1000):
            with suppress(*TRANSIENT):
                who = await somebody(self._database, self._vendor, f"jane-{attempt}")
                self.acknowledged.append(await people.due_query(self._database, who))
            if len(self.acknowledged) == number:
                return
            await asyncio.sleep(0.02)


async def _eventually_accepted(vendor: Vendor, number: int) -> None:
    async with asyncio.timeout(30):
        while accepted(vendor) < number:
            await asyncio.sleep(0.02)


async def _states(database: Database) -> dict[RequestId, str]:
    async with database.connection() as connection:
        rows = await connection.fetch("select query_id, state from network_query")
    return {row["query_id"]: row["state"] for row in rows}


async def test_killed_under_commits_everything_acknowledged_is_there_and_trust_goes_on(
    site: Site, served: Database, standby: Standby, begin: Begin, vendor: Vendor
) -> None:
    """Three replicas; every query that was acknowledged goes out, none twice."""
    replicas = [await begin(Policy.TRUST) for _ in range(3)]
    writer = Writer(served, vendor)
    async with running(*replicas):
        writing = asyncio.create_task(writer.write(15))
        await _eventually_accepted(vendor, 4)
        site.primary.crash()
        standby.promote()
        await writing
        with suppress(TimeoutError):  # an intent whose commit was in doubt waits for its lease
            async with asyncio.timeout(15):
                await _eventually_accepted(vendor, 15)
    states = await _states(served)
    assert states.keys() >= set(writer.acknowledged)
    assert set(states.values()) <= {"started", "dispatching"}
    assert accepted(vendor) >= list(states.values()).count("started") > 10
    assert "DispatchStopped" not in await kinds(served)


async def test_by_default_every_replica_stops_and_goes_on_when_nothing_was_lost(
    site: Site, served: Database, standby: Standby, begin: Begin, vendor: Vendor
) -> None:
    """Told once; commands are taken meanwhile, and nothing is made unknown."""
    replicas = [await begin() for _ in range(3)]
    first = await people.due_query(served, await somebody(served, vendor, "ann"))
    await together(*replicas)
    assert accepted(vendor) == 1
    site.primary.crash()
    standby.promote()
    await _look(*replicas)
    second = await people.due_query(served, await somebody(served, vendor, "bob"))
    await _look(*replicas, await begin())
    assert accepted(vendor) == 1
    (told,) = await bodies(served, "DispatchStopped")
    assert told["reason"] == "database_changed"
    assert await resuming.resume(served, nothing_lost=True) == 0
    await make_due(served)
    await together(*replicas)
    assert await _states(served) == {first: "started", second: "started"}
    assert "DispatchResumed" in await kinds(served)
    assert "NetworkQueryOutcomeUnknown" not in await kinds(served)


async def test_a_second_switch_is_noticed_as_the_first_was(
    site: Site, served: Database, standby: Standby, begin: Begin, vendor: Vendor
) -> None:
    """What an operator let go on is the known cluster from then on."""
    gateway = await begin()
    site.primary.crash()
    standby.promote()
    await _look(gateway)
    await resuming.resume(served, nothing_lost=True)
    await people.due_query(served, await somebody(served, vendor, "ann"))
    await gateway.settle()
    assert accepted(vendor) == 1
    await people.sql(served, "update known_cluster set timeline = timeline - 1")
    await gateway.settle()
    assert len(await bodies(served, "DispatchStopped")) == 2


async def _look(*gateways: Gateway) -> None:
    """Rounds that go through: a pool has to find the new primary first."""
    for gateway in gateways:
        for _ in range(20):
            with suppress(*TRANSIENT):
                await gateway.settle()
                break
            await asyncio.sleep(0.1)
        else:
            pytest.fail("the replica does not find the primary")
