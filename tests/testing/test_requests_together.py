"""Record requests of one person beside each other, one after the other, and in time, on the double."""

from datetime import timedelta

import pytest

from schemas import commands as c
from schemas import events as e
from schemas.base import Event
from schemas.reasons import Reason
from schemas.record_requests import RecordRequest
from schemas.sources import PurposeOfUse, Source, SourceCounts, SourceSelection, SourceStatus
from service.testing import IasDouble, Terms
from tests.testing.cast import ANN, BOB, HIE, JANE, Member

MINUTE = timedelta(minutes=1)
NO_HIE = SourceSelection(pharmacy=True, lab=True)


@pytest.fixture
def done(ann: Member) -> Member:
    """A request for the HIE that ended ready."""
    ann.ready().request(patient_id=ann.patient_id, sources=HIE)
    ann.finish(HIE)
    ann.double.vendor_delivers(ANN)
    assert ann.last(e.RecordRequestFinished).result == "ready"
    return ann


def states(member: Member) -> list[RecordRequest]:
    """The latest states of the member's requests, oldest first."""
    found = member.double.record_requests().values()
    return [state for state in found if state.subject_id == member.subject_id]


def again(member: Member, sources: SourceSelection = HIE, **fields: object) -> RecordRequest:
    """Another request about the patient; where it stands."""
    member.request(patient_id=member.patient_id, sources=sources, **fields)
    return states(member)[-1]


def test_a_repeat_within_the_cool_down_is_answered_from_the_last_result(done: Member) -> None:
    done.double.time_passes(59 * MINUTE)
    assert again(done).waiting_for == "consolidated_data"
    done.double.vendor_delivers(ANN)
    assert done.last(e.RecordRequestFinished).result == "ready"
    assert done.names().count("NetworkQueryQueued") == 1
    assert done.names().count("UserActionRequired") == 2


def test_after_the_cool_down_the_networks_are_asked_anew(done: Member) -> None:
    done.double.time_passes(61 * MINUTE)
    assert again(done).waiting_for == "aal2_challenge"
    done.answer()
    assert done.names().count("NetworkQueryQueued") == 2


@pytest.mark.parametrize(
    ("age", "freshness", "queries"), [(5, 0, 2), (5, 301, 1), (5, 299, 2), (10, 3600, 1)]
)
def test_freshness_says_how_old_a_result_may_be(
    done: Member, age: int, freshness: int, queries: int
) -> None:
    done.double.time_passes(age * MINUTE)
    again(done, freshness=freshness)
    assert done.names().count("NetworkQueryQueued") == queries


def test_a_second_request_joins_the_query_that_runs_and_is_told_its_own_sources(
    ann: Member,
) -> None:
    ann.ready().request(patient_id=ann.patient_id)
    assert again(ann).waiting_for == "sources"
    ann.double.vendor_finishes(ANN, Source.HIE)
    ann.double.vendor_delivers(ANN)
    finished = ann.last(e.RecordRequestFinished)
    assert (finished.result, finished.counts) == ("ready", SourceCounts(completed=1))
    assert ann.names().count("NetworkQueryQueued") == 1
    assert states(ann)[0].waiting_for == "sources"


def test_a_request_for_other_sources_has_a_query_of_its_own(ann: Member) -> None:
    ann.ready().request(patient_id=ann.patient_id, sources=HIE)
    assert again(ann, NO_HIE).waiting_for == "sources"
    assert ann.names().count("NetworkQueryStarted") == 2


def test_the_person_is_sent_to_one_link_for_two_requests(ann: Member) -> None:
    ann.registered()
    first, second = again(ann), again(ann)
    ann.send(c.CancelRecordRequest, request_id=first.request_id)
    assert "IdentityVerificationExpired" not in ann.names()
    third = again(ann)
    ann.double.person_proves_identity(ANN)
    asked = [one for one in ann.double.events(ANN) if isinstance(one, e.UserActionRequired)]
    links = [one.link_id for one in asked]
    assert links == [links[0]] * 3 + [links[3]] * 2
    ann.answer()
    assert ann.names().count("NetworkQueryStarted") == 1
    stood = {one.request_id: one.waiting_for for one in states(ann)}
    assert stood[second.request_id] == stood[third.request_id] == "sources"


def test_without_reuse_of_sessions_each_request_has_its_own() -> None:
    ann = Member(IasDouble(terms=Terms(session_reuse=False))).proofed()
    again(ann), again(ann, NO_HIE)
    ann.answer()
    waiting = sorted(str(one.waiting_for) for one in states(ann))
    assert waiting == ["aal2_challenge", "sources"]
    ann.answer()
    assert [one.waiting_for for one in states(ann)] == ["sources"] * 2


def test_nobody_is_challenged_while_another_query_has_the_patients_slot(ann: Member) -> None:
    bob = Member(ann.double, BOB).proofed()
    ann.ready().request(patient_id=ann.patient_id, sources=HIE)
    assert bob.patient_id == ann.patient_id
    state = again(bob)
    assert (state.step, state.waiting_for) == ("aal2_challenge", "hie_slot")
    ann.double.vendor_finishes(ANN, Source.HIE)
    assert states(bob)[-1].waiting_for == "aal2_challenge"


def test_near_the_deadline_the_record_is_asked_for_while_sources_run(ann: Member) -> None:
    deadline = ann.double.now + 80 * MINUTE
    ann.ready().request(patient_id=ann.patient_id, deadline=deadline)
    ann.double.vendor_finishes(ANN, Source.HIE)
    ann.double.time_passes(69 * MINUTE)
    assert states(ann)[0].waiting_for == "sources"
    ann.double.time_passes(MINUTE)
    assert states(ann)[0].waiting_for == "consolidated_data"
    ann.double.vendor_delivers(ANN)
    finished = ann.last(e.RecordRequestFinished)
    assert (finished.result, finished.reason) == ("partial", Reason.DEADLINE_PASSED)
    assert finished.counts == SourceCounts(completed=1, processing=2)
    assert finished.message is not None
    assert finished.message.endswith("its events still come.")


def test_who_is_never_vouched_for_is_asked_three_times(ann: Member) -> None:
    ann.proofed().request(patient_id=ann.patient_id)
    for asked in (1, 2, 3):
        kinds = [str(getattr(one, "kind", "")) for one in ann.double.events(ANN)]
        assert kinds.count("aal2_challenge") == asked
        ann.double.person_answers_challenge(ANN)
        ann.double.time_passes(10 * MINUTE)
    finished = ann.last(e.RecordRequestFinished)
    assert (finished.result, finished.reason) == ("failed", Reason.SESSION_REQUIRED)


def test_a_query_that_was_not_sent_is_not_sent_after_a_cancellation(ann: Member) -> None:
    ann.ready().double.refuse_next(Reason.SESSION_REFUSED)
    state = again(ann)
    assert (state.step, state.waiting_for) == ("aal2_challenge", "aal2_challenge")
    told = ann.send(c.CancelRecordRequest, request_id=state.request_id)
    events = [type(one.message).__name__ for one in told if isinstance(one.message, Event)]
    assert events == [
        "NetworkQueryRefused",
        "Aal2ChallengeExpired",
        *["RecordRequestFinished"] * 2,
    ]
    assert ann.last(e.NetworkQueryRefused).reason is Reason.CANCELLED


def test_a_session_that_was_refused_to_one_query_is_asked_for_once_for_both(ann: Member) -> None:
    ann.proofed()
    again(ann, NO_HIE), again(ann, HIE)
    code = ann.double.person_answers_challenge(ANN)
    ann.double.refuse_next(Reason.SESSION_REFUSED)
    ann.send(c.ConfirmReturn, code=code)
    asked = [one for one in ann.double.events(ANN) if isinstance(one, e.UserActionRequired)]
    assert len({one.link_id for one in asked[-2:]}) == 1
    assert [one.waiting_for for one in states(ann)] == ["aal2_challenge"] * 2
    ann.answer()
    assert [one.waiting_for for one in states(ann)] == ["sources"] * 2


def test_a_query_whose_session_was_refused_is_looked_at_before_its_turn(ann: Member) -> None:
    ann.ready().double.refuse_next(Reason.SESSION_REFUSED)
    again(ann)
    ann.answer()
    waits = [one for one in ann.double.events(ANN) if isinstance(one, e.RecordRequestUpdated)]
    assert [one.waiting_for for one in waits[-2:]] == ["network_query_start", "sources"]


def test_what_metriport_runs_goes_on_and_an_end_is_told_with_what_is_known_by_then(
    ann: Member,
) -> None:
    ann.ready().request(patient_id=ann.patient_id, sources=HIE)
    request_id = states(ann)[0].request_id
    ann.send(c.CancelRecordRequest, request_id=request_id)
    first = ann.last(e.RecordRequestFinished)
    assert first.message is not None
    assert "runs what it was sent" in first.message
    ann.double.vendor_finishes(ANN, Source.HIE)
    ann.send(c.CancelRecordRequest, request_id=request_id)
    second = ann.last(e.RecordRequestFinished)
    assert second.result == first.result == "cancelled"
    assert second.counts == SourceCounts(completed=1)


def test_a_revocation_ends_it_before_it_is_told_itself_and_says_nothing_of_sources(
    ann: Member,
) -> None:
    ann.ready().request(patient_id=ann.patient_id)
    ann.about(c.RevokeIdentity, reason="asked")
    assert ann.names()[-2:] == ["RecordRequestFinished", "IdentityRevoked"]
    finished = ann.last(e.RecordRequestFinished)
    assert (finished.reason, finished.sources, finished.counts) == (Reason.REVOKED, None, None)


def test_a_result_whose_identity_was_revoked_answers_nobody(done: Member) -> None:
    done.about(c.RevokeIdentity, reason="asked")
    assert again(done).waiting_for == "identity_verification"


def test_a_query_whose_sources_all_failed_is_no_result(ann: Member) -> None:
    ann.ready().request(patient_id=ann.patient_id, sources=HIE)
    ann.double.vendor_finishes(ANN, Source.HIE, SourceStatus.FAILED)
    assert states(ann)[0].reason is Reason.SOURCE_FAILED
    assert again(ann).waiting_for == "sources"


def test_a_patient_who_is_linked_for_treatment_has_no_record_requests() -> None:
    ann = Member(IasDouble(terms=Terms(treatment_enabled=True)))
    ann.send(c.RegisterPatient, purpose=PurposeOfUse.TREATMENT, demographics=JANE)
    ann.patient_id = ann.last(e.PatientRegistered).patient_id or ann.patient_id
    assert again(ann).reason is Reason.PURPOSE_NOT_ALLOWED
    ann.request(demographics=JANE)
    assert states(ann)[-1].reason is Reason.PURPOSE_NOT_ALLOWED


def test_that_metriport_holds_nothing_is_an_answer(ann: Member) -> None:
    ann.ready().request(patient_id=ann.patient_id, sources=HIE)
    ann.finish(HIE)
    ann.double.vendor_delivers(ANN, "no_data")
    finished = ann.last(e.RecordRequestFinished)
    assert (finished.result, finished.link_id) == ("ready", None)
    assert finished.message == "Metriport holds nothing that fits."
