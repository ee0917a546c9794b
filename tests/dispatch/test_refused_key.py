"""Our key is refused: every replica stops, nobody's call is lost, and it goes on by itself (I4, I6)."""

from typing import Any

from service.store.pool import Database
from tests.metriport_sandbox.scripts import Fault
from tests.support import people
from tests.support.outbox import kinds, told
from tests.support.people import Person

from .conftest import Gateway, Start, Vendor, let_probe, make_due, state_of, together

QUERY = "start-network-query"


def _refuse_key(vendor: Vendor, *operations: str, times: int = 1) -> None:
    faults = vendor.sandbox.scripts.faults
    faults += [Fault(operation=one, kind="status", status=401, times=times) for one in operations]


async def _stop(database: Database, gateway: Gateway, vendor: Vendor, who: Person) -> Any:
    """One query met a refused key; its id."""
    query_id = await people.due_query(database, who)
    _refuse_key(vendor, QUERY)
    _refuse_key(vendor, "get-settings", times=2)
    await gateway.settle()
    return query_id


async def test_all_replicas_stop_and_nothing_is_lost_or_failed(
    database: Database, start: Start, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    query_id = await _stop(database, gateway, vendor, jane)
    other = await people.person(database, "joan", "patient-o")
    vendor.knows(other)
    waiting = await people.due_query(database, other)
    await make_due(database)
    await together(gateway, await start(), await start())
    assert len(vendor.calls(QUERY)) == 1
    assert len(vendor.calls("get-settings")) == 2, "no probe before its time"
    assert await state_of(database, query_id) == "due"
    assert await state_of(database, waiting) == "due"
    assert await kinds(database) == ["DispatchStopped"]
    (event,) = await told(database)
    assert event.key == "operators"


async def test_one_replica_probes_and_all_go_on_when_the_key_is_accepted(
    database: Database, start: Start, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    query_id = await _stop(database, gateway, vendor, jane)
    _refuse_key(vendor, "get-settings")
    await let_probe(database)
    replicas = gateway, await start(), await start()
    await make_due(database)
    await together(*replicas)
    assert len(vendor.calls("get-settings")) == 3, "one probe of three replicas"
    assert await state_of(database, query_id) == "due"
    await let_probe(database)
    await together(*replicas)
    await together(*replicas)
    assert len(vendor.calls("get-settings")) == 4
    assert await state_of(database, query_id) == "started"
    assert await kinds(database) == ["DispatchStopped", "DispatchResumed", *_STARTED]
    assert len(vendor.calls(QUERY)) == 2


async def test_calls_that_meet_the_refusal_together_tell_it_once(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    joan = await people.person(database, "joan", "patient-o")
    vendor.knows(joan)
    queries = [await people.due_query(database, one) for one in (jane, joan)]
    _refuse_key(vendor, QUERY, times=2)
    _refuse_key(vendor, "get-settings", times=4)
    await gateway.settle()
    assert [await state_of(database, one) for one in queries] == ["due", "due"]
    assert await kinds(database) == ["DispatchStopped"]


_STARTED = ("Aal2SessionActivated", "NetworkQueryStarted")
