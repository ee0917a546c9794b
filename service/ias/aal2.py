"""AAL2 sessions: when may one be used?

    received → confirmed → proven → expired | refused

*Received*: the person's browser came back with a session id, by a URL that anyone can type.
*Confirmed*: the application, under its own login, vouched that this browser's user is the subject;
only now may a call carry the session. *Proven*: Metriport accepted a call with it; only a proven
session counts as live. Ages are measured from the return, because Metriport names no expiry of
sessions (NIST SP 800-63B-4 advises at most 24 h overall and 1 h idle; our default is 15 minutes).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from schemas.ids import ChallengeId, IdentityId, PatientId, SessionId, SubjectId
from schemas.reasons import Reason
from service.ias.refusal import Refusal

CODE_LIFETIME: Final = timedelta(minutes=10)
"""How long the one-time code may be confirmed (NIST SP 800-63B-4 §5.1: time-limited secrets)."""


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


def expires_at(session: Session, max_age: timedelta) -> datetime:
    """When the session is too old."""
    return session.returned_at + max_age


def refuse_confirmation(session: Session | None, now: datetime) -> Refusal | None:
    """Whether a code may confirm this session (looked up by code *and* subject)."""
    if session is None or session.state is not SessionState.RECEIVED:
        return Refusal(
            Reason.CODE_INVALID, "the code is unknown, used, or of another subject", "code"
        )
    if now >= session.returned_at + CODE_LIFETIME:
        return Refusal(Reason.CODE_INVALID, "the code is too old", "code")
    return None


def is_usable(session: Session, now: datetime, max_age: timedelta, *, reuse: bool) -> bool:
    """Whether a call may carry the session: confirmed or proven, young enough, and not spent."""
    if session.state not in USABLE or now >= expires_at(session, max_age):
        return False
    return reuse or session.uses == 0
