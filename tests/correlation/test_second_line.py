"""What the inbox cannot know to be the same: new ids, lost metadata, other orders (I1, I3)."""

import json
from typing import Any

import pytest

from consumers.processor import Processor
from consumers.unparking import Unparker
from schemas.ids import RequestId
from schemas.sources import Source
from service.crypto.keys import KeyRing
from service.gateway.operations import network_query
from service.gateway.operations.common import Surroundings
from service.gateway.outcome import Accepted
from service.store import calls, subjects
from service.store.calls import Operation
from service.store.pool import Database
from tests.support import people, records
from tests.support.outbox import bodies, kinds, only, told
from tests.support.people import Person
from tests.support.settings import LINK_KEY, PUBLIC_URL, rules

from .conftest import PATIENT, about

SOURCES = [source.value for source in Source]


@pytest.fixture
async def jane(database: Database) -> Person:
    return await people.person(database, "jane", PATIENT)


async def _state_of_everything(database: Database) -> list[tuple[Any, ...]]:
    async with database.connection() as connection:
        queries = await connection.fetch("select * from network_query order by query_id")
        sources = await connection.fetch(
            "select * from network_query_source order by query_id, source"
        )
    return [tuple(row.values()) for row in (*queries, *sources)]


@pytest.mark.parametrize("status", ["completed", "failed"])
@pytest.mark.parametrize("source", SOURCES)
async def test_the_same_end_under_a_new_message_id_changes_nothing(
    database: Database, process: Processor, jane: Person, source: str, status: str
) -> None:
    """I1: also when it is the one that ended the query."""
    await people.started_query(database, jane, "request-1", [Source(source)])
    body = about(f"{source}.{status}", "request-1")
    await process(records.webhook(body))
    stored, events = await _state_of_everything(database), await told(database)
    assert [one.kind for one in events] == ["NetworkQuerySourceUpdated", "NetworkQueryFinished"]
    for _ in range(3):
        await process(records.webhook(records.again(body)))
    assert await _state_of_everything(database) == stored
    assert await told(database) == events


async def test_a_redelivery_without_metadata_is_the_same_message(
    database: Database, process: Processor, jane: Person
) -> None:
    """I1: Metriport builds ``meta`` anew for a re-send, so bytes and signature differ."""
    query_id = await people.started_query(database, jane, "request-1", [Source.HIE])
    body = about("hie.completed", "request-1", data={"iasQueryId": str(query_id)})
    await process(records.webhook(body))
    again = json.loads(json.dumps(body))
    del again["meta"]["data"]
    await process(records.webhook(again))
    assert await kinds(database) == ["NetworkQuerySourceUpdated", "NetworkQueryFinished"]
    assert await people.count(database, "inbox", source="metriport") == 1


async def test_a_redelivery_without_metadata_takes_effect_when_it_is_the_first_to_arrive(
    database: Database, process: Processor, jane: Person
) -> None:
    """I1, I6: the first attempt never reached us."""
    await people.started_query(database, jane, "request-1", [Source.HIE])
    await process(records.webhook(about("hie.completed", "request-1", data=None)))
    assert (await only(database, "NetworkQueryFinished"))["status"] == "completed"


@pytest.mark.parametrize("end", ["completed", "failed"])
async def test_early_data_after_the_end_are_no_news(
    database: Database, process: Processor, jane: Person, end: str
) -> None:
    """I1."""
    await people.started_query(database, jane, "request-1", [Source.HIE])
    await process(records.webhook(about(f"hie.{end}", "request-1")))
    stored, events = await _state_of_everything(database), await told(database)
    await process(records.webhook(about("hie.first-data-ready", "request-1")))
    assert await _state_of_everything(database) == stored
    assert await told(database) == events


async def _sent(database: Database, who: Person) -> RequestId:
    """A query whose call is under way."""
    query_id = await people.due_query(database, who, [Source.HIE])
    await people.sql(database, "update network_query set state = 'dispatching', hie_slot = true")
    await people.sql(
        database,
        "update vendor_call set state = 'dispatching', attempts = 1,"
        " called_at = clock_timestamp(), lease_until = now() + interval '1 minute'",
    )
    return query_id


async def _answered(database: Database, who: Person, request_id: str) -> None:
    """The answer to the call comes at last."""
    around = Surroundings(
        facility_id="facility-1",
        public_url=PUBLIC_URL,
        link_keys=KeyRing((LINK_KEY,)),
        rules=rules(),
    )
    sources = [{"type": "hie", "status": "processing"}]
    answer = {"requestId": request_id, "status": "processing", "sources": sources}
    async with database.transaction() as unit:
        await subjects.lock(unit, who.subject_id)
        (row,) = await unit.conn.fetch(f"select {calls.COLUMNS} from vendor_call")  # noqa: S608 - ours
        call = calls.Call(**{**dict(row.items()), "operation": Operation(row["operation"])})
        await network_query.record(unit, around, call, Accepted(json.dumps(answer).encode()))


@pytest.mark.parametrize("ours", [True, False], ids=["with our id", "without metadata"])
async def test_a_webhook_before_the_answer_and_the_answer_after_it_are_one_query(
    database: Database, process: Processor, unparker: Unparker, jane: Person, *, ours: bool
) -> None:
    """I1, I3: whichever way it is known; the answer's older word on the source undoes nothing."""
    query_id = await _sent(database, jane)
    data = {"iasQueryId": str(query_id)} if ours else None
    body = about("hie.completed", "request-1", data=data)
    await process(records.webhook(body))
    assert (await kinds(database) == []) is not ours
    await _answered(database, jane, "request-1")
    await process(records.webhook(records.again(body)))
    while await unparker.round():
        pass
    row = await people.row(database, "network_query")
    assert (row["state"], row["vendor_request_id"]) == ("completed", "request-1")
    assert row["hie_slot"] is False
    assert sorted(await kinds(database)) == [
        "Aal2SessionActivated",
        "NetworkQueryFinished",
        "NetworkQuerySourceUpdated",
        "NetworkQueryStarted",
    ]
    assert (await people.row(database, "vendor_call"))["state"] == "done"


async def test_a_query_that_we_did_not_start_is_parked_and_moves_nothing_of_ours(
    database: Database, process: Processor, unparker: Unparker, jane: Person
) -> None:
    """I1, I6: scheduled queries and dashboard users are no error."""
    await people.started_query(database, jane, "request-1")
    stored = await _state_of_everything(database)
    for name in ("hie.first-data-ready", "hie.completed", "pharmacy.failed", "lab.completed"):
        await process(records.webhook(about(name, "request-of-others")))
        assert await unparker.round() is False
    assert await _state_of_everything(database) == stored
    assert await told(database) == []
    assert await people.count(database, "parked_webhook") == 4


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
@pytest.mark.parametrize("source", ["pharmacy", "lab"])
async def test_one_roster_of_the_vendors_can_close_several_queries(
    database: Database, process: Processor, jane: Person, source: str, *, together: bool
) -> None:
    """I1, I2: same patient, source and time, of two subjects and of one subject twice."""
    victor = await people.person(database, "victor", PATIENT)
    kind = Source(source)
    asked = {
        "request-1": await people.started_query(database, jane, "request-1", [kind]),
        "request-2": await people.started_query(database, jane, "request-2", [kind, Source.HIE]),
        "request-3": await people.started_query(database, victor, "request-3", [kind]),
    }
    arriving = [
        records.webhook(about(f"{source}.completed", request)) for request in (*asked, "foreign")
    ]
    if together:
        assert await process.handle(arriving) == len(arriving)
    else:
        for one in arriving:
            await process(one)
    updated = await bodies(database, "NetworkQuerySourceUpdated")
    assert {(one["requestId"], one["subjectId"]) for one in updated} == {
        (str(asked["request-1"]), "jane"),
        (str(asked["request-2"]), "jane"),
        (str(asked["request-3"]), "victor"),
    }
    assert len(updated) == len(asked)
    finished = await bodies(database, "NetworkQueryFinished")
    assert {one["requestId"] for one in finished} == {
        str(asked["request-1"]),
        str(asked["request-3"]),
    }
    states = {
        request: (await people.row(database, "network_query", query_id=ours))["state"]
        for request, ours in asked.items()
    }
    assert states == {"request-1": "completed", "request-2": "started", "request-3": "completed"}
