"""What every event of one thing begins with, and which events end a command."""

from typing import Final, TypedDict

from schemas import events
from schemas.base import Event
from schemas.ids import CommandId, PatientId, RequestId, SubjectId

UNSEQUENCED: Final = 0
"""Rules make events with this sequence; the outbox gives the real one."""


OPERATORS: Final = SubjectId("operators")
"""Whom events are told to that are about nobody: the key of their records."""


class Head(TypedDict):
    """The fields that all events share, to be spread: ``IdentityRevoked(**head, reason=…)``."""

    sequence: int
    subject_id: SubjectId
    command_id: CommandId | None
    request_id: RequestId | None
    patient_id: PatientId | None


def head(
    subject_id: SubjectId,
    patient_id: PatientId | None = None,
    command_id: CommandId | None = None,
    request_id: RequestId | None = None,
) -> Head:
    """The head of the events about a subject and, if need be, patient, command and request."""
    return Head(
        sequence=UNSEQUENCED,
        subject_id=subject_id,
        command_id=command_id,
        request_id=request_id,
        patient_id=patient_id,
    )


FINAL: Final[frozenset[type[Event]]] = frozenset(
    {
        events.Aal2ChallengeExpired,
        events.Aal2ChallengeFailed,
        events.Aal2SessionReceived,
        events.CommandRejected,
        events.ConsolidatedDataFailed,
        events.ConsolidatedDataReady,
        events.IdentityRevoked,
        events.IdentityVerificationExpired,
        events.IdentityVerificationFailed,
        events.IdentityVerified,
        events.NetworkQueryFinished,
        events.NetworkQueryOutcomeUnknown,
        events.NetworkQueryRefused,
        events.PatientRegistered,
        events.PatientRegistrationFailed,
        events.RecordRequestFinished,
        events.ReturnConfirmed,
        events.SubjectErased,
    }
)
"""Events that are the final answer to the command they name (CommandRejected of a reused id is not)."""


def ends(event: Event) -> bool:
    """Whether the event is the final answer to the command it names."""
    return type(event) in FINAL
