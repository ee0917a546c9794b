"""Whose turn it is: first come, first served, with room for those who wait; within the day's quota (I8)."""

from datetime import timedelta

import pytest

from schemas.sources import Source
from service.settings.pacing import Pacing
from service.store.calls import Operation
from service.store.pool import Database
from tests.support import people
from tests.support.people import Person

from .conftest import Gateway, Start, Vendor, state_of

QUERY = "start-network-query"
ONE_A_MINUTE = Pacing(network_queries=1)
CAME = "update vendor_call set turn_at = turn_at - $2::interval where ref_id = $1"
OLDER = "update call_tally set since = since - $1::interval"


async def _background(database: Database, query_id: object) -> None:
    """As ``schedule`` writes it for a command of priority ``background``."""
    await people.sql(
        database,
        "update vendor_call set background = true, turn_at = turn_at + interval '10 minutes'"
        " where ref_id = $1",
        query_id,
    )


async def _two(database: Database, vendor: Vendor) -> tuple[object, object]:
    """A background query, and one that came after it and that somebody waits for."""
    first = await people.person(database, "albert", "patient-a")
    second = await people.person(database, "berta", "patient-b")
    for who in (first, second):
        vendor.knows(who)
    background = await people.due_query(database, first)
    await _background(database, background)
    return background, await people.due_query(database, second)


async def test_what_somebody_waits_for_goes_before_background_work_that_came_first(
    database: Database, start: Start, vendor: Vendor
) -> None:
    background, awaited = await _two(database, vendor)
    gateway = await start(limits=ONE_A_MINUTE)
    await gateway.settle(2)
    assert await state_of(database, awaited) == "started"
    assert await state_of(database, background) == "due"


async def test_background_work_that_waited_ten_minutes_longer_goes_first(
    database: Database, start: Start, vendor: Vendor
) -> None:
    """I4: no backlog of others keeps it waiting for ever."""
    background, awaited = await _two(database, vendor)
    await people.sql(database, CAME, background, timedelta(minutes=11))
    gateway = await start(limits=ONE_A_MINUTE)
    await gateway.settle(2)
    assert await state_of(database, background) == "started"
    assert await state_of(database, awaited) == "due"


async def test_each_source_has_slots_of_its_own(
    database: Database, start: Start, vendor: Vendor, jane: Person
) -> None:
    """I8: a raised limit of the whole does not raise that of a source."""
    gateway = await start(limits=Pacing(network_queries=10, network_queries_per_source=1))
    for number, source in enumerate((Source.LAB, Source.LAB, Source.PHARMACY)):
        who = await people.person(database, f"s{number}", f"patient-{number}")
        vendor.knows(who)
        await people.due_query(database, who, [source])
    await people.due_query(database, jane, [Source.HIE])
    await gateway.settle(3)
    sent = sorted(call.body.count('"lab"') for call in vendor.calls(QUERY))
    assert sum(sent) == 1
    row = "select usable_at > now() as used from pacing_slot where operation = $1 and slot = 1"
    async with database.connection() as connection:
        assert await connection.fetchval(row, "network_query_lab")


async def test_a_query_held_back_by_one_pool_costs_the_others_nothing(
    database: Database, start: Start, vendor: Vendor, jane: Person
) -> None:
    """I8: it draws from all of its pools, or from none."""
    gateway = await start()
    await people.sql(
        database,
        "update pacing_slot set usable_at = now() + interval '1 hour'"
        " where operation = 'network_query_lab'",
    )
    query_id = await people.due_query(database, jane)
    await gateway.settle()
    assert vendor.calls(QUERY) == []
    assert await state_of(database, query_id) == "due"
    async with database.connection() as connection:
        used = await connection.fetchval(
            "select count(*) from pacing_slot"
            " where usable_at > clock_timestamp() and operation <> 'network_query_lab'"
        )
    assert used == 0


@pytest.fixture
async def patients(database: Database, vendor: Vendor) -> None:
    """Three registrations that wait."""
    for number in range(3):
        vendor.patient(f"patient-{number}")
        await people.registering(database, f"s{number}", patient=f"patient-{number}")


async def test_no_call_goes_out_when_the_calls_of_the_day_are_made(
    database: Database, start: Start, vendor: Vendor, patients: None
) -> None:
    """I8, I4: what is left waits, and goes when the day has room again."""
    del patients
    gateway = await start(limits=Pacing(per_day=2, reserve=0))
    await gateway.settle(2)
    assert len(vendor.calls("get-patient")) == 2
    assert await people.count(database, "vendor_call", state="due") == 1
    await people.sql(database, OLDER, timedelta(hours=23, minutes=50))
    await gateway.settle()
    assert len(vendor.calls("get-patient")) == 2
    await people.sql(database, OLDER, timedelta(minutes=16))
    await gateway.settle()
    assert len(vendor.calls("get-patient")) == 3


async def test_the_reserve_is_for_calls_that_somebody_waits_for(
    database: Database, start: Start, vendor: Vendor
) -> None:
    """I8: of two calls a day one is kept."""
    background, awaited = await _two(database, vendor)
    gateway = await start(limits=Pacing(per_day=2, reserve=50))
    await gateway.settle()
    assert await state_of(database, awaited) == "started"
    assert await state_of(database, background) == "due"
    await people.registering(database, "kyla", patient="patient-a")
    await gateway.settle()
    assert len(vendor.calls("get-patient")) == 1
    assert await people.count(
        database, "vendor_call", state="due", operation=Operation.START_NETWORK_QUERY
    )


async def test_every_call_is_counted_probes_too(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I8: the vendor's gateway counts them all."""
    await people.due_query(database, jane)
    vendor.sandbox.state.aal2_sessions[jane.session_secret].status = "expired"
    await gateway.settle()
    async with database.connection() as connection:
        counted = await connection.fetchval("select sum(calls) from call_tally")
    assert counted == len(vendor.sandbox.ledger.calls) == 2
