"""When an AAL2 session may be used (I2): confirmed or proven, young enough, not spent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import ChallengeId, IdentityId, PatientId, SessionId, SubjectId
from schemas.reasons import Reason
from service.ias.aal2 import (
    Session,
    SessionState,
    expires_at,
    is_usable,
    refuse_confirmation,
)

RETURNED = datetime(2026, 6, 1, 14, 30, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
MARGIN = timedelta(seconds=30)
HOUR = timedelta(hours=1)
TEN_MINUTES = timedelta(minutes=10)
MOMENT = timedelta(microseconds=1)
USABLE = {SessionState.CONFIRMED, SessionState.PROVEN}

each_state = pytest.mark.parametrize("state", list(SessionState))


def _session(state: SessionState, uses: int = 0) -> Session:
    return Session(
        session_id=SessionId(UUID(int=1)),
        challenge_id=ChallengeId(UUID(int=2)),
        identity_id=IdentityId(UUID(int=3)),
        subject_id=SubjectId("u-7781"),
        patient_id=PatientId("0199b0c4"),
        state=state,
        returned_at=RETURNED,
        uses=uses,
    )


@each_state
@pytest.mark.parametrize(
    ("age", "young"),
    [
        (timedelta(), True),
        (QUARTER - MARGIN - MOMENT, True),
        (QUARTER - MARGIN, False),
        (QUARTER, False),
        (timedelta(days=1), False),
    ],
)
def test_only_a_vouched_for_and_young_session_is_usable(
    state: SessionState, age: timedelta, *, young: bool
) -> None:
    usable = is_usable(_session(state), RETURNED + age, QUARTER, HOUR, reuse=True)
    assert usable is (young and state in USABLE)


@pytest.mark.parametrize("state", sorted(USABLE))
@pytest.mark.parametrize(
    ("uses", "reuse", "expected"),
    [(0, False, True), (1, False, False), (9, False, False), (1, True, True), (9, True, True)],
)
def test_a_used_session_serves_again_only_where_reuse_is_on(
    state: SessionState, uses: int, *, reuse: bool, expected: bool
) -> None:
    assert is_usable(_session(state, uses), RETURNED, QUARTER, HOUR, reuse=reuse) is expected


@given(
    state=st.sampled_from(list(SessionState)),
    age=st.timedeltas(timedelta(), timedelta(days=2)),
    limit=st.timedeltas(timedelta(seconds=10), timedelta(hours=1)),
    reuse=st.booleans(),
)
def test_a_session_once_too_old_stays_too_old(
    state: SessionState, age: timedelta, limit: timedelta, *, reuse: bool
) -> None:
    session, now = _session(state), RETURNED + age
    if not is_usable(session, now, limit, HOUR, reuse=reuse):
        assert not is_usable(session, now + MOMENT, limit, HOUR, reuse=reuse)
    if now >= expires_at(session, limit):
        assert not is_usable(session, now, limit, HOUR, reuse=reuse)


def test_the_age_counts_from_the_return_and_ends_half_a_minute_early() -> None:
    expected = datetime(2026, 6, 1, 14, 44, 30, tzinfo=UTC)
    assert expires_at(_session(SessionState.PROVEN), QUARTER) == expected


@each_state
def test_only_a_session_that_just_came_back_can_be_confirmed(state: SessionState) -> None:
    refused = refuse_confirmation(_session(state), RETURNED, TEN_MINUTES)
    if state is SessionState.RECEIVED:
        assert refused is None
    else:
        assert refused is not None
        assert (refused.reason, refused.field) == (Reason.CODE_INVALID, "code")


@pytest.mark.parametrize(
    ("minutes", "accepted"), [(0, True), (9.99, True), (10, False), (10.01, False), (600, False)]
)
def test_a_code_lives_ten_minutes(minutes: float, *, accepted: bool) -> None:
    now = RETURNED + timedelta(minutes=minutes)
    refused = refuse_confirmation(_session(SessionState.RECEIVED), now, TEN_MINUTES)
    assert (refused is None) is accepted
    if refused is not None:
        assert (refused.reason, refused.field) == (Reason.CODE_INVALID, "code")


@pytest.mark.parametrize(
    ("unused", "usable"), [(HOUR - MARGIN - MOMENT, True), (HOUR - MARGIN, False), (HOUR, False)]
)
def test_a_session_that_no_call_used_for_an_hour_is_not_used(
    unused: timedelta, *, usable: bool
) -> None:
    """NIST SP 800-63B-4: idle counts from the last use, and from the return before there is one."""
    day, used_at = timedelta(days=1), RETURNED + timedelta(hours=7)
    used = replace(_session(SessionState.PROVEN), last_used_at=used_at)
    assert is_usable(used, used_at + unused, day, HOUR, reuse=True) is usable
    fresh = _session(SessionState.CONFIRMED)
    assert is_usable(fresh, RETURNED + unused, day, HOUR, reuse=True) is usable
