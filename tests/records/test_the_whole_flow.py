"""One RequestRecords from registration to the link, and what is told on the way (I2, I4, I5)."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from schemas.commands import RenewDataLink
from schemas.ids import CommandId, RequestId, SubjectId
from schemas.topics import Topic
from tests.support import records
from tests.support.outbox import told

from .story import ALL, JANE, Story


async def test_one_command_with_demographics_runs_to_the_link(story: Story) -> None:
    """I4, I5: every step is told once, in its order, and the person is asked once a step."""
    story.vendor.sandbox.state.patients.clear()
    command = await story.send(patient=False, demographics=JANE)
    await story.settle()
    (registered,) = await story.bodies("PatientRegistered")
    story.patient = registered["patientId"]
    await story.proves(await story.link("identity_verification"))
    await story.confirm(await story.comes_back(await story.link("aal2_challenge")))
    await story.source("hie", "early")
    await story.source("hie")
    await story.record()

    assert await story.kinds() == [
        "RecordRequestUpdated",
        "PatientRegistered",
        "UserActionRequired",
        "RecordRequestUpdated",
        "IdentityVerified",
        "UserActionRequired",
        "RecordRequestUpdated",
        "Aal2SessionReceived",
        "RecordRequestUpdated",
        "ReturnConfirmed",
        "NetworkQueryQueued",
        "RecordRequestUpdated",
        "Aal2SessionActivated",
        "NetworkQueryStarted",
        "RecordRequestUpdated",
        "NetworkQuerySourceUpdated",
        "RecordRequestUpdated",
        "NetworkQuerySourceUpdated",
        "NetworkQueryFinished",
        "RecordRequestUpdated",
        "ConsolidatedDataReady",
        "RecordRequestFinished",
    ]
    assert await story.steps() == [
        ("registration", "patient"),
        ("identity_verification", "identity_verification"),
        ("aal2_challenge", "aal2_challenge"),
        ("aal2_challenge", "return_confirmation"),
        ("network_query", "network_query_start"),
        ("network_query", "sources"),
        ("network_query", "sources"),
        ("consolidated_query", "consolidated_data"),
    ]
    early = [body.get("earlySources") for body in await story.bodies("RecordRequestUpdated")]
    assert early == [None, None, None, None, None, None, ["hie"], None]
    assert [one.body["sequence"] for one in await story.events()] == list(range(1, 23))
    ours = {"RecordRequestUpdated", "UserActionRequired", "RecordRequestFinished"}
    named = {one.body.get("commandId") for one in await story.events() if one.kind in ours}
    assert named == {str(command.command_id)}


async def test_the_end_names_link_expiry_and_every_source(linked: Story) -> None:
    """The vendor tells no numbers of documents, so sources are counted by their status."""
    request_id = await linked.proofed_with_session(sources=ALL)
    for source in ("hie", "pharmacy", "lab"):
        await linked.source(source)
    await linked.record()

    (ready,) = await linked.bodies("ConsolidatedDataReady")
    finished = await linked.finished()
    assert finished["result"] == "ready"
    assert finished["requestId"] == request_id == ready["requestId"]
    assert (finished["linkId"], finished["expiresAt"]) == (ready["linkId"], ready["expiresAt"])
    assert finished["sources"] == [
        {"source": "hie", "status": "completed"},
        {"source": "lab", "status": "completed"},
        {"source": "pharmacy", "status": "completed"},
    ]
    assert finished["counts"] == {"completed": 3, "failed": 0, "processing": 0}
    assert "reason" not in finished
    assert "message" not in finished


async def test_the_state_of_a_request_can_be_read_at_every_step(linked: Story) -> None:
    """The compacted topic holds the latest state under the request's id."""
    request_id = await linked.ask()
    state = await linked.state(request_id)
    assert state["subjectId"] == "jane"
    assert state["patientId"] == "patient-j"
    assert (state["step"], state["waitingFor"]) == ("identity_verification",) * 2
    assert state["sources"] == ["hie"]
    assert set(state) == {
        "requestId", "subjectId", "patientId", "step", "waitingFor", "deadline", "sources",
        "updatedAt",
    }  # fmt: skip
    await linked.proves(await linked.link("identity_verification"))
    assert (await linked.state(request_id))["waitingFor"] == "aal2_challenge"
    await linked.cancel(request_id)
    state = await linked.state(request_id)
    assert (state["step"], state["result"], state["reason"]) == ("finished", *["cancelled"] * 2)
    assert "waitingFor" not in state


async def test_a_link_to_a_step_lives_as_long_as_the_request(linked: Story) -> None:
    """I4: longer than CHALLENGE_LIFETIME and VERIFICATION_LIFETIME, which are for single commands."""
    request_id = await linked.ask()
    await linked.proves(await linked.link("identity_verification"))
    deadline = (await linked.state(request_id))["deadline"]
    links = [one.body["expiresAt"] for one in await told(linked.database, Topic.LINKS)]
    asked = [body["expiresAt"] for body in await linked.bodies("UserActionRequired")]
    assert links == asked == [deadline, deadline]
    left = datetime.fromisoformat(deadline) - datetime.now().astimezone()
    assert timedelta(days=2, hours=23) < left < timedelta(days=3)


async def test_an_identity_and_a_session_that_are_there_are_used_again(linked: Story) -> None:
    """The person is asked for nothing when nothing is needed."""
    await linked.proofed_with_session()
    await linked.source("hie")
    await linked.record()
    asked = len(await linked.bodies("UserActionRequired"))
    await linked.ask(freshness=0)
    assert len(await linked.bodies("UserActionRequired")) == asked == 2
    assert (await linked.steps())[-1] == ("network_query", "sources")
    sessions = {
        call.headers["x-aal2-session"] for call in linked.vendor.calls("start-network-query")
    }
    assert len(sessions) == 1


async def test_a_patient_of_the_account_is_linked_first(story: Story) -> None:
    """``patientId`` of a subject that is not linked yet: Metriport is asked for that patient."""
    await story.ask()
    (registered,) = await story.bodies("PatientRegistered")
    assert (registered["patientId"], registered["purpose"]) == ("patient-j", "ias")
    assert (await story.steps())[-1] == ("identity_verification",) * 2


async def test_what_metriport_will_not_register_ends_the_request(story: Story) -> None:
    """I4: with the reason of the registration."""
    story.patient = "patient-of-nobody"
    await story.ask()
    finished = await story.finished()
    assert (finished["result"], finished["reason"]) == ("failed", "patient_not_found")
    assert finished["message"].startswith("Check the patientId")


async def test_a_link_that_died_in_the_applications_hands_is_renewed_by_the_requests_id(
    linked: Story,
) -> None:
    """It dies in three minutes; the request has ended, and its id still names what was asked for."""
    request_id = await linked.proofed_with_session(resources=["Condition"])
    await linked.source("hie")
    await linked.record()
    renew = RenewDataLink(
        command_id=CommandId(uuid4()),
        subject_id=SubjectId("jane"),
        request_id=RequestId(UUID(request_id)),
    )
    await linked.process(records.command(renew))
    await linked.settle()
    await linked.record()
    assert [body.get("commandId") for body in await linked.bodies("ConsolidatedDataReady")][1:] == [
        str(renew.command_id)
    ]
    assert len(await linked.bodies("RecordRequestFinished")) == 1
    asked = [call.query["resources"] for call in linked.vendor.calls("start-consolidated-query")]
    assert asked == ["Condition", "Condition"]
