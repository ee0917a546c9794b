"""``StartAal2Challenge``: a pending challenge of the active identity, and a link for the person."""

from uuid import uuid4

from consumers.commands.answers import refuse, reject
from consumers.context import Context
from schemas.commands import StartAal2Challenge
from schemas.events import Aal2ChallengeFailed
from schemas.ids import ChallengeId
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse
from service.ias.purpose import refuse_use
from service.ias.refusal import Refusal
from service.ias.return_url import refuse_return_url
from service.ias.telling import head
from service.store import identities, patients
from service.store.asking import Door, ask_for_challenge
from service.store.sessions import Challenge
from service.store.unit import Unit


async def handle(unit: Unit, context: Context, command: StartAal2Challenge) -> None:
    """Nothing is asked of the vendor before the person opens the link."""
    bad_url = refuse_return_url(command.return_url, context.web.return_urls)
    if bad_url is not None:
        await reject(unit, command, bad_url)
        return
    link = await patients.purpose(unit, command.subject_id, command.patient_id)
    refused = refuse_use(link, PurposeOfUse.IAS, treatment_enabled=context.rules.treatment_enabled)
    identity_id = await identities.active(unit, command.subject_id, command.patient_id)
    if refused is None and identity_id is None:
        refused = Refusal(Reason.NO_ACTIVE_IDENTITY, "the person is not proofed for this patient")
    if refused is not None or identity_id is None:
        if refused is not None:
            await refuse(unit, Aal2ChallengeFailed, command, command.patient_id, refused)
        return
    challenge = Challenge(
        ChallengeId(uuid4()),
        identity_id,
        command.subject_id,
        command.patient_id,
        command.command_id,
        "pending",
        unit.now + context.rules.challenge_lifetime,
    )
    about = head(command.subject_id, command.patient_id, command.command_id)
    door = Door(context.web.public_url, context.web.link_keys)
    await ask_for_challenge(unit, door, about, challenge, command.return_url)
