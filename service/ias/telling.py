"""What every event of one thing begins with, and which events end a command."""

from typing import Final, TypedDict

from schemas.base import Event
from schemas.commands import COMMANDS
from schemas.endings import ENDS
from schemas.events import EVENTS, CommandRejected
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


def _ended_by(event: type[Event]) -> frozenset[str]:
    if event is CommandRejected:
        return frozenset(COMMANDS)
    return frozenset(name for name, command in COMMANDS.items() if event in ENDS[command])


ENDED_BY: Final[dict[type[Event], frozenset[str]]] = {
    event: named for event in EVENTS.values() if (named := _ended_by(event))
}
"""The types of the commands that an event is the final answer to, if it names one of such a type.

A network query that asks for a fresh challenge is told of the person's return, and goes on.
(CommandRejected of a reused id ends nothing: it is told without being kept.)
"""


def ends(event: Event) -> bool:
    """Whether the event is the final answer to a command that it names, if that is of the type."""
    return type(event) in ENDED_BY
