"""A session of one person, as the store has it, in any state."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from schemas.ids import ChallengeId, IdentityId, PatientId, SessionId, SubjectId
from service.ias.aal2 import Session, SessionState

RETURNED_AT: Final = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)


def session(state: SessionState) -> Session:
    """It came back from the vendor at ``RETURNED_AT``, and no call has used it."""
    return Session(
        session_id=SessionId(UUID(int=4)),
        challenge_id=ChallengeId(UUID(int=9)),
        identity_id=IdentityId(UUID(int=3)),
        subject_id=SubjectId("u-7781"),
        patient_id=PatientId("p"),
        state=state,
        returned_at=RETURNED_AT,
        uses=0,
    )
