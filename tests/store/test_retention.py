"""Rows whose time is over go in batches, once, and nothing else goes (I1, I6)."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from prometheus_client import REGISTRY

from consumers.housekeeping import Housekeeper
from service.settings.retention import Retention
from service.store import calls, inbox, retention
from service.store.calls import CallState, Operation
from service.store.pool import Database
from tests.support import people

DAY = timedelta(days=1)
AGES = Retention(inbox=400 * DAY, large_bodies=30 * DAY, calls=60 * DAY, history=400 * DAY)


async def _remembered(database: Database, *names: str) -> None:
    async with database.transaction() as unit:
        for name in names:
            await inbox.remember(unit, "metriport", name)


async def _age(owner: asyncpg.Connection, table: str, column: str, age: timedelta) -> None:
    sql = f"update {table} set {column} = {column} - $1::interval"  # noqa: S608 - names of this file
    await owner.execute(sql, age)


async def test_messages_are_recognised_for_four_hundred_days(
    database: Database, owner: asyncpg.Connection
) -> None:
    """I1: a re-delivery of any age within them changes nothing."""
    await _remembered(database, "old")
    await _age(owner, "inbox", "received_at", 401 * DAY)
    await _remembered(database, "middle")
    await _age(owner, "inbox", "received_at", timedelta(days=398))
    await _remembered(database, "new")
    await owner.execute(
        "update inbox set received_at = now() - interval '401 days' where message_digest = $1",
        inbox.digest("old"),
    )
    await Housekeeper(database, AGES).round()
    async with database.transaction() as unit:
        assert not await inbox.remember(unit, "metriport", "middle")
        assert not await inbox.remember(unit, "metriport", "new")
        assert await inbox.remember(unit, "metriport", "old")


async def test_two_replicas_share_the_work_and_do_nothing_twice(
    database: Database, owner: asyncpg.Connection
) -> None:
    await _remembered(database, *(str(number) for number in range(100)))
    await _age(owner, "inbox", "received_at", 401 * DAY)
    async with database.transaction() as one, database.transaction() as two:
        first = await retention.forget_messages(one, AGES.inbox, 30)
        second = await asyncio.wait_for(retention.forget_messages(two, AGES.inbox, 100), 2)
    assert (first, second) == (30, 70)
    assert await people.count(database, "inbox") == 0


async def test_a_round_does_all_batches(database: Database, owner: asyncpg.Connection) -> None:
    await owner.execute(
        "insert into large_body (body_id, sealed, created_at)"
        " select gen_random_uuid(), 'x', now() - n * interval '1 day' from generate_series(1, 100) n"
    )
    await Housekeeper(database, AGES).round()
    assert await people.count(database, "large_body") in {29, 30}


async def test_hosted_pages_stay_as_long_as_a_webhook_may_be_bound_by_them(
    database: Database, owner: asyncpg.Connection
) -> None:
    """A re-sent ``ias.identity.verified`` binds by the vendor's session id alone."""
    await people.person(database)
    insert = """
        insert into hosted_page (open_id, link_id, kind, subject_id, state, opened_at)
        select gen_random_uuid(), gen_random_uuid(), 'identity_verification', subject_id, 'ready',
            now() - $1::interval from subject
    """
    await owner.execute(insert, 399 * DAY)
    await owner.execute(insert, 401 * DAY)
    await Housekeeper(database, AGES).round()
    assert await people.count(database, "hosted_page") == 1


async def test_only_calls_that_are_over_move_to_the_history(
    database: Database, owner: asyncpg.Connection
) -> None:
    """I3: what is due, under way or unknown stays where the gateway claims it."""
    person = await people.person(database)
    states = ("due", "dispatching", "done", "unknown")
    for state in states:
        await owner.execute(
            "insert into vendor_call (call_id, operation, subject_id, ref_id, state, outcome)"
            " values (gen_random_uuid(), 'create_patient', $1, gen_random_uuid(), $2, 'said')",
            person.subject_id,
            state,
        )
    await _age(owner, "vendor_call", "created_at", 61 * DAY)
    before = await owner.fetchrow("select * from vendor_call where state = 'done'")
    async with database.transaction() as unit:
        young = uuid4()
        await calls.schedule(unit, Operation.GET_PATIENT, person.subject_id, young)
        (call,) = await calls.next_due(unit, Operation.GET_PATIENT, 1)
        await calls.finish(unit, call, CallState.DONE, "said")
    await Housekeeper(database, AGES).round()
    left = await owner.fetch("select state, ref_id from vendor_call order by state")
    assert [row["state"] for row in left] == ["dispatching", "done", "due", "unknown"]
    assert left[1]["ref_id"] == young
    (moved,) = await owner.fetch("select * from vendor_call_history")
    assert before is not None
    same = ("call_id", "operation", "ref_id", "attempts", "called_at", "outcome", "created_at")
    assert [moved[name] for name in same] == [before[name] for name in same]
    assert "subject_id" not in dict(moved)


async def test_a_piece_that_fails_is_counted_and_stops_no_other(
    database: Database, owner: asyncpg.Connection
) -> None:
    await _remembered(database, "old")
    await _age(owner, "inbox", "received_at", 401 * DAY)
    await owner.execute("insert into large_body values (gen_random_uuid(), 'x', '2020-01-01')")
    await owner.execute("revoke delete on inbox from ias_service")
    sample = ("ias_housekeeping_failures_total", {"piece": "inbox"})
    before = REGISTRY.get_sample_value(*sample) or 0
    await Housekeeper(database, AGES).round()
    assert REGISTRY.get_sample_value(*sample) == before + 1
    assert await people.count(database, "large_body") == 0


async def test_records_that_do_not_open_are_told_to_operators_and_kept(
    database: Database, owner: asyncpg.Connection
) -> None:
    await owner.execute(
        "insert into spool (record_id, sealed, stuck, created_at)"
        " select gen_random_uuid(), '', n < 3, now() - interval '90 days' from generate_series(1, 5) n"
    )
    await Housekeeper(database, AGES).round()
    assert REGISTRY.get_sample_value("ias_spool_stuck") == 2
    assert await people.count(database, "spool") == 5


@pytest.mark.parametrize("replicas", [1, 3])
async def test_any_number_of_replicas_keep_house_at_once(
    database: Database, owner: asyncpg.Connection, replicas: int
) -> None:
    await _remembered(database, *(str(number) for number in range(500)))
    await _age(owner, "inbox", "received_at", 401 * DAY)
    await asyncio.gather(*(Housekeeper(database, AGES).round() for _ in range(replicas)))
    assert await people.count(database, "inbox") == 0
