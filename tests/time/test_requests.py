"""Queries, registrations, pages and parked webhooks that are over (I1, I3, I4)."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from consumers import expiring
from consumers import sweeper as sweeping
from consumers.processor import Processor
from consumers.sweeper import Sweeper
from consumers.unparking import Unparker
from schemas.events import StepKind
from schemas.ids import LinkId, OpenId, PatientId, SubjectId
from schemas.sources import Source
from service.store import calls, hosted_pages
from service.store.calls import Operation
from service.store.expiry import Kind
from service.store.hosted_pages import HostedPage
from service.store.pool import Database
from service.store.unit import Unit
from service.telemetry import metrics
from tests.support import people, records
from tests.support.outbox import bodies, kinds, only
from tests.support.people import Person

from .conftest import age

PATIENT = "0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11"
QUERY = "0199b1d0-77aa-7c21-8f3e-5a6b7c8d9e0f"
CONSOLIDATED = "0199b1d4-01ab-7e44-a1c2-d3e4f5061728"
DAY = 86400.0


@pytest.fixture
async def jane(database: Database) -> Person:
    return await people.person(database, "jane", PATIENT)


async def _overdue(database: Database, query_id: UUID, seconds: float = 1) -> None:
    await age(database, "network_query", "deadline", seconds, "query_id", query_id)


async def _call_of(database: Database, ref_id: UUID) -> str:
    row = await people.row(database, "vendor_call", ref_id=ref_id)
    return str(row["state"])


@pytest.mark.parametrize("state", ["due", "waiting"])
async def test_a_query_that_was_not_sent_in_time_is_refused_and_never_sent(
    database: Database, sweeper: Sweeper, jane: Person, state: str
) -> None:
    """I3, I4."""
    query_id = await people.due_query(database, jane)
    await people.sql(database, "update network_query set state = $1", state)
    assert await sweeper.round() == 0
    await _overdue(database, query_id)
    assert [await sweeper.round() for _ in range(2)] == [1, 0]
    event = await only(database, "NetworkQueryRefused")
    assert (event["requestId"], event["reason"]) == (str(query_id), "deadline_passed")
    assert (await people.row(database, "network_query"))["state"] == "refused"
    assert await _call_of(database, query_id) == "done"
    async with database.transaction() as unit:
        assert await calls.next_due(unit, Operation.START_NETWORK_QUERY, 10) == []
    command = await people.row(database, "command", command_id=UUID(event["commandId"]))
    assert command["final_type"] == "ias.event.NetworkQueryRefused"


async def test_a_call_under_way_is_not_called_back(
    database: Database, sweeper: Sweeper, jane: Person
) -> None:
    """I3: its outcome, or the end of its lease, decides."""
    query_id = await people.due_query(database, jane)
    await people.sql(database, "update network_query set state = 'dispatching'")
    await people.sql(database, "update vendor_call set state = 'dispatching'")
    await _overdue(database, query_id)
    assert await sweeper.round() == 0
    assert await _call_of(database, query_id) == "dispatching"
    assert await kinds(database) == []


async def test_a_query_that_metriport_never_finished_is_told_as_it_stands(
    database: Database, sweeper: Sweeper, process: Processor, jane: Person
) -> None:
    """I1, I4: what comes after the deadline still counts and is told."""
    query_id = await people.started_query(database, jane, QUERY)
    await people.sql(database, "update network_query set hie_slot = true")
    await process(records.webhook(records.sample("network-query.hie.completed")))
    await people.sql(database, "update network_query set hie_slot = true")
    await _overdue(database, query_id)
    assert [await sweeper.round() for _ in range(2)] == [1, 0]
    finished = await only(database, "NetworkQueryFinished")
    assert finished["status"] == "partial"
    assert {one["source"]: (one["status"], one.get("reason")) for one in finished["sources"]} == {
        "hie": ("completed", None),
        "lab": ("processing", "deadline_passed"),
        "pharmacy": ("processing", "deadline_passed"),
    }
    row = await people.row(database, "network_query")
    assert (row["state"], row["hie_slot"]) == ("partial", False)
    for name in ("lab.completed", "pharmacy.completed"):
        await process(records.webhook(records.sample(f"network-query.{name}")))
    assert (await people.row(database, "network_query"))["state"] == "completed"
    last = (await bodies(database, "NetworkQueryFinished"))[-1]
    assert last["status"] == "completed"
    assert {one["status"] for one in last["sources"]} == {"completed"}
    command = await people.row(database, "command", command_id=UUID(last["commandId"]))
    assert command["final_type"] == "ias.event.NetworkQueryFinished"


async def test_the_end_of_a_query_is_not_told_to_a_subject_without_an_identity(
    database: Database, sweeper: Sweeper, jane: Person
) -> None:
    """I9: but the patient's slot is free for others."""
    query_id = await people.started_query(database, jane, QUERY)
    await people.sql(database, "update network_query set hie_slot = true")
    await people.sql(database, "update identity set state = 'revoked'")
    await _overdue(database, query_id)
    await sweeper.round()
    row = await people.row(database, "network_query")
    assert (row["state"], row["hie_slot"]) == ("partial", False)
    assert await kinds(database) == []


async def test_a_query_nobody_knows_the_outcome_of_gives_its_slot_back_and_stays_unknown(
    database: Database, sweeper: Sweeper, jane: Person
) -> None:
    """I3: proof may still come, so nothing is told."""
    query_id = await people.due_query(database, jane)
    await people.sql(database, "update network_query set state = 'unknown', hie_slot = true")
    assert await sweeper.round() == 0
    await _overdue(database, query_id)
    assert [await sweeper.round() for _ in range(2)] == [1, 0]
    row = await people.row(database, "network_query")
    assert (row["state"], row["hie_slot"]) == ("unknown", False)
    assert await kinds(database) == []


@pytest.mark.parametrize("state", ["completed", "partial", "failed", "refused"])
async def test_a_query_that_has_ended_is_left_alone(
    database: Database, sweeper: Sweeper, jane: Person, state: str
) -> None:
    query_id = await people.started_query(database, jane, QUERY)
    await people.sql(database, "update network_query set state = $1", state)
    await _overdue(database, query_id, 30 * DAY)
    assert await sweeper.round() == 0
    assert (await people.row(database, "network_query"))["state"] == state
    assert await kinds(database) == []


@pytest.mark.parametrize("state", ["due", "dispatching", "started"])
async def test_a_record_that_was_never_delivered_fails_and_is_not_delivered_later(
    database: Database, sweeper: Sweeper, process: Processor, jane: Person, state: str
) -> None:
    """I4: the application was told to ask again; a late link would be a surprise."""
    await people.started_query(database, jane, QUERY)
    request_id = await people.started_consolidated(database, jane, CONSOLIDATED)
    await people.sql(database, "update consolidated_query set state = $1", state)
    await people.sql(database, "update vendor_call set state = 'due' where ref_id = $1", request_id)
    assert await sweeper.round() == 0
    await age(database, "consolidated_query", "created_at", 21601, "request_id", request_id)
    assert [await sweeper.round() for _ in range(2)] == [1, 0]
    event = await only(database, "ConsolidatedDataFailed")
    assert (event["requestId"], event["reason"]) == (str(request_id), "deadline_passed")
    assert await _call_of(database, request_id) == "done"
    await process(records.webhook(records.sample("medical.consolidated-data.completed")))
    assert (await people.row(database, "consolidated_query"))["state"] == "failed"
    assert await kinds(database) == ["ConsolidatedDataFailed"]


async def test_a_record_that_is_being_asked_for_is_waited_for(
    database: Database, sweeper: Sweeper, jane: Person
) -> None:
    """The answer, or the end of its lease, comes first; then it ends."""
    await people.started_query(database, jane, QUERY)
    request_id = await people.due_consolidated(database, jane)
    await age(database, "consolidated_query", "created_at", 21601, "request_id", request_id)
    call = "update vendor_call set state = $1 where ref_id = $2"
    await people.sql(database, call, "dispatching", request_id)
    assert await sweeper.round() == 0
    await people.sql(database, call, "due", request_id)
    assert await sweeper.round() == 1


@pytest.mark.parametrize("state", ["due", "dispatching"])
async def test_a_registration_that_metriport_did_not_take_fails_and_forgets_the_person(
    database: Database, sweeper: Sweeper, state: str
) -> None:
    """I4, I7: except while a call for it is under way."""
    registration_id = await people.registering(database, "jane", demographics=b"{}")
    await people.sql(database, "update vendor_call set state = $1", state)
    key = ("registration_id", registration_id)
    await age(database, "registration", "created_at", DAY - 60, *key)
    assert await sweeper.round() == 0
    await age(database, "registration", "created_at", DAY + 1, *key)
    ends = state == "due"
    assert [await sweeper.round() for _ in range(2)] == [int(ends), 0]
    row = await people.row(database, "registration")
    assert (row["state"], row["demographics_box"] is None) == (
        ("failed", True) if ends else ("due", False)
    )
    if ends:
        event = await only(database, "PatientRegistrationFailed")
        assert event["reason"] == "deadline_passed"
        assert await _call_of(database, registration_id) == "done"


async def test_a_browser_is_not_kept_waiting_for_ever(database: Database, sweeper: Sweeper) -> None:
    async with database.transaction() as unit:
        pending = await people.verifying(unit, SubjectId("jane"), PatientId(PATIENT))
        open_id = OpenId(uuid4())
        link_id = LinkId(pending.verification_id)
        kind = StepKind.IDENTITY_VERIFICATION
        page = HostedPage(open_id, link_id, kind, pending.subject_id, "waiting")
        await hosted_pages.open_page(unit, page)
        operation = Operation.CREATE_IDENTITY_SESSION
        await calls.schedule(unit, operation, pending.subject_id, open_id)
    assert await sweeper.round() == 0
    await age(database, "hosted_page", "opened_at", 301, "open_id", open_id)
    assert [await sweeper.round() for _ in range(2)] == [1, 0]
    row = await people.row(database, "hosted_page")
    assert (row["state"], row["reason"]) == ("refused", "deadline_passed")
    assert await _call_of(database, open_id) == "done"
    assert await kinds(database) == []


async def test_a_webhook_that_nobody_here_asked_for_is_kept_a_day(
    database: Database, unparker: Unparker, process: Processor
) -> None:
    """I6: it stays on its topic for the readers whom it concerns."""
    for name in ("lab.completed", "hie.completed"):
        await process(records.webhook(records.sample(f"network-query.{name}")))
    await people.sql(
        database,
        "update parked_webhook set received_at = now() - interval '25 hours'"
        " where webhook_type = 'network-query.lab'",
    )
    await unparker.end()
    row = await people.row(database, "parked_webhook")
    assert row["webhook_type"] == "network-query.hie"


async def test_one_thing_that_cannot_be_ended_does_not_hide_the_rest(
    database: Database, sweeper: Sweeper, jane: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I4: though a page of candidates begins with it."""
    monkeypatch.setattr(sweeping, "_PAGE", 1)
    first, second = [await people.due_query(database, jane, [Source.LAB]) for _ in range(2)]
    await _overdue(database, first, 20)
    await _overdue(database, second, 10)

    async def breaks_on_first(unit: Unit, ref_id: UUID) -> bool:
        if ref_id == first:
            raise ValueError
        return await expiring.end_query(unit, ref_id)

    endings = {**expiring.ENDINGS, Kind.QUERY: breaks_on_first}
    monkeypatch.setattr(sweeping, "ENDINGS", endings)
    assert await sweeper.round() == 1
    event = await only(database, "NetworkQueryRefused")
    assert event["requestId"] == str(second)
    assert (await people.row(database, "network_query", query_id=first))["state"] == "due"


async def test_operators_see_what_ends_and_how_late(
    database: Database, sweeper: Sweeper, jane: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    query_id = await people.due_query(database, jane)
    await _overdue(database, query_id, 400)
    before = metrics.SWEPT.labels("query")._value.get()  # noqa: SLF001 - the library has no reader

    async def not_now(*_: object) -> bool:
        return False

    endings = {**expiring.ENDINGS, Kind.QUERY: not_now}
    with monkeypatch.context() as stuck:
        stuck.setattr(sweeping, "ENDINGS", endings)
        assert await sweeper.round() == 0
    overdue = metrics.OVERDUE.labels("query")._value.get()  # noqa: SLF001 - as above
    assert 400 <= overdue < 400 + timedelta(minutes=1).total_seconds()
    assert await sweeper.round() == 1
    assert metrics.SWEPT.labels("query")._value.get() == before + 1  # noqa: SLF001 - as above
    await sweeper.round()
    assert metrics.OVERDUE.labels("query")._value.get() == 0  # noqa: SLF001 - as above
