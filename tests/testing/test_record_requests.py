"""``RequestRecords`` as the double tells it: step by step, and every way in which it ends."""

from datetime import timedelta

import pytest

from schemas import commands as c
from schemas import events as e
from schemas.reasons import Reason
from schemas.record_requests import RecordRequest
from schemas.sources import Source, SourceSelection, SourceStatus
from tests.testing.cast import ALL, ANN, BACK, BOB, JANE, Member


@pytest.fixture
def asked(ann: Member) -> Member:
    ann.request(demographics=JANE)
    return ann


def state(member: Member) -> RecordRequest:
    """The latest state of the only request."""
    (found,) = member.double.record_requests().values()
    return found


def steps(member: Member) -> list[str]:
    events = member.double.events(member.subject_id)
    return [event.step for event in events if isinstance(event, e.RecordRequestUpdated)]


def ended(member: Member) -> tuple[str, Reason | None]:
    finished = member.last(e.RecordRequestFinished)
    found = state(member)
    assert (found.step, found.result, found.reason) == (
        "finished",
        finished.result,
        finished.reason,
    )
    return finished.result, finished.reason


def retrieve(member: Member, *failing: Source) -> None:
    """Everything that person and Metriport have to do, from the first link on."""
    member.double.person_proves_identity(ANN)
    member.answer()
    for source in Source:
        status = SourceStatus.FAILED if source in failing else SourceStatus.COMPLETED
        member.double.vendor_finishes(ANN, source, status)


def test_one_command_runs_the_whole_flow_and_asks_the_person_once_a_step(asked: Member) -> None:
    retrieve(asked)
    asked.double.vendor_delivers(ANN)
    assert list(dict.fromkeys(steps(asked))) == [
        "registration",
        "identity_verification",
        "aal2_challenge",
        "network_query",
        "consolidated_query",
    ]
    assert asked.names().count("UserActionRequired") == 2
    assert ended(asked) == ("ready", None)
    finished = asked.last(e.RecordRequestFinished)
    assert finished.link_id == asked.last(e.ConsolidatedDataReady).link_id
    assert finished.command_id == asked.sent[0].command_id


def test_what_it_waits_for_is_its_state(asked: Member) -> None:
    assert state(asked).waiting_for == "identity_verification"
    asked.double.person_proves_identity(ANN)
    assert state(asked).waiting_for == "aal2_challenge"
    code = asked.double.person_answers_challenge(ANN)
    assert state(asked).waiting_for == "return_confirmation"
    asked.send(c.ConfirmReturn, code=code)
    assert (state(asked).step, state(asked).waiting_for) == ("network_query", "sources")


def test_steps_that_are_done_are_not_asked_for_again(ann: Member) -> None:
    ann.ready().request(patient_id=ann.patient_id)
    assert ann.names().count("UserActionRequired") == 2
    assert state(ann).step == "network_query"


def test_a_source_that_failed_makes_it_partial(asked: Member) -> None:
    retrieve(asked, Source.LAB)
    asked.double.vendor_delivers(ANN)
    assert ended(asked) == ("partial", Reason.SOURCE_FAILED)


def test_when_every_source_failed_there_is_no_record(asked: Member) -> None:
    retrieve(asked, *Source)
    assert ended(asked) == ("failed", Reason.SOURCE_FAILED)


def test_a_record_that_cannot_be_delivered_ends_it(asked: Member) -> None:
    retrieve(asked)
    asked.double.vendor_delivers(ANN, "failure")
    assert ended(asked) == ("failed", Reason.VENDOR_REFUSED)


def test_a_refused_query_ends_it(asked: Member) -> None:
    asked.double.refuse_next(Reason.PATIENT_OPTED_OUT)
    asked.double.person_proves_identity(ANN)
    asked.answer()
    assert ended(asked) == ("failed", Reason.PATIENT_OPTED_OUT)


def test_a_refused_session_sends_it_back_to_the_challenge_once(asked: Member) -> None:
    asked.double.refuse_next(Reason.SESSION_REFUSED)
    asked.double.person_proves_identity(ANN)
    asked.answer()
    assert (state(asked).step, state(asked).waiting_for) == ("aal2_challenge", "aal2_challenge")
    asked.answer()
    assert (state(asked).step, state(asked).waiting_for) == ("network_query", "sources")


def test_it_expires_at_its_deadline(ann: Member) -> None:
    soon = ann.double.now + timedelta(hours=1)
    ann.request(demographics=JANE, deadline=soon)
    told = ann.double.time_passes(timedelta(hours=2))
    assert ended(ann) == ("expired", Reason.DEADLINE_PASSED)
    assert {one.time for one in told} == {soon}


def test_cancelling_ends_both_commands_with_an_event_each(asked: Member) -> None:
    request_id = state(asked).request_id
    asked.send(c.CancelRecordRequest, request_id=request_id)
    assert ended(asked) == ("cancelled", Reason.CANCELLED)
    for command in asked.sent:
        (told,) = asked.double.send(command)
        assert isinstance(told.message, e.RecordRequestFinished)
        assert told.message.command_id == command.command_id
    (again,) = asked.send(c.CancelRecordRequest, request_id=request_id)
    assert isinstance(again.message, e.RecordRequestFinished)


def test_the_link_to_a_step_is_over_with_its_request(asked: Member) -> None:
    asked.send(c.CancelRecordRequest, request_id=state(asked).request_id)
    assert asked.names().count("IdentityVerificationExpired") == 1


def test_a_patient_of_nobody_is_linked(ann: Member) -> None:
    ann.request(patient_id="pat-1")
    assert ann.names()[:2] == ["RecordRequestUpdated", "PatientRegistered"]


def test_the_request_of_another_subject_cannot_be_cancelled(asked: Member) -> None:
    bob = Member(asked.double, BOB)
    bob.send(c.CancelRecordRequest, request_id=state(asked).request_id)
    assert bob.last(e.CommandRejected).field == "requestId"


def test_a_revoked_identity_ends_it(asked: Member) -> None:
    asked.double.person_proves_identity(ANN)
    asked.patient_id = asked.last(e.PatientRegistered).patient_id or asked.patient_id
    asked.about(c.RevokeIdentity, reason="asked")
    assert ended(asked) == ("failed", Reason.REVOKED)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"sources": ALL}, "patientId"),
        ({"sources": SourceSelection(), "demographics": JANE}, "sources"),
    ],
)
def test_what_cannot_begin_is_rejected(ann: Member, fields: dict[str, object], field: str) -> None:
    ann.send(c.RequestRecords, return_url=BACK, **fields)
    assert ann.last(e.CommandRejected).field == field
    assert ann.double.record_requests() == {}
