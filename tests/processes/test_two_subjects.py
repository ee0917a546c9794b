"""Invariant I9: two subjects, one patient. The vendor matches fuzzily; only proofing tells them apart."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.local.application import Fields
from tests.processes.observed import TOPICS, Record, everything_in, read_topic
from tests.processes.scene import Member, Scene

pytestmark = pytest.mark.process


async def two(scene: Scene) -> tuple[Member, Member]:
    """A, registered, and B, who gave the same demographics."""
    a = await (await scene.member("a")).registered()
    b = await (await scene.member("b", like=a)).registered()
    assert a.patient_id == b.patient_id
    return a, b


def identity_webhook(patient_id: str, **fields: Any) -> Fields:
    """A signed webhook with an identity that nobody saw before, and no id of ours."""
    when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "meta": {"messageId": str(uuid.uuid4()), "when": when, "type": "ias.identity.verified"},
        "payload": {
            "patientId": patient_id,
            "proofedIdentityId": f"pid_{uuid.uuid4().hex}",
            "status": "active",
            "verifiedAt": when,
            **fields,
        },
    }


async def open_verification(member: Member) -> tuple[str, str]:
    """Ask for a verification and open its page; command id and the vendor's session id."""
    command = await member.send(
        "StartIdentityVerification",
        patientId=member.patient_id,
        returnUrl=member.application.return_url,
    )
    page = await member.person.open((await member.step_link(command))["url"])
    return command, page.url.path.rpartition("/")[2]


async def vendor_session(scene: Scene, token: str) -> str:
    """The vendor's session id behind a hosted page."""
    return str((await scene.vendor.state())["identity_sessions"][token]["id"])


async def operators_were_told(scene: Scene) -> list[Record]:
    """Every ``IdentityVerificationUnbound`` so far."""
    kind = ("ce_type", b"ias.event.IdentityVerificationUnbound")
    events = await read_topic(scene.deployment, "ias.events.v1")
    return [record for record in events if kind in record.headers]


async def test_the_second_subject_is_told_that_the_patient_existed(scene: Scene) -> None:
    """The fuzzy match is visible to whoever registered."""
    a, b = await two(scene)
    told = [
        await member.application.event("PatientRegistered", subjectId=member.subject_id)
        for member in (a, b)
    ]
    assert [event["matchedExisting"] for event in told] == [False, True]


async def test_nothing_of_the_first_subject_reaches_the_second(scene: Scene) -> None:
    """A's whole retrieval, while B is linked to the same patient: B hears nothing and gets nothing."""
    a, b = await two(scene)
    heard = len(b.events())
    await a.verify_identity(a.patient_id)
    await a.answer_challenge(a.patient_id)
    await a.query(a.patient_id)
    assert (await a.fetch_record(a.patient_id))["entry"]

    calls = await scene.vendor.calls()
    command = await b.start_query()
    await b.told("NetworkQueryRefused", command, reason="no_active_identity")
    command = await b.send("StartConsolidatedQuery", patientId=b.patient_id)
    await b.told("ConsolidatedDataFailed", command, reason="no_active_identity")
    ready = next(told for told in a.events() if told.type.endswith("ConsolidatedDataReady"))
    command = await b.send("RenewDataLink", requestId=ready.content["requestId"])
    await b.told("CommandRejected", command, reason="invalid_field", field="requestId")
    assert await scene.vendor.calls() == calls

    assert b.names()[heard:] == [
        "NetworkQueryRefused",
        "ConsolidatedDataFailed",
        "CommandRejected",
    ]
    assert len(a.events()) > 10
    for topic in TOPICS:
        for record in await read_topic(scene.deployment, topic):
            if (record.key or b"").decode() == b.subject_id:
                assert a.subject_id.encode() not in everything_in(record)
            if topic == "ias.links.v1":
                content = json.loads(record.value)
                assert content["subjectId"] == (record.key or b"").decode()
                assert content["subjectId"] != b.subject_id


async def test_the_second_subject_needs_an_identity_session_and_query_of_their_own(
    scene: Scene,
) -> None:
    """Proofed for the same patient, B still has no record before B's own accepted query."""
    a, b = await two(scene)
    await a.verify_identity(a.patient_id)
    await a.answer_challenge(a.patient_id)
    await a.query(a.patient_id)
    await b.verify_identity(b.patient_id)
    command = await b.start_query()
    await b.told("NetworkQueryRefused", command, reason="session_required")
    await b.answer_challenge(b.patient_id)
    command = await b.send("StartConsolidatedQuery", patientId=b.patient_id)
    await b.told("ConsolidatedDataFailed", command, reason="no_accepted_query")
    await b.query(b.patient_id)
    assert (await b.fetch_record(b.patient_id))["entry"]

    mine, theirs = await scene.vendor.calls("start-network-query", a.patient_id)
    assert mine["headers"]["x-aal2-session"] != theirs["headers"]["x-aal2-session"]
    assert json.loads(mine["body"]) != json.loads(theirs["body"])


async def test_an_identity_binds_to_the_verification_that_led_to_it(scene: Scene) -> None:
    """Both are being verified for one patient; A finishes, and A alone is verified."""
    a, b = await two(scene)
    await open_verification(b)
    await a.verify_identity(a.patient_id)
    await scene.calls_done()
    await scene.relayed()
    assert "IdentityVerified" in a.names()
    assert "IdentityVerified" not in b.names()
    command = await b.start_query()
    await b.told("NetworkQueryRefused", command, reason="no_active_identity")


async def test_without_our_id_the_vendors_session_id_still_binds_right(scene: Scene) -> None:
    """A re-send drops ``meta.data``; the stored session id names B's verification, not A's."""
    a, b = await two(scene)
    await open_verification(a)
    command, token = await open_verification(b)
    session = await vendor_session(scene, token)
    await scene.vendor.emit(identity_webhook(b.patient_id, sessionId=session))
    await b.told("IdentityVerified", command)
    assert "IdentityVerified" not in a.names()


async def test_without_any_id_an_identity_of_a_shared_patient_stays_unbound(scene: Scene) -> None:
    """Two subjects were ever linked: nothing is bound, operators are told, the webhook is kept."""
    a, b = await two(scene)
    await open_verification(a)
    before = scene.count("unbound_identity")
    body = identity_webhook(a.patient_id)
    await scene.vendor.emit(body)
    await scene.until(lambda: scene.count("unbound_identity") == before + 1, "it is kept")
    await scene.relayed()
    told = await operators_were_told(scene)
    assert len(told) == before + 1
    content = json.loads(told[-1].value)
    assert content["subjectId"] == "operators"
    assert content["reason"] == "identity_conflict"
    assert body["payload"]["proofedIdentityId"] not in json.dumps(content)
    for member in (a, b):
        assert "IdentityVerified" not in member.names()
        command = await member.start_query()
        await member.told("NetworkQueryRefused", command, reason="no_active_identity")


async def test_without_any_id_the_only_subject_ever_linked_is_verified(scene: Scene) -> None:
    """The one case in which no id is needed."""
    a = await (await scene.member("only")).registered()
    command, _ = await open_verification(a)
    await scene.vendor.emit(identity_webhook(a.patient_id))
    await a.told("IdentityVerified", command)


async def test_ids_that_disagree_bind_nothing(scene: Scene) -> None:
    """Our id of A's verification with the vendor session of B's: unbound."""
    a, b = await two(scene)
    command, _ = await open_verification(a)
    link = await a.step_link(command)
    _, token = await open_verification(b)
    body = identity_webhook(b.patient_id, sessionId=await vendor_session(scene, token))
    body["meta"]["data"] = {"iasVerificationId": link["linkId"]}
    before = scene.count("unbound_identity")
    await scene.vendor.emit(body)
    await scene.until(lambda: scene.count("unbound_identity") > before, "unbound")
    assert "IdentityVerified" not in [*a.names(), *b.names()]


async def test_one_identity_presented_for_two_subjects_stops_both(scene: Scene) -> None:
    """Binding: an identity is one person's; presented twice, nobody may use it."""
    a, b = await two(scene)
    await a.verify_identity(a.patient_id)
    await a.answer_challenge(a.patient_id)
    command, token = await open_verification(b)
    stolen = next(
        identity["id"]
        for identity in (await scene.vendor.state())["identities"].values()
        if identity["patient_id"] == a.patient_id
    )
    session = await vendor_session(scene, token)
    calls = await scene.vendor.calls("start-network-query")
    await scene.vendor.emit(
        identity_webhook(b.patient_id, sessionId=session, proofedIdentityId=stolen)
    )
    await b.told("IdentityVerificationFailed", command, reason="identity_conflict")
    await scene.application.event(
        "IdentityRevoked", subjectId=a.subject_id, reason="identity_conflict"
    )
    for member in (a, b):
        command = await member.start_query()
        await member.told("NetworkQueryRefused", command, reason="no_active_identity")
    assert await scene.vendor.calls("start-network-query") == calls


async def test_a_session_in_the_hands_of_another_subject_stays_unusable(scene: Scene) -> None:
    """I2: V opens A's link in V's browser; the code that V's application gets confirms nothing.

    The vendor's page is bound to A's authenticator, so V is given it here: the worst case.
    """
    a = await (await scene.member("a")).proofed()
    v = await (await scene.member("v")).proofed()
    link = await a.ask_challenge(a.patient_id)
    v.person.authenticator, own = a.person.authenticator, v.person.authenticator
    await v.person.answer_challenge(link["url"])
    await scene.application.event("Aal2SessionReceived", linkId=link["linkId"])
    back = await scene.application.returned(link["linkId"])

    command = await v.send("ConfirmReturn", code=back["code"])
    await v.told("CommandRejected", command, reason="code_invalid")
    for member in (a, v):
        command = await member.start_query()
        await member.told("NetworkQueryRefused", command, reason="session_required")
    assert await scene.vendor.calls("start-network-query", a.patient_id) == []
    assert await scene.vendor.calls("start-network-query", v.patient_id) == []

    v.person.authenticator = own
    await v.answer_challenge(v.patient_id)
    await v.query(v.patient_id)


async def test_steps_of_two_people_in_one_browser_bind_nothing(scene: Scene) -> None:
    """I2: V opened A's link, then answers V's own challenge: whose session it is cannot be told."""
    a = await (await scene.member("a")).proofed()
    v = await (await scene.member("v")).proofed()
    theirs, mine = await a.ask_challenge(a.patient_id), await v.ask_challenge(v.patient_id)
    await v.person.open(theirs["url"])
    page = await v.person.answer_challenge(mine["url"])
    assert page.url.path == "/callbacks/aal2"
    references = {back["reference"] for back in scene.application.returns}
    assert references.isdisjoint({theirs["linkId"], mine["linkId"]})
    for member in (a, v):
        assert "Aal2SessionReceived" not in member.names()
        command = await member.start_query()
        await member.told("NetworkQueryRefused", command, reason="session_required")
    await v.answer_challenge(v.patient_id)
    await v.query(v.patient_id)
