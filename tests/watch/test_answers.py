"""What the vendor may answer to a look, and what each answer may and may not cause (I4, I8)."""

from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from schemas.ids import RequestId
from schemas.sources import Source
from service.store.pool import Database
from tests.support import people
from tests.support.outbox import kinds, only
from tests.support.people import Person

from .conftest import Replica, Start, Vendor, look, next_look, running

TEN = timedelta(minutes=10)


async def _state(database: Database, query_id: RequestId) -> str:
    return str((await people.row(database, "network_query", query_id=query_id))["state"])


def _counted(word: str) -> float:
    labels = {"what": "network_query", "outcome": word}
    return REGISTRY.get_sample_value("ias_status_polls_total", labels) or 0


@pytest.mark.parametrize("listing", ["both", "errors"])
async def test_a_source_that_is_an_error_only_has_failed(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person, listing: str
) -> None:
    """Both shapes of the vendor: in ``sources`` and ``errors``, or in ``errors`` alone."""
    _, theirs = await running(database, jane, Source.HIE, Source.LAB)
    vendor.runs(jane, theirs, hie="processing", lab="refused")
    if listing == "errors":
        del vendor.sandbox.state.network_queries[theirs].sources[1]
    await look(database, gateway)
    told = await only(database, "NetworkQuerySourceUpdated")
    assert (told["source"], told["reason"]) == ("lab", "source_not_enabled")


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("gone", {"status": 404, "body": '{"status":404,"title":"NotFoundError"}'}),
        ("gone", {"status": 404, "body": '{"message":"Not Found"}'}),
        ("gone", {"status": 410}),
        (
            "refused",
            {"status": 400, "body": '{"status":400,"title":"Missing or invalid parameters"}'},
        ),
        ("refused", {"status": 403}),
        ("unclear", {"status": 500}),
        ("unclear", {"status": 504, "body": '{"message":"Endpoint request timed out"}'}),
        ("refused", {"status": 307, "headers": {"Location": "https://elsewhere.example.com"}}),
        ("unreadable", {"status": 200, "body": ""}),
        ("unreadable", {"status": 200, "body": "<html>"}),
        ("unreadable", {"status": 200, "body": "[]"}),
        ("unreadable", {"status": 200, "body": '{"requestId": 7, "status": "failed"}'}),
        (
            "unreadable",
            {"status": 200, "body": '{"requestId":"another","status":"failed","sources":[]}'},
        ),
        (
            "unreadable",
            {"status": 200, "body": '{"requestId":"x","status":"failed","sources":[{"type":3}]}'},
        ),
        ("unclear", {"kind": "reset"}),
        ("unclear", {"kind": "drop-answer"}),
    ],
    ids=str,
)
async def test_an_answer_without_a_status_tells_nothing_and_is_asked_for_again(
    database: Database,
    gateway: Replica,
    vendor: Vendor,
    jane: Person,
    word: str,
    answer: dict[str, Any],
) -> None:
    """I4: also when the vendor does not know its own id any more: the query has its deadline."""
    query_id, theirs = await running(database, jane, Source.LAB)
    vendor.runs(jane, theirs, lab="failed")
    for _ in range(2):  # the client asks once more when the connection of a GET breaks
        vendor.fails(**answer)
    before = _counted(word)
    await look(database, gateway)
    assert _counted(word) == before + 1
    assert await kinds(database) == []
    assert await _state(database, query_id) == "started"
    assert await next_look(database) == TEN
    vendor.sandbox.scripts.faults.clear()
    await look(database, gateway)
    assert await _state(database, query_id) == "failed"


async def test_slow_down_is_obeyed_and_shows_nothing(
    database: Database, gateway: Replica, vendor: Vendor, jane: Person
) -> None:
    """I8."""
    query_id, theirs = await running(database, jane, Source.LAB)
    vendor.runs(jane, theirs, lab="failed")
    vendor.fails(status=429, headers={"Retry-After": "120"})
    await look(database, gateway)
    assert await next_look(database) == timedelta(minutes=2)
    assert await _state(database, query_id) == "started"


async def test_a_key_that_is_refused_ends_no_watch(
    database: Database, start: Start, vendor: Vendor, jane: Person
) -> None:
    query_id, theirs = await running(database, jane, Source.LAB)
    vendor.runs(jane, theirs, lab="failed")
    await look(database, await start(key="wrong"))
    assert await _state(database, query_id) == "started"
    assert await people.count(database, "vendor_call", state="due") == 1
