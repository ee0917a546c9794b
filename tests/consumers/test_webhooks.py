"""Every webhook sample through the processor, in any order and as often as it likes (I1)."""

import base64
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from consumers import routing
from consumers.processor import Processor
from consumers.unparking import Unparker
from schemas.ids import PatientId, SubjectId, VendorRequestId
from schemas.metriport.webhooks import CONSOLIDATED_DATA, IDENTITY_VERIFIED, NETWORK_QUERY_TYPES
from schemas.sources import Source
from schemas.topics import Topic
from service.crypto.sealing import Opener, place
from service.crypto.tokens import secret_digest
from service.ias.identity import Verification
from service.store import queries
from service.store.pool import Database
from tests.support import people, records
from tests.support.outbox import bodies, kinds, only, told
from tests.support.people import Person
from tests.support.settings import SEALING_PRIVATE_KEY

PATIENT = "0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11"
QUERY = "0199b1d0-77aa-7c21-8f3e-5a6b7c8d9e0f"
CONSOLIDATED = "0199b1d4-01ab-7e44-a1c2-d3e4f5061728"
ACTED_ON = {IDENTITY_VERIFIED, CONSOLIDATED_DATA, *NETWORK_QUERY_TYPES}
NAMES = sorted(
    path.name.removeprefix("webhook.").removesuffix(".json")
    for path in records.SAMPLES.glob("webhook.*.json")
    if "expected-reply" not in path.name
)
OTHERS = [name for name in NAMES if records.sample(name)["meta"]["type"] not in ACTED_ON]
IDENTITIES = ["ias.identity.verified.variant-a-payload", "ias.identity.verified.variant-b-toplevel"]


@pytest.fixture
async def jane(database: Database) -> Person:
    return await people.person(database, "jane", PATIENT)


async def _sources(database: Database) -> dict[str, tuple[Any, ...]]:
    async with database.connection() as connection:
        rows = await connection.fetch("select * from network_query_source order by source")
    return {row["source"]: (row["status"], row["finished_at"], row["reason"]) for row in rows}


@pytest.mark.parametrize("status", ["completed", "failed"])
@pytest.mark.parametrize("source", ["hie", "pharmacy", "lab"])
async def test_a_source_that_ended_is_stored_and_told(
    database: Database, process: Processor, jane: Person, source: str, status: str
) -> None:
    await people.started_query(database, jane, QUERY)
    await people.sql(database, "update network_query set hie_slot = true")
    body = records.sample(f"network-query.{source}.{status}")
    await process(records.webhook(body))
    event = await only(database, "NetworkQuerySourceUpdated")
    assert (event["source"], event["status"], event["from"]) == (source, status, "webhook")
    assert event.get("reason") == ("source_failed" if status == "failed" else None)
    told_at = datetime.fromisoformat(body["payload"]["source"]["completedAt"])
    assert (await _sources(database))[source][:2] == (status, told_at)
    query = await people.row(database, "network_query")
    assert (query["state"], query["hie_slot"]) == ("started", source != "hie")


async def test_early_data_are_told_once_and_end_nothing(
    database: Database, process: Processor, jane: Person
) -> None:
    await people.started_query(database, jane, QUERY, [Source.HIE])
    body = records.sample("network-query.hie.first-data-ready")
    for one in (body, records.again(body)):
        await process(records.webhook(one))
    event = await only(database, "NetworkQuerySourceUpdated")
    assert (event["early"], event["status"]) == (True, "processing")
    assert (await people.row(database, "network_query"))["state"] == "started"


async def test_the_last_source_ends_the_query(
    database: Database, process: Processor, jane: Person
) -> None:
    """I4."""
    await people.started_query(database, jane, QUERY)
    for name in ("hie.completed", "pharmacy.failed", "lab.completed"):
        await process(records.webhook(records.sample(f"network-query.{name}")))
    finished = await only(database, "NetworkQueryFinished")
    assert finished["status"] == "partial"
    assert (await people.row(database, "network_query"))["state"] == "partial"


async def test_the_treatment_sample_moves_a_treatment_query(
    database: Database, process: Processor
) -> None:
    query_id = await people.treatment_query(database, "doctor", PATIENT)
    async with database.transaction() as unit:
        await queries.started(unit, query_id, VendorRequestId(QUERY))
    body = records.sample("network-query.hie.completed.treatment")
    await process(records.webhook(body))
    assert (await only(database, "NetworkQuerySourceUpdated"))["subjectId"] == "doctor"


WORDS = ("hie.first-data-ready", "hie.completed", "hie.failed", "pharmacy.completed")
ORDERS = list(itertools.permutations(WORDS))


async def test_any_order_with_duplicates_ends_the_same(
    database: Database, process: Processor, jane: Person
) -> None:
    """I1: same rows, and the last word that was told of each source is what is stored."""
    for number, order in enumerate(ORDERS):
        request = f"request-{number}"
        await people.sql(database, "update network_query set hie_slot = false")
        await people.started_query(database, jane, request, [Source.HIE, Source.PHARMACY])
        for name in order:
            body = records.again(records.sample(f"network-query.{name}"))
            body["meta"]["requestId"] = request
            await process(records.webhook(body))
            await process(records.webhook(body))  # the same message
            await process(records.webhook(records.again(body)))  # the same news
    async with database.connection() as connection:
        rows = await connection.fetch(
            "select source, status, finished_at, reason, count(*) as number"
            " from network_query_source group by 1, 2, 3, 4 order by 1"
        )
        states = await connection.fetch("select distinct state from network_query")
    found = [(row["source"], row["status"], row["number"]) for row in rows]
    assert found == [("hie", "failed", len(ORDERS)), ("pharmacy", "completed", len(ORDERS))]
    assert [row["state"] for row in states] == ["partial"]
    last: dict[tuple[str, str], str] = {}
    finished: dict[str, str] = {}
    for event in await told(database):
        if event.kind == "NetworkQuerySourceUpdated":
            last[event.body["requestId"], event.body["source"]] = event.body["status"]
        elif event.kind == "NetworkQueryFinished":
            finished[event.body["requestId"]] = event.body["status"]
    assert {key[1]: status for key, status in last.items()} == {
        "hie": "failed",
        "pharmacy": "completed",
    }
    assert len(set(last.items())) == 2 * len(ORDERS)
    assert list(finished.values()) == ["partial"] * len(ORDERS)
    assert await told(database, Topic.DEAD_LETTERS) == []


async def test_no_status_goes_to_a_subject_whose_identity_is_gone(
    database: Database, process: Processor, jane: Person
) -> None:
    """I9: the row moves on, nobody is told."""
    await people.started_query(database, jane, QUERY, [Source.HIE])
    await people.sql(database, "update identity set state = 'revoked'")
    await process(records.webhook(records.sample("network-query.hie.completed")))
    assert await kinds(database) == []
    assert (await people.row(database, "network_query"))["state"] == "completed"


def _fresh(name: str) -> Any:
    """A consolidated sample whose link was signed just now."""
    text = json.dumps(records.sample(f"medical.consolidated-data.{name}"))
    now = datetime.now(UTC)
    body = json.loads(text.replace("20260601T150500Z", now.strftime("%Y%m%dT%H%M%SZ")))
    body["meta"]["when"] = now.isoformat().replace("+00:00", "Z")
    return body


async def _asked(database: Database, who: Person, conversion_type: str = "json") -> None:
    await people.started_query(database, who, QUERY)
    await people.started_consolidated(database, who, CONSOLIDATED, conversion_type)


@pytest.mark.parametrize(
    ("name", "kind", "content_type"),
    [("completed", "json", "application/json"), ("pdf", "pdf", "application/pdf")],
)
async def test_a_record_is_delivered_as_a_link_on_the_links_topic_alone(
    database: Database,
    process: Processor,
    jane: Person,
    name: str,
    kind: str,
    content_type: str,
) -> None:
    """I7, I9."""
    await _asked(database, jane, kind)
    body = _fresh(name)
    await process(records.webhook(body))
    await process(records.webhook(records.again(body)))
    ready = await only(database, "ConsolidatedDataReady")
    (link,) = await told(database, Topic.LINKS)
    attachment = body["patients"][0]["bundle"]["entry"][0]["resource"]["content"][0]["attachment"]
    assert (ready["noData"], ready["contentType"]) == (False, content_type)
    assert (link.body["url"], link.body["linkId"]) == (attachment["url"], ready["linkId"])
    expires = datetime.fromisoformat(link.body["expiresAt"])
    assert timedelta(0) < expires - datetime.now(UTC) <= timedelta(minutes=3)
    assert "X-Amz" not in json.dumps([event.body for event in await told(database)])


async def test_no_data_is_told_without_a_link(
    database: Database, process: Processor, jane: Person
) -> None:
    await _asked(database, jane)
    await process(records.webhook(_fresh("empty-bundle")))
    assert (await only(database, "ConsolidatedDataReady"))["noData"] is True
    assert await told(database, Topic.LINKS) == []


@pytest.mark.parametrize(
    ("body", "conversion_type", "reason"),
    [
        (_fresh("failed"), "json", "vendor_refused"),
        (_fresh("completed"), "pdf", "vendor_refused"),
    ],
    ids=["failed", "another format"],
)
async def test_a_record_that_cannot_be_delivered_is_told_with_its_reason(
    database: Database,
    process: Processor,
    jane: Person,
    body: Any,
    conversion_type: str,
    reason: str,
) -> None:
    """I4."""
    await _asked(database, jane, conversion_type)
    await process(records.webhook(body))
    assert (await only(database, "ConsolidatedDataFailed"))["reason"] == reason
    assert await told(database, Topic.LINKS) == []


async def test_a_record_goes_to_nobody_who_lost_the_identity_meanwhile(
    database: Database, process: Processor, jane: Person
) -> None:
    """I9: checked again at delivery, for each subject of a shared request id."""
    victor = await people.person(database, "victor", PATIENT)
    await _asked(database, jane)
    await people.started_query(database, victor, "another-request")
    await people.started_consolidated(database, victor, CONSOLIDATED)
    await people.sql(database, "update identity set state = 'revoked' where subject_id = 'victor'")
    await process(records.webhook(_fresh("completed")))
    assert [link.key for link in await told(database, Topic.LINKS)] == ["jane"]
    failed = await only(database, "ConsolidatedDataFailed")
    assert (failed["subjectId"], failed["reason"]) == ("victor", "no_active_identity")


@pytest.fixture
async def waiting(database: Database) -> Verification:
    """Somebody who is asked to prove who they are, for the patient of the samples."""
    async with database.transaction() as unit:
        return await people.verifying(unit, SubjectId("jane"), PatientId(PATIENT))


async def _opened(database: Database, waiting: Verification, vendor_session: str) -> None:
    await people.sql(
        database,
        "insert into hosted_page (open_id, link_id, kind, subject_id, state, vendor_digest,"
        " opened_at) values (gen_random_uuid(), $1, 'identity_verification', $2, 'ready', $3,"
        " now())",
        waiting.verification_id,
        waiting.subject_id,
        secret_digest("hosted-page", vendor_session),
    )


def _with_our_id(name: str, verification_id: object) -> Any:
    body = records.sample(name)
    body["meta"]["data"] = {"iasVerificationId": str(verification_id)}
    return body


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("name", IDENTITIES)
async def test_an_identity_binds_by_our_verification_id(
    database: Database, process: Processor, waiting: Verification, name: str, *, sealed: bool
) -> None:
    """I2, also with a second subject on the patient."""
    async with database.transaction() as unit:
        await people.link(unit, SubjectId("victor"), PatientId(PATIENT))
    body = _with_our_id(name, waiting.verification_id)
    for one in (body, body, records.again(body)):
        await process(records.webhook(one, sealed=sealed))
    assert (await only(database, "IdentityVerified"))["subjectId"] == "jane"
    row = await people.row(database, "identity")
    assert (row["subject_id"], row["state"]) == ("jane", "active")
    assert "pid_0199b0caf4d57e90" not in json.dumps([one.body for one in await told(database)])


@pytest.mark.parametrize("name", IDENTITIES)
@pytest.mark.parametrize("data", ["foreign", "absent"])
async def test_an_identity_binds_by_the_vendors_session_id(
    database: Database, process: Processor, waiting: Verification, name: str, data: str
) -> None:
    """I2: a re-send has no ``meta.data``."""
    async with database.transaction() as unit:
        await people.link(unit, SubjectId("victor"), PatientId(PATIENT))
    await _opened(database, waiting, "ids_0199b0c9a1b27c33")
    body = records.sample(name)
    if data == "absent":
        del body["meta"]["data"]
    await process(records.webhook(body))
    assert (await only(database, "IdentityVerified"))["subjectId"] == "jane"


@pytest.mark.parametrize("name", IDENTITIES)
async def test_without_any_id_the_only_subject_ever_linked_is_bound(
    database: Database, process: Processor, waiting: Verification, name: str
) -> None:
    await process(records.webhook(records.sample(name)))
    assert (await only(database, "IdentityVerified"))["subjectId"] == waiting.subject_id


@pytest.mark.parametrize("case", ["two subjects", "unknown id", "ids disagree", "another patient"])
async def test_an_identity_that_fits_no_single_verification_is_kept_unbound(
    database: Database, process: Processor, waiting: Verification, case: str
) -> None:
    """I2, I6: nothing is bound, nothing is lost, operators are told."""
    body = records.sample(IDENTITIES[0])
    if case == "two subjects":
        async with database.transaction() as unit:
            await people.link(unit, SubjectId("victor"), PatientId(PATIENT))
    if case == "unknown id":
        body = _with_our_id(IDENTITIES[0], uuid4())
    if case == "ids disagree":
        async with database.transaction() as unit:
            other = await people.verifying(unit, SubjectId("victor"), PatientId(PATIENT))
        await _opened(database, other, "ids_0199b0c9a1b27c33")
        body = _with_our_id(IDENTITIES[0], waiting.verification_id)
    if case == "another patient":
        body = _with_our_id(IDENTITIES[0], waiting.verification_id)
        body["payload"]["patientId"] = "another"
    await process(records.webhook(body))
    await process(records.webhook(body))
    assert await people.count(database, "identity") == 0
    assert await kinds(database) == ["IdentityVerificationUnbound"]
    row = await people.row(database, "unbound_identity")
    assert b"pid_" not in row["sealed"]


async def test_one_identity_presented_for_two_subjects_is_stopped_for_both(
    database: Database, process: Processor, waiting: Verification
) -> None:
    """I2."""
    await process(records.webhook(_with_our_id(IDENTITIES[0], waiting.verification_id)))
    async with database.transaction() as unit:
        other = await people.verifying(unit, SubjectId("victor"), PatientId(PATIENT))
    body = records.again(_with_our_id(IDENTITIES[0], other.verification_id))
    await process(records.webhook(body))
    assert (await people.row(database, "identity"))["state"] == "stopped"
    assert (await only(database, "IdentityRevoked"))["subjectId"] == "jane"
    failed = await only(database, "IdentityVerificationFailed")
    assert (failed["subjectId"], failed["reason"]) == ("victor", "identity_conflict")
    await process(records.webhook(records.again(body)))
    assert (await people.row(database, "identity"))["state"] == "stopped"


@pytest.mark.parametrize("proved_first", [True, False])
async def test_what_the_same_subject_proved_otherwise_stands_in_whatever_order_it_comes(
    database: Database, process: Processor, waiting: Verification, *, proved_first: bool
) -> None:
    """I1, I2: what was presented twice is stopped for both; another proof of its own is no part of it."""
    await process(records.webhook(_with_our_id(IDENTITIES[0], waiting.verification_id)))
    async with database.transaction() as unit:
        again = await people.verifying(unit, waiting.subject_id, waiting.patient_id)
        other = await people.verifying(unit, SubjectId("victor"), PatientId(PATIENT))
    proof = records.again(_with_our_id(IDENTITIES[0], again.verification_id))
    proof["payload"]["proofedIdentityId"] = "pid_another"
    conflict = records.again(_with_our_id(IDENTITIES[0], other.verification_id))
    for body in (proof, conflict) if proved_first else (conflict, proof):
        await process(records.webhook(body))
    async with database.connection() as connection:
        rows = await connection.fetch("select subject_id, verification_id, state from identity")
    assert {(row["subject_id"], row["verification_id"], row["state"]) for row in rows} == {
        ("jane", waiting.verification_id, "stopped"),
        ("jane", again.verification_id, "active"),
    }


async def test_a_stopped_identity_is_not_revived_by_proving_it_again(
    database: Database, process: Processor, waiting: Verification
) -> None:
    """I2: an operator must look first."""
    await process(records.webhook(_with_our_id(IDENTITIES[0], waiting.verification_id)))
    await people.sql(database, "update identity set state = 'stopped'")
    async with database.transaction() as unit:
        later = await people.verifying(unit, waiting.subject_id, waiting.patient_id)
    await process(
        records.webhook(records.again(_with_our_id(IDENTITIES[0], later.verification_id)))
    )
    assert (await people.row(database, "identity"))["state"] == "stopped"


@pytest.mark.parametrize("name", OTHERS)
async def test_a_webhook_that_we_do_not_act_on_is_left_to_others(
    database: Database, process: Processor, jane: Person, name: str
) -> None:
    body = records.sample(name)
    body["meta"].setdefault("messageId", "message-1")
    await process(records.webhook(body))
    assert await kinds(database) == []
    assert await told(database, Topic.DEAD_LETTERS) == []
    assert await people.count(database, "inbox", source="metriport") == 1
    assert jane.patient_id == PATIENT


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"meta": {}}', b"\xff", b"{" * 10_000])
async def test_signed_nonsense_is_put_aside(
    database: Database, process: Processor, body: bytes
) -> None:
    """I6."""
    await process(records.webhook(body, signature=records.vendor_signature(body), ce_id="m"))
    (letter,) = await told(database, Topic.DEAD_LETTERS)
    assert letter.body["reason"] == "unreadable"


async def test_a_webhook_before_the_answer_is_parked_and_applied_later(
    database: Database, process: Processor, unparker: Unparker, jane: Person
) -> None:
    """I1, I6."""
    query_id = await people.due_query(database, jane)
    names = ("lab.completed", "hie.completed", "pharmacy.completed")
    for name in names:
        await process(records.webhook(records.sample(f"network-query.{name}")))
    assert await unparker.round() is False
    assert await people.count(database, "parked_webhook") == 3
    assert (
        b"patientId"
        not in (await people.row(database, "parked_webhook", webhook_type="network-query.lab"))[
            "sealed"
        ]
    )
    async with database.transaction() as unit:
        await queries.started(unit, query_id, VendorRequestId(QUERY))
    assert [await unparker.round() for _ in range(4)] == [True, True, True, False]
    assert await people.count(database, "parked_webhook") == 0
    assert (await only(database, "NetworkQueryFinished"))["status"] == "completed"
    assert len(await bodies(database, "NetworkQuerySourceUpdated")) == 3


async def test_a_record_before_the_answer_is_parked_and_delivered_later(
    database: Database, process: Processor, unparker: Unparker, jane: Person
) -> None:
    """I1, I6."""
    await people.started_query(database, jane, QUERY)
    await process(records.webhook(_fresh("completed")))
    assert await kinds(database) == []
    await people.started_consolidated(database, jane, CONSOLIDATED)
    assert await unparker.round() is True
    assert await kinds(database) == ["ConsolidatedDataReady"]


async def test_a_defect_on_a_parked_webhook_puts_that_one_aside_and_no_other(
    database: Database,
    process: Processor,
    unparker: Unparker,
    jane: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """I6: the letter opens to the bytes that Metriport signed."""
    sent = [records.sample(f"network-query.{name}.completed") for name in ("lab", "hie")]
    for body in sent:
        await process(records.webhook(body))
    await people.started_query(database, jane, QUERY)

    async def broken(*_: object) -> None:
        raise ValueError

    handlers = {**routing.WEBHOOK_HANDLERS, "network-query.lab": broken}
    monkeypatch.setattr(routing, "WEBHOOK_HANDLERS", handlers)
    assert [await unparker.round() for _ in range(3)] == [True, True, False]
    (letter,) = await told(database, Topic.DEAD_LETTERS)
    assert letter.body["reason"] == "handler_failed"
    where = place(Topic.DEAD_LETTERS, Topic.WEBHOOKS, letter.id)
    opened = Opener((SEALING_PRIVATE_KEY,)).open(base64.b64decode(letter.body["sealed"]), where)
    assert json.loads(opened) == sent[0]
    assert (await only(database, "NetworkQuerySourceUpdated"))["source"] == "hie"


async def test_a_parked_webhook_that_names_another_patient_is_not_lost(
    database: Database, process: Processor, unparker: Unparker, jane: Person
) -> None:
    """I6: it goes where a rejected webhook goes."""
    body = records.sample("network-query.hie.completed")
    body["payload"]["patientId"] = "another"
    await process(records.webhook(body))
    await people.started_query(database, jane, QUERY)
    assert await unparker.round() is True
    letters = await told(database, Topic.DEAD_LETTERS)
    assert [letter.body["reason"] for letter in letters] == ["identity_conflict"]
