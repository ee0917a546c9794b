"""``StartIdentityVerification``: a pending verification and a link for the person."""

from uuid import uuid4

from consumers.commands.answers import refuse, reject
from consumers.context import Context
from schemas.commands import StartIdentityVerification
from schemas.events import IdentityVerificationFailed
from schemas.ids import VerificationId
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse
from service.ias.identity import Verification, VerificationState
from service.ias.purpose import refuse_use
from service.ias.refusal import Refusal
from service.ias.return_url import refuse_return_url
from service.ias.telling import head
from service.store import patients
from service.store.asking import Door, ask_for_identity
from service.store.unit import Unit


async def handle(unit: Unit, context: Context, command: StartIdentityVerification) -> None:
    """Nothing is asked of the vendor before the person opens the link."""
    longest = unit.now + context.rules.verification_lifetime
    expires_at = min(command.expires_at or longest, longest)
    bad_url = refuse_return_url(command.return_url, context.web.return_urls)
    if bad_url is None and expires_at <= unit.now:
        bad_url = Refusal(Reason.DEADLINE_PASSED, "expiresAt has passed", "expiresAt")
    if bad_url is not None:
        await reject(unit, command, bad_url)
        return
    link = await patients.purpose(unit, command.subject_id, command.patient_id)
    refused = refuse_use(link, PurposeOfUse.IAS, treatment_enabled=context.rules.treatment_enabled)
    if refused is not None:
        await refuse(unit, IdentityVerificationFailed, command, command.patient_id, refused)
        return
    verification = Verification(
        verification_id=VerificationId(uuid4()),
        subject_id=command.subject_id,
        patient_id=command.patient_id,
        state=VerificationState.PENDING,
    )
    about = head(command.subject_id, command.patient_id, command.command_id)
    door = Door(context.web.public_url, context.web.link_keys)
    await ask_for_identity(unit, door, about, verification, expires_at, command.return_url)
