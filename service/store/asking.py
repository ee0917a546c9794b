"""Asks a person for a step on a hosted page: our link to it, and the event that tells of it."""

from typing import NamedTuple

from schemas.events import StepKind, UserActionRequired
from schemas.ids import LinkId, PatientId
from schemas.links import Link, LinkKind
from service.crypto import tokens
from service.crypto.keys import KeyRing
from service.ias.browser import LINK_PURPOSE, Step
from service.ias.telling import Head
from service.store import outbox, sessions
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
    event = UserActionRequired(
        **about,
        kind=StepKind.AAL2_CHALLENGE,
        link_id=LinkId(challenge.challenge_id),
        expires_at=challenge.expires_at,
    )
    await outbox.emit(unit, event)
