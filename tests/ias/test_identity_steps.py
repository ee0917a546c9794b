"""What a verification and its identity do: who may prove it again, and what is told of its end."""

from datetime import UTC, datetime
from itertools import product
from uuid import UUID

import pytest

from schemas.ids import CommandId, IdentityId, LinkId, PatientId, SubjectId, VerificationId
from schemas.reasons import REMEDIES, Reason
from service.ias.identity import Holder, IdentityState, Verification, VerificationState
from service.ias.identity_steps import Plain, Proof, on_identity, on_verification
from service.ias.identity_table import IdentityCue, VerificationCue
from service.ias.machine import Effect
from service.ias.telling import head

from .told import told

T0 = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
ANN, BOB = SubjectId("u-7781"), SubjectId("u-other")
HERE, ELSEWHERE = PatientId("p"), PatientId("p-2")
ABOUT = head(ANN, HERE, CommandId(UUID(int=1)))
LINK = LinkId(UUID(int=9))
OPEN = [VerificationState.PENDING, VerificationState.EXPIRED]


def verification(state: VerificationState) -> Verification:
    return Verification(
        verification_id=VerificationId(LINK), subject_id=ANN, patient_id=HERE, state=state
    )


def held(subject: SubjectId, patient: PatientId, state: IdentityState) -> Proof:
    holder = Holder(IdentityId(UUID(int=3)), subject, patient, state)
    return Proof(holder=holder, verified_at=T0)


@pytest.mark.parametrize(
    ("state", "before"),
    list(
        product(OPEN, [IdentityState.ACTIVE, IdentityState.SUPERSEDED, IdentityState.REVOKED]),
    ),
)
def test_who_proves_their_own_identity_again_has_it_active_again(
    state: VerificationState, before: IdentityState
) -> None:
    """A fresh verification after a revocation counts; it is nobody else's identity."""
    decision = on_verification(verification(state), held(ANN, HERE, before), ABOUT)
    assert (decision.state, decision.calls) == (
        VerificationState.VERIFIED,
        (Effect.ACTIVATE_IDENTITY,),
    )
    assert [event["is"] for event in told(decision.events)] == ["IdentityVerified"]


@pytest.mark.parametrize(
    "proof",
    [
        held(BOB, HERE, IdentityState.ACTIVE),
        held(BOB, ELSEWHERE, IdentityState.REVOKED),
        held(ANN, ELSEWHERE, IdentityState.ACTIVE),
        held(ANN, HERE, IdentityState.STOPPED),
    ],
    ids=["another subject", "another of both", "another patient", "stopped before"],
)
@pytest.mark.parametrize("state", OPEN)
def test_an_identity_of_another_subject_or_patient_or_that_was_stopped_is_never_bound(
    state: VerificationState, proof: Proof
) -> None:
    """I2."""
    decision = on_verification(verification(state), proof, ABOUT)
    assert decision.state is VerificationState.FAILED
    assert set(decision.calls) == {Effect.STOP_HOLDER, Effect.KEEP_UNBOUND}


def test_a_verification_that_nobody_finished_names_its_link() -> None:
    decision = on_verification(
        verification(VerificationState.PENDING), VerificationCue.EXPIRED, ABOUT
    )
    assert decision.state is VerificationState.EXPIRED
    assert told(decision.events) == [{"is": "IdentityVerificationExpired", "linkId": str(LINK)}]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (held(BOB, HERE, IdentityState.ACTIVE), Reason.IDENTITY_CONFLICT),
        (VerificationCue.REVOKED, Reason.REVOKED),
    ],
)
def test_a_verification_that_fails_tells_its_link_why_and_what_helps(
    message: Proof | Plain, reason: Reason
) -> None:
    (event,) = told(on_verification(verification(VerificationState.PENDING), message, ABOUT).events)
    assert event == {
        "is": "IdentityVerificationFailed",
        "linkId": str(LINK),
        "reason": reason,
        "message": REMEDIES[reason],
    }


@pytest.mark.parametrize(
    ("cue", "state", "reasons"),
    [
        (IdentityCue.REVOKED, IdentityState.REVOKED, ["asked for"]),
        (IdentityCue.CONFLICT, IdentityState.STOPPED, ["asked for"]),
        (IdentityCue.NEWER_PROVED, IdentityState.SUPERSEDED, []),
        (IdentityCue.ERASED, IdentityState.REVOKED, []),
        (IdentityCue.PROVED, IdentityState.ACTIVE, []),
    ],
)
def test_an_identity_that_is_taken_away_is_told_of_with_the_given_reason(
    cue: IdentityCue, state: IdentityState, reasons: list[str]
) -> None:
    """A newer proof of the same person takes nothing away; the receipt tells of an erasure."""
    decision = on_identity(IdentityState.ACTIVE, cue, ABOUT, "asked for")
    assert (decision.state, decision.calls) == (state, ())
    assert [event["reason"] for event in told(decision.events)] == reasons
