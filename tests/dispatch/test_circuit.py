"""Replicas that share a circuit: an outage costs few calls, and its end brings one trial (I3, I4)."""

import pytest

from service.store.pool import Database
from tests.metriport_sandbox.scripts import Fault
from tests.support import people
from tests.support.people import Person

from .conftest import Gateway, Start, Vendor, let_try, make_due, state_of, together

QUERY = "start-network-query"
SETTINGS = "get-settings"
PERSON = (
    b'{"firstName":"Kyla","lastName":"Fields","dob":"1927-05-23","genderAtBirth":"F",'
    b'"address":[{"addressLine1":"332 16th St","city":"Portland","state":"ME","zip":"04000"}]}'
)


async def _waiting(database: Database, vendor: Vendor, number: int) -> list[object]:
    """So many people, each with a query that is due."""
    queries: list[object] = []
    for n in range(number):
        who = await people.person(database, f"subject-{n}", f"patient-{n}")
        vendor.knows(who)
        queries.append(await people.due_query(database, who))
    return queries


async def _states(database: Database, queries: list[object]) -> list[str]:
    return [await state_of(database, one) for one in queries]


@pytest.fixture
async def opened(database: Database, gateway: Gateway, vendor: Vendor) -> list[object]:
    """Seven queries, five of which met a vendor that answers nothing but 503."""
    queries = await _waiting(database, vendor, 7)
    for _ in range(5):
        vendor.sandbox.scripts.faults.append(Fault(operation=QUERY, kind="status", status=503))
        await people.sql(database, "update vendor_call set due_at = 'infinity' where state = 'due'")
        await people.sql(
            database,
            "update vendor_call set due_at = now() where call_id ="
            " (select call_id from vendor_call where state = 'due' order by turn_at limit 1)",
        )
        await gateway.settle()
    await make_due(database)
    return queries


async def test_five_calls_without_an_answer_hold_the_others_back_for_every_replica(
    database: Database, start: Start, vendor: Vendor, opened: list[object]
) -> None:
    """I3: no more queries end as unknown than it takes to see the outage."""
    await together(*[await start() for _ in range(3)])
    assert len(vendor.calls(QUERY)) == 5
    assert await _states(database, opened) == ["unknown"] * 5 + ["due"] * 2


async def test_one_probe_of_all_replicas_asks_whether_the_vendor_is_back(
    database: Database, start: Start, vendor: Vendor, opened: list[object]
) -> None:
    del opened
    vendor.sandbox.scripts.faults.append(Fault(operation=SETTINGS, kind="status", status=503))
    await let_try(database)
    await together(*[await start() for _ in range(3)])
    assert len(vendor.calls(SETTINGS)) == 1
    assert len(vendor.calls(QUERY)) == 5
    row = await people.row(database, "circuit")
    assert (row["state"], row["pause"].total_seconds()) == ("open", 30)


async def test_after_a_good_probe_one_call_is_tried_and_then_all_go(
    database: Database, start: Start, vendor: Vendor, opened: list[object]
) -> None:
    """I4: nothing that was held back is lost."""
    await let_try(database)
    vendor.sandbox.scripts.faults.append(Fault(operation=QUERY, kind="delay-answer", seconds=0.3))
    both = [await start() for _ in range(2)]
    await together(*both)
    assert len(vendor.calls(SETTINGS)) == 1
    assert len(vendor.calls(QUERY)) == 6
    await together(*both)
    assert await _states(database, opened) == ["unknown"] * 5 + ["started"] * 2
    assert (await people.row(database, "circuit"))["state"] == "closed"


async def test_a_trial_that_fails_costs_one_query_and_a_longer_pause(
    database: Database, gateway: Gateway, vendor: Vendor, opened: list[object]
) -> None:
    """I3."""
    await let_try(database)
    vendor.sandbox.scripts.faults.append(Fault(operation=QUERY, kind="status", status=503))
    await gateway.settle(2)
    assert await _states(database, opened) == ["unknown"] * 6 + ["due"]
    assert (await people.row(database, "circuit"))["state"] == "open"


async def test_other_classes_of_calls_go_on(
    database: Database, gateway: Gateway, vendor: Vendor, opened: list[object]
) -> None:
    del opened
    vendor.patient("patient-k")
    await people.registering(database, "kyla", patient="patient-k")
    await gateway.settle()
    assert len(vendor.calls("get-patient")) == 1


async def test_a_call_that_gets_no_answer_again_and_again_stops_nobody(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I4: a person's input can never stop dispatch for others."""
    await people.registering(database, "kyla", demographics=PERSON)
    for _ in range(5):
        vendor.sandbox.scripts.faults.append(
            Fault(operation="create-patient", kind="status", status=500)
        )
        await make_due(database)
        await gateway.settle()
    assert len(vendor.calls("create-patient")) == 5
    query_id = await people.due_query(database, jane)
    await gateway.settle()
    assert await state_of(database, query_id) == "started"
