"""What revoking ends, what it tells, and what it leaves alone (I2, I4, I9)."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from consumers.processor import Processor
from schemas.callbacks import Aal2Returned, LinkOpened
from schemas.commands import (
    ConfirmReturn,
    RenewDataLink,
    RevokeIdentity,
    StartConsolidatedQuery,
)
from schemas.events import StepKind
from schemas.ids import (
    CommandId,
    LinkId,
    OpenId,
    PatientId,
    RequestId,
    SubjectId,
)
from service.crypto.tokens import code_hash, new_code
from service.store import hosted_pages, identities
from service.store.hosted_pages import HostedPage
from service.store.pool import Database
from tests.dispatch.conftest import Gateway, Vendor
from tests.support import people, records
from tests.support.outbox import bodies, kinds, only, told
from tests.support.people import Person


def revoke(who: Person, *, patient: str | None = None) -> RevokeIdentity:
    """The command."""
    return RevokeIdentity(
        command_id=CommandId(uuid4()),
        subject_id=who.subject_id,
        patient_id=PatientId(patient or who.patient_id),
        reason="asked for",
    )


async def _page(database: Database, who: Person, link_id: LinkId, kind: StepKind) -> OpenId:
    """Somebody pressed the button and waits for the vendor's page."""
    opened = LinkOpened(
        link_id=link_id,
        open_id=OpenId(uuid4()),
        subject_id=who.subject_id,
        kind=kind,
        opened_at=datetime.now(UTC),
    )
    page = HostedPage(opened.open_id, link_id, kind, who.subject_id, "waiting")
    async with database.transaction() as unit:
        await hosted_pages.open_page(unit, page)
    return opened.open_id


async def test_everything_that_is_open_ends_in_one_command(
    database: Database, process: Processor, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I2, I4: each of the subject's commands gets its final event, and nothing is called any more."""
    async with database.transaction() as unit:
        pending = await people.verifying(unit, jane.subject_id, jane.patient_id)
        challenge = await people.challenge(unit, jane.subject_id, jane.patient_id, jane.identity_id)
    query_id = await people.due_query(database, jane)
    started_id = await people.started_query(database, jane, "vendor-1")
    due_id = await people.due_consolidated(database, jane)
    running_id = await people.started_consolidated(database, jane, "vendor-2")
    page = await _page(database, jane, LinkId(challenge.challenge_id), StepKind.AAL2_CHALLENGE)
    await process(records.command(command := revoke(jane)))

    assert await kinds(database) == [
        "IdentityVerificationFailed",
        "Aal2ChallengeFailed",
        "NetworkQueryRefused",
        "NetworkQueryRefused",
        "ConsolidatedDataFailed",
        "ConsolidatedDataFailed",
        "IdentityRevoked",
    ]
    refused = [body["requestId"] for body in await bodies(database, "NetworkQueryRefused")]
    assert refused == [str(query_id), str(started_id)]
    failed = [body["requestId"] for body in await bodies(database, "ConsolidatedDataFailed")]
    assert failed == [str(due_id), str(running_id)]
    reasons = [event.body["reason"] for event in await told(database)]
    assert reasons == [*["revoked"] * 6, "asked for"]
    assert (await only(database, "IdentityRevoked"))["commandId"] == str(command.command_id)

    states = {
        "identity": {"revoked"},
        "identity_verification": {"revoked"},
        "aal2_challenge": {"returned", "failed"},
        "aal2_session": {"refused"},
        "network_query": {"refused", "started"},
        "consolidated_query": {"failed"},
        "hosted_page": {"refused"},
        "vendor_call": {"done"},
    }
    async with database.connection() as connection:
        for table, expected in states.items():
            rows = await connection.fetch(f"select state from {table}")  # noqa: S608 - names above
            assert {row["state"] for row in rows} == expected, table
    shown = await people.row(database, "hosted_page", open_id=page)
    assert shown["reason"] == "link_expired"
    assert pending.verification_id is not None
    await gateway.settle(2)
    assert vendor.sandbox.ledger.calls == []


async def test_the_same_command_is_answered_with_the_same_event_and_a_new_one_too(
    database: Database, process: Processor, jane: Person
) -> None:
    """Whoever revokes must never be told that it failed because it was done already."""
    await process(records.command(command := revoke(jane)))
    await process(records.command(command))
    first, again = await told(database)
    assert (first.id, first.body) == (again.id, again.body)
    await process(records.command(revoke(jane)))
    assert await kinds(database) == ["IdentityRevoked"] * 3


async def test_a_patient_that_the_subject_is_not_linked_to_is_the_callers_mistake(
    database: Database, process: Processor, jane: Person
) -> None:
    await process(records.command(revoke(jane, patient="patient-of-nobody")))
    assert (await only(database, "CommandRejected"))["reason"] == "patient_not_linked"
    assert (await people.row(database, "identity"))["state"] == "active"


async def test_another_subject_of_the_same_patient_goes_on(
    database: Database, process: Processor, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    victor = await people.person(database, "victor", jane.patient_id)
    vendor.knows(victor)
    query_id = await people.due_query(database, victor)
    await process(records.command(revoke(jane)))
    await gateway.settle()
    assert (await people.row(database, "network_query", query_id=query_id))["state"] == "started"
    mine = [event.kind for event in await told(database) if event.key == victor.subject_id]
    assert mine == ["Aal2SessionActivated", "NetworkQueryStarted"]


def _verified(who: Person, proofed: str, verification_id: object = None) -> Any:
    body = records.sample("ias.identity.verified.variant-b-toplevel")
    body["meta"]["messageId"] = str(uuid4())
    body["meta"]["data"] = {"iasVerificationId": str(verification_id)} if verification_id else None
    return body | {"proofedIdentityId": proofed, "patientId": who.patient_id}


@pytest.mark.parametrize("named", ["by our id", ""])
async def test_a_late_webhook_for_a_revoked_verification_binds_nothing(
    database: Database, process: Processor, jane: Person, named: str
) -> None:
    """I2, I6: with our id and without it; the webhook is kept sealed."""
    await process(records.command(revoke(jane)))
    body = _verified(jane, jane.proofed, jane.verification_id if named else None)
    await process(records.webhook(body))
    await process(records.webhook(_verified(jane, "pid-other", jane.verification_id)))
    assert (await people.row(database, "identity"))["state"] == "revoked"
    assert await people.count(database, "unbound_identity") == 2


async def test_proving_again_makes_a_usable_identity_and_revives_nothing_of_before(
    database: Database, process: Processor, jane: Person
) -> None:
    """I9: the vendor may give the same id to the same person; what was accepted before stays ended."""
    await people.started_query(database, jane, "vendor-1")
    await process(records.command(revoke(jane)))
    async with database.transaction() as unit:
        fresh = await people.verifying(unit, jane.subject_id, jane.patient_id)
    await process(records.webhook(_verified(jane, jane.proofed, fresh.verification_id)))
    async with database.transaction() as unit:
        assert await identities.active(unit, jane.subject_id, jane.patient_id) == jane.identity_id
    told_before = len(await told(database))

    news = records.sample("network-query.hie.completed")
    news["meta"]["requestId"] = "vendor-1"
    news["payload"]["patientId"] = jane.patient_id
    await process(records.webhook(news))
    assert len(await told(database)) == told_before
    source = await people.row(database, "network_query_source", source="hie")
    assert source["status"] == "completed"

    command = StartConsolidatedQuery(
        command_id=CommandId(uuid4()), subject_id=jane.subject_id, patient_id=jane.patient_id
    )
    await process(records.command(command))
    assert (await only(database, "ConsolidatedDataFailed"))["reason"] == "no_accepted_query"


async def test_a_return_and_its_code_are_worth_nothing_after_the_revocation(
    database: Database, process: Processor, jane: Person
) -> None:
    async with database.transaction() as unit:
        first = await people.challenge(unit, jane.subject_id, jane.patient_id, jane.identity_id)
        second = await people.challenge(unit, jane.subject_id, jane.patient_id, jane.identity_id)
        await people.come_back(unit, first, "aal2-first", code="a-code-from-before-it")
    await process(records.command(revoke(jane)))
    code, _ = new_code()
    returned = Aal2Returned(
        challenge_id=second.challenge_id,
        open_id=OpenId(uuid4()),
        subject_id=jane.subject_id,
        aal2_session_id="aal2-second",
        code_hash=code_hash(code),
        returned_at=datetime.now(UTC),
    )
    await process(records.callback(returned))
    for text in ("a-code-from-before-it", code):
        confirm = ConfirmReturn(
            command_id=CommandId(uuid4()), subject_id=jane.subject_id, code=text
        )
        await process(records.command(confirm))
    answers = await bodies(database, "CommandRejected")
    assert [body["reason"] for body in answers] == ["code_invalid"] * 2
    assert await people.count(database, "aal2_session", state="refused") == 2


async def test_a_data_link_cannot_be_renewed_and_a_late_delivery_hands_out_nothing(
    database: Database, process: Processor, jane: Person
) -> None:
    """I9."""
    await people.started_query(database, jane, "vendor-1")
    request_id = await people.started_consolidated(database, jane, "vendor-2")
    await process(records.command(revoke(jane)))
    delivery = records.sample("medical.consolidated-data.completed")
    delivery["meta"]["requestId"] = "vendor-2"
    delivery["patients"][0]["patientId"] = jane.patient_id
    await process(records.webhook(delivery))
    renewal = RenewDataLink(
        command_id=CommandId(uuid4()),
        subject_id=SubjectId(jane.subject_id),
        request_id=RequestId(request_id),
    )
    await process(records.command(renewal))
    reasons = [body["reason"] for body in await bodies(database, "ConsolidatedDataFailed")]
    assert reasons == ["revoked", "no_active_identity"]
    assert await people.count(database, "outbox", topic="ias.links.v1") == 0
