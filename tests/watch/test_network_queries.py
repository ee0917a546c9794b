"""A look at a network query: the same news as its webhooks would bring, once (I1, I4, I9)."""

from datetime import timedelta
from typing import Any

from consumers.processor import Processor
from schemas.ids import RequestId
from schemas.sources import Source
from service.store.pool import Database
from tests.metriport_sandbox.scripts import Outcome
from tests.support import people, records
from tests.support.outbox import bodies, kinds, only
from tests.support.people import Person
from tests.support.waiting import until

from .conftest import STATUS, Replica, Start, Vendor, let_time_pass, look, next_look, running

TEN = timedelta(minutes=10)


async def _state(database: Database, query_id: RequestId) -> str:
    return str((await people.row(database, "network_query", query_id=query_id))["state"])


def _about(name: str, request_id: str) -> Any:
    """A recorded webhook of another request, as a re-send: without metadata."""
    body = records.again(records.sample(f"network-query.{name}"))
    body["meta"] = {**body["meta"], "requestId": request_id}
    body["meta"].pop("data", None)
    return body


async def test_a_source_that_failed_without_a_webhook_is_found(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person
) -> None:
    """I4: from the call to the end, and no webhook ever came."""
    outcomes = vendor.sandbox.scripts.outcomes
    outcomes.append(Outcome(of="hie", result="failed", notify=False))
    outcomes.append(Outcome(of="lab", result="completed", notify=False))
    query_id = await people.due_query(database, jane, [Source.HIE, Source.LAB])
    await gateway.settle()
    (query,) = vendor.sandbox.state.network_queries.values()
    await until(lambda: all(row.completed for row in query.sources))
    assert await kinds(database) == ["Aal2SessionActivated", "NetworkQueryStarted"]
    await look(database, gateway)
    told = {one["source"]: one for one in await bodies(database, "NetworkQuerySourceUpdated")}
    assert [(one["status"], one["from"]) for one in told.values()] == [
        ("failed", "poll"),
        ("completed", "poll"),
    ]
    assert told["hie"]["reason"] == "source_failed"
    assert (await only(database, "NetworkQueryFinished"))["status"] == "partial"
    assert await _state(database, query_id) == "partial"
    assert (await people.row(database, "network_query"))["hie_slot"] is False
    await look(database, gateway, timedelta(days=1))
    assert len(vendor.calls()) == 1


async def test_a_look_names_the_request_and_carries_no_proof(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person
) -> None:
    """I2, I7."""
    _, theirs = await running(database, jane)
    vendor.runs(jane, theirs, hie="processing", pharmacy="processing", lab="processing")
    await look(database, gateway)
    (call,) = vendor.calls()
    assert (call.method, call.path) == ("GET", f"/medical/v1/network/query/{theirs}")
    assert call.headers.get("x-aal2-session") is None
    assert (call.query, call.body) == ({}, "")


async def test_the_first_look_comes_after_minutes_and_further_ones_more_seldom(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person
) -> None:
    """I8: a query that still runs costs few calls, and tells nothing."""
    _, theirs = await running(database, jane, Source.LAB)
    vendor.runs(jane, theirs, lab="processing")
    await gateway.watcher.round()
    assert await next_look(database) == TEN
    await gateway.settle()
    assert vendor.calls() == []
    for wait in (TEN, 2 * TEN, 4 * TEN, 8 * TEN):
        await look(database, gateway)
        assert await next_look(database) == wait
    assert len(vendor.calls()) == 4
    assert await kinds(database) == []


async def test_one_more_look_comes_before_the_deadline(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person
) -> None:
    """I4: what is told at the deadline is what the vendor says then."""
    _, theirs = await running(database, jane, Source.LAB)
    vendor.runs(jane, theirs, lab="processing")
    await people.sql(
        database, "update network_query set deadline = now() + interval '14 minutes 10 seconds'"
    )
    await look(database, gateway)
    assert await next_look(database) == timedelta(minutes=2)
    await look(database, gateway)
    assert len(vendor.calls()) == 2
    await look(database, gateway, timedelta(days=1))
    assert len(vendor.calls()) == 2


async def test_a_webhook_after_the_look_changes_nothing(
    database: Database, gateway: Replica, process: Processor, vendor: Vendor, jane: Person
) -> None:
    """I1: the same completion, told once."""
    _, theirs = await running(database, jane, Source.HIE)
    body = _about("hie.completed", theirs)
    vendor.runs(jane, theirs, hie="completed")
    await look(database, gateway)
    told = await kinds(database)
    assert told == ["NetworkQuerySourceUpdated", "NetworkQueryFinished"]
    await process(records.webhook(body))
    assert await kinds(database) == told


async def test_a_look_after_the_webhooks_is_not_made(
    database: Database, gateway: Replica, process: Processor, vendor: Vendor, jane: Person
) -> None:
    """I1, I8."""
    _, theirs = await running(database, jane, Source.HIE)
    await gateway.watcher.round()
    await process(records.webhook(_about("hie.completed", theirs)))
    await look(database, gateway)
    assert vendor.calls() == []
    assert await people.count(database, "vendor_call", state="due") == 0


async def test_a_look_that_is_older_than_a_webhook_undoes_nothing(
    database: Database, gateway: Replica, process: Processor, vendor: Vendor, jane: Person
) -> None:
    """I1: the webhook came while the vendor was asked, or its status lags."""
    query_id, theirs = await running(database, jane, Source.HIE, Source.LAB)
    vendor.runs(jane, theirs, hie="processing", lab="processing")
    await process(records.webhook(_about("hie.completed", theirs)))
    told = await kinds(database)
    await look(database, gateway)
    assert len(vendor.calls()) == 1
    assert await kinds(database) == told == ["NetworkQuerySourceUpdated"]
    hie = await people.row(database, "network_query_source", query_id=query_id, source="hie")
    assert hie["status"] == "completed"


async def test_news_of_a_revoked_identity_is_kept_and_not_told_and_frees_the_slot(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person
) -> None:
    """I9."""
    query_id, theirs = await running(database, jane, Source.HIE)
    await people.sql(database, "update network_query set hie_slot = true, withheld = true")
    await people.sql(database, "update identity set state = 'revoked'")
    vendor.runs(jane, theirs, hie="failed")
    await look(database, gateway)
    assert await kinds(database) == []
    row = await people.row(database, "network_query", query_id=query_id)
    assert (row["state"], row["hie_slot"]) == ("failed", False)


async def test_polling_that_is_off_asks_nothing_and_goes_on_when_it_is_on_again(
    database: Database, gateway: Replica, start: Start, vendor: Vendor, jane: Person
) -> None:
    query_id, theirs = await running(database, jane, Source.LAB)
    vendor.runs(jane, theirs, lab="failed")
    await gateway.watcher.round()
    await let_time_pass(database, TEN)
    await (await start(enabled=False)).settle()
    assert vendor.calls() == []
    await look(database, gateway)
    assert len(vendor.calls()) == 1
    assert await _state(database, query_id) == "failed"


async def test_more_looks_than_a_minute_allows_wait_for_the_next(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person
) -> None:
    """I8: no limit is published for status calls; two a minute are our own caution."""
    for _ in range(4):
        _, theirs = await running(database, jane, Source.LAB)
        vendor.runs(jane, theirs, lab="failed")
    await look(database, gateway)
    await gateway.settle()
    assert len(vendor.calls(STATUS)) == 2
    await look(database, gateway, timedelta(minutes=2))
    assert len(vendor.calls(STATUS)) == 4
    assert await people.count(database, "network_query", state="failed") == 4
