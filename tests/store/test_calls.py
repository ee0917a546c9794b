"""Calls that wait for the vendor: claimed once, fenced by attempts, never lost (I3)."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from schemas.ids import SubjectId
from service.store import calls, subjects
from service.store.calls import Call, CallState, Operation
from service.store.pool import Database
from tests.support import people

SUBJECT = SubjectId("jane")
LEASE = timedelta(seconds=30)
RUN_OUT = "update vendor_call set lease_until = clock_timestamp() - interval '1 second'"


@pytest.fixture
async def ref_id(database: Database) -> UUID:
    return await _scheduled(database)


async def _scheduled(database: Database, ref_id: UUID | None = None) -> UUID:
    ref_id = ref_id or uuid4()
    async with database.transaction() as unit:
        await subjects.lock_or_create(unit, SUBJECT)
        await calls.schedule(unit, Operation.START_NETWORK_QUERY, SUBJECT, ref_id)
    return ref_id


async def _due(database: Database) -> list[Call]:
    async with database.transaction() as unit:
        return await calls.next_due(unit, Operation.START_NETWORK_QUERY, 10)


async def _claim(database: Database) -> Call | None:
    candidates = await _due(database)
    if not candidates:
        return None
    (candidate,) = candidates
    async with database.transaction() as unit:
        call = await calls.lock_due(unit, candidate.call_id)
        return None if call is None else await calls.mark_intent(unit, call, LEASE)


async def _claimed(database: Database) -> Call:
    call = await _claim(database)
    assert call is not None
    return call


async def test_a_call_is_scheduled_once(database: Database, ref_id: UUID) -> None:
    """I3: one command, one row."""
    await _scheduled(database, ref_id)
    assert await people.count(database, "vendor_call") == 1


async def test_of_two_connections_one_claims_the_call(database: Database, ref_id: UUID) -> None:
    """I3: the loser finds it locked, and later not due any more."""
    (candidate,) = await _due(database)
    assert candidate.ref_id == ref_id
    async with database.transaction() as one, database.transaction() as two:
        assert await calls.lock_due(one, candidate.call_id) is not None
        assert await calls.lock_due(two, candidate.call_id) is None
        await calls.mark_intent(one, candidate, LEASE)
    async with database.transaction() as late:
        assert await calls.lock_due(late, candidate.call_id) is None


async def test_many_claims_at_once_give_one(database: Database, ref_id: UUID) -> None:
    """I3."""
    found = await asyncio.gather(*(_claim(database) for _ in range(8)))
    (won,) = [call for call in found if call is not None]
    assert (won.ref_id, won.attempts) == (ref_id, 1)


async def test_a_claim_of_a_rolled_back_unit_is_due_again(database: Database, ref_id: UUID) -> None:
    """The intent counts once it is committed."""
    async with people.rolled_back(database) as unit:
        (candidate,) = await calls.next_due(unit, Operation.START_NETWORK_QUERY, 1)
        await calls.mark_intent(unit, candidate, LEASE)
    assert [(call.ref_id, call.attempts) for call in await _due(database)] == [(ref_id, 0)]


async def test_an_attempt_that_was_overtaken_is_fenced_off(
    database: Database, ref_id: UUID
) -> None:
    """I3: what an old attempt reports changes nothing once another has begun."""
    first = await _claimed(database)
    async with database.transaction() as unit:
        await calls.postpone(unit, first, "notsent", timedelta(0))
    second = await _claimed(database)
    assert (second.ref_id, second.attempts) == (ref_id, 2)
    async with database.transaction() as unit:
        assert await calls.lock_mine(unit, first) is None
        assert await calls.lock_mine(unit, second) is not None


async def test_a_finished_call_belongs_to_nobody(database: Database, ref_id: UUID) -> None:
    call = await _claimed(database)
    async with database.transaction() as unit:
        await calls.finish(unit, call, CallState.DONE, "accepted")
    async with database.transaction() as unit:
        assert await calls.lock_mine(unit, call) is None
        assert await calls.next_due(unit, Operation.START_NETWORK_QUERY, 1) == []
        assert await calls.expired(unit, 1) == []
    row = await people.row(database, "vendor_call", ref_id=ref_id)
    assert (row["state"], row["outcome"], row["lease_until"]) == ("done", "accepted", None)


async def test_a_lease_that_runs_out_is_found(database: Database, ref_id: UUID) -> None:
    """I4: an attempt that never reports back is noticed."""
    call = await _claimed(database)
    async with database.transaction() as unit:
        assert await calls.expired(unit, 10) == []
    await people.sql(database, RUN_OUT)
    async with database.transaction() as unit:
        (found,) = await calls.expired(unit, 10)
    assert (found.call_id, found.attempts, found.ref_id) == (call.call_id, 1, ref_id)


async def test_a_postponed_call_is_not_due_before_its_time(
    database: Database, ref_id: UUID
) -> None:
    call = await _claimed(database)
    async with database.transaction() as unit:
        await calls.postpone(unit, call, "slowdown", timedelta(seconds=60))
    assert await _due(database) == []
    await people.sql(database, "update vendor_call set due_at = due_at - interval '60 seconds'")
    assert [due.ref_id for due in await _due(database)] == [ref_id]


async def test_the_oldest_is_due_first(database: Database) -> None:
    ids = [await _scheduled(database) for _ in range(3)]
    assert [call.ref_id for call in await _due(database)] == ids


async def test_a_call_that_was_put_off_keeps_its_place(database: Database) -> None:
    """First come, first served: a backlog must not overtake what met a 429."""
    ids = [await _scheduled(database) for _ in range(3)]
    first, *_ = await _due(database)
    async with database.transaction() as unit:
        await calls.postpone(unit, first, "slowdown", timedelta(0))
    assert [call.ref_id for call in await _due(database)] == ids


async def test_of_looks_the_one_whose_time_came_first_has_its_turn(database: Database) -> None:
    ids = [await _scheduled(database) for _ in range(2)]
    await people.sql(
        database,
        "update vendor_call set operation = 'get_network_query',"
        " due_at = created_at - interval '1 minute' * case when ref_id = $1 then 1 else 2 end",
        ids[0],
    )
    async with database.transaction() as unit:
        looks = await calls.next_due(unit, Operation.GET_NETWORK_QUERY, 5)
    assert [call.ref_id for call in looks] == ids[::-1]
