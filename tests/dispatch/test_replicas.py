"""Several replicas, dead replicas, slots: one call at most, and nothing is lost (I3, I4, I8)."""

import asyncio
from datetime import timedelta

import pytest

from schemas.ids import RequestId
from schemas.sources import Source
from service.gateway.claims import Claim
from service.ias.network_query import QueryState
from service.settings.pacing import Pacing
from service.store import queries, subjects
from service.store.pool import Database
from service.store.unit import Unit
from tests.metriport_sandbox.scripts import Fault
from tests.support import people
from tests.support.outbox import kinds
from tests.support.people import Person
from tests.support.waiting import until

from .conftest import Gateway, Start, Vendor, make_due, run_out, state_of, together

QUERY = "start-network-query"


async def test_two_dispatchers_at_once_call_once(
    database: Database, start: Start, vendor: Vendor, jane: Person
) -> None:
    """I3."""
    await people.due_query(database, jane)
    await together(*[await start() for _ in range(3)])
    assert len(vendor.calls(QUERY)) == 1
    assert await kinds(database) == ["Aal2SessionActivated", "NetworkQueryStarted"]


async def test_many_calls_are_shared_and_each_is_made_once(
    database: Database, start: Start, vendor: Vendor
) -> None:
    """I3."""
    for number in range(12):
        vendor.patient(f"patient-{number}")
        await people.registering(database, f"s{number}", patient=f"patient-{number}")
    await together(await start(), await start())
    paths = [call.path for call in vendor.calls("get-patient")]
    assert len(paths) == len(set(paths)) == 12
    assert await people.count(database, "patient_link") == 12


async def test_a_second_hie_query_of_a_patient_waits_for_the_slot(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I4: the vendor would skip its HIE part for ever."""
    first = await people.due_query(database, jane)
    second = await people.due_query(database, jane)
    await gateway.settle()
    assert [await state_of(database, one) for one in (first, second)] == ["started", "waiting"]
    await make_due(database)
    await gateway.settle()
    assert await state_of(database, second) == "waiting"
    async with database.transaction() as unit:
        await queries.free_hie_slot(unit, first)
    await make_due(database)
    await gateway.settle()
    assert await state_of(database, second) == "started"
    assert len(vendor.calls(QUERY)) == 2


async def test_a_query_without_hie_does_not_wait_for_the_slot(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    await people.due_query(database, jane)
    await people.due_query(database, jane, [Source.PHARMACY, Source.LAB])
    await gateway.settle()
    assert len(vendor.calls(QUERY)) == 2


async def test_a_slot_is_free_again_after_its_querys_deadline(
    database: Database, gateway: Gateway, jane: Person
) -> None:
    """I4: an HIE part that never ends does not hold the patient up for ever."""
    first = await people.due_query(database, jane)
    second = await people.due_query(database, jane)
    await gateway.settle()
    past = "update network_query set deadline = now() where query_id = $1"
    await people.sql(database, past, first)
    await make_due(database)
    await gateway.settle()
    assert await state_of(database, second) == "started"


async def test_two_subjects_of_one_patient_take_the_slot_one_after_the_other(
    database: Database,
) -> None:
    """Different subjects, so no row of a subject keeps them apart: the patient does."""
    one = await people.person(database, "jane", "shared")
    two = await people.person(database, "victor", "shared")
    first, second = await people.due_query(database, one), await people.due_query(database, two)

    async def take(unit: Unit, who: Person, query_id: RequestId) -> bool:
        await subjects.lock(unit, who.subject_id)
        query = await queries.lock(unit, query_id)
        assert query is not None
        return await queries.take_hie_slot(unit, query)

    async def take_second() -> bool:
        async with database.transaction() as unit:
            return await take(unit, two, second)

    async def is_blocked() -> bool:
        return await people.waiting_for_locks(database) == 1

    async with database.transaction() as unit:
        assert await take(unit, one, first)
        waiting = asyncio.create_task(take_second())
        await until(is_blocked)
    assert await waiting is False


async def test_a_lease_that_ran_out_leaves_a_network_query_unknown(
    database: Database, start: Start, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I3: killed after the claim was committed, before or after the call: nobody can tell."""
    query_id = await people.due_query(database, jane)
    dead = await start()
    vendor.sandbox.scripts.faults.append(Fault(operation=QUERY, kind="delay-answer", seconds=60))
    await dead.round()
    await until(lambda: len(vendor.calls(QUERY)) == 1)
    tasks = list(dead._tasks)  # noqa: SLF001 - there is no other way to die
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await gateway.settle()
    assert await state_of(database, query_id) == "dispatching"  # its lease still runs
    await run_out(database)
    await gateway.settle()
    assert await state_of(database, query_id) == "unknown"
    await gateway.settle(2)
    assert await kinds(database) == ["NetworkQueryOutcomeUnknown"]
    assert len(vendor.calls(QUERY)) == 1


async def test_a_claim_whose_replica_died_before_the_call_is_unknown_too(
    database: Database, start: Start, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I3: the intent was committed, so the call counts as sent."""
    query_id = await people.due_query(database, jane)
    dead = await start()
    dead.dies = True
    await dead.round()
    assert vendor.calls(QUERY) == []
    await run_out(database)
    await gateway.settle(2)
    assert await state_of(database, query_id) == "unknown"
    assert vendor.calls(QUERY) == []


async def test_a_lease_that_ran_out_leaves_a_repeatable_call_due(
    database: Database, start: Start, gateway: Gateway, vendor: Vendor
) -> None:
    """I4."""
    vendor.patient("patient-k")
    await people.registering(database, "jane", patient="patient-k")
    dead = await start()
    dead.dies = True
    await dead.round()
    await run_out(database)
    await gateway.settle()
    assert (await people.row(database, "vendor_call"))["state"] == "due"
    await make_due(database)
    await gateway.settle()
    assert await kinds(database) == ["PatientRegistered"]


async def test_an_answer_that_comes_after_its_lease_changes_nothing(
    database: Database, start: Start, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I3: what was told as unknown stays so until there is proof."""
    query_id = await people.due_query(database, jane)
    slow = await start()
    vendor.sandbox.scripts.faults.append(Fault(operation=QUERY, kind="delay-answer", seconds=0.3))
    await slow.round()
    await until(lambda: len(vendor.calls(QUERY)) == 1)
    await run_out(database)
    await gateway.settle()
    await slow.drain(10)
    assert await state_of(database, query_id) == "unknown"
    assert await kinds(database) == ["NetworkQueryOutcomeUnknown"]


async def test_with_every_slot_in_use_nothing_goes_out_and_nothing_is_lost(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I8, I4."""
    query_id = await people.due_query(database, jane)
    in_use = "update pacing_slot set usable_at = now() + interval '1 hour'"
    await people.sql(database, in_use)
    await gateway.settle(3)
    assert vendor.calls(QUERY) == []
    row = await people.row(database, "network_query", query_id=query_id)
    assert (row["state"], row["hie_slot"]) == (QueryState.DUE, False)
    assert (await people.row(database, "aal2_session"))["uses"] == 0
    await people.sql(database, "update pacing_slot set usable_at = now()")
    await gateway.settle()
    assert await state_of(database, query_id) == "started"


@pytest.mark.parametrize(("share", "allowed"), [(100, 30), (20, 6)])
async def test_no_more_calls_go_out_than_the_share_allows(
    database: Database, start: Start, vendor: Vendor, share: int, allowed: int
) -> None:
    """I8: two replicas together."""
    for number in range(allowed + 5):
        await people.registering(database, f"s{number}", patient=f"patient-{number}")
    both = [await start(limits=Pacing(share=share)) for _ in range(2)]
    for _ in range(3):
        await together(*both)
    assert len(vendor.calls("get-patient")) == allowed
    assert await people.count(database, "vendor_call", state="due") == 5
    aged = "update pacing_slot set usable_at = usable_at - $1::interval"
    await people.sql(database, aged, timedelta(seconds=61))
    await together(*both)
    await together(*both)
    assert len(vendor.calls("get-patient")) == allowed + 5


async def test_a_call_that_may_not_be_made_costs_no_slot(
    database: Database, gateway: Gateway, jane: Person
) -> None:
    """I8: the slot is given back at once."""
    await people.due_query(database, jane)
    await people.sql(database, "update identity set state = 'revoked'")
    await gateway.settle()
    async with database.connection() as connection:
        used = await connection.fetchval(
            "select count(*) from pacing_slot where usable_at > clock_timestamp()"
        )
    assert used == 0


class _Stalled(Gateway):
    """It was stopped between the commit of an intent and the call."""

    def _spawn(self, claim: Claim) -> None:
        super()._spawn(claim._replace(began=claim.began - 21))


async def test_a_replica_that_was_stopped_after_its_claim_does_not_call_any_more(
    database: Database, start: Start, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I3, I8: soon its lease and slot are another's; the call is made later, once."""
    query_id = await people.due_query(database, jane)
    stalled = await start(kind=_Stalled)
    await stalled.settle()
    assert vendor.calls(QUERY) == []
    assert await state_of(database, query_id) == "due"
    await make_due(database)
    await gateway.settle()
    assert await state_of(database, query_id) == "started"
    assert len(vendor.calls(QUERY)) == 1
