"""What time, a revocation and an erasure end."""

from datetime import timedelta

from schemas import commands as c
from schemas import events as e
from schemas.reasons import Reason
from schemas.sources import QueryResult, Source
from tests.testing.cast import ANN, BACK, JANE, Member

MINUTE = timedelta(minutes=1)


def test_steps_and_sessions_run_out_each_at_its_own_time(ann: Member) -> None:
    ann.proofed().about(c.StartAal2Challenge, return_url=BACK)
    told = ann.double.time_passes(timedelta(hours=2))
    assert [(type(one.message), one.time) for one in told] == [
        (e.Aal2ChallengeExpired, ann.double.now - 59 * MINUTE)
    ]
    ann.challenged()
    told = ann.double.time_passes(timedelta(hours=1))
    assert [type(one.message) for one in told] == [e.Aal2SessionExpired]
    ann.query()
    assert ann.last(e.NetworkQueryRefused).reason is Reason.SESSION_REQUIRED


def test_a_verification_that_ran_out_can_still_be_proved(ann: Member) -> None:
    ann.registered().about(c.StartIdentityVerification, return_url=BACK)
    ann.double.time_passes(timedelta(days=2))
    ann.double.person_proves_identity(ANN)
    assert ann.names()[-2:] == ["IdentityVerificationExpired", "IdentityVerified"]


def test_a_query_whose_sources_are_silent_ends_at_its_deadline(ann: Member) -> None:
    ann.ready().query()
    ann.double.vendor_finishes(ANN, Source.LAB)
    ann.double.time_passes(timedelta(days=3))
    finished = ann.last(e.NetworkQueryFinished)
    assert finished.status is QueryResult.PARTIAL
    reasons = {one.source: one.reason for one in finished.sources}
    late = Reason.DEADLINE_PASSED
    assert reasons == {Source.HIE: late, Source.PHARMACY: late, Source.LAB: None}


def test_revoking_ends_everything_and_nothing_is_told_after(ann: Member) -> None:
    ann.ready().query()
    ann.about(c.StartConsolidatedQuery)
    told = ann.about(c.RevokeIdentity, reason="lost phone")
    assert [type(one.message) for one in told] == [
        e.NetworkQueryRefused,
        e.ConsolidatedDataFailed,
        e.IdentityRevoked,
    ]
    assert ann.double.vendor_finishes(ANN, Source.HIE) == []
    ann.about(c.StartAal2Challenge, return_url=BACK)
    assert ann.last(e.Aal2ChallengeFailed).reason is Reason.NO_ACTIVE_IDENTITY


def test_erasing_ends_every_command_and_numbers_go_on(ann: Member) -> None:
    ann.request(demographics=JANE)
    told = ann.send(c.EraseSubject)
    receipt = told[-1].message
    assert isinstance(receipt, e.SubjectErased)
    assert ann.double.record_requests() == {}
    assert ann.double.send(ann.sent[0])[-1].message == receipt
    ann.registered()
    assert ann.double.events(ANN)[-1].sequence == receipt.sequence + 1


def test_a_legal_hold_stands_until_it_is_lifted(ann: Member) -> None:
    ann.registered().send(c.EraseSubject, legal_hold=True)
    ann.send(c.EraseSubject)
    assert [
        event.reason for event in ann.double.events() if isinstance(event, e.CommandRejected)
    ] == [Reason.LEGAL_HOLD] * 2
    ann.send(c.EraseSubject, legal_hold=False)
    assert ann.names()[-1] == "SubjectErased"
