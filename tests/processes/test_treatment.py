"""Two purposes that never mix."""

import json

import pytest

from tests.processes.scene import Scene

pytestmark = pytest.mark.process


async def test_a_treatment_query_says_treatment_and_carries_no_proof(scene: Scene) -> None:
    """I2, I9: ``purposeOfUse`` omitted means treatment, explicit at the vendor."""
    member = await (await scene.member("patient-of-a-clinic")).registered("treatment")
    finished = await member.query(member.patient_id, purpose=None)

    assert finished["status"] == "completed"
    (call,) = await scene.vendor.calls("start-network-query", member.patient_id)
    assert call["query"]["purposeOfUse"] == "treatment"
    assert "proofedIdentityId" not in json.loads(call["body"])
    assert "x-aal2-session" not in call["headers"]


async def test_a_treatment_query_on_an_ias_link_is_refused(scene: Scene) -> None:
    """I9: omitting the purpose does not turn a person's request into a provider's."""
    member = await (await scene.member("person")).ready()
    before = await scene.vendor.calls()
    for purpose in ({}, {"purposeOfUse": "treatment"}):
        command = await member.send(
            "StartNetworkQuery",
            patientId=member.patient_id,
            sources={"hie": True},
            **purpose,
        )
        await member.told("NetworkQueryRefused", command, reason="purpose_not_allowed")
    assert await scene.vendor.calls() == before
    await member.query(member.patient_id)


async def test_ias_steps_on_a_treatment_link_are_refused(scene: Scene) -> None:
    """I9: the purpose of a link is fixed, both ways; treatment hands out no record."""
    member = await (await scene.member("clinic")).registered("treatment")
    before = await scene.vendor.calls()
    returning = {"patientId": member.patient_id, "returnUrl": scene.application.return_url}
    command = await member.send("StartIdentityVerification", **returning)
    await member.told("IdentityVerificationFailed", command, reason="purpose_not_allowed")
    command = await member.send("StartAal2Challenge", **returning)
    await member.told("Aal2ChallengeFailed", command, reason="purpose_not_allowed")
    command = await member.start_query()
    await member.told("NetworkQueryRefused", command, reason="purpose_not_allowed")
    command = await member.send("StartConsolidatedQuery", patientId=member.patient_id)
    await member.told("ConsolidatedDataFailed", command, reason="purpose_not_allowed")
    command = await member.send("LinkPatient", patientId=member.patient_id, purpose="ias")
    await member.told("PatientRegistrationFailed", command, reason="purpose_not_allowed")
    assert await scene.vendor.calls() == before


async def test_without_treatment_enabled_nothing_about_treatment_reaches_the_vendor(
    scene: Scene,
) -> None:
    """I9: registering and querying for treatment are refused; individual access works."""
    clinic = await (await scene.member("clinic")).registered("treatment")
    before = await scene.vendor.calls()
    async with scene.restarted("consumers", {"TREATMENT_ENABLED": "false"}):
        newcomer = await scene.member("newcomer")
        command = await newcomer.send(
            "RegisterPatient", purpose="treatment", demographics=newcomer.demographics
        )
        await newcomer.told("PatientRegistrationFailed", command, reason="treatment_disabled")
        command = await clinic.send(
            "StartNetworkQuery", patientId=clinic.patient_id, sources={"hie": True}
        )
        await clinic.told("NetworkQueryRefused", command, reason="treatment_disabled")
        assert await scene.vendor.calls() == before
        await newcomer.registered("ias")


async def test_a_treatment_query_that_waits_is_refused_by_a_gateway_without_treatment(
    scene: Scene,
) -> None:
    """I9: the gateway checks again, right before the call."""
    clinic = await (await scene.member("clinic")).registered("treatment")
    await scene.stop("gateway")
    command = await clinic.send(
        "StartNetworkQuery", patientId=clinic.patient_id, sources={"hie": True}
    )
    await clinic.told("NetworkQueryQueued", command)
    async with scene.restarted("gateway", {"TREATMENT_ENABLED": "false"}):
        await clinic.told("NetworkQueryRefused", command, reason="treatment_disabled")
    assert await scene.vendor.calls("start-network-query", clinic.patient_id) == []
