"""What the vendor and the network do to calls: late answers, lost answers, refusals for a while."""

import asyncio
import json

import pytest

from tests.local.journey import settle
from tests.processes.scene import Scene

pytestmark = pytest.mark.process


async def test_webhooks_that_overtake_the_answer_prove_the_query_and_are_applied(
    scene: Scene,
) -> None:
    """I1: every source is heard of before the call's answer is; they name our query, and it finishes."""
    member = await (await scene.member("overtaken")).ready()
    others = scene.count("parked_webhook")
    await scene.vendor.fault("start-network-query", "delay-answer", seconds=3.0)
    command = await member.start_query()
    finished = await member.told("NetworkQueryFinished", command, status="completed")
    assert {source["status"] for source in finished["sources"]} == {"completed"}
    assert scene.count("vendor_call", member, state="dispatching") == 1, "no answer yet"

    await scene.calls_done()
    names = member.names()
    assert names.index("NetworkQueryStarted") < names.index("NetworkQuerySourceUpdated")
    assert names.count("NetworkQueryStarted") == names.count("NetworkQueryFinished") == 1
    assert scene.count("parked_webhook") == others
    assert len(await scene.vendor.calls("start-network-query", member.patient_id)) == 1


async def test_a_query_whose_answer_is_lost_is_unknown_until_proved_and_never_sent_again(
    scene: Scene,
) -> None:
    """I3: one POST, an event that says so, proof that continues it, and no second POST ever."""
    member = await (await scene.member("unknown")).ready()
    await scene.vendor.fault("start-network-query", "drop-answer")
    command = await member.start_query()
    unknown = await member.told("NetworkQueryOutcomeUnknown", command)
    assert unknown["reason"] == "vendor_unclear"
    await member.told("NetworkQueryStarted", command)
    await member.told("NetworkQueryFinished", command, status="completed")

    await member.start_query(commandId=command)
    await member.told("NetworkQueryFinished", command, skip=1)
    await scene.stop("gateway")
    await scene.start("gateway")
    await scene.calls_done()
    await settle()
    (call,) = await scene.vendor.calls("start-network-query", member.patient_id)
    assert call["fault"] == "drop-answer"


async def test_registration_goes_on_by_itself_after_faults_of_the_vendor(scene: Scene) -> None:
    """I4: slow down, a closed connection and a 503 are waited out; one patient each comes of it."""
    faults = ({"kind": "status", "status": 429}, {"kind": "reset"}, {"kind": "status"})
    for fault in faults:
        await scene.vendor.fault("create-patient", **fault)
    members = [await scene.member(f"patient-{number}") for number in range(len(faults))]
    await asyncio.gather(*(member.registered() for member in members))

    for member in members:
        dob = member.demographics["dob"]
        calls = await scene.vendor.calls("create-patient")
        own = [call for call in calls if json.loads(call["body"])["dob"] == dob]
        assert sorted(call["status"] == 201 for call in own) == [False, True]
    assert len({member.patient_id for member in members}) == len(members)


async def test_a_registration_whose_answer_is_lost_ends_with_the_same_patient(scene: Scene) -> None:
    """I4: Create Patient may be repeated; the vendor finds the patient of the first call."""
    member = await scene.member("repeated")
    await scene.vendor.fault("create-patient", "drop-answer")
    await member.registered()
    state = await scene.vendor.state()
    patients = [
        patient["id"]
        for patient in state["patients"].values()
        if patient["demographics"]["dob"] == member.demographics["dob"]
    ]
    assert patients == [member.patient_id]


async def test_a_query_that_provably_was_not_done_is_sent_again(scene: Scene) -> None:
    """I3: a 429 was no accepted call; the command still leads to exactly one."""
    member = await (await scene.member("limited")).ready()
    await scene.vendor.fault("start-network-query", "status", status=429)
    command = await member.start_query()
    await member.told("NetworkQueryFinished", command, status="completed")
    calls = await scene.vendor.calls("start-network-query", member.patient_id)
    assert [call["status"] for call in calls] == [429, 200]
    state = await scene.vendor.state()
    started = [
        query
        for query in state["network_queries"].values()
        if query["patient_id"] == member.patient_id
    ]
    assert len(started) == 1


async def test_a_query_whose_session_is_refused_asks_the_person_and_goes_on(scene: Scene) -> None:
    """I2, I4: a dead session is not used again; the same query goes on with a fresh one."""
    member = await (await scene.member("dead")).ready()
    state = await scene.vendor.state()
    (session,) = [
        session["id"]
        for session in state["aal2_sessions"].values()
        if session["patient_id"] == member.patient_id
    ]
    await scene.vendor.end_session(session)
    command = await member.start_query()
    link = await member.step_link(command)
    await member.person.answer_challenge(link["url"])
    await member.told("Aal2SessionReceived", command)
    await member.confirm(await member.application.returned(link["linkId"]))
    await member.told("NetworkQueryFinished", command, status="completed")
    used = [
        call["headers"]["x-aal2-session"]
        for call in await scene.vendor.calls("start-network-query", member.patient_id)
    ]
    assert used.count(session) == 1
    assert len(used) == 2
