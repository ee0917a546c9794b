"""How record requests end: cancelled, out of time, without records, revoked, erased (I2, I4, I9)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from schemas.commands import EraseSubject, RevokeIdentity
from schemas.ids import CommandId, PatientId, SubjectId
from schemas.sources import SourceSelection
from schemas.topics import Topic
from tests.support import people, records
from tests.support.outbox import bodies

from .story import ALL, JANE, Story

DAYS = timedelta(days=3)
RUNS_ON = "Metriport runs what it was sent to its end, and its events still come."


async def _at_deadline(story: Story, request_id: str, before: timedelta = timedelta(0)) -> None:
    """The request's time is over, or will be after ``before``; its query's too."""
    for table in ("record_request", "network_query"):
        moved = f"update {table} set deadline = now() + $1::interval"  # noqa: S608 - names above
        await people.sql(story.database, moved, before)
    await story.shift(request_id, wake_at=DAYS, created_at=DAYS)
    await story.settle()


async def test_a_request_that_waits_for_a_person_is_cancelled_at_once(linked: Story) -> None:
    """I4: both commands end, the link to the page is over, and a repeat is answered the same."""
    command = await linked.send()
    request_id = await linked.request_of(command)
    cancel = await linked.cancel(request_id)
    first, second = await linked.bodies("RecordRequestFinished")
    assert first["commandId"] == str(command.command_id)
    assert second["commandId"] == str(cancel.command_id)
    for body in (first, second):
        assert (body["result"], body["reason"]) == ("cancelled", "cancelled")
        assert body["message"] == "Nothing; it was cancelled on request."
    assert "IdentityVerificationExpired" in await linked.kinds()
    await linked.process(records.command(cancel))
    assert len(await linked.bodies("RecordRequestFinished")) == 3
    await linked.settle()
    assert (await linked.kinds())[-1] == "RecordRequestFinished"


async def test_what_was_not_sent_is_not_sent_after_a_cancellation(linked: Story) -> None:
    linked.is_paused = True
    request_id = await linked.proofed_with_session()
    await linked.cancel(request_id)
    linked.is_paused = False
    await linked.settle()
    assert linked.calls() == 0
    refused = await linked.bodies("NetworkQueryRefused")
    assert [body["reason"] for body in refused] == ["cancelled"]


async def test_a_registration_that_was_not_sent_is_not_sent(story: Story) -> None:
    story.is_paused = True
    command = await story.send(patient=False, demographics=JANE)
    await story.cancel(await story.request_of(command))
    story.is_paused = False
    await story.settle()
    assert story.calls("create-patient") == 0
    (failed,) = await story.bodies("PatientRegistrationFailed")
    assert failed["reason"] == "cancelled"
    assert (await people.row(story.database, "registration"))["demographics_box"] is None


async def test_a_call_under_way_that_was_not_sent_after_all_is_not_made_again(
    linked: Story,
) -> None:
    """It was claimed before the cancellation, and its replica died before it was sent."""
    linked.is_paused = True
    request_id = await linked.proofed_with_session()
    linked.gateway.dies = True
    await linked.gateway.settle()
    await linked.cancel(request_id)
    assert (await linked.bodies("RecordRequestFinished"))[0]["message"].endswith(RUNS_ON)
    await people.sql(linked.database, "update vendor_call set state = 'due', lease_until = null")
    await people.sql(linked.database, "update network_query set state = 'due'")
    linked.gateway.dies = linked.is_paused = False
    await linked.settle()
    assert linked.calls() == 0
    assert [body["reason"] for body in await linked.bodies("NetworkQueryRefused")] == ["cancelled"]


async def test_what_metriport_runs_is_let_finish_and_that_is_said(linked: Story) -> None:
    """Its events still come; no record is asked for any more."""
    request_id = await linked.proofed_with_session()
    await linked.cancel(request_id)
    first, _ = await linked.bodies("RecordRequestFinished")
    assert first["message"] == f"Nothing; it was cancelled on request. {RUNS_ON}"
    assert first["counts"] == {"completed": 0, "failed": 0, "processing": 1}
    await linked.source("hie")
    assert (await linked.kinds())[-2:] == ["NetworkQuerySourceUpdated", "NetworkQueryFinished"]
    assert linked.calls("start-consolidated-query") == 0


async def test_a_request_that_has_ended_stays_as_it_ended(linked: Story) -> None:
    request_id = await linked.proofed_with_session()
    await linked.source("hie")
    await linked.record()
    cancel = await linked.cancel(request_id)
    first, second = await linked.bodies("RecordRequestFinished")
    assert (first["result"], second["result"]) == ("ready", "ready")
    assert second["commandId"] == str(cancel.command_id)
    assert (await linked.state(request_id))["result"] == "ready"


async def test_nobody_cancels_another_subjects_request(linked: Story) -> None:
    request_id = await linked.ask()
    for subject, named in (("victor", request_id), ("jane", str(uuid4()))):
        await linked.cancel(named, subject=subject)
        (rejected,) = [
            body
            for body in await bodies(linked.database, "CommandRejected")
            if body["subjectId"] == subject
        ]
        assert (rejected["reason"], rejected["field"]) == ("invalid_field", "requestId")
    assert (await linked.state(request_id))["step"] == "identity_verification"


async def test_near_the_deadline_the_record_is_asked_for_while_sources_run(linked: Story) -> None:
    """I4: it ends partial, with the status of every source."""
    request_id = await linked.proofed_with_session(sources=ALL)
    await linked.source("hie")
    await _at_deadline(linked, request_id, timedelta(minutes=9))
    assert (await linked.state(request_id))["waitingFor"] == "consolidated_data"
    await linked.record()
    finished = await linked.finished()
    assert (finished["result"], finished["reason"]) == ("partial", "deadline_passed")
    assert finished["counts"] == {"completed": 1, "failed": 0, "processing": 2}
    assert finished["sources"][1] == {
        "source": "lab",
        "status": "processing",
        "reason": "deadline_passed",
    }
    assert "linkId" in finished


@pytest.mark.parametrize("step", ["identity", "challenge", "return", "record"])
async def test_at_the_deadline_it_expires_wherever_it_waits(linked: Story, step: str) -> None:
    """I4."""
    request_id = await linked.ask()
    if step != "identity":
        await linked.proves(await linked.link("identity_verification"))
    if step in {"return", "record"}:
        code = await linked.comes_back(await linked.link("aal2_challenge"))
        if step == "record":
            await linked.confirm(code)
            await linked.source("hie")
    await _at_deadline(linked, request_id)
    finished = await linked.finished()
    assert (finished["result"], finished["reason"]) == ("expired", "deadline_passed")
    assert (await linked.state(request_id))["result"] == "expired"
    open_steps = [
        await people.count(linked.database, table, state="pending")
        for table in ("identity_verification", "aal2_challenge")
    ]
    assert open_steps == [0, 0]


async def test_a_source_that_failed_makes_it_partial(linked: Story) -> None:
    await linked.proofed_with_session(sources=SourceSelection(hie=True, lab=True))
    await linked.source("hie")
    await linked.source("lab", "failed")
    await linked.record()
    finished = await linked.finished()
    assert (finished["result"], finished["reason"]) == ("partial", "source_failed")
    assert finished["message"] == "The source failed at Metriport; a later query may succeed."


async def test_a_record_whose_link_died_on_its_way_is_asked_for_again(linked: Story) -> None:
    """Three times; then the application may ask itself."""
    await linked.proofed_with_session()
    await linked.source("hie")
    for _ in range(2):
        await linked.record(lives=False)
    assert (await linked.steps())[-1] == ("consolidated_query", "consolidated_data")
    await linked.record()
    assert (await linked.finished())["result"] == "ready"
    assert linked.calls("start-consolidated-query") == 3


async def test_that_metriport_holds_nothing_is_an_answer(linked: Story) -> None:
    await linked.proofed_with_session()
    await linked.source("hie")
    await linked.record(name="empty-bundle")
    finished = await linked.finished()
    assert (finished["result"], finished["message"]) == (
        "ready",
        "Metriport holds nothing that fits.",
    )
    assert "linkId" not in finished


async def test_a_revocation_ends_the_requests_of_its_patient(linked: Story) -> None:
    """I2, I9: before IdentityRevoked is told, and no status of a source is."""
    request_id = await linked.proofed_with_session()
    revoke = RevokeIdentity(
        command_id=CommandId(uuid4()),
        subject_id=SubjectId("jane"),
        patient_id=PatientId(linked.patient),
        reason="asked for",
    )
    await linked.process(records.command(revoke))
    await linked.settle()
    assert (await linked.kinds())[-2:] == ["RecordRequestFinished", "IdentityRevoked"]
    finished = await linked.finished()
    assert (finished["result"], finished["reason"]) == ("failed", "revoked")
    assert "sources" not in finished
    assert (await linked.state(request_id))["reason"] == "revoked"


async def test_an_erasure_takes_every_request_and_leaves_a_tombstone(linked: Story) -> None:
    """I4: the receipt ends the command; nothing looks at it any more."""
    await linked.proofed_with_session()
    erase = EraseSubject(command_id=CommandId(uuid4()), subject_id=SubjectId("jane"))
    await linked.process(records.command(erase))
    await linked.settle()
    assert await linked.kinds() == ["SubjectErased"]
    assert await people.count(linked.database, "record_request") == 0
    assert await people.count(linked.database, "outbox", topic=Topic.RECORD_REQUESTS) == 1


@pytest.mark.parametrize(
    ("changed", "reason", "field"),
    [
        ({"patient": False}, "invalid_field", "patientId"),
        ({"demographics": JANE}, "invalid_field", "patientId"),
        ({"sources": SourceSelection()}, "invalid_field", "sources"),
        ({"return_url": "https://evil.example.com/"}, "return_url_not_allowed", "returnUrl"),
        ({"deadline": datetime(2026, 1, 1, tzinfo=UTC)}, "deadline_passed", "deadline"),
    ],
)
async def test_what_is_not_valid_is_rejected_and_names_the_field(
    story: Story, changed: dict[str, Any], reason: str, field: str
) -> None:
    await story.send(**changed)
    (rejected,) = await story.bodies("CommandRejected")
    assert (rejected["reason"], rejected["field"]) == (reason, field)
    assert await people.count(story.database, "record_request") == 0


async def test_a_deadline_may_be_earlier_than_ours_and_not_later(linked: Story) -> None:
    """QUERY_DEADLINE is the most."""
    now = datetime.now(UTC)
    early = await linked.ask(deadline=now + timedelta(hours=1))
    late = await linked.ask(deadline=now + timedelta(days=30))
    deadlines = [
        datetime.fromisoformat((await linked.state(one))["deadline"]) - now for one in (early, late)
    ]
    assert deadlines[0] == timedelta(hours=1)
    assert timedelta(days=3) <= deadlines[1] < timedelta(days=3, minutes=1)
