"""What each thing does on each message: the cue that the data leave, and the events that are told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import msgspec
import pytest

from schemas.ids import (
    CommandId,
    IdentityId,
    LinkId,
    PatientId,
    SubjectId,
    VerificationId,
)
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse
from service.ias import consolidated_steps, network_query_steps
from service.ias.aal2 import ChallengeState, SessionState
from service.ias.aal2_steps import (
    Accepted,
    ChallengeStanding,
    Confirm,
    Return,
    on_challenge,
    on_session,
)
from service.ias.aal2_table import ChallengeCue, SessionCue
from service.ias.consolidated import ConsolidatedState, DataLink, Failed, NoData
from service.ias.consolidated_steps import ConsolidatedStanding, Delivery
from service.ias.consolidated_table import ConsolidatedCue
from service.ias.identity import Holder, IdentityState, Verification, VerificationState
from service.ias.identity_steps import Proof, on_identity, on_verification
from service.ias.identity_table import IdentityCue, VerificationCue
from service.ias.machine import Effect
from service.ias.network_query import QueryState
from service.ias.network_query_messages import Turn
from service.ias.network_query_steps import refuse_turn
from service.ias.refusal import Refusal
from service.ias.telling import head

from .orders import answered, run, standing
from .sessions import session
from .told import told

T0 = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ABOUT = head(SubjectId("u-7781"), PatientId("p"), CommandId(UUID(int=1)))
LINK = LinkId(UUID(int=9))
NO = Refusal(Reason.NO_ACTIVE_IDENTITY, "no")


def verification(state: VerificationState) -> Verification:
    return Verification(
        verification_id=VerificationId(LINK),
        subject_id=SubjectId("u-7781"),
        patient_id=PatientId("p"),
        state=state,
    )


def holder(subject: str, state: IdentityState = IdentityState.ACTIVE) -> Holder:
    return Holder(IdentityId(UUID(int=3)), SubjectId(subject), PatientId("p"), state)


@pytest.mark.parametrize("state", [VerificationState.PENDING, VerificationState.EXPIRED])
def test_a_proof_verifies_also_after_expiry(state: VerificationState) -> None:
    decision = on_verification(verification(state), Proof(holder=None, verified_at=T0), ABOUT)
    assert decision.state is VerificationState.VERIFIED
    assert decision.calls == (Effect.BIND_IDENTITY,)
    expected = {"is": "IdentityVerified", "linkId": str(LINK), "verifiedAt": "2026-06-01T15:00:00Z"}
    assert told(decision.events) == [expected]


@pytest.mark.parametrize(
    "held_by",
    [holder("u-other"), holder("u-7781", IdentityState.STOPPED)],
    ids=["other", "stopped"],
)
def test_an_identity_of_two_people_fails_and_stops_both(held_by: Holder) -> None:
    decision = on_verification(
        verification(VerificationState.PENDING), Proof(holder=held_by, verified_at=T0), ABOUT
    )
    assert decision.state is VerificationState.FAILED
    assert set(decision.calls) == {Effect.STOP_HOLDER, Effect.KEEP_UNBOUND}
    assert [one["reason"] for one in told(decision.events)] == ["identity_conflict"]


def test_the_same_proof_again_is_no_news() -> None:
    """I1."""
    again = Proof(holder=holder("u-7781"), verified_at=T0)
    decision = on_verification(verification(VerificationState.VERIFIED), again, ABOUT)
    assert (decision.state, decision.events, decision.calls) == (VerificationState.VERIFIED, (), ())


def test_a_revocation_ends_a_verification_that_waits() -> None:
    decision = on_verification(
        verification(VerificationState.PENDING), VerificationCue.REVOKED, ABOUT
    )
    (event,) = told(decision.events)
    assert decision.state is VerificationState.REVOKED
    assert (event["is"], event["reason"]) == ("IdentityVerificationFailed", "revoked")


def test_a_stopped_identity_is_told_once() -> None:
    first = on_identity(IdentityState.ACTIVE, IdentityCue.CONFLICT, ABOUT, "identity_conflict")
    again = on_identity(first.state, IdentityCue.CONFLICT, ABOUT, "identity_conflict")
    assert told(first.events) == [{"is": "IdentityRevoked", "reason": "identity_conflict"}]
    assert (again.state, again.events) == (IdentityState.STOPPED, ())


def challenge(state: ChallengeState = ChallengeState.PENDING) -> ChallengeStanding:
    return ChallengeStanding(state=state, link_id=LINK, expires_at=T0, head=ABOUT)


@pytest.mark.parametrize(
    ("returned", "now", "known", "expected"),
    [
        (T0 - MINUTE, T0 - MINUTE, False, ("returned", "Aal2SessionReceived", None)),
        (T0 - MINUTE, T0 + MINUTE, False, ("returned", "Aal2SessionReceived", None)),
        (T0 + MINUTE, T0 - MINUTE, False, ("returned", "Aal2SessionReceived", None)),
        (T0, T0, False, ("failed", "Aal2ChallengeFailed", "link_expired")),
        (T0, T0, True, ("failed", "Aal2ChallengeFailed", "link_expired")),
        (T0 - MINUTE, T0, True, ("failed", "Aal2ChallengeFailed", "identity_conflict")),
    ],
)
def test_a_return_counts_from_when_the_browser_came(
    returned: datetime, now: datetime, expected: tuple[str, str, str | None], *, known: bool
) -> None:
    message = Return(returned_at=returned, is_known=known)
    decision = on_challenge(challenge(), message, now)
    (event,) = told(decision.events)
    assert (str(decision.state), event["is"], event.get("reason")) == expected


def test_a_challenge_that_nobody_answered_expires() -> None:
    decision = on_challenge(challenge(), ChallengeCue.EXPIRED, T0)
    assert told(decision.events) == [{"is": "Aal2ChallengeExpired", "linkId": str(LINK)}]


@pytest.mark.parametrize(
    ("state", "age", "expected"),
    [
        ("received", 0, ("confirmed", "ReturnConfirmed")),
        ("received", 10, ("received", "CommandRejected")),
        ("confirmed", 0, ("confirmed", "CommandRejected")),
        ("proven", 0, ("proven", "CommandRejected")),
        ("expired", 0, ("expired", "CommandRejected")),
        ("refused", 0, ("refused", "CommandRejected")),
    ],
)
def test_a_code_confirms_once_and_in_time(state: str, age: int, expected: tuple[str, str]) -> None:
    """I2."""
    confirm = Confirm(timedelta(minutes=10))
    decision = on_session(session(SessionState(state)), confirm, ABOUT, T0 + age * MINUTE)
    (event,) = told(decision.events)
    assert (str(decision.state), event["is"]) == expected


@pytest.mark.parametrize("state", list(SessionState))
def test_only_a_confirmed_session_is_proven_by_an_accepted_call(state: SessionState) -> None:
    decision = on_session(session(state), Accepted(T0), ABOUT, T0)
    if state is SessionState.CONFIRMED:
        expected = {"is": "Aal2SessionActivated", "expiresAt": "2026-06-01T15:00:00Z"}
        assert (decision.state, told(decision.events)) == (SessionState.PROVEN, [expected])
    else:
        assert (decision.state, decision.events) == (state, ())


@pytest.mark.parametrize("state", ["received", "confirmed", "proven"])
def test_a_live_session_is_stopped_by_a_revocation(state: str) -> None:
    """I2. ``IdentityRevoked`` is the one event."""
    decision = on_session(session(SessionState(state)), SessionCue.REVOKED, ABOUT, T0)
    assert (decision.state, decision.events) == (SessionState.REFUSED, ())


def consolidated(state: ConsolidatedState, renewals: int = 0) -> ConsolidatedStanding:
    return ConsolidatedStanding(state=state, conversion_type="json", renewals=renewals, head=ABOUT)


ALIVE = DataLink("https://data.example/record", "application/json", T0 + MINUTE)
DEAD = DataLink("https://data.example/record", "application/json", T0)


@pytest.mark.parametrize(
    ("refused", "content", "state", "event"),
    [
        (None, ALIVE, "ready", {"noData": False, "linkId": str(LINK)}),
        (None, NoData(), "ready", {"noData": True}),
        (None, Failed(), "failed", {"reason": "vendor_refused"}),
        (NO, ALIVE, "failed", {"reason": "no_active_identity"}),
        (NO, NoData(), "failed", {"reason": "no_active_identity"}),
        (NO, DEAD, "failed", {"reason": "no_active_identity"}),
    ],
)
def test_a_delivery_is_handed_to_the_entitled_alone(
    refused: Refusal | None, content: DataLink | NoData | Failed, state: str, event: dict[str, Any]
) -> None:
    """I9: the link is issued only where the event names it."""
    message = Delivery(refused, content, LINK)
    decision = consolidated_steps.on(consolidated(ConsolidatedState.STARTED), message, T0)
    (one,) = told(decision.events)
    assert str(decision.state) == state
    assert event.items() <= one.items()
    assert (Effect.ISSUE_LINK in decision.calls) is ("linkId" in one)
    assert Effect.RENEW not in decision.calls


@pytest.mark.parametrize(
    ("renewals", "effects", "reasons"),
    [
        (0, (Effect.RENEW,), []),
        (1, (Effect.RENEW,), []),
        (2, (), ["link_expired"]),
        (3, (), ["link_expired"]),
    ],
)
def test_a_link_that_came_dead_is_renewed_twice_and_the_third_ends_the_query(
    renewals: int, effects: tuple[Effect, ...], reasons: list[str]
) -> None:
    """I4: a renewal is not told, for the command is still open; the link is never issued."""
    query = consolidated(ConsolidatedState.STARTED, renewals)
    decision = consolidated_steps.on(query, Delivery(None, DEAD, LINK), T0)
    assert (decision.state, decision.calls) == (ConsolidatedState.FAILED, effects)
    assert [one["reason"] for one in told(decision.events)] == reasons


@pytest.mark.parametrize(
    ("later", "effect"),
    [
        (-timedelta(microseconds=1), Effect.ISSUE_LINK),
        (timedelta(0), Effect.RENEW),
        (timedelta(days=3), Effect.RENEW),
    ],
)
def test_a_link_is_dead_from_the_moment_that_it_names(later: timedelta, effect: Effect) -> None:
    query, message = consolidated(ConsolidatedState.STARTED), Delivery(None, DEAD, LINK)
    assert consolidated_steps.on(query, message, T0 + later).calls == (effect,)


@pytest.mark.parametrize("content", [ALIVE, DEAD])
@pytest.mark.parametrize("state", [s for s in ConsolidatedState if s != "started"])
def test_a_delivery_is_news_only_to_a_query_that_runs(
    state: ConsolidatedState, content: DataLink
) -> None:
    """I1: a second delivery issues no second link and renews nothing; I9 holds also then."""
    decision = consolidated_steps.on(consolidated(state), Delivery(None, content, LINK), T0)
    assert (decision.state, decision.events, decision.calls) == (state, (), ())


@pytest.mark.parametrize("state", list(ConsolidatedState))
def test_a_revocation_ends_every_delivery_that_is_open(state: ConsolidatedState) -> None:
    decision = consolidated_steps.on(consolidated(state), ConsolidatedCue.REVOKED, T0)
    if state in {ConsolidatedState.READY, ConsolidatedState.FAILED}:
        assert (decision.state, decision.events) == (state, ())
    else:
        (one,) = told(decision.events)
        assert (decision.state, one["reason"]) == (ConsolidatedState.FAILED, "revoked")


@pytest.mark.parametrize(
    ("link", "hours", "expected"),
    [
        (PurposeOfUse.IAS, 0, None),
        (PurposeOfUse.IAS, 24, Reason.DEADLINE_PASSED),
        (PurposeOfUse.TREATMENT, 0, Reason.PURPOSE_NOT_ALLOWED),
        (None, 0, Reason.PURPOSE_NOT_ALLOWED),
    ],
)
def test_everything_is_checked_again_when_a_querys_turn_comes(
    link: PurposeOfUse | None, hours: int, expected: Reason | None
) -> None:
    now = T0 + timedelta(hours=hours)
    assert refuse_turn(standing(), link, now, treatment_enabled=False) is expected


@pytest.mark.parametrize(("free", "proof"), list(product([True, False], repeat=2)))
def test_a_query_goes_out_with_slot_and_proof_alone(*, free: bool, proof: bool) -> None:
    """I2. It waits for the slot, and is refused without proof."""
    turn = Turn(refused=None, slot_is_free=free, has_proof=proof)
    decision = network_query_steps.on(standing(QueryState.DUE), turn)
    reasons = [one["reason"] for one in told(decision.events)]
    if not free:
        assert (decision.state, reasons) == (QueryState.WAITING, [])
    elif proof:
        assert (decision.state, decision.calls) == (QueryState.DISPATCHING, (Effect.CALL_VENDOR,))
    else:
        assert (decision.state, reasons) == (QueryState.REFUSED, ["session_required"])


def test_treatment_needs_no_session() -> None:
    query = replace(standing(QueryState.DUE), purpose=PurposeOfUse.TREATMENT)
    turn = Turn(refused=None, slot_is_free=True, has_proof=False)
    assert network_query_steps.on(query, turn).state is QueryState.DISPATCHING


def _row(kind: str, status: str) -> dict[str, str]:
    return {"type": kind, "status": status}


BOTH = [_row("hie", "completed"), _row("lab", "completed")]
ERROR = {"source": "lab", "httpStatus": 500}


@pytest.mark.parametrize(
    ("sources", "errors", "expected"),
    [
        (BOTH, [], "completed"),
        ([*BOTH, _row("hie", "failed")], [], "completed"),
        ([*BOTH, _row("hie", "in-progress")], [], "started"),
        ([_row("hie", "completed"), _row("lab", "some-new-word")], [], "started"),
        ([_row("hie", "completed")], [ERROR], "partial"),
        ([_row("hie", "completed"), _row("lab", "failed")], [], "partial"),
        ([_row("hie", "completed"), _row("lab", "failed")], [ERROR], "partial"),
        ([], [ERROR, {"source": "hie", "httpStatus": 400}], "failed"),
        ([], [], "started"),
    ],
    ids=[
        "all completed",
        "a source type repeats, once failed",
        "a source type repeats, once running",
        "an unknown word counts as processing",
        "failed in errors only",
        "failed in sources only",
        "failed in both",
        "a 2xx that hides that everything failed",
        "nobody is mentioned",
    ],
)
def test_an_answer_is_read_with_tolerance(
    sources: list[dict[str, str]], errors: list[Any], expected: str
) -> None:
    assert str(run([answered(sources, errors)]).end()[0]) == expected


@pytest.mark.parametrize("overall", ["partial", "failed", "processing", "completed", "new-word"])
def test_the_overall_word_of_an_answer_is_not_believed(overall: str) -> None:
    """An overall ``partial`` may come with every source completed."""
    answer = answered(BOTH)
    answer = replace(answer, answer=msgspec.structs.replace(answer.answer, status=overall))
    assert run([answer]).end()[0] is QueryState.COMPLETED
