"""Why calls are stopped: only a refused key ends by itself, and the weightier reason stands."""

from prometheus_client import REGISTRY

from service.gateway.failover import resuming
from service.store.dispatch_stop import Why
from service.store.pool import Database
from tests.metriport_sandbox.scripts import Fault
from tests.support import people
from tests.support.outbox import bodies
from tests.support.people import Person

from .conftest import Gateway, Vendor, let_probe, make_due, state_of

QUERY = "start-network-query"


async def test_a_pause_is_not_probed_away(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    query_id = await people.due_query(database, jane)
    await resuming.pause(database, Why.PAUSED)
    await let_probe(database)
    await gateway.settle(2)
    assert vendor.sandbox.ledger.calls == []
    assert _shown("paused") == 1
    assert REGISTRY.get_sample_value("ias_vendor_credential_refused") == 0
    await resuming.resume(database, nothing_lost=False)
    await gateway.settle()
    assert await state_of(database, query_id) == "started"
    assert _shown("paused") == 0


async def test_a_database_that_changes_while_the_key_is_refused_keeps_calls_stopped(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """The key is good again, and nothing goes out until an operator says so."""
    await people.due_query(database, jane)
    faults = vendor.sandbox.scripts.faults
    faults.append(Fault(operation=QUERY, kind="status", status=401))
    faults.append(Fault(operation="get-settings", kind="status", status=401, times=2))
    await gateway.settle()
    await people.sql(database, "update known_cluster set timeline = timeline + 1")
    await make_due(database)
    await let_probe(database)
    await gateway.settle(3)
    told = [event["reason"] for event in await bodies(database, "DispatchStopped")]
    assert told == ["vendor_refused", "database_changed"]
    assert len(vendor.calls(QUERY)) == 1
    assert _shown("database_changed") == 1


async def test_a_key_that_is_refused_while_an_operator_paused_changes_nothing(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """A call was under way."""
    query_id = await people.due_query(database, jane)
    vendor.sandbox.scripts.faults += [
        Fault(operation=QUERY, kind="status", status=401),
        Fault(operation="get-settings", kind="status", status=401, times=2),
    ]
    await gateway.round()
    await resuming.pause(database, Why.PAUSED)
    await gateway.drain(15)
    await let_probe(database)
    await gateway.settle()
    assert (await people.row(database, "dispatch_stop"))["why"] == "paused"
    assert await state_of(database, query_id) == "due"


def _shown(why: str) -> float | None:
    return REGISTRY.get_sample_value("ias_dispatch_stopped", {"why": why})
