"""Each operation's happy path: what the vendor gets, what is stored, what is told."""

import json
from uuid import UUID, uuid4

import pytest

from schemas.events import StepKind
from schemas.ids import ChallengeId, LinkId, OpenId, PatientId, SubjectId
from service.crypto import tokens
from service.crypto.keys import KeyRing
from service.ias.browser import hosted_url_purpose
from service.store import calls, hosted_pages
from service.store.calls import Operation
from service.store.hosted_pages import HostedPage
from service.store.pool import Database
from tests.sandbox.driver import JANE
from tests.support import people
from tests.support.outbox import kinds, only, told
from tests.support.people import Person
from tests.support.settings import LINK_KEY

from .conftest import Gateway, Start, Vendor


async def test_a_new_patient_is_created_and_linked(
    database: Database, gateway: Gateway, vendor: Vendor
) -> None:
    person = {key: value for key, value in JANE.items() if key != "externalId"}
    await people.registering(database, "jane", demographics=json.dumps(person).encode())
    await gateway.settle()
    event = await only(database, "PatientRegistered")
    (created,) = vendor.sandbox.state.patients
    assert (event["patientId"], event["purpose"]) == (created, "ias")
    assert event["matchedExisting"] is False
    assert await people.count(database, "patient_link", subject_id="jane", patient_id=created) == 1
    (call,) = vendor.calls("create-patient")
    assert "networkQuery" not in call.body


async def test_a_patient_that_was_there_is_told_as_matched(
    database: Database, gateway: Gateway, vendor: Vendor
) -> None:
    """I9: the vendor matches fuzzily, so only proofing tells the two subjects apart."""
    person = json.dumps({key: value for key, value in JANE.items() if key != "externalId"}).encode()
    await people.registering(database, "jane", demographics=person)
    await gateway.settle()
    (patient,) = vendor.sandbox.state.patients.values()
    patient.created -= 3600
    await people.registering(database, "victor", demographics=person)
    await gateway.settle()
    events = [event.body for event in await told(database) if event.key == "victor"]
    assert [(event["patientId"], event["matchedExisting"]) for event in events] == [
        (patient.id, True)
    ]


async def test_a_known_patient_is_looked_up_and_linked(
    database: Database, gateway: Gateway, vendor: Vendor
) -> None:
    vendor.patient("patient-k")
    await people.registering(database, "jane", patient="patient-k")
    await gateway.settle()
    event = await only(database, "PatientRegistered")
    assert (event["patientId"], event["matchedExisting"]) == ("patient-k", True)


async def test_a_patient_of_another_account_is_not_linked(
    database: Database, gateway: Gateway
) -> None:
    await people.registering(database, "jane", patient="stranger")
    await gateway.settle()
    assert (await only(database, "PatientRegistrationFailed"))["reason"]
    assert await people.count(database, "patient_link") == 0


async def _clicked(
    database: Database, kind: StepKind, operation: Operation, subject: str, link_id: UUID
) -> OpenId:
    open_id, subject_id = OpenId(uuid4()), SubjectId(subject)
    async with database.transaction() as unit:
        page = HostedPage(open_id, LinkId(link_id), kind, subject_id, "waiting")
        await hosted_pages.open_page(unit, page)
        await calls.schedule(unit, operation, subject_id, open_id)
    return open_id


async def _url(database: Database, open_id: OpenId) -> str:
    async with database.connection() as connection:
        page = await hosted_pages.page(connection, open_id)
    assert page is not None
    assert page.state == "ready"
    assert page.url_token is not None
    return tokens.read(KeyRing((LINK_KEY,)), hosted_url_purpose(open_id), page.url_token, str)


async def test_a_click_on_proofing_gets_a_fresh_page_with_our_verification_id(
    database: Database, gateway: Gateway, vendor: Vendor
) -> None:
    vendor.patient("patient-j")
    async with database.transaction() as unit:
        verification = await people.verifying(unit, SubjectId("jane"), PatientId("patient-j"))
    open_id = await _clicked(
        database,
        StepKind.IDENTITY_VERIFICATION,
        Operation.CREATE_IDENTITY_SESSION,
        "jane",
        verification.verification_id,
    )
    await gateway.settle()
    (session,) = vendor.sandbox.state.identity_sessions.values()
    assert session.metadata == {"iasVerificationId": str(verification.verification_id)}
    assert (await _url(database, open_id)).endswith(f"/s/{session.token}")


async def test_a_click_on_a_challenge_gets_a_page_for_exactly_this_identity(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I2, I7: the vendor's URL is sealed in the table."""
    async with database.transaction() as unit:
        pending = await people.challenge(unit, jane.subject_id, jane.patient_id, jane.identity_id)
    open_id = await _clicked(
        database,
        StepKind.AAL2_CHALLENGE,
        Operation.CREATE_AAL2_CHALLENGE,
        "jane",
        ChallengeId(pending.challenge_id),
    )
    await gateway.settle()
    (challenge,) = vendor.sandbox.state.challenges.values()
    assert challenge.identity_id == jane.proofed
    assert (await _url(database, open_id)).endswith(f"/aal2/{challenge.token}")
    row = await people.row(database, "hosted_page", open_id=open_id)
    assert challenge.token not in str(row)


async def test_a_challenge_of_a_revoked_identity_gets_no_page(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I2: the identity is looked at again right before the call."""
    async with database.transaction() as unit:
        pending = await people.challenge(unit, jane.subject_id, jane.patient_id, jane.identity_id)
    await people.sql(database, "update identity set state = 'revoked'")
    await _clicked(
        database,
        StepKind.AAL2_CHALLENGE,
        Operation.CREATE_AAL2_CHALLENGE,
        "jane",
        pending.challenge_id,
    )
    await gateway.settle()
    assert vendor.calls("create-aal2-challenge") == []


async def test_an_ias_query_carries_purpose_identity_session_and_our_id(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I2, I9: and the first 2xx proves the session."""
    query_id = await people.due_query(database, jane)
    await gateway.settle()
    (call,) = vendor.calls("start-network-query")
    assert call.query == {"patientId": "patient-j", "purposeOfUse": "ias"}
    assert call.headers["x-aal2-session"] == jane.session_secret
    body = json.loads(call.body)
    assert body["proofedIdentityId"] == jane.proofed
    assert body["metadata"] == {"iasQueryId": str(query_id)}
    started = await only(database, "NetworkQueryStarted")
    assert started["vendorRequestId"] in vendor.sandbox.state.network_queries
    assert {source["status"] for source in started["sources"]} == {"processing"}
    assert await kinds(database) == ["Aal2SessionActivated", "NetworkQueryStarted"]
    row = await people.row(database, "network_query", query_id=query_id)
    assert (row["state"], row["hie_slot"]) == ("started", True)
    assert (await people.row(database, "aal2_session"))["state"] == "proven"


async def test_a_treatment_query_carries_neither_identity_nor_session(
    database: Database, start: Start, vendor: Vendor
) -> None:
    """I2, I9."""
    gateway = await start(treatment_enabled=True)
    vendor.patient("clinic")
    await people.treatment_query(database, "doctor", "clinic")
    await gateway.settle()
    (call,) = vendor.calls("start-network-query")
    assert call.query["purposeOfUse"] == "treatment"
    assert "x-aal2-session" not in call.headers
    assert "proofedIdentityId" not in call.body


async def test_a_treatment_query_is_refused_once_treatment_is_disabled(
    database: Database, gateway: Gateway, vendor: Vendor
) -> None:
    """I9: the setting is looked at again right before the call."""
    vendor.patient("clinic")
    await people.treatment_query(database, "doctor", "clinic")
    await gateway.settle()
    assert (await only(database, "NetworkQueryRefused"))["reason"] == "treatment_disabled"
    assert vendor.calls("start-network-query") == []


@pytest.mark.parametrize("conversion_type", ["json", "pdf", "html"])
async def test_a_consolidated_query_is_started_with_its_conversion(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, conversion_type: str
) -> None:
    await people.started_query(database, jane, "request-1")
    request_id = await people.due_consolidated(database, jane, conversion_type)
    await gateway.settle()
    (call,) = vendor.calls("start-consolidated-query")
    assert call.query["conversionType"] == conversion_type
    row = await people.row(database, "consolidated_query", request_id=request_id)
    (running,) = vendor.sandbox.state.consolidated_queries
    assert (row["state"], row["vendor_request_id"]) == ("started", running.request_id)


async def test_a_consolidated_query_of_a_subject_who_lost_the_identity_is_not_sent(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I9: entitlement is checked again right before the call."""
    await people.started_query(database, jane, "request-1")
    await people.due_consolidated(database, jane)
    await people.sql(database, "update identity set state = 'revoked'")
    await gateway.settle()
    assert vendor.calls("start-consolidated-query") == []
    assert (await only(database, "ConsolidatedDataFailed"))["reason"] == "no_active_identity"


async def test_no_secret_is_told_or_stored_in_the_clear(
    database: Database, gateway: Gateway, jane: Person
) -> None:
    """I7."""
    await people.due_query(database, jane)
    await gateway.settle()
    said = json.dumps([event.body for event in await told(database)])
    assert jane.proofed not in said
    assert jane.session_secret not in said
