"""Which person a proofed identity is bound to (I2): on any doubt, to nobody."""

from dataclasses import replace
from uuid import UUID

import pytest

from schemas.ids import PatientId, SubjectId, VerificationId
from schemas.reasons import Reason
from service.ias.identity import (
    Bind,
    Claim,
    Unbound,
    Verification,
    VerificationState,
    choose,
)

PATIENT, OTHER_PATIENT = PatientId("patient-1"), PatientId("patient-2")
ANN, BOB = SubjectId("ann"), SubjectId("bob")
OURS = VerificationId(UUID(int=1))
CONFLICT = Unbound(Reason.IDENTITY_CONFLICT)
NOBODY: frozenset[SubjectId] = frozenset()
ONLY_ANN = frozenset({ANN})
BOTH = frozenset({ANN, BOB})

ANNS = Verification(
    verification_id=OURS, subject_id=ANN, patient_id=PATIENT, state=VerificationState.PENDING
)
BOBS = replace(ANNS, verification_id=VerificationId(UUID(int=2)), subject_id=BOB)
ANNS_SECOND = replace(ANNS, verification_id=VerificationId(UUID(int=3)))
ANNS_ELSEWHERE = replace(ANNS, patient_id=OTHER_PATIENT)

CLAIM = Claim(
    proofed_identity_id="pid_0199b0caf4d57e90",
    patient_id=PATIENT,
    vendor_session_ids=("ids_0199b0c9a1b27c33",),
    verification_id=None,
    verified_at=None,
)
NAMED = replace(CLAIM, verification_id=OURS)


def _choose(
    claim: Claim,
    by_our_id: Verification | None = None,
    by_session: Verification | None = None,
    ever_linked: frozenset[SubjectId] = NOBODY,
    newest: Verification | None = None,
) -> Bind | Unbound:
    return choose(
        claim,
        by_our_id=by_our_id,
        by_session=by_session,
        ever_linked=ever_linked,
        newest_of_only_subject=newest,
    )


def test_our_id_alone_binds_whoever_else_is_linked() -> None:
    assert _choose(NAMED, by_our_id=ANNS, ever_linked=BOTH) == Bind(ANNS)


def test_the_stored_vendor_session_alone_binds_whoever_else_is_linked() -> None:
    """A re-send drops ``meta.data``: our id is gone, the session may still be there."""
    assert _choose(CLAIM, by_session=ANNS, ever_linked=BOTH) == Bind(ANNS)


def test_both_ids_bind_when_they_agree() -> None:
    assert _choose(NAMED, by_our_id=ANNS, by_session=ANNS) == Bind(ANNS)


@pytest.mark.parametrize("other", [BOBS, ANNS_SECOND, ANNS_ELSEWHERE])
def test_two_ids_that_disagree_bind_nothing(other: Verification) -> None:
    assert _choose(NAMED, by_our_id=ANNS, by_session=other) == CONFLICT
    assert _choose(NAMED, by_our_id=other, by_session=ANNS) == CONFLICT


@pytest.mark.parametrize("ever_linked", [NOBODY, ONLY_ANN, BOTH])
def test_an_id_of_ours_that_we_do_not_know_binds_nothing(
    ever_linked: frozenset[SubjectId],
) -> None:
    assert _choose(NAMED, ever_linked=ever_linked, newest=ANNS) == CONFLICT
    assert _choose(NAMED, by_session=ANNS, ever_linked=ever_linked, newest=ANNS) == CONFLICT


def test_another_patient_than_the_verifications_binds_nothing() -> None:
    assert _choose(NAMED, by_our_id=ANNS_ELSEWHERE) == CONFLICT
    assert _choose(CLAIM, by_session=ANNS_ELSEWHERE) == CONFLICT
    assert _choose(CLAIM, ever_linked=ONLY_ANN, newest=ANNS_ELSEWHERE) == CONFLICT


def test_without_ids_the_only_subject_ever_linked_is_bound() -> None:
    assert _choose(CLAIM, ever_linked=ONLY_ANN, newest=ANNS) == Bind(ANNS)


def test_without_ids_two_subjects_ever_linked_bind_nothing() -> None:
    """The vendor matches patients fuzzily: either of them may be the person."""
    assert _choose(CLAIM, ever_linked=BOTH, newest=ANNS) == CONFLICT
    assert _choose(CLAIM, ever_linked=BOTH) == CONFLICT


def test_without_ids_a_subject_who_never_asked_is_not_bound() -> None:
    assert _choose(CLAIM, ever_linked=ONLY_ANN) == CONFLICT
    assert _choose(CLAIM, ever_linked=NOBODY) == CONFLICT
    assert _choose(CLAIM, ever_linked=NOBODY, newest=ANNS) == CONFLICT


@pytest.mark.parametrize(
    ("state", "binds"),
    [
        (VerificationState.PENDING, True),
        (VerificationState.EXPIRED, True),
        (VerificationState.VERIFIED, True),
        (VerificationState.FAILED, False),
        (VerificationState.REVOKED, False),
        (VerificationState.SUPERSEDED, True),
    ],
)
def test_a_verification_that_failed_or_was_revoked_is_never_chosen_again(
    state: VerificationState, *, binds: bool
) -> None:
    found = replace(ANNS, state=state)
    expected = Bind(found) if binds else Unbound(Reason.REVOKED)
    assert _choose(NAMED, by_our_id=found) == expected
    assert _choose(CLAIM, by_session=found) == expected


def test_an_expired_verification_needs_an_id_to_be_bound() -> None:
    late = replace(ANNS, state=VerificationState.EXPIRED)
    assert _choose(CLAIM, ever_linked=ONLY_ANN, newest=late) == CONFLICT


@pytest.mark.parametrize("state", [VerificationState.FAILED, VerificationState.REVOKED])
def test_a_revoked_verification_is_not_revived_by_being_the_only_one(
    state: VerificationState,
) -> None:
    found = replace(ANNS, state=state)
    assert _choose(CLAIM, ever_linked=ONLY_ANN, newest=found) == Unbound(Reason.REVOKED)
