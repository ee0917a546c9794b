"""A step that the person takes on a hosted page: our link to it, and the event that asks for it."""

from schemas.base import Command
from schemas.events import StepKind, UserActionRequired
from schemas.ids import PatientId
from schemas.links import Link, LinkKind
from service.crypto import tokens
from service.ias.browser import LINK_PURPOSE, Step
from service.ias.telling import head
from service.settings.groups import Web
from service.store import outbox
from service.store.unit import Unit


async def ask_person(
    unit: Unit, web: Web, command: Command, patient_id: PatientId, step: Step
) -> None:
    """Issue the ``/go`` link on the links topic and name it in an event."""
    token = tokens.issue(web.link_keys, LINK_PURPOSE, step)
    link = Link(
        link_id=step.link_id,
        kind=LinkKind.HOSTED_STEP,
        url=f"{web.public_url}/go/{token}",
        expires_at=step.expires_at,
        subject_id=command.subject_id,
        patient_id=patient_id,
    )
    await outbox.issue_link(unit, link)
    event = UserActionRequired(
        **head(command.subject_id, patient_id, command.command_id),
        kind=StepKind(step.kind),
        link_id=step.link_id,
        expires_at=step.expires_at,
    )
    await outbox.emit(unit, event)
