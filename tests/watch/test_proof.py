"""A query of unknown outcome: a status proves it, or shows that the request is not ours (I2, I3)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consumers.processor import Processor
from consumers.unparking import Unparker
from schemas.ids import RequestId
from schemas.sources import Source
from service.store.pool import Database
from tests.metriport_sandbox.scripts import Outcome
from tests.support import people, records
from tests.support.outbox import kinds, only
from tests.support.people import Person

from .conftest import PATIENT, Replica, Vendor, look, next_look, request_id_of

SENT = "start-network-query"


def _about(name: str, request_id: str, **meta: Any) -> Any:
    """A recorded webhook of another request; without metadata, as a re-send is."""
    body = records.again(records.sample(f"network-query.{name}"))
    kept = {key: value for key, value in body["meta"].items() if key != "data"}
    body["meta"] = kept | meta | {"requestId": request_id}
    return body


async def _lost(database: Database, gateway: Replica, vendor: Vendor, who: Person) -> RequestId:
    """A query that was sent and whose answer was lost; its sources never end at the vendor."""
    outcomes = vendor.sandbox.scripts.outcomes
    outcomes += [Outcome(of=source, result="stuck") for source in ("hie", "lab")]
    vendor.fails(SENT, kind="drop-answer")
    query_id = await people.due_query(database, who, [Source.HIE, Source.LAB])
    await gateway.settle()
    assert await kinds(database) == ["NetworkQueryOutcomeUnknown"]
    return query_id


async def _state(database: Database, query_id: RequestId) -> tuple[str, str | None]:
    row = await people.row(database, "network_query", query_id=query_id)
    return row["state"], row["vendor_request_id"]


async def test_a_status_proves_the_query_and_parked_webhooks_are_matched(
    database: Database,
    gateway: Replica,
    process: Processor,
    unparker: Unparker,
    vendor: Vendor,
    jane: Person,
) -> None:
    """I1, I3: the vendor took the call, its answer was lost, and the webhook is a re-send."""
    query_id = await _lost(database, gateway, vendor, jane)
    (theirs,) = vendor.sandbox.state.network_queries
    await process(records.webhook(_about("hie.completed", theirs)))
    assert await unparker.round() is False
    await look(database, gateway)
    assert len(vendor.calls()) == 1
    assert await _state(database, query_id) == ("started", theirs)
    assert (await only(database, "NetworkQueryStarted"))["vendorRequestId"] == theirs
    assert await unparker.round() is True
    assert await kinds(database) == [
        "NetworkQueryOutcomeUnknown",
        "NetworkQueryStarted",
        "NetworkQuerySourceUpdated",
    ]
    assert (await only(database, "NetworkQuerySourceUpdated"))["from"] == "webhook"
    assert len(vendor.calls(SENT)) == 1
    assert await next_look(database) == timedelta(minutes=10)  # it is watched as any other now


async def test_what_the_proof_shows_of_sources_is_told_at_once_and_only_once(
    database: Database,
    gateway: Replica,
    process: Processor,
    unparker: Unparker,
    vendor: Vendor,
    jane: Person,
) -> None:
    """I1: the parked webhook brings the same news again."""
    query_id = await _lost(database, gateway, vendor, jane)
    (theirs,) = vendor.sandbox.state.network_queries
    await process(records.webhook(_about("hie.completed", theirs)))
    vendor.runs(jane, theirs, hie="completed", lab="failed")
    await look(database, gateway)
    assert (await _state(database, query_id))[0] == "partial"
    told = await kinds(database)
    assert told[1:] == [
        "NetworkQueryStarted",
        "NetworkQuerySourceUpdated",
        "NetworkQuerySourceUpdated",
        "NetworkQueryFinished",
    ]
    while await unparker.round():
        pass
    assert await kinds(database) == told


@pytest.mark.parametrize("case", ["other sources", "other time", "more sources", "unknown here"])
async def test_a_foreign_query_beside_it_is_never_taken(
    database: Database,
    gateway: Replica,
    process: Processor,
    vendor: Vendor,
    jane: Person,
    case: str,
) -> None:
    """I2, I3: our call was not accepted; a colleague started one in the same minute."""
    vendor.fails(SENT, kind="reset")
    query_id = await people.due_query(database, jane, [Source.HIE, Source.LAB])
    await gateway.settle()
    assert vendor.sandbox.state.network_queries == {}
    foreign = request_id_of(datetime.now(UTC))
    match case:
        case "other sources":
            vendor.runs(jane, foreign, hie="completed")
        case "other time":
            vendor.runs(jane, foreign, started=-3600, hie="completed", lab="completed")
        case "more sources":
            vendor.runs(jane, foreign, hie="completed", lab="completed", pharmacy="completed")
    await process(records.webhook(_about("hie.completed", foreign)))
    assert await people.count(database, "supposed_request") == 1
    await look(database, gateway)
    assert len(vendor.calls()) == 1
    assert await _state(database, query_id) == ("unknown", None)
    assert await kinds(database) == ["NetworkQueryOutcomeUnknown"]
    assert await people.count(database, "supposed_request") == 0
    await look(database, gateway, timedelta(hours=1))
    assert len(vendor.calls()) == 1


async def test_ours_and_a_foreign_one_that_both_fit_are_not_asked_about(
    database: Database, gateway: Replica, process: Processor, vendor: Vendor, jane: Person
) -> None:
    """I2: two requests for one query: whichever was taken could be the colleague's."""
    query_id = await _lost(database, gateway, vendor, jane)
    (theirs,) = vendor.sandbox.state.network_queries
    foreign = request_id_of(datetime.now(UTC))
    vendor.runs(jane, foreign, hie="processing", lab="processing")
    for request_id in (theirs, foreign):
        await process(records.webhook(_about("hie.completed", request_id)))
    await look(database, gateway, timedelta(minutes=11))
    assert vendor.calls() == []
    assert await _state(database, query_id) == ("unknown", None)


async def test_a_second_one_that_is_seen_before_the_look_stops_it_and_our_id_still_proves(
    database: Database, gateway: Replica, process: Processor, vendor: Vendor, jane: Person
) -> None:
    """I2, I3: that is why the look comes minutes later."""
    query_id = await _lost(database, gateway, vendor, jane)
    (theirs,) = vendor.sandbox.state.network_queries
    foreign = request_id_of(datetime.now(UTC))
    await process(records.webhook(_about("hie.completed", foreign)))
    await gateway.watcher.round()
    await process(records.webhook(_about("hie.first-data-ready", theirs)))
    await look(database, gateway)
    assert vendor.calls() == []
    ours = _about("lab.completed", theirs, data={"iasQueryId": str(query_id)})
    await process(records.webhook(ours))
    assert await _state(database, query_id) == ("started", theirs)


async def test_a_request_that_may_be_of_two_subjects_is_given_to_neither(
    database: Database, gateway: Replica, process: Processor, vendor: Vendor, jane: Person
) -> None:
    """I2, I9: the second subject's call became unknown after the webhook had come."""
    first = await _lost(database, gateway, vendor, jane)
    (theirs,) = vendor.sandbox.state.network_queries
    await process(records.webhook(_about("hie.completed", theirs)))
    victor = await people.person(database, "victor", PATIENT)
    vendor.knows(victor)
    await people.sql(database, "update network_query set hie_slot = false")
    second = await people.due_query(database, victor, [Source.HIE, Source.LAB])
    vendor.fails(SENT, kind="reset")
    await gateway.settle()
    await look(database, gateway)
    assert len(vendor.calls()) == 1
    for query_id in (first, second):
        assert await _state(database, query_id) == ("unknown", None)


@pytest.mark.parametrize("answer", [{"status": 500}, {"status": 200, "body": "<html>"}], ids=str)
async def test_an_answer_that_tells_nothing_leaves_it_open_and_it_is_asked_again(
    database: Database,
    gateway: Replica,
    process: Processor,
    vendor: Vendor,
    jane: Person,
    answer: dict[str, Any],
) -> None:
    """I3."""
    query_id = await _lost(database, gateway, vendor, jane)
    (theirs,) = vendor.sandbox.state.network_queries
    await process(records.webhook(_about("hie.completed", theirs)))
    vendor.fails(**answer)
    await look(database, gateway)
    assert await _state(database, query_id) == ("unknown", None)
    await look(database, gateway)
    assert await _state(database, query_id) == ("started", theirs)
