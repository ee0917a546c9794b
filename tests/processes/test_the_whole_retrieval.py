"""One person's record, from registration to the FHIR bundle."""

import json
import re

import pytest

from tests.local.journey import resource_types
from tests.processes.scene import Scene, text_of

pytestmark = pytest.mark.process


async def test_a_person_pulls_their_record_and_the_application_hears_every_step_in_order(
    scene: Scene,
) -> None:
    """I5: ``sequence`` is gapless from 1 and follows the causes."""
    member = await scene.member("whole")
    bundle = await member.complete()

    sequences = [told.content["sequence"] for told in member.events()]
    assert sequences == list(range(1, len(sequences) + 1))
    names = member.names()
    assert names[:9] == [
        "PatientRegistered",
        "UserActionRequired",
        "IdentityVerified",
        "UserActionRequired",
        "Aal2SessionReceived",
        "ReturnConfirmed",
        "NetworkQueryQueued",
        "Aal2SessionActivated",
        "NetworkQueryStarted",
    ]
    assert set(names[9:-2]) == {"NetworkQuerySourceUpdated"}
    assert names[-2:] == ["NetworkQueryFinished", "ConsolidatedDataReady"]
    updates = [
        (told.content["source"], told.content["status"])
        for told in member.events()
        if told.type == "ias.event.NetworkQuerySourceUpdated"
    ]
    assert updates == [
        ("hie", "processing"),
        ("hie", "completed"),
        ("pharmacy", "completed"),
        ("lab", "completed"),
    ]
    counts = resource_types(bundle)
    assert counts["Patient"] == 1
    assert counts.total() > 20


async def test_the_one_network_query_carries_purpose_identity_and_session(scene: Scene) -> None:
    """I2: identity and session are those of this person, and the purpose is said."""
    member = await scene.member("proof")
    await member.ready()
    await member.query(member.patient_id)

    state = await scene.vendor.state()
    (call,) = await scene.vendor.calls("start-network-query", member.patient_id)
    assert call["query"]["purposeOfUse"] == "ias"
    identity = json.loads(call["body"])["proofedIdentityId"]
    session = call["headers"]["x-aal2-session"]
    assert state["identities"][identity]["patient_id"] == member.patient_id
    assert state["aal2_sessions"][session]["identity_id"] == identity


async def test_no_event_carries_a_session_an_identity_or_a_url(scene: Scene) -> None:
    """I7: events refer to links by id, and name no secret."""
    member = await scene.member("quiet")
    await member.ready()
    await member.query(member.patient_id)
    command = await member.send("StartConsolidatedQuery", patientId=member.patient_id)
    await member.told("ConsolidatedDataReady", command)

    text = text_of(member.events())
    state = await scene.vendor.state()
    secrets = [*state["identities"], *state["aal2_sessions"]]
    assert secrets
    assert [secret for secret in secrets if secret in text] == []
    assert re.findall(r"https?:", text) == []
