"""AAL2 sessions: when may one be used?

    received → confirmed → proven → expired | refused

*Received*: the person's browser came back with a session id, by a URL that anyone can type.
*Confirmed*: the application, under its own login, vouched that this browser's user is the subject;
only now may a call carry the session. *Proven*: Metriport accepted a call with it; only a proven
session counts as live. Ages are measured from the return, because Metriport names no expiry of
sessions (NIST SP 800-63B-4 allows at most 24 h overall and 1 h idle; our default is 15 minutes); idle
is the time since an accepted call carried it. One may serve several queries (A20). Clocks and margins: ``service.ias.lifetimes``.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from schemas.ids import ChallengeId, IdentityId, PatientId, SessionId, SubjectId
from schemas.reasons import Reason
from service.ias.lifetimes import SAFETY_MARGIN
from service.ias.refusal import Refusal


class ChallengeState(StrEnum):
    """Where one challenge stands."""

    PENDING = "pending"
    RETURNED = "returned"
    EXPIRED = "expired"
    FAILED = "failed"


class SessionState(StrEnum):
    """Where one session stands."""

    RECEIVED = "received"
    CONFIRMED = "confirmed"
    PROVEN = "proven"
    EXPIRED = "expired"
    REFUSED = "refused"


USABLE: Final = frozenset({SessionState.CONFIRMED, SessionState.PROVEN})


@dataclass(frozen=True, kw_only=True)
class Session:
    """One session as the rules see it; the vendor's secret id is not part of it."""

    session_id: SessionId
    challenge_id: ChallengeId
    identity_id: IdentityId
    subject_id: SubjectId
    patient_id: PatientId
    state: SessionState
    returned_at: datetime
    uses: int
    last_used_at: datetime | None = None


def expires_at(session: Session, max_age: timedelta) -> datetime:
    """When the session is too old to be used, a little before its age limit."""
    return session.returned_at + max_age - SAFETY_MARGIN


def is_idle(session: Session, now: datetime, max_idle: timedelta) -> bool:
    """Whether the session was unused for too long, or will be while a call travels."""
    return now >= (session.last_used_at or session.returned_at) + max_idle - SAFETY_MARGIN


UNKNOWN_CODE: Final = Refusal(
    Reason.CODE_INVALID, "the code is unknown, used, or of another subject", "code"
)


def refuse_confirmation(
    session: Session | None, now: datetime, lifetime: timedelta
) -> Refusal | None:
    """Whether a code may confirm this session (looked up by code *and* subject)."""
    if session is None or session.state is not SessionState.RECEIVED:
        return UNKNOWN_CODE
    if now >= session.returned_at + lifetime:
        return Refusal(Reason.CODE_INVALID, "the code is too old", "code")
    return None


def is_usable(
    session: Session, now: datetime, max_age: timedelta, max_idle: timedelta, *, reuse: bool
) -> bool:
    """Whether a call may carry the session: confirmed or proven, young and fresh, and not spent."""
    if session.state not in USABLE or now >= expires_at(session, max_age):
        return False
    if is_idle(session, now, max_idle):
        return False
    return reuse or session.uses == 0
