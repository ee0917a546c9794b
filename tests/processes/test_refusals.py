"""What is refused, with which word; that the vendor never hears of it; and that life goes on."""

import json
import uuid
from typing import Any

import pytest

from tests.processes.observed import Record, read_topic
from tests.processes.scene import Member, Scene

pytestmark = pytest.mark.process


@pytest.fixture
async def member(scene: Scene) -> Member:
    """A registered subject."""
    return await (await scene.member("refused")).registered()


async def test_a_query_without_an_identity_is_refused(scene: Scene, member: Member) -> None:
    """I9."""
    before = await scene.vendor.calls()
    command = await member.start_query()
    await member.told("NetworkQueryRefused", command, reason="no_active_identity")
    assert await scene.vendor.calls() == before
    await member.still_works()


async def test_a_query_needs_a_session_that_the_application_confirmed(
    scene: Scene, member: Member
) -> None:
    """I2: with an identity but no session, and with one that came back but is not confirmed."""
    await member.verify_identity(member.patient_id)
    command = await member.start_query()
    await member.told("NetworkQueryRefused", command, reason="session_required")

    back = await member.come_back(member.patient_id)
    before = await scene.vendor.calls()
    command = await member.start_query()
    await member.told("NetworkQueryRefused", command, reason="session_required")
    assert await scene.vendor.calls() == before

    await member.confirm(back)
    await member.query(member.patient_id)


async def test_a_challenge_without_an_identity_is_refused(scene: Scene, member: Member) -> None:
    """I2: there is nothing that a challenge could be bound to."""
    before = await scene.vendor.calls()
    command = await member.send(
        "StartAal2Challenge",
        patientId=member.patient_id,
        returnUrl=scene.application.return_url,
    )
    await member.told("Aal2ChallengeFailed", command, reason="no_active_identity")
    assert await scene.vendor.calls() == before
    await member.still_works()


async def test_a_code_confirms_once_and_for_its_own_subject_alone(
    scene: Scene, member: Member
) -> None:
    """I2: a wrong code, another subject's code and a used code change nothing."""
    await member.verify_identity(member.patient_id)
    back = await member.come_back(member.patient_id)
    other = await (await scene.member("other")).registered()
    before = await scene.vendor.calls()

    command = await member.send("ConfirmReturn", code="x" * 43)
    await member.told("CommandRejected", command, reason="code_invalid", field="code")
    command = await other.send("ConfirmReturn", code=back["code"])
    await other.told("CommandRejected", command, reason="code_invalid", field="code")
    command = await member.start_query()
    await member.told("NetworkQueryRefused", command, reason="session_required")

    await member.confirm(back)
    command = await member.send("ConfirmReturn", code=back["code"])
    await member.told("CommandRejected", command, reason="code_invalid", field="code")
    assert await scene.vendor.calls() == before
    await member.query(member.patient_id)


async def test_no_record_before_a_query_was_accepted(scene: Scene, member: Member) -> None:
    """I9: an identity alone does not open the record, nor does a session."""
    command = await member.send("StartConsolidatedQuery", patientId=member.patient_id)
    await member.told("ConsolidatedDataFailed", command, reason="no_active_identity")
    await member.verify_identity(member.patient_id)
    await member.answer_challenge(member.patient_id)
    before = await scene.vendor.calls()
    command = await member.send("StartConsolidatedQuery", patientId=member.patient_id)
    await member.told("ConsolidatedDataFailed", command, reason="no_accepted_query")
    assert await scene.vendor.calls() == before
    await member.query(member.patient_id)
    assert (await member.fetch_record(member.patient_id))["entry"]


@pytest.mark.parametrize("command_name", ["StartIdentityVerification", "StartAal2Challenge"])
async def test_a_return_url_must_stand_on_the_list_letter_for_letter(
    scene: Scene, member: Member, command_name: str
) -> None:
    """No open redirect: what is not on the list is refused by name of the field."""
    before = await scene.vendor.calls()
    for url in (f"{scene.application.return_url}/", "https://evil.example.com/return"):
        command = await member.send(command_name, patientId=member.patient_id, returnUrl=url)
        rejected = await member.told(
            "CommandRejected", command, reason="return_url_not_allowed", field="returnUrl"
        )
        assert url not in json.dumps(rejected)
    assert await scene.vendor.calls() == before
    await member.still_works()


async def test_a_command_id_stands_for_one_content(scene: Scene, member: Member) -> None:
    """The first content stands; the other is rejected and does nothing."""
    returning = {"patientId": member.patient_id, "returnUrl": scene.application.return_url}
    command = await member.send("StartIdentityVerification", **returning)
    await member.step_link(command)
    before = await scene.vendor.calls()
    await member.send("LinkPatient", commandId=command, patientId=member.patient_id, purpose="ias")
    await member.told("CommandRejected", command, reason="command_id_reused", field="commandId")
    assert await scene.vendor.calls() == before
    await member.still_works()


async def test_a_command_that_this_version_does_not_act_on_is_refused(
    scene: Scene, member: Member
) -> None:
    """A known command without a handler says so."""
    before = await scene.vendor.calls()
    command = await member.send(
        "CompleteAal2Challenge", patientId=member.patient_id, sessionIdSealed="c2VhbGVk"
    )
    await member.told("CommandRejected", command, reason="not_supported")
    assert await scene.vendor.calls() == before
    await member.still_works()


async def test_a_missing_field_is_named(scene: Scene, member: Member) -> None:
    """The path of the field, and none of the values beside it."""
    before = await scene.vendor.calls()
    nameless = {key: value for key, value in member.demographics.items() if key != "dob"}
    command = await member.send("RegisterPatient", purpose="ias", demographics=nameless)
    rejected = await member.told(
        "CommandRejected", command, reason="invalid_field", field="demographics.dob"
    )
    assert "Jane" not in json.dumps(rejected)
    assert rejected["topic"] == "ias.commands.v1"
    assert await scene.vendor.calls() == before
    await member.still_works()


async def test_an_unknown_command_is_refused(scene: Scene, member: Member) -> None:
    """Its sender is told; nothing else happens."""
    before = await scene.vendor.calls()
    command = await member.send("MakeCoffee", patientId=member.patient_id)
    await member.told("CommandRejected", command, reason="unknown_command")
    assert await scene.vendor.calls() == before
    await member.still_works()


UNREADABLE = {
    "not JSON": b"{not json 4242",
    "no subject": json.dumps({"commandId": str(uuid.uuid4()), "patientId": "p-4242"}).encode(),
    "not an object": b'["4242"]',
    "empty": b"",
}


async def letters_at(scene: Scene, place: dict[str, Any]) -> list[Record]:
    """The dead letters of one record."""
    return [
        letter
        for letter in await read_topic(scene.deployment, "ias.dead-letters.v1")
        if place.items() <= json.loads(letter.value).items()
    ]


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_a_command_too_broken_for_an_answer_is_kept_sealed_and_named_by_its_place(
    scene: Scene, member: Member, value: bytes
) -> None:
    """I6, I7: topic, partition and offset are told, and the bytes wait for operators, sealed."""
    before = await scene.vendor.calls()
    partition, offset = await scene.application.send_raw(
        "ias.command.StartNetworkQuery", value, member.subject_id.encode()
    )
    place: dict[str, Any] = {"topic": "ias.commands.v1", "partition": partition, "offset": offset}
    rejected = await scene.application.event("CommandRejected", subjectId="unreadable", **place)
    assert rejected["sequence"] == 0

    await scene.relayed()
    (letter,) = await letters_at(scene, place)
    assert json.loads(letter.value)["reason"] == rejected["reason"]
    assert b"4242" not in letter.value
    assert await scene.vendor.calls() == before
    await member.still_works()


async def test_a_command_without_an_id_is_kept_sealed_and_its_subject_is_told(
    scene: Scene, member: Member
) -> None:
    """I6: there is no id to answer under, so the place is told and the bytes are kept."""
    before = await scene.vendor.calls()
    value = json.dumps({"subjectId": member.subject_id, "patientId": "p-4242"}).encode()
    partition, offset = await scene.application.send_raw(
        "ias.command.StartConsolidatedQuery", value, member.subject_id.encode()
    )
    place: dict[str, Any] = {"topic": "ias.commands.v1", "partition": partition, "offset": offset}
    await scene.application.event(
        "CommandRejected",
        subjectId=member.subject_id,
        reason="invalid_field",
        field="commandId",
        **place,
    )
    await scene.relayed()
    (letter,) = await letters_at(scene, place)
    assert b"4242" not in letter.value
    assert await scene.vendor.calls() == before
    await member.still_works()


async def test_a_patient_that_is_not_the_subjects_is_refused(scene: Scene, member: Member) -> None:
    """I9: commands act on linked patients alone, and only the vendor's own can be linked."""
    stranger = str(uuid.uuid4())
    before = await scene.vendor.calls()
    command = await member.start_query(patientId=stranger)
    await member.told("NetworkQueryRefused", command, reason="patient_not_linked")
    command = await member.send("StartConsolidatedQuery", patientId=stranger)
    await member.told("ConsolidatedDataFailed", command, reason="patient_not_linked")
    assert await scene.vendor.calls() == before

    command = await member.send("LinkPatient", patientId=stranger, purpose="ias")
    await member.told("PatientRegistrationFailed", command, reason="patient_not_found")
    await member.still_works()
