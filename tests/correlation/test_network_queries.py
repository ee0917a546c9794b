"""Webhooks of network queries whose request id we do not know yet (I1, I2, I3)."""

from datetime import timedelta
from uuid import uuid4

import pytest

from consumers.processor import Processor
from consumers.unparking import Unparker
from schemas.ids import RequestId
from schemas.sources import Source
from service.store import suppositions
from service.store.pool import Database
from tests.support import people, records
from tests.support.outbox import bodies, kinds, only, told
from tests.support.people import Person

from .conftest import PATIENT, about, request_started_at

WAITED_FOR = ["unknown", "dispatching", "resending"]


@pytest.fixture
async def jane(database: Database) -> Person:
    return await people.person(database, "jane", PATIENT)


async def _called(database: Database, who: Person, state: str) -> RequestId:
    """A query that was sent just now, and whose answer did not come."""
    query_id = await people.due_query(database, who, [Source.HIE])
    await people.sql(
        database,
        "update network_query set state = $1, hie_slot = true where query_id = $2",
        state,
        query_id,
    )
    await people.sql(
        database,
        "update vendor_call set state = $1, called_at = clock_timestamp() where ref_id = $2",
        "due" if state == "resending" else state,
        query_id,
    )
    return query_id


async def _now_at_the_vendor(database: Database) -> str:
    async with database.transaction() as unit:
        return request_started_at(unit.now + timedelta(seconds=1))


async def _supposed(database: Database) -> list[tuple[str, RequestId]]:
    async with database.transaction() as unit:
        return [(str(theirs), ours) for theirs, ours in await suppositions.to_confirm(unit, 10)]


async def _state(database: Database, query_id: RequestId) -> tuple[str, str | None]:
    row = await people.row(database, "network_query", query_id=query_id)
    return row["state"], row["vendor_request_id"]


@pytest.mark.parametrize("state", WAITED_FOR)
async def test_our_id_in_the_metadata_proves_that_the_query_runs(
    database: Database, process: Processor, unparker: Unparker, jane: Person, state: str
) -> None:
    """I3: what was parked of the same request is applied then; the repeat of a webhook is none."""
    query_id = await _called(database, jane, state)
    await process(records.webhook(about("hie.first-data-ready", "request-1", data=None)))
    assert await unparker.round() is False
    body = about("hie.completed", "request-1", data={"iasQueryId": str(query_id), "flow": "ias"})
    await process(records.webhook(body))
    await process(records.webhook(body))
    assert await _state(database, query_id) == ("completed", "request-1")
    assert await kinds(database) == [
        "NetworkQueryStarted",
        "NetworkQuerySourceUpdated",
        "NetworkQueryFinished",
    ]
    assert (await only(database, "NetworkQueryStarted"))["vendorRequestId"] == "request-1"
    row = await people.row(database, "network_query")
    assert row["hie_slot"] is False
    assert await unparker.round() is True
    assert await unparker.round() is False
    assert len(await told(database)) == 3


@pytest.mark.parametrize("state", WAITED_FOR)
async def test_early_data_prove_a_query_and_what_was_parked_ends_it(
    database: Database, process: Processor, unparker: Unparker, jane: Person, state: str
) -> None:
    """I1."""
    query_id = await _called(database, jane, state)
    await process(records.webhook(about("hie.completed", "request-1", data=None)))
    assert await kinds(database) == []
    data = {"iasQueryId": str(query_id)}
    await process(records.webhook(about("hie.first-data-ready", "request-1", data=data)))
    assert await unparker.round() is True
    assert await _state(database, query_id) == ("completed", "request-1")
    assert [one.get("early") for one in await bodies(database, "NetworkQuerySourceUpdated")] == [
        True,
        None,
    ]


async def _sent_twice(database: Database, who: Person) -> RequestId:
    """A query whose first call has no known outcome, and whose second Metriport accepted."""
    query_id = await people.started_query(database, who, "request-2", [Source.HIE, Source.LAB])
    await people.sql(database, "update network_query set first_called_at = now()")
    return query_id


async def test_metriport_may_have_accepted_both_calls_and_news_of_either_is_the_querys(
    database: Database, process: Processor, jane: Person
) -> None:
    """I1, I3: HIE runs under the first id only, for Metriport skips it in a second query."""
    query_id = await _sent_twice(database, jane)
    data = {"iasQueryId": str(query_id)}
    await process(records.webhook(about("hie.completed", "request-1", data=data)))
    await process(records.webhook(about("lab.completed", "request-2", data=data)))
    assert await _state(database, query_id) == ("completed", "request-2")
    assert await kinds(database) == [
        "NetworkQuerySourceUpdated",
        "NetworkQuerySourceUpdated",
        "NetworkQueryFinished",
    ]


async def test_once_it_is_known_the_other_id_needs_no_metadata(
    database: Database, process: Processor, unparker: Unparker, jane: Person
) -> None:
    """I1: a re-send drops them; what came before it was known was parked."""
    query_id = await _sent_twice(database, jane)
    await process(records.webhook(about("hie.completed", "request-1", data=None)))
    assert await kinds(database) == []
    early = about("hie.first-data-ready", "request-1", data={"iasQueryId": str(query_id)})
    await process(records.webhook(early))
    assert await unparker.round() is True
    sources = {row["status"] for row in await bodies(database, "NetworkQuerySourceUpdated")}
    assert sources == {"processing", "completed"}


async def test_a_query_that_was_sent_once_has_one_id(
    database: Database, process: Processor, jane: Person
) -> None:
    """I2: another request that claims to be ours is parked, and changes nothing."""
    query_id = await people.started_query(database, jane, "request-2", [Source.HIE])
    data = {"iasQueryId": str(query_id)}
    await process(records.webhook(about("hie.completed", "request-1", data=data)))
    assert await _state(database, query_id) == ("started", "request-2")
    assert await kinds(database) == []


async def test_a_query_that_was_sent_twice_has_no_third_id(
    database: Database, process: Processor, jane: Person
) -> None:
    """I2."""
    query_id = await _sent_twice(database, jane)
    data = {"iasQueryId": str(query_id)}
    await process(records.webhook(about("hie.first-data-ready", "request-1", data=data)))
    await process(records.webhook(about("hie.completed", "request-3", data=data)))
    assert (await _state(database, query_id))[0] == "started"
    assert len(await kinds(database)) == 1


async def test_a_webhook_without_a_request_id_is_known_by_our_id(
    database: Database, process: Processor, jane: Person
) -> None:
    query_id = await people.started_query(database, jane, "request-1", [Source.HIE])
    body = about("hie.completed", None, data={"iasQueryId": str(query_id)})
    await process(records.webhook(body))
    assert await _state(database, query_id) == ("completed", "request-1")


@pytest.mark.parametrize("state", WAITED_FOR)
@pytest.mark.parametrize(
    "data",
    [
        {"flow": "ias"},
        {"iasQueryId": str(uuid4())},
        {"iasQueryId": "not an id"},
    ],
    ids=["somebody's metadata", "an id of nobody here", "no id at all"],
)
async def test_a_foreign_query_of_the_same_patient_is_never_taken_for_ours(
    database: Database, process: Processor, jane: Person, state: str, data: dict[str, str]
) -> None:
    """I2, I3: though it was started at the same moment, for the same purpose."""
    query_id = await _called(database, jane, state)
    foreign = await _now_at_the_vendor(database)
    await process(records.webhook(about("hie.completed", foreign, data=data)))
    assert await _state(database, query_id) == (state, None)
    assert await kinds(database) == []
    assert await people.count(database, "parked_webhook", vendor_request_id=foreign) == 1
    assert await people.count(database, "supposed_request") == 0


async def test_our_id_on_another_patients_webhook_proves_nothing(
    database: Database, process: Processor, jane: Person
) -> None:
    """I2."""
    query_id = await _called(database, jane, "unknown")
    body = about("hie.completed", "request-1", data={"iasQueryId": str(query_id)})
    body["payload"]["patientId"] = "another"
    await process(records.webhook(body))
    assert await _state(database, query_id) == ("unknown", None)
    assert await kinds(database) == []


@pytest.mark.parametrize("state", ["refused", "started"])
async def test_our_id_under_another_request_changes_nothing_of_a_query_that_is_settled(
    database: Database, process: Processor, jane: Person, state: str
) -> None:
    """I3: it stays parked, for an operator or for nobody."""
    query_id = await people.started_query(database, jane, "request-1", [Source.HIE])
    if state == "refused":
        await people.sql(
            database, "update network_query set state = 'refused', vendor_request_id = null"
        )
    before = await _state(database, query_id)
    body = about("hie.completed", "request-2", data={"iasQueryId": str(query_id)})
    await process(records.webhook(body))
    assert await _state(database, query_id) == before
    assert await kinds(database) == []
    assert await people.count(database, "parked_webhook") == 1


async def test_without_any_metadata_the_strict_rule_supposes_and_does_not_believe(
    database: Database, process: Processor, jane: Person
) -> None:
    """I2, I3: a status query has to confirm it; until then nothing is told."""
    query_id = await _called(database, jane, "unknown")
    theirs = await _now_at_the_vendor(database)
    await process(records.webhook(about("hie.completed", theirs, data=None)))
    assert await _supposed(database) == [(theirs, query_id)]
    assert await _state(database, query_id) == ("unknown", None)
    assert await kinds(database) == []
    assert await people.count(database, "parked_webhook", vendor_request_id=theirs) == 1


async def test_what_came_during_the_call_is_supposed_once_its_outcome_is_unknown(
    database: Database, process: Processor, jane: Person
) -> None:
    query_id = await _called(database, jane, "dispatching")
    theirs = await _now_at_the_vendor(database)
    await process(records.webhook(about("hie.completed", theirs, data=None)))
    assert await _supposed(database) == []
    await people.sql(database, "update network_query set state = 'unknown'")
    assert await _supposed(database) == [(theirs, query_id)]


async def test_two_requests_that_fit_one_query_are_not_worth_a_guess(
    database: Database, process: Processor, jane: Person
) -> None:
    """I2: ours, and one that a colleague started for the patient in the dashboard."""
    await _called(database, jane, "unknown")
    for _ in range(2):
        theirs = await _now_at_the_vendor(database)
        await process(records.webhook(about("hie.completed", theirs, data=None)))
    assert await people.count(database, "supposed_request") == 2
    assert await _supposed(database) == []


async def test_a_request_that_fits_the_queries_of_two_subjects_is_not_worth_a_guess(
    database: Database, process: Processor, jane: Person
) -> None:
    """I2: two subjects of one patient."""
    victor = await people.person(database, "victor", PATIENT)
    for who in (jane, victor):
        await _called(database, who, "unknown")
        await people.sql(database, "update network_query set hie_slot = false")
    theirs = await _now_at_the_vendor(database)
    await process(records.webhook(about("hie.completed", theirs, data=None)))
    assert await people.count(database, "supposed_request") == 0


async def _called_again_just_now(database: Database, query_id: RequestId) -> None:
    await people.sql(
        database,
        "update vendor_call set called_at = clock_timestamp() where ref_id = $1",
        query_id,
    )


async def test_the_other_request_of_a_query_that_was_sent_twice_is_not_taken_for_a_later_query(
    database: Database, process: Processor, jane: Person
) -> None:
    """I2, I3: nobody knows its id yet, and it was started in the same minutes."""
    twice = await _sent_twice(database, await people.person(database, "victor", PATIENT))
    await _called_again_just_now(database, twice)
    await _called(database, jane, "unknown")
    theirs = await _now_at_the_vendor(database)
    await process(records.webhook(about("hie.completed", theirs, data=None)))
    assert await _supposed(database) == []


async def test_once_both_requests_of_a_query_are_known_it_is_in_nobodys_way(
    database: Database, process: Processor, jane: Person
) -> None:
    twice = await _sent_twice(database, await people.person(database, "victor", PATIENT))
    await _called_again_just_now(database, twice)
    await people.sql(database, "update network_query set also_vendor_request_id = 'request-1'")
    query_id = await _called(database, jane, "unknown")
    theirs = await _now_at_the_vendor(database)
    await process(records.webhook(about("hie.completed", theirs, data=None)))
    assert await _supposed(database) == [(theirs, query_id)]


@pytest.mark.parametrize("case", ["an hour ago", "treatment", "another source", "owned", "no time"])
async def test_the_strict_rule_supposes_nothing_of(
    database: Database, process: Processor, jane: Person, case: str
) -> None:
    """I2."""
    await _called(database, jane, "unknown")
    theirs = await _now_at_the_vendor(database)
    body = about("hie.completed", theirs, data=None)
    match case:
        case "an hour ago":
            async with database.transaction() as unit:
                body["meta"]["requestId"] = request_started_at(unit.now - timedelta(hours=1))
        case "treatment":
            del body["payload"]["purposeOfUse"]
        case "another source":
            body["payload"]["source"]["type"] = "lab"
        case "owned":
            await people.sql(database, "update network_query set hie_slot = false")
            await people.started_query(database, jane, theirs, [Source.LAB])
        case "no time":
            body["meta"]["requestId"] = str(uuid4())
    await process(records.webhook(body))
    assert await people.count(database, "supposed_request") == 0
    assert await kinds(database) == []
