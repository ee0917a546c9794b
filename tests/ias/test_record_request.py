"""Record requests: what each standing of things leads to (I2, I4)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schemas.reasons import Reason
from schemas.record_requests import RecordStep
from schemas.sources import PurposeOfUse
from service.ias.identity import VerificationState
from service.ias.network_query import SourceRow
from service.ias.record_request import Act, Challenge, Choice, End, Facts, Registration, Wait
from service.ias.record_request_steps import early_sources, look_again_at, next_step

from .record_standings import (
    BROKE,
    DAY,
    DONE,
    HIE,
    LAB,
    NOW,
    RUNS,
    ends,
    facts,
    query,
    record,
    starts,
    waits,
)

CHALLENGED = starts(Act.ASK_CHALLENGE, "aal2_challenge")
LEFT = starts(Act.LEAVE_QUERY, "aal2_challenge")
EXPIRED_PROOF = {"is_proofed": False, "step": RecordStep.IDENTITY_VERIFICATION}

TABLE: list[tuple[Facts, Choice]] = [
    (facts(registration=Registration.DUE, link=None), waits("registration", "patient")),
    (
        facts(
            registration=Registration.FAILED, registration_reason=Reason.VENDOR_REFUSED, link=None
        ),
        ends("failed", "vendor_refused"),
    ),
    (facts(link=None), starts(Act.LINK_PATIENT, "registration")),
    (facts(link=PurposeOfUse.TREATMENT), ends("failed", "purpose_not_allowed")),
    (facts(**EXPIRED_PROOF), starts(Act.ASK_IDENTITY, "identity_verification")),
    (
        facts(**EXPIRED_PROOF, verification=VerificationState.PENDING),
        waits("identity_verification", "identity_verification"),
    ),
    (
        facts(**EXPIRED_PROOF, verification=VerificationState.EXPIRED),
        starts(Act.ASK_IDENTITY, "identity_verification"),
    ),
    (
        facts(**EXPIRED_PROOF, verification=VerificationState.FAILED),
        ends("failed", "identity_conflict"),
    ),
    (facts(is_proofed=False), ends("failed", "identity_conflict")),
    (facts(serves=True), starts(Act.JOIN_QUERY, "network_query")),
    (facts(), CHALLENGED),
    (facts(slot_is_free=False), waits("aal2_challenge", "hie_slot")),
    (facts(challenge=Challenge.OPEN), waits("aal2_challenge", "aal2_challenge")),
    (
        facts(challenge=Challenge.OPEN, slot_is_free=False),
        waits("aal2_challenge", "aal2_challenge"),
    ),
    (facts(challenge=Challenge.RETURNED), waits("aal2_challenge", "return_confirmation")),
    (facts(challenge=Challenge.OVER, challenges=1), CHALLENGED),
    (facts(challenge=Challenge.OVER, challenges=3), ends("failed", "session_required")),
    (facts(has_session=True), starts(Act.START_QUERY, "network_query")),
    (facts(has_session=True, slot_is_free=False), waits("aal2_challenge", "hie_slot")),
    (
        facts(has_session=True, challenge=Challenge.OPEN),
        starts(Act.START_QUERY, "network_query"),
    ),
    (facts(query=query("due")), waits("network_query", "network_query_start")),
    (facts(query=query("dispatching")), waits("network_query", "network_query_start")),
    (facts(query=query("waiting")), waits("network_query", "hie_slot")),
    (facts(query=query("unknown")), waits("network_query", "network_query_proof")),
    (facts(query=query("waiting", needs_session=True)), CHALLENGED),
    (
        facts(query=query("waiting", needs_session=True), challenge=Challenge.OPEN),
        waits("aal2_challenge", "aal2_challenge"),
    ),
    (
        facts(query=query("waiting", needs_session=True), challenge=Challenge.RETURNED),
        waits("aal2_challenge", "return_confirmation"),
    ),
    (
        facts(query=query("waiting", needs_session=True, is_own=False)),
        waits("aal2_challenge", "aal2_challenge"),
    ),
    (
        facts(query=query("waiting", needs_session=True), challenges=3),
        ends("failed", "session_refused"),
    ),
    (facts(query=query("refused", reason=Reason.SESSION_REQUIRED), challenges=1), LEFT),
    (
        facts(query=query("refused", reason=Reason.SESSION_REQUIRED), challenges=3),
        ends("failed", "session_required"),
    ),
    (
        facts(query=query("refused", reason=Reason.PATIENT_OPTED_OUT)),
        ends("failed", "patient_opted_out"),
    ),
    (facts(query=query("refused")), ends("failed", "vendor_refused")),
    (facts(query=query("refused", is_own=False)), LEFT),
    (facts(query=query(is_current=False)), LEFT),
    (facts(query=query()), waits("network_query", "sources")),
    (facts(query=query("completed", DONE)), starts(Act.START_RECORD, "consolidated_query")),
    (facts(query=query("started", DONE)), starts(Act.START_RECORD, "consolidated_query")),
    (
        facts(query=query("completed", DONE, refused=Reason.NO_ACCEPTED_QUERY)),
        ends("failed", "no_accepted_query"),
    ),
    (facts(query=query("failed", BROKE)), ends("failed", "source_failed")),
    (
        facts(query=query("completed", DONE), record=record("started")),
        waits("consolidated_query", "consolidated_data"),
    ),
    (facts(query=query("completed", DONE), record=record("ready")), ends("ready")),
    (facts(query=query("started"), record=record("ready")), ends("partial", "deadline_passed")),
    (
        facts(query=query("completed", DONE), record=record("failed", reason=Reason.LINK_EXPIRED)),
        ends("failed", "link_expired"),
    ),
    (
        facts(query=query("resending")),
        waits("network_query", "network_query_proof"),
    ),
    (
        facts(
            query=query("completed", DONE), record=record("failed", reason=Reason.VENDOR_REFUSED)
        ),
        ends("failed", "vendor_refused"),
    ),
]


@pytest.mark.parametrize(("standing", "choice"), TABLE)
def test_what_is_so_decides_what_is_next(standing: Facts, choice: Choice) -> None:
    assert next_step(standing, NOW) == choice


@pytest.mark.parametrize("standing", [standing for standing, _ in TABLE])
def test_whatever_is_so_a_cancelled_or_revoked_request_ends(standing: Facts) -> None:
    """I4: also the identity that is not there any more."""
    assert next_step(replace(standing, cancelled=True), NOW) == ends("cancelled", "cancelled")
    assert next_step(replace(standing, revoked=True), NOW) == ends("failed", "revoked")


@pytest.mark.parametrize("standing", [standing for standing, _ in TABLE])
def test_whatever_is_so_the_deadline_ends_it_unless_the_record_is_there(standing: Facts) -> None:
    """I4: nothing waits longer than it was allowed to."""
    late = next_step(standing, standing.deadline)
    is_there = standing.record is not None and standing.record.state == "ready"
    assert isinstance(late, End)
    assert (late.result == "expired") is not is_there


def test_a_query_that_nobody_knows_of_expires_with_that_reason() -> None:
    unknown = facts(query=query("unknown"))
    assert next_step(unknown, NOW + DAY) == ends("expired", "vendor_unclear")
    assert next_step(facts(), NOW + DAY) == ends("expired", "deadline_passed")


@pytest.mark.parametrize(
    ("lives", "margin"),
    [
        (timedelta(days=3), timedelta(minutes=10)),
        (timedelta(minutes=80), timedelta(minutes=10)),
        (timedelta(minutes=40), timedelta(minutes=5)),
        (timedelta(seconds=64), timedelta(seconds=8)),
    ],
)
def test_the_record_is_asked_for_a_while_before_the_deadline(
    lives: timedelta, margin: timedelta
) -> None:
    """Ten minutes, or an eighth of a shorter life."""
    running = facts(created_at=NOW, deadline=NOW + lives, query=query())
    last = NOW + lives - margin
    assert next_step(running, last - timedelta(seconds=1)) == waits("network_query", "sources")
    assert next_step(running, last) == starts(Act.START_RECORD, "consolidated_query")
    assert look_again_at(running, waits("network_query", "sources"), NOW) == last


def test_a_query_that_was_not_accepted_is_not_asked_for_a_record_near_the_deadline() -> None:
    near = NOW + DAY - timedelta(minutes=1)
    for state in ("waiting", "due", "dispatching", "unknown"):
        assert isinstance(next_step(facts(query=query(state)), near), Wait)


def test_a_wait_for_the_slot_looks_again_soon_and_others_at_the_deadline() -> None:
    """Another subject's query frees the slot, and this subject hears nothing of it."""
    slot = waits("aal2_challenge", "hie_slot")
    assert look_again_at(facts(), slot, NOW) == NOW + timedelta(seconds=10)
    assert look_again_at(facts(), waits("registration", "patient"), NOW) == NOW + DAY


def test_only_the_sources_that_were_asked_count_in_a_joined_query() -> None:
    rows = {
        HIE: SourceRow(HIE, DONE, None, told_early=False, reason=None),
        LAB: SourceRow(LAB, RUNS, None, told_early=True, reason=None),
    }
    joined = query(is_own=False, sources=rows)
    asks = starts(Act.START_RECORD, "consolidated_query")
    assert next_step(facts(query=joined), NOW) == asks
    assert early_sources(facts(query=joined)) == []
    both = facts(query=joined, wanted=frozenset({HIE, LAB}))
    assert next_step(both, NOW) == waits("network_query", "sources")
    assert early_sources(both) == [LAB]
