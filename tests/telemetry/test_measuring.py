"""The gauges that are read from Postgres say what is there, from one statement a round."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from consumers import measuring
from service.gateway import measuring as gateway_measuring
from service.gateway.pacing import Pace
from service.settings.pacing import Pacing
from service.store import measures, pacing, quota
from service.store.calls import Operation
from service.store.pool import Database
from service.store.unit import Unit
from tests.support import people

AGE_CALLS = "update vendor_call set due_at = due_at - interval '90 seconds'"
AGE_QUERIES = "update network_query set created_at = created_at - interval '1 hour'"


def _value(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(name, labels)
    assert found is not None, f"{name} {labels} is not exported"
    return found


async def test_open_things_are_counted_by_state_and_the_oldest_is_told(database: Database) -> None:
    """I4: what waits is visible."""
    ann = await people.person(database)
    await people.due_query(database, ann)
    await people.started_consolidated(database, ann, "vendor-1")
    await people.sql(database, AGE_QUERIES)
    await measuring.Measurer(database).round()
    assert _value("ias_open_things", thing="network_query", state="due") == 1
    assert 3600 <= _value("ias_open_oldest_seconds", thing="network_query", state="due") < 3660
    assert _value("ias_open_things", thing="consolidated_query", state="started") == 1
    assert _value("ias_open_things", thing="aal2_session", state="confirmed") == 1
    assert _value("ias_open_things", thing="network_query", state="started") == 0


async def test_what_has_ended_is_told_as_none_and_not_as_what_it_was(database: Database) -> None:
    ann = await people.person(database)
    query_id = await people.due_query(database, ann)
    measurer = measuring.Measurer(database)
    await measurer.round()
    done = "update network_query set state = 'completed' where query_id = $1"
    await people.sql(database, done, query_id)
    await measurer.round()
    assert _value("ias_open_things", thing="network_query", state="due") == 0
    assert _value("ias_open_oldest_seconds", thing="network_query", state="due") == 0


async def test_every_state_that_the_database_knows_as_open_is_one_that_is_told(
    database: Database,
) -> None:
    """I4: a state that a migration adds must be counted, or be named here as over or on its way."""
    over = {
        "registration": {"registered", "failed"},
        "identity_verification": {"verified", "expired", "failed", "revoked", "superseded"},
        "aal2_challenge": {"returned", "expired", "failed"},
        "aal2_session": {"expired", "refused"},
        "hosted_page": {"ready", "refused"},
        "network_query": {"dispatching", "refused", "completed", "partial", "failed"},
        "consolidated_query": {"ready", "failed"},
    }  # a network query under way is a call in flight, which is told as that
    async with database.connection() as connection:
        for table, ended in over.items():
            check = await connection.fetchval(
                "select pg_get_constraintdef(oid) from pg_constraint where contype = 'c'"
                " and conrelid = $1::text::regclass and pg_get_constraintdef(oid) ~ 'state = ANY'"
                " order by length(pg_get_constraintdef(oid)) desc limit 1",
                table,
            )
            known = {part.split("'")[0] for part in check.split("'")[1::2]}
            assert known - ended == set(measures.STATES[table]), table


async def test_calls_that_wait_are_told_with_what_the_limits_leave(database: Database) -> None:
    """I8: whoever looks sees what waits, for how long, and for what."""
    ann = await people.person(database)
    await people.due_query(database, ann)
    await people.sql(database, AGE_CALLS)
    pace = Pace(limits=Pacing(network_queries=3, per_day=100))
    async with database.transaction() as unit:
        for pool, slots in pace.pools().items():
            await pacing.provide(unit, pool, slots)
        await pacing.take(unit, Operation.START_NETWORK_QUERY, 3, timedelta(minutes=2))
        await quota.count(unit)
    await gateway_measuring.Measurer(database, pace).round()
    operation = "start_network_query"
    assert _value("ias_vendor_calls_waiting", operation=operation) == 1
    assert 90 <= _value("ias_vendor_calls_waiting_oldest_seconds", operation=operation) < 120
    assert _value("ias_vendor_calls_waiting", operation="create_patient") == 0
    assert _value("ias_vendor_pace_slots", pool=operation) == 3
    assert _value("ias_vendor_pace_slots_free", pool=operation) == 2
    assert _value("ias_vendor_quota_left") == 99


async def test_a_call_that_is_under_way_is_told_as_in_flight(database: Database) -> None:
    ann = await people.person(database)
    await people.due_query(database, ann)
    mark = "update vendor_call set state = 'dispatching', called_at = now(), lease_until = now()"
    await people.sql(database, mark)
    await gateway_measuring.Measurer(database, Pace()).round()
    assert _value("ias_vendor_calls_in_flight", operation="start_network_query") == 1
    assert _value("ias_vendor_calls_waiting", operation="start_network_query") == 0


async def test_a_round_is_one_transaction_and_few_statements(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cheap by construction, however many series there are."""
    asked = []
    genuine = measures.holdings

    async def holdings(unit: Unit) -> measures.Holdings:
        found = await genuine(unit)
        asked.append(unit.conn.asked)
        return found

    monkeypatch.setattr(measures, "holdings", holdings)
    await measuring.Measurer(database).round()
    assert asked == [1]
