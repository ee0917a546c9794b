"""What still comes for an erased subject, and what a hold prevents (I1, I2, I9)."""

import asyncio
from functools import partial
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from consumers.commands import erase_subject
from consumers.context import Context
from consumers.processor import Processor
from schemas.commands import LinkPatient
from schemas.ids import CommandId, PatientId, SubjectId
from schemas.sources import PurposeOfUse
from service.store import commands, subjects
from service.store.pool import Database
from service.telemetry import metrics
from tests.dispatch.conftest import Gateway, Vendor
from tests.metriport_sandbox.scripts import Fault
from tests.support import people, records
from tests.support.outbox import bodies, kinds, only, told
from tests.support.people import Person
from tests.support.waiting import blocked, until

from .scene import CONSOLIDATED, NETWORK, VENDOR_PAGE, busy_person, erase

QUERY = "start-network-query"
SUBJECT, PATIENT = "jane", "patient-j"


def _dropped(kind: str) -> float:
    counter: Any = metrics.LATE_FOR_ERASED.labels(kind)
    return float(counter._value.get())  # noqa: SLF001 - the client has no other way to read one


def _link(subject: str) -> LinkPatient:
    return LinkPatient(
        command_id=CommandId(uuid4()),
        subject_id=SubjectId(subject),
        patient_id=PatientId(PATIENT),
        purpose=PurposeOfUse.IAS,
    )


def _network(request_id: str) -> Any:
    body = records.sample("network-query.hie.completed")
    body["meta"] |= {"requestId": request_id, "messageId": str(uuid4())}
    body["payload"]["patientId"] = PATIENT
    return body


def _consolidated(request_id: str) -> Any:
    body = records.sample("medical.consolidated-data.completed")
    body["meta"] |= {"requestId": request_id, "messageId": str(uuid4())}
    body["patients"][0]["patientId"] = PATIENT
    return body


def _identity(**named: Any) -> Any:
    body = records.sample("ias.identity.verified.variant-b-toplevel")
    data = {"iasVerificationId": named["verification"]} if "verification" in named else None
    body["meta"] |= {"messageId": str(uuid4()), "data": data}
    session = named.get("session", "session-of-nobody")
    return body | {"patientId": PATIENT, "proofedIdentityId": "pid-x", "sessionId": session}


async def _left(database: Database) -> list[int]:
    tables = ("parked_webhook", "unbound_identity", "identity", "subject")
    letters = await people.count(database, "outbox", topic="ias.dead-letters.v1")
    return [letters, *[await people.count(database, table) for table in tables]]


async def test_late_webhooks_are_counted_and_dropped(
    database: Database, process: Processor
) -> None:
    """No event, no dead letter, nothing kept: by request, by verification, by page and by patient."""
    who = await busy_person(database, SUBJECT, PATIENT)
    await process(records.command(erase(SUBJECT)))
    late = [
        _network(f"{NETWORK}-{SUBJECT}"),
        _network("a-request-whose-call-was-never-recorded"),
        _consolidated(f"{CONSOLIDATED}-{SUBJECT}"),
        _identity(verification=str(who.verification_id)),
        _identity(session=f"{VENDOR_PAGE}-{SUBJECT}"),
        _identity(),
    ]
    types = {body["meta"]["type"] for body in late}
    before = sum(map(_dropped, types))
    for body in late:
        await process(records.webhook(body))
    assert sum(map(_dropped, types)) == before + len(late)
    assert await kinds(database) == ["SubjectErased"]
    assert await _left(database) == [0, 0, 0, 0, 0]


async def test_a_webhook_for_nobody_we_knew_is_still_kept(
    database: Database, process: Processor
) -> None:
    """I6: only what is known to be an erased subject's is dropped."""
    await process(records.command(erase(SUBJECT)))
    await process(records.webhook(_network("a-request-of-others")))
    await process(records.webhook(_identity()))
    assert await _left(database) == [0, 1, 1, 0, 0]


async def test_an_ambiguous_patient_stays_ambiguous(database: Database, process: Processor) -> None:
    """I2, I9: an identity that names no verification may be the erased subject's."""
    await busy_person(database, SUBJECT, PATIENT)
    async with database.transaction() as unit:
        await people.verifying(unit, SubjectId("victor"), PatientId(PATIENT))
    await process(records.command(erase(SUBJECT)))
    await process(records.webhook(_identity()))
    assert await people.count(database, "identity") == 0
    assert await people.count(database, "unbound_identity", reason="identity_conflict") == 1


async def test_the_same_subject_linked_again_is_the_only_one_that_ever_was(
    database: Database, process: Processor
) -> None:
    await busy_person(database, SUBJECT, PATIENT)
    await process(records.command(erase(SUBJECT)))
    async with database.transaction() as unit:
        fresh = await people.verifying(unit, SubjectId(SUBJECT), PatientId(PATIENT))
    await process(records.webhook(_identity()))
    bound = await people.row(database, "identity")
    assert (bound["verification_id"], bound["state"]) == (fresh.verification_id, "active")


async def test_a_repeat_of_the_command_is_answered_with_the_same_receipt(
    database: Database, process: Processor
) -> None:
    await busy_person(database, SUBJECT, PATIENT)
    command = erase(SUBJECT, ticket="42")
    await process(records.command(command))
    await process(records.command(command))
    first, again = await told(database)
    assert (first.id, first.body) == (again.id, again.body)
    assert await people.count(database, "subject") == 0


async def test_a_command_of_before_that_is_delivered_again_acts_no_more(
    database: Database, process: Processor
) -> None:
    """I3: offsets were not committed in time. It is answered with the receipt that ended it."""
    await process(records.command(link := _link(SUBJECT)))
    await process(records.command(erase(SUBJECT)))
    await process(records.command(link))
    assert await people.count(database, "vendor_call") == 0
    assert await people.count(database, "subject") == 0
    assert await kinds(database) == ["SubjectErased", "SubjectErased"]
    await process(records.command(_link(SUBJECT)))
    await process(records.command(link))
    assert await people.count(database, "vendor_call") == 1


async def test_a_new_command_starts_afresh_and_the_numbers_go_on(
    database: Database, process: Processor
) -> None:
    """I5."""
    await process(records.command(erase(SUBJECT)))
    receipt = await only(database, "SubjectErased")
    wrong = erase(SUBJECT, hold=True)
    await process(records.command(wrong))
    assert (await only(database, "CommandRejected"))["sequence"] == receipt["sequence"] + 1
    await process(records.command(erase(SUBJECT, hold=False)))
    numbers = [event.body["sequence"] for event in await told(database)]
    assert numbers == [1, 3]


async def test_a_hold_prevents_the_erasure_until_it_is_lifted(
    database: Database, owner: asyncpg.Connection, process: Processor
) -> None:
    """The command can place a hold, meet one, and lift one; the database holds it as well."""
    await busy_person(database, SUBJECT, PATIENT)
    await process(records.command(erase(SUBJECT, hold=True)))
    await process(records.command(erase(SUBJECT)))
    reasons = [body["reason"] for body in await bodies(database, "CommandRejected")]
    assert reasons == ["legal_hold", "legal_hold"]
    assert await people.count(database, "patient_link") == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="legal hold"):
        await people.sql(database, f"select erase_subject('{SUBJECT}', gen_random_uuid())")
    await process(records.command(erase(SUBJECT, hold=False)))
    assert await people.count(database, "subject") == 0
    assert [event.kind for event in await told(database)] == ["SubjectErased"]
    kept = await owner.fetch("select kind from audit_entry order by recorded_at")
    told_to_audit = [row["kind"] for row in kept if row["kind"].startswith(("legal", "erasure"))]
    assert told_to_audit == [
        "legal_hold_placed", "erasure_refused", "erasure_refused", "legal_hold_lifted",
    ]  # fmt: skip


async def test_a_call_under_way_is_recorded_into_nothing(
    database: Database,
    process: Processor,
    gateway: Gateway,
    vendor: Vendor,
    jane: Person,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Its intent came first; its outcome finds no row, raises nothing and tells nobody."""
    await people.due_query(database, jane)
    vendor.sandbox.scripts.faults.append(Fault(operation=QUERY, kind="delay-answer", seconds=1.0))

    async def dispatching() -> bool:
        return await people.count(database, "vendor_call", state="dispatching") == 1

    calling = asyncio.create_task(gateway.settle())
    await until(dispatching)
    await process(records.command(erase(SUBJECT)))
    await calling
    await gateway.settle()
    assert len(vendor.calls(QUERY)) == 1
    assert await kinds(database) == ["SubjectErased"]
    assert await _left(database) == [0, 0, 0, 0, 0]
    assert "Traceback" not in capfd.readouterr().out


async def _hold_open(unit: Any, context: Context, subject: str) -> None:
    command = erase(subject)
    await subjects.lock_or_create(unit, SubjectId(subject))
    await commands.accept(unit, "ias.command.EraseSubject", command)
    await erase_subject.handle(unit, context, command)


async def test_a_claim_that_waits_for_the_erasure_makes_no_call(
    database: Database, context: Context, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I2."""
    await people.due_query(database, jane)
    async with database.transaction() as unit:
        await _hold_open(unit, context, SUBJECT)
        claim = asyncio.create_task(gateway.settle())
        await blocked(partial(people.waiting_for_locks, database))
    await claim
    assert vendor.calls(QUERY) == []


@pytest.mark.parametrize("kind", ["identity", "network", "consolidated"])
async def test_a_webhook_that_waits_for_the_erasure_changes_nothing(
    database: Database, context: Context, process: Processor, kind: str
) -> None:
    """It had found the subject; when it got the lock there was nobody."""
    who = await busy_person(database, SUBJECT, PATIENT)
    body = {
        "identity": _identity(verification=str(who.verification_id)),
        "network": _network(f"{NETWORK}-{SUBJECT}"),
        "consolidated": _consolidated(f"{CONSOLIDATED}-{SUBJECT}"),
    }[kind]
    async with database.transaction() as unit:
        await _hold_open(unit, context, SUBJECT)
        handling = asyncio.create_task(process(records.webhook(body)))
        await blocked(partial(people.waiting_for_locks, database))
    await handling
    assert await kinds(database) == ["SubjectErased"]
    assert await _left(database) == [0, 0, 0, 0, 0]
