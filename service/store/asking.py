"""Asks a person for a step on a hosted page: our link to it, and the event that tells of it."""

from datetime import datetime
from typing import NamedTuple

from schemas.events import StepKind, UserActionRequired
from schemas.ids import LinkId, PatientId
from schemas.links import Link, LinkKind
from service.crypto import tokens
from service.crypto.keys import KeyRing
from service.ias.browser import LINK_PURPOSE, Step, binding_of
from service.ias.identity import Verification
from service.ias.telling import Head
from service.store import identities, outbox, sessions
from service.store.sessions import Challenge
from service.store.unit import Unit


class Door(NamedTuple):
    """Where our links lead, and what seals them."""

    public_url: str
    link_keys: KeyRing


async def ask_person(
    unit: Unit, door: Door, about: Head, patient_id: PatientId, step: Step
) -> None:
    """Issue the ``/go`` link on the links topic and name it in an event."""
    token = tokens.issue(door.link_keys, LINK_PURPOSE, step)
    link = Link(
        link_id=step.link_id,
        kind=LinkKind.HOSTED_STEP,
        url=f"{door.public_url}/go/{token}",
        expires_at=step.expires_at,
        subject_id=step.subject_id,
        patient_id=patient_id,
    )
    await outbox.issue_link(unit, link)
    event = UserActionRequired(
        **about, kind=StepKind(step.kind), link_id=step.link_id, expires_at=step.expires_at
    )
    await outbox.emit(unit, event)


async def ask_for_identity(
    unit: Unit,
    door: Door,
    about: Head,
    verification: Verification,
    until: datetime,
    return_url: str,
) -> None:
    """A pending verification of the head's command, and a link to it; nothing is asked of the vendor."""
    command_id = about["command_id"]
    if command_id is None:
        raise ValueError("a verification is asked for by a command")
    await identities.start_verification(unit, verification, command_id, until)
    step = Step(
        link_id=LinkId(verification.verification_id),
        kind=StepKind.IDENTITY_VERIFICATION,
        subject_id=verification.subject_id,
        binding=binding_of(verification.subject_id, verification.patient_id),
        return_url=return_url,
        expires_at=until,
    )
    await ask_person(unit, door, about, verification.patient_id, step)


async def ask_for_challenge(
    unit: Unit, door: Door, about: Head, challenge: Challenge, return_url: str
) -> None:
    """A pending challenge, and a link to it. Nothing is asked of the vendor before it is opened."""
    await sessions.start_challenge(unit, challenge._replace(return_url=return_url))
    step = Step(
        link_id=LinkId(challenge.challenge_id),
        kind=StepKind.AAL2_CHALLENGE,
        subject_id=challenge.subject_id,
        binding=str(challenge.identity_id),
        return_url=return_url,
        expires_at=challenge.expires_at,
    )
    await ask_person(unit, door, about, challenge.patient_id, step)


async def point_to_challenge(unit: Unit, about: Head, challenge: Challenge) -> None:
    """Name the link of a challenge that is open already, for whatever waits for it too."""
    link_id = LinkId(challenge.challenge_id)
    await point_to(unit, about, StepKind.AAL2_CHALLENGE, link_id, challenge.expires_at)


async def point_to(
    unit: Unit, about: Head, kind: StepKind, link_id: LinkId, expires_at: datetime
) -> None:
    """Name the link of a step that is open already."""
    event = UserActionRequired(**about, kind=kind, link_id=link_id, expires_at=expires_at)
    await outbox.emit(unit, event)
