"""How a command is refused: with the event that ends it, or with ``CommandRejected``."""

from typing import TypeVar

from schemas.base import Command, Event
from schemas.ids import PatientId
from service.ias.aal2_steps import rejected
from service.ias.refusal import Refusal
from service.ias.telling import head
from service.store import outbox
from service.store.unit import Unit

E = TypeVar("E", bound=Event)


async def reject(unit: Unit, command: Command, refusal: Refusal, *, ends: bool = True) -> None:
    """The command was not valid. ``ends=False``: an earlier command under this id stands."""
    about = head(command.subject_id, None, command.command_id)
    await outbox.emit(unit, rejected(about, refusal), ends=ends)


async def refuse(
    unit: Unit, kind: type[E], command: Command, patient_id: PatientId, refusal: Refusal
) -> None:
    """End the command with its own event of refusal or failure."""
    event = kind(
        **head(command.subject_id, patient_id, command.command_id),
        reason=refusal.reason,  # type: ignore[call-arg]  # every kind given here has both
        message=refusal.message,
    )
    await outbox.emit(unit, event, ends=True)
