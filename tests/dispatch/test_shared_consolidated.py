"""Two queries that the vendor answers with one running id (I4: neither waits for ever)."""

from service.ias.consolidated import ConsolidatedState
from service.store import consolidated
from service.store.pool import Database
from tests.dispatch.conftest import Gateway, Vendor
from tests.support import people
from tests.support.people import Person

QUERY = "consolidated_query"


async def test_an_id_whose_delivery_has_come_already_is_not_waited_for(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """The webhook came between the vendor's answer to the second call and its record."""
    await people.started_query(database, jane, "request-1")
    first = await people.due_consolidated(database, jane)
    await gateway.settle()
    shared = (await people.row(database, QUERY, request_id=first))["vendor_request_id"]
    async with database.transaction() as unit:
        await consolidated.set_state(unit, first, ConsolidatedState.READY)
    second = await people.due_consolidated(database, jane)
    await gateway.settle()
    call = await people.row(database, "vendor_call", ref_id=second)
    assert (call["state"], call["outcome"]) == ("due", "already_delivered")
    vendor.sandbox.state.consolidated_queries.clear()  # the vendor's own query has ended by now
    await people.sql(database, "update vendor_call set due_at = now() where state = 'due'")
    await gateway.settle()
    row = await people.row(database, QUERY, request_id=second)
    assert row["state"] == "started"
    assert row["vendor_request_id"] != shared
