"""A database that lost commits: what it takes for due may run at Metriport already (I3)."""

import asyncio
from contextlib import suppress

import pytest

from service.gateway.failover import resuming
from service.gateway.failover.resuming import NotResumedError
from service.settings.failover import Policy
from service.store.dispatch_stop import Why
from service.store.pool import TRANSIENT, Database
from tests.dispatch.conftest import Gateway, Vendor, make_due, state_of, together
from tests.stack.standby import BaseBackup, Standby
from tests.stack.waiting import wait_until
from tests.support import people
from tests.support.outbox import bodies, kinds, only

from .conftest import NAME, Begin, Site, accepted, running, somebody

pytestmark = pytest.mark.edge


def _fall_behind(site: Site) -> Standby:
    """An asynchronous standby that has what there is, and gets nothing more."""
    standby = site.stack.start(Standby(site.primary, port=site.spare_port))
    newest = site.primary.execute("select pg_current_wal_lsn()")
    caught_up = f"select pg_last_wal_replay_lsn() >= '{newest}'"
    wait_until(lambda: standby.execute(caught_up) == "t", within=10, what="caught up")
    standby.stop_following()
    return standby


async def _settle(*gateways: Gateway) -> None:
    """A round of each; whose pool is full of dead connections tries again."""
    for gateway in gateways:
        for _ in range(20):
            with suppress(*TRANSIENT):
                await gateway.settle()
                break
            await asyncio.sleep(0.1)


async def test_an_asynchronous_standby_that_lost_an_intent_sends_nothing_twice(
    site: Site, served: Database, begin: Begin, vendor: Vendor
) -> None:
    """Stopped by every replica, old or new; the lost intent is unknown after `resume`."""
    old = await begin()
    query_id = await people.due_query(served, await somebody(served, vendor, "ann"))
    standby = _fall_behind(site)
    await old.settle()
    assert (accepted(vendor), await state_of(served, query_id)) == (1, "started")
    site.primary.crash()
    standby.promote()
    fresh = await begin()
    await _settle(fresh, old, await begin())
    assert await state_of(served, query_id) == "due"
    await make_due(served)
    async with running(old, fresh):
        await asyncio.sleep(1.5)
    assert len(vendor.sandbox.ledger.calls) == 1, "no call of any kind while it is stopped"
    assert await resuming.resume(served, nothing_lost=False) == 1
    assert await state_of(served, query_id) == "unknown"
    assert (await only(served, "NetworkQueryOutcomeUnknown"))["reason"] == "database_changed"
    await people.due_query(served, await somebody(served, vendor, "bob"))
    await make_due(served)
    await _settle(old, fresh)
    assert accepted(vendor) == 2
    assert await state_of(served, query_id) == "unknown"


async def test_who_remembers_a_later_beat_refutes_that_nothing_was_lost(
    site: Site, served: Database, begin: Begin, vendor: Vendor
) -> None:
    """Also where the policy is to trust: the standby was not what it was said to be."""
    old = await begin(Policy.TRUST)
    await people.due_query(served, await somebody(served, vendor, "ann"))
    standby = _fall_behind(site)
    await old.settle()
    site.primary.crash()
    standby.promote()
    await _settle(old)
    assert (await only(served, "DispatchStopped"))["reason"] == "database_changed"
    with pytest.raises(NotResumedError, match="proven"):
        await resuming.resume(served, nothing_lost=True)
    await make_due(served)
    await _settle(old)
    assert accepted(vendor) == 1
    assert await resuming.resume(served, nothing_lost=False) == 1
    await _settle(old)
    assert await kinds(served) == _THE_STORY


_THE_STORY = ["DispatchStopped", "NetworkQueryOutcomeUnknown", "DispatchResumed"]


async def test_a_backup_put_back_in_place_keeps_its_identity_and_is_noticed_all_the_same(
    site: Site, served: Database, begin: Begin, vendor: Vendor
) -> None:
    """Same cluster, same timeline: the beats that a replica remembers are the proof."""
    old = await begin()
    query_id = await people.due_query(served, await somebody(served, vendor, "ann"))
    backup = site.stack.start(_Taken(site))
    await old.settle()
    assert accepted(vendor) == 1
    site.primary.crash()
    backup.put_back()
    await _settle(old, await begin())
    assert await state_of(served, query_id) == "due"
    assert await kinds(served) == ["DispatchStopped"]
    await make_due(served)
    await _settle(old, await begin())
    assert accepted(vendor) == 1
    assert await resuming.resume(served, nothing_lost=False) == 1
    await _settle(old)
    assert (accepted(vendor), await state_of(served, query_id)) == (1, "unknown")


async def test_when_nobody_remembers_an_operator_says_that_it_was_restored(
    site: Site, served: Database, begin: Begin, vendor: Vendor
) -> None:
    """`pause --restored` before the first replica starts, as the runbook says."""
    old = await begin()
    query_id = await people.due_query(served, await somebody(served, vendor, "ann"))
    backup = site.stack.start(_Taken(site))
    await old.settle()
    site.primary.crash()
    backup.put_back()
    for _ in range(20):
        with suppress(*TRANSIENT):
            await resuming.pause(served, Why.DATABASE_CHANGED)
            break
    replicas = [await begin(), await begin()]
    await together(*replicas)
    assert accepted(vendor) == 1
    await resuming.resume(served, nothing_lost=False)
    await together(*replicas)
    assert (accepted(vendor), await state_of(served, query_id)) == (1, "unknown")


async def test_a_copy_in_another_cluster_is_noticed(
    served: Database, begin: Begin, vendor: Vendor
) -> None:
    """A dump that was read in elsewhere, or `pg_upgrade`: the identifier is another."""
    gateway = await begin()
    await people.due_query(served, await somebody(served, vendor, "ann"))
    await people.sql(served, "update known_cluster set system_identifier = 7")
    await gateway.settle(2)
    assert accepted(vendor) == 0
    assert len(await bodies(served, "DispatchStopped")) == 1


class _Taken(BaseBackup):
    """A backup that is taken at its start, and put in the place of its original later."""

    def __init__(self, site: Site) -> None:
        super().__init__(site.primary)

    def start(self) -> "_Taken":
        """Take it."""
        return self.take()

    def put_back(self) -> None:
        """Serve it."""
        super().start()
        assert self.execute("select count(*) from known_cluster", database=NAME) == "1"
