"""What a challenge and its session tell: which link, which reason, and what helps."""

from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest

from schemas.ids import (
    CommandId,
    LinkId,
    PatientId,
    SubjectId,
)
from schemas.reasons import REMEDIES, Reason
from service.ias.aal2 import UNKNOWN_CODE, ChallengeState, SessionState
from service.ias.aal2_steps import (
    ChallengeStanding,
    Confirm,
    PlainChallenge,
    Return,
    SessionMessage,
    on_challenge,
    on_session,
    rejected,
)
from service.ias.aal2_table import ChallengeCue, SessionCue
from service.ias.machine import Effect
from service.ias.refusal import Refusal
from service.ias.telling import head

from .sessions import session
from .told import told

T0 = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ABOUT = head(SubjectId("u-7781"), PatientId("p"), CommandId(UUID(int=1)))
LINK = LinkId(UUID(int=9))
CHALLENGE = ChallengeStanding(state=ChallengeState.PENDING, link_id=LINK, expires_at=T0, head=ABOUT)
IN_TIME = Return(returned_at=T0 - MINUTE, is_known=False)
LATE = Return(returned_at=T0, is_known=False)
KNOWN = Return(returned_at=T0 - MINUTE, is_known=True)


@pytest.mark.parametrize(
    "message", [IN_TIME, LATE, KNOWN, ChallengeCue.EXPIRED, ChallengeCue.REVOKED]
)
def test_whatever_is_told_of_a_challenge_names_its_link(message: Return | PlainChallenge) -> None:
    """The link of a hosted step is all that a caller knows the step by."""
    (event,) = told(on_challenge(CHALLENGE, message, T0).events)
    assert event["linkId"] == str(LINK)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (LATE, Reason.LINK_EXPIRED),
        (KNOWN, Reason.IDENTITY_CONFLICT),
        (ChallengeCue.REVOKED, Reason.REVOKED),
    ],
)
def test_a_challenge_that_fails_tells_why_and_what_helps(
    message: Return | PlainChallenge, reason: Reason
) -> None:
    decision = on_challenge(CHALLENGE, message, T0)
    (event,) = told(decision.events)
    assert decision.state is ChallengeState.FAILED
    assert (event["reason"], event["message"]) == (reason, REMEDIES[reason])


@pytest.mark.parametrize(
    ("message", "effects"),
    [
        (IN_TIME, (Effect.RECEIVE_SESSION,)),
        (LATE, ()),
        (KNOWN, (Effect.REFUSE_SESSION,)),
        (ChallengeCue.EXPIRED, ()),
        (ChallengeCue.REVOKED, ()),
    ],
)
def test_a_session_is_kept_only_if_it_is_new_and_in_time_and_one_for_two_is_of_neither(
    message: Return | PlainChallenge, effects: tuple[Effect, ...]
) -> None:
    """I2."""
    assert on_challenge(CHALLENGE, message, T0).calls == effects


def test_a_challenge_of_somebody_who_is_erased_ends_without_a_word() -> None:
    decision = on_challenge(CHALLENGE, ChallengeCue.ERASED, T0)
    assert (decision.state, decision.events) == (ChallengeState.FAILED, ())


def test_a_confirmed_return_names_the_link_of_its_challenge() -> None:
    confirm = Confirm(timedelta(minutes=10))
    decision = on_session(session(SessionState.RECEIVED), confirm, ABOUT, T0)
    assert told(decision.events) == [{"is": "ReturnConfirmed", "linkId": str(LINK)}]


LIVE = [SessionState.RECEIVED, SessionState.CONFIRMED, SessionState.PROVEN]


@pytest.mark.parametrize(
    ("state", "cue"),
    list(product(LIVE, [SessionCue.REFUSED, SessionCue.REVOKED, SessionCue.ERASED])),
)
def test_a_session_that_is_taken_away_ends_without_a_word(
    state: SessionState, cue: SessionMessage
) -> None:
    """What took it away is told elsewhere: the query's refusal, IdentityRevoked, SubjectErased."""
    decision = on_session(session(state), cue, ABOUT, T0)
    assert (decision.state, decision.events, decision.calls) == (SessionState.REFUSED, (), ())


@pytest.mark.parametrize("state", list(SessionState))
def test_a_session_runs_out_once(state: SessionState) -> None:
    decision = on_session(session(state), SessionCue.EXPIRED, ABOUT, T0)
    if state in LIVE:
        assert decision.state is SessionState.EXPIRED
        assert told(decision.events) == [{"is": "Aal2SessionExpired"}]
    else:
        assert (decision.state, decision.events) == (state, ())


@pytest.mark.parametrize(
    ("refusal", "reason", "field"),
    [
        (UNKNOWN_CODE, "code_invalid", "code"),
        (Refusal(Reason.INVALID_FIELD, "wrong", "dateFrom"), "invalid_field", "dateFrom"),
        (Refusal(Reason.LEGAL_HOLD, "held"), "legal_hold", None),
    ],
    ids=["code", "another field", "no field"],
)
def test_a_rejection_tells_the_reason_the_field_and_some_words(
    refusal: Refusal, reason: str, field: str | None
) -> None:
    (event,) = told([rejected(ABOUT, refusal)])
    assert (event["is"], event["reason"], event.get("field")) == ("CommandRejected", reason, field)
    assert event["message"] == refusal.message


def test_a_code_that_is_too_old_is_rejected_by_its_field() -> None:
    confirm = Confirm(timedelta(minutes=10))
    decision = on_session(session(SessionState.RECEIVED), confirm, ABOUT, T0 + 10 * MINUTE)
    (event,) = told(decision.events)
    assert (event["reason"], event["field"]) == ("code_invalid", "code")
