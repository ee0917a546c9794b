"""`resume` makes unknown whatever may have been sent, and nothing else (I3, I4)."""

import pytest

from consumers.expiring import resend_query
from schemas.ids import RequestId, VendorRequestId
from schemas.sources import Source
from service.gateway.failover import resuming
from service.gateway.failover.resuming import NotResumedError
from service.ias import network_query_steps
from service.ias.network_query_messages import ProofFound
from service.store import calls, dispatch_stop, queries, subjects
from service.store.calls import Operation
from service.store.decisions import carry_out, query_standing
from service.store.dispatch_stop import Why
from service.store.pool import Database
from tests.dispatch.conftest import Gateway, Vendor, gateway, jane, make_due, start, state_of
from tests.support import people
from tests.support.outbox import kinds, only
from tests.support.people import Person

from .conftest import QUERY

__all__ = ["gateway", "jane", "start"]


async def _changed(database: Database) -> None:
    """What a failover looks like from inside."""
    await people.sql(database, "update known_cluster set timeline = timeline + 1")


@pytest.mark.parametrize("state", ["due", "waiting", "resending"])
async def test_a_query_that_was_not_sent_as_far_as_is_known_becomes_unknown(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, state: str
) -> None:
    """Told once, with a reason of its own; its call is not made."""
    query_id = await people.due_query(database, jane)
    await people.sql(database, "update network_query set state = $1", state)
    await _changed(database)
    assert await resuming.resume(database, nothing_lost=False) == 1
    assert await resuming.resume(database, nothing_lost=False) is None
    await make_due(database)
    await gateway.settle()
    assert vendor.calls(QUERY) == []
    assert await state_of(database, query_id) == "unknown"
    assert (await only(database, "NetworkQueryOutcomeUnknown"))["reason"] == "database_changed"


@pytest.mark.parametrize("state", ["started", "unknown", "refused", "completed"])
async def test_a_query_of_which_more_is_known_is_left_as_it_is(
    database: Database, jane: Person, state: str
) -> None:
    query_id = await people.due_query(database, jane)
    await people.sql(database, "update network_query set state = $1", state)
    await _changed(database)
    assert await resuming.resume(database, nothing_lost=False) == 0
    assert await state_of(database, query_id) == state
    assert await kinds(database) == ["DispatchStopped", "DispatchResumed"]


async def test_calls_that_may_be_repeated_are_made(
    database: Database, gateway: Gateway, vendor: Vendor
) -> None:
    """I4: the vendor lets a registration be repeated."""
    vendor.patient("patient-k")
    await people.registering(database, "kate", patient="patient-k")
    await _changed(database)
    await gateway.settle()
    assert vendor.calls("get-patient") == []
    await resuming.resume(database, nothing_lost=False)
    await gateway.settle()
    assert "PatientRegistered" in await kinds(database)


async def test_a_webhook_proves_later_that_it_was_sent(
    database: Database, gateway: Gateway, jane: Person
) -> None:
    """The query's id travels in its metadata, and comes back."""
    query_id = await people.due_query(database, jane)
    await _changed(database)
    await resuming.resume(database, nothing_lost=False)
    await _prove(database, jane, query_id)
    assert await state_of(database, query_id) == "started"
    await gateway.settle()
    assert (await kinds(database))[-1] == "NetworkQueryStarted"


async def test_with_the_policy_to_resend_it_is_sent_once_more_and_both_are_known(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """Whoever chose that prefers two to none; what Metriport says of either is taken."""
    query_id = await people.due_query(database, jane, [Source.LAB])
    await _changed(database)
    await resuming.resume(database, nothing_lost=False)
    async with database.transaction() as unit:
        await subjects.lock(unit, jane.subject_id)
        assert await resend_query(unit, query_id)
    await gateway.settle()
    assert await state_of(database, query_id) == "started"
    assert len(vendor.calls(QUERY)) == 1
    async with database.transaction() as unit:
        assert await queries.also_known_as(unit, query_id, VendorRequestId("the-lost-one"))


async def test_what_is_asked_for_after_the_resume_goes_out(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    await _changed(database)
    await gateway.settle()
    await resuming.resume(database, nothing_lost=False)
    query_id = await people.due_query(database, jane)
    await gateway.settle()
    assert await state_of(database, query_id) == "started"
    assert len(vendor.calls(QUERY)) == 1


async def test_many_are_made_safe_page_by_page(database: Database, jane: Person) -> None:
    for _ in range(230):
        await people.due_query(database, jane, [Source.LAB])
    await _changed(database)
    assert await resuming.resume(database, nothing_lost=False) == 230
    assert await people.count(database, "network_query", state="unknown") == 230
    assert await people.count(database, "vendor_call", state="due") == 0


async def test_no_call_is_claimed_in_another_cluster_before_anybody_has_looked(
    database: Database, jane: Person
) -> None:
    """The first connection of a pool that reaches it marks no intent there."""
    await people.due_query(database, jane)
    await _changed(database)
    async with database.transaction() as unit:
        (candidate,) = await calls.next_due(unit, Operation.START_NETWORK_QUERY, 1)
        assert await calls.lock_due(unit, candidate.call_id) is None


async def test_a_stop_that_changed_meanwhile_is_not_lifted(database: Database) -> None:
    """Somebody proved the loss between the look and the resume."""
    await resuming.pause(database, Why.DATABASE_CHANGED)
    async with database.transaction() as unit:
        stop = await dispatch_stop.standing(unit)
    assert stop is not None
    await people.sql(database, "update dispatch_stop set loss_proven = true")
    with pytest.raises(NotResumedError, match="meanwhile"):
        await resuming.let_out(database, stop)
    assert await people.count(database, "dispatch_stop") == 1


async def _prove(database: Database, who: Person, query_id: RequestId) -> None:
    async with database.transaction() as unit:
        await subjects.lock(unit, who.subject_id)
        query = await queries.lock(unit, query_id)
        assert query is not None
        proof = ProofFound(VendorRequestId("the-lost-one"))
        await carry_out(
            unit, query, network_query_steps.on(await query_standing(unit, query), proof)
        )
