"""A look at a consolidated query: a delivery that failed, or was made and never arrived (I4, I9)."""

from datetime import timedelta
from typing import Any

import pytest

from service.store.pool import Database
from tests.metriport_sandbox.scripts import Outcome
from tests.support import people
from tests.support.outbox import kinds, only
from tests.support.people import Person

from .conftest import CONSOLIDATED_STATUS, Replica, Vendor, look, next_look

THEIRS = "0199b1d4-01ab-7e44-a1c2-d3e4f5061728"
TEN = timedelta(minutes=10)
START = "start-consolidated-query"


async def _waiting(database: Database, who: Person) -> None:
    """A delivery that the person is entitled to, and that has not come."""
    await people.started_query(database, who, "request-1")
    await people.sql(database, "update network_query set state = 'completed'")
    await people.started_consolidated(database, who, THEIRS)


async def test_a_delivery_that_failed_without_a_webhook_is_found(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person
) -> None:
    """I4: hours before its lifetime would have ended it."""
    await _waiting(database, jane)
    vendor.delivers(jane, THEIRS, "failed")
    await look(database, gateway)
    (call,) = vendor.calls(CONSOLIDATED_STATUS)
    assert call.path == f"/medical/v1/patient/{jane.patient_id}/consolidated/query/{THEIRS}"
    assert (await only(database, "ConsolidatedDataFailed"))["reason"] == "vendor_refused"
    assert await next_look(database) is None


async def test_a_delivery_that_was_made_and_did_not_arrive_is_asked_for_again(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person
) -> None:
    """I4: the first look may be faster than the webhook, so a second one makes sure; nothing is told."""
    await _waiting(database, jane)
    vendor.delivers(jane, THEIRS, "completed")
    await look(database, gateway)
    assert await kinds(database) == []
    assert await next_look(database) == timedelta(minutes=4)
    await look(database, gateway)
    assert await next_look(database) is None
    vendor.sandbox.scripts.outcomes.append(Outcome(of="consolidated", result="stuck"))
    await gateway.settle()
    assert await kinds(database) == []
    assert len(vendor.calls(START)) == 1
    renewed = await people.row(database, "consolidated_query", state="started")
    assert (renewed["renewals"], renewed["vendor_request_id"] == THEIRS) == (1, False)


async def test_a_delivery_that_is_missed_again_and_again_is_asked_for_three_times(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person
) -> None:
    """I4: the double delivers to nobody here; the first of three was asked for before."""
    await _waiting(database, jane)
    vendor.delivers(jane, THEIRS, "completed")
    vendor.sandbox.scripts.outcomes.append(Outcome(of="consolidated", result="empty", times=2))
    for missed in (1, 2, 3):
        assert await kinds(database) == []
        await look(database, gateway)
        await look(database, gateway)
        await gateway.settle()
        assert len(vendor.calls(START)) == min(missed, 2)
        await vendor.sandbox.background.idle()
    failed = await only(database, "ConsolidatedDataFailed")
    assert failed["reason"] == "link_expired"
    assert await next_look(database) is None


async def test_a_missed_delivery_is_not_asked_for_again_without_an_identity(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person
) -> None:
    """I9."""
    await _waiting(database, jane)
    vendor.delivers(jane, THEIRS, "completed")
    await look(database, gateway)
    await people.sql(database, "update identity set state = 'revoked'")
    await look(database, gateway)
    await gateway.settle()
    assert (await only(database, "ConsolidatedDataFailed"))["reason"] == "no_active_identity"
    assert vendor.calls(START) == []


async def test_a_delivery_that_is_under_way_is_waited_for(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person
) -> None:
    await _waiting(database, jane)
    vendor.delivers(jane, THEIRS, "processing")
    await look(database, gateway)
    await look(database, gateway)
    assert await next_look(database) == 2 * TEN
    assert await kinds(database) == []


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 404, "body": '{"status":404,"title":"NotFoundError"}'},
        {"status": 500},
        {"status": 200, "body": "not json"},
        {"status": 200, "body": '{"requestId":"another","status":"failed"}'},
    ],
    ids=str,
)
async def test_an_answer_without_a_status_tells_nothing(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person, answer: dict[str, Any]
) -> None:
    """Another query of the patient drops finished rows, so 404 is no news."""
    await _waiting(database, jane)
    vendor.fails(CONSOLIDATED_STATUS, **answer)
    await look(database, gateway)
    assert await kinds(database) == []
    assert await next_look(database) == TEN


async def test_a_failure_is_told_to_nobody_without_an_identity_but_as_not_entitled(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person
) -> None:
    """I9."""
    await _waiting(database, jane)
    await people.sql(database, "update identity set state = 'revoked'")
    vendor.delivers(jane, THEIRS, "failed")
    await look(database, gateway)
    assert (await only(database, "ConsolidatedDataFailed"))["reason"] != "vendor_refused"


async def test_a_delivery_that_came_is_not_asked_about(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person
) -> None:
    """I8."""
    await _waiting(database, jane)
    await gateway.watcher.round()
    await people.sql(database, "update consolidated_query set state = 'ready'")
    await look(database, gateway)
    assert vendor.calls(CONSOLIDATED_STATUS) == []
