"""A link that is dead when its webhook comes is renewed, and no dead link is handed out (I1, I4, I6, I9)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from consumers.processor import Processor
from consumers.sweeper import Sweeper
from consumers.unparking import Unparker
from schemas.commands import EraseSubject, RenewDataLink, RevokeIdentity
from schemas.ids import CommandId, RequestId, VendorRequestId
from schemas.topics import Topic
from service.store import consolidated, subjects
from service.store.pool import Database
from tests.support import people, records
from tests.support.outbox import bodies, kinds, only, told
from tests.support.people import Person
from tests.support.settings import rules

PATIENT = "0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11"
QUERY = "consolidated_query"
DUE = (
    "select request_id, subject_id from consolidated_query where state = 'due' order by subject_id"
)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def jane(database: Database) -> Person:
    return await people.person(database, "jane", PATIENT)


@pytest.fixture
async def asked(database: Database, jane: Person) -> RequestId:
    """Jane's query, which Metriport knows as ``first``."""
    await people.started_query(database, jane, "network-1")
    return await people.started_consolidated(database, jane, "first")


def _webhook(request_id: str, *, link: str, made: timedelta = timedelta(0)) -> Any:
    """A delivery of a link, made so long ago."""
    body = records.again(records.sample("medical.consolidated-data.completed"))
    when = datetime.now(UTC) - made
    body["meta"] |= {"requestId": request_id, "when": when.isoformat()}
    content = body["patients"][0]["bundle"]["entry"][0]["resource"]["content"]
    content[0]["attachment"]["url"] = link
    return body


def _signed(ago: timedelta, seconds: int = 180) -> str:
    date_ = (datetime.now(UTC) - ago).strftime("%Y%m%dT%H%M%SZ")
    return f"https://data.example.com/record?X-Amz-Date={date_}&X-Amz-Expires={seconds}"


def _dead(request_id: str) -> Any:
    """As Metriport sends it again, ten minutes later."""
    return _webhook(request_id, link=_signed(10 * MINUTE), made=10 * MINUTE)


def _alive(request_id: str) -> Any:
    return _webhook(request_id, link=_signed(timedelta(0)))


async def _accept(database: Database, vendor_request_id: str) -> list[UUID]:
    """Metriport answers every query that is due with this id; ours of them."""
    async with database.connection() as connection:
        due = await connection.fetch(DUE)
    for row in due:
        async with database.transaction() as unit:
            await subjects.lock(unit, row["subject_id"])
            theirs = VendorRequestId(vendor_request_id)
            await consolidated.started(unit, row["request_id"], theirs)
    return [row["request_id"] for row in due]


async def _renewed(database: Database) -> dict[str, Any]:
    """The one query that is due."""
    return await people.row(database, QUERY, state="due")


async def test_a_dead_link_is_asked_for_again_with_the_same_parameters_and_nobody_hears_of_it(
    database: Database, process: Processor, jane: Person, asked: RequestId
) -> None:
    """I4: the command stays open, a call is due, and the lifetime is that of the first query."""
    parameters = {
        "resources": ["Condition", "Observation"],
        "date_from": date(2020, 2, 29),
        "date_to": date(2024, 12, 31),
    }
    await people.sql(
        database,
        "update consolidated_query set resources = $1, date_from = $2, date_to = $3",
        *parameters.values(),
    )
    first = await people.row(database, QUERY)
    await process(records.webhook(_dead("first")))
    fresh = await _renewed(database)
    same = ("subject_id", "patient_id", "command_id", "conversion_type", "created_at")
    assert {name: fresh[name] for name in same} == {name: first[name] for name in same}
    assert {name: fresh[name] for name in parameters} == parameters
    assert (fresh["renewals"], fresh["vendor_request_id"], fresh["watched_at"]) == (1, None, None)
    assert await kinds(database) == []
    assert await told(database, Topic.LINKS) == []
    call = await people.row(database, "vendor_call", ref_id=fresh["request_id"])
    assert (call["operation"], call["state"]) == ("start_consolidated_query", "due")
    command = await people.row(database, "command", command_id=first["command_id"])
    assert command["final_type"] is None
    assert asked == first["request_id"]
    assert jane.subject_id == call["subject_id"]


async def test_the_link_that_was_renewed_is_delivered_under_the_command_that_asked_for_it(
    database: Database, process: Processor, asked: RequestId
) -> None:
    """I4: and the request id that is told is the one that RenewDataLink takes."""
    first = await people.row(database, QUERY, request_id=asked)
    await process(records.webhook(_dead("first")))
    (fresh,) = await _accept(database, "second")
    await process(records.webhook(_alive("second")))
    ready = await only(database, "ConsolidatedDataReady")
    assert (ready["commandId"], ready["requestId"]) == (str(first["command_id"]), str(fresh))
    (link,) = await told(database, Topic.LINKS)
    assert (link.body["linkId"], link.body["requestId"]) == (ready["linkId"], str(fresh))
    assert await kinds(database) == ["ConsolidatedDataReady"]
    command = await people.row(database, "command", command_id=first["command_id"])
    assert command["final_type"] == "ias.event.ConsolidatedDataReady"


async def test_the_third_dead_link_ends_the_query(
    database: Database, process: Processor, asked: RequestId
) -> None:
    """I4: Metriport is asked three times at most, and no dead link reaches the application."""
    command = (await people.row(database, QUERY, request_id=asked))["command_id"]
    await process(records.webhook(_dead("first")))
    await _accept(database, "second")
    await process(records.webhook(_dead("second")))
    assert await kinds(database) == []
    (last,) = await _accept(database, "third")
    await process(records.webhook(_dead("third")))
    failed = await only(database, "ConsolidatedDataFailed")
    assert (failed["reason"], failed["requestId"]) == ("link_expired", str(last))
    assert failed["commandId"] == str(command)
    assert await people.count(database, QUERY) == 3
    assert await people.count(database, QUERY, state="failed") == 3
    assert await told(database, Topic.LINKS) == []


async def test_a_reader_that_lagged_may_renew_what_was_renewed_as_often_as_may_be(
    database: Database, process: Processor, jane: Person, asked: RequestId
) -> None:
    """Its command is a new one, with renewals and a lifetime of its own."""
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    await people.sql(
        database, "update consolidated_query set renewals = 2, created_at = $1", long_ago
    )
    await process(records.webhook(_dead("first")))
    failed = await only(database, "ConsolidatedDataFailed")
    assert failed["requestId"] == str(asked)
    command = RenewDataLink(
        command_id=CommandId(uuid4()), subject_id=jane.subject_id, request_id=asked
    )
    await process(records.command(command))
    fresh = await _renewed(database)
    assert (fresh["command_id"], fresh["renewals"]) == (command.command_id, 0)
    assert fresh["created_at"] > long_ago
    await _accept(database, "second")
    await process(records.webhook(_dead("second")))
    assert (await _renewed(database))["renewals"] == 1


async def test_a_dead_link_that_comes_often_is_renewed_once(
    database: Database, process: Processor, asked: RequestId
) -> None:
    """I1: as the same message, and as other messages of the same request."""
    body = _dead("first")
    for one in (body, body, records.again(body)):
        await process(records.webhook(one))
    await _accept(database, "second")
    await process(records.webhook(records.again(body)))
    assert await people.count(database, QUERY) == 2
    assert await people.count(database, QUERY, request_id=asked, state="failed") == 1
    assert await people.count(database, "vendor_call", operation="start_consolidated_query") == 2


@pytest.mark.usefixtures("asked")
async def test_what_comes_late_for_the_request_that_was_renewed_is_no_news_and_waits_for_nobody(
    database: Database, process: Processor
) -> None:
    """I1: the application gets one link, that of the renewal; nothing ends in the dead letters later."""
    await process(records.webhook(_dead("first")))
    await process(records.webhook(_alive("first")))
    assert await told(database, Topic.LINKS) == []
    assert await people.count(database, "parked_webhook") == 0
    await _accept(database, "second")
    await process(records.webhook(_alive("first")))
    assert await told(database, Topic.LINKS) == []
    await process(records.webhook(_alive("second")))
    assert len(await told(database, Topic.LINKS)) == 1


async def test_a_patient_that_a_webhook_names_twice_is_renewed_or_delivered_once(
    database: Database, process: Processor, asked: RequestId
) -> None:
    """I1."""
    body = _dead("first")
    body["patients"] *= 2
    await process(records.webhook(body))
    (fresh,) = await _accept(database, "second")
    body = _alive("second")
    body["patients"] *= 2
    await process(records.webhook(body))
    assert (await only(database, "ConsolidatedDataReady"))["requestId"] == str(fresh)
    assert fresh != asked
    assert len(await told(database, Topic.LINKS)) == 1


@pytest.mark.usefixtures("asked")
async def test_two_subjects_of_one_request_are_renewed_each_for_themselves(
    database: Database, process: Processor
) -> None:
    """I9: also when Metriport answers both with one id again."""
    victor = await people.person(database, "victor", PATIENT)
    await people.started_query(database, victor, "network-2")
    await people.started_consolidated(database, victor, "first")
    await process(records.webhook(_dead("first")))
    assert len(await _accept(database, "second")) == 2
    await process(records.webhook(_alive("second")))
    links = await told(database, Topic.LINKS)
    assert sorted(link.key for link in links) == ["jane", "victor"]
    ready = await bodies(database, "ConsolidatedDataReady")
    assert {(one["subjectId"], one["linkId"]) for one in ready} == {
        (link.key, link.body["linkId"]) for link in links
    }


@pytest.mark.usefixtures("asked")
async def test_a_dead_link_of_a_subject_who_lost_the_identity_is_not_renewed(
    database: Database, process: Processor
) -> None:
    """I9: the other subject of the same request is."""
    victor = await people.person(database, "victor", PATIENT)
    await people.started_query(database, victor, "network-2")
    await people.started_consolidated(database, victor, "first")
    await people.sql(database, "update identity set state = 'revoked' where subject_id = 'victor'")
    await process(records.webhook(_dead("first")))
    failed = await only(database, "ConsolidatedDataFailed")
    assert (failed["subjectId"], failed["reason"]) == ("victor", "no_active_identity")
    assert (await _renewed(database))["subject_id"] == "jane"


@pytest.mark.usefixtures("asked")
async def test_a_revocation_ends_a_query_that_was_renewed_once(
    database: Database, process: Processor, jane: Person
) -> None:
    """I4, I9."""
    await process(records.webhook(_dead("first")))
    command = RevokeIdentity(
        command_id=CommandId(uuid4()),
        subject_id=jane.subject_id,
        patient_id=jane.patient_id,
        reason="asked for",
    )
    await process(records.command(command))
    assert (await only(database, "ConsolidatedDataFailed"))["reason"] == "revoked"
    assert await people.count(database, QUERY, state="failed") == 2


@pytest.mark.usefixtures("asked")
async def test_an_erasure_leaves_nothing_of_a_query_that_was_renewed(
    database: Database, process: Processor, jane: Person
) -> None:
    await process(records.webhook(_dead("first")))
    command = EraseSubject(command_id=CommandId(uuid4()), subject_id=jane.subject_id)
    await process(records.command(command))
    assert await people.count(database, QUERY) == 0
    assert await people.count(database, "vendor_call") == 0


@pytest.mark.usefixtures("asked")
async def test_a_renewal_does_not_lengthen_the_life_of_its_query(
    database: Database, process: Processor
) -> None:
    """I4: six hours after the first was asked for, nothing is asked or waited for any more."""
    sweeper = Sweeper(database, rules())
    older = "update consolidated_query set created_at = created_at - interval '6 hours 1 second'"
    await people.sql(database, older)
    await process(records.webhook(_dead("first")))
    assert [await sweeper.round() for _ in range(2)] == [1, 0]
    failed = await only(database, "ConsolidatedDataFailed")
    assert failed["reason"] == "deadline_passed"
    ref_id = UUID(failed["requestId"])
    assert (await people.row(database, "vendor_call", ref_id=ref_id))["state"] == "done"


async def test_a_link_that_died_while_its_webhook_was_parked_is_renewed(
    database: Database, process: Processor, unparker: Unparker, jane: Person
) -> None:
    """I6."""
    await people.started_query(database, jane, "network-1")
    await process(records.webhook(_dead("first")))
    await people.started_consolidated(database, jane, "first")
    assert await unparker.round() is True
    assert (await _renewed(database))["renewals"] == 1
    assert await kinds(database) == []
    assert await told(database, Topic.LINKS) == []


UNSIGNED = "https://data.example.com/record"
NOW = timedelta(0)
LIVING: dict[str, tuple[Callable[[], str], timedelta, int]] = {
    "signed for three minutes, just now": (partial(_signed, NOW), 30 * MINUTE, 3),
    "signed for four hours, an hour ago": (partial(_signed, 60 * MINUTE, 14_400), 60 * MINUTE, 180),
    "not signed, made a minute ago": (lambda: UNSIGNED, MINUTE, 2),
    "of unreadable signature, made a minute ago": (lambda: f"{UNSIGNED}?X-Amz-Date=x", MINUTE, 2),
}


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("case", LIVING)
async def test_the_application_is_told_when_the_link_dies(
    database: Database, process: Processor, case: str
) -> None:
    """As its own signature says, else three minutes after its webhook was made."""
    link, made, minutes = LIVING[case]
    await process(records.webhook(_webhook("first", link=link(), made=made)))
    ready = await only(database, "ConsolidatedDataReady")
    (issued,) = await told(database, Topic.LINKS)
    assert issued.body["expiresAt"] == ready["expiresAt"]
    left = datetime.fromisoformat(ready["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=minutes - 0.5) < left <= timedelta(minutes=minutes)


DEAD: dict[str, tuple[Callable[[], str], timedelta]] = {
    "signed for three minutes, four minutes ago": (partial(_signed, 4 * MINUTE), NOW),
    "not signed, made four minutes ago": (lambda: UNSIGNED, 4 * MINUTE),
}


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("case", DEAD)
async def test_a_link_whose_time_is_over_is_renewed_and_not_told(
    database: Database, process: Processor, case: str
) -> None:
    link, made = DEAD[case]
    await process(records.webhook(_webhook("first", link=link(), made=made)))
    assert (await _renewed(database))["renewals"] == 1
    assert await kinds(database) == []
    assert await told(database, Topic.LINKS) == []
