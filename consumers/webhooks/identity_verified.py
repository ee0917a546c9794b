"""``ias.identity.verified``: bind the proofed identity, or keep it sealed and raise the alarm."""

import structlog

from consumers.context import Context
from consumers.reading import RejectedError, Webhook
from schemas.events import (
    IdentityRevoked,
    IdentityVerificationFailed,
    IdentityVerificationUnbound,
)
from schemas.events import IdentityVerified as IdentityVerifiedEvent
from schemas.ids import LinkId, SubjectId
from schemas.metriport.webhooks import IdentityVerified
from schemas.problems import InvalidMessageError, decode_part
from schemas.reasons import REMEDIES, Reason
from service.crypto.sealing import place
from service.ias.identity import (
    Bind,
    Claim,
    Unbound,
    Verification,
    VerificationState,
    choose,
    read_claim,
)
from service.store import identities, inbox, outbox, patients, subjects
from service.store.identities import Holder
from service.store.outbox import UNSEQUENCED
from service.store.unit import Unit
from service.telemetry import metrics

OPERATORS = SubjectId("operators")
"""Key of events that concern no single subject."""

log = structlog.get_logger()


async def handle(unit: Unit, context: Context, webhook: Webhook) -> None:
    """Bind only what fits exactly one verification."""
    claim = _claim(webhook)
    if claim is None:
        await _keep_unbound(unit, context, webhook, None, Reason.UNREADABLE)
        return
    match await _choose(unit, claim):
        case Unbound(reason):
            await _keep_unbound(unit, context, webhook, claim, reason)
        case Bind(verification):
            await _bind(unit, context, webhook, claim, verification)


def _claim(webhook: Webhook) -> Claim | None:
    try:
        return read_claim(decode_part(webhook.body, IdentityVerified))
    except InvalidMessageError as error:
        raise RejectedError(Reason.UNREADABLE, error.message, error.field) from None


async def _choose(unit: Unit, claim: Claim) -> Bind | Unbound:
    by_our_id = None
    if claim.verification_id is not None:
        by_our_id = await identities.verification(unit, claim.verification_id)
    ever_linked = await patients.ever_linked(unit, claim.patient_id)
    newest = None
    if len(ever_linked) == 1:
        newest = await identities.newest_verification(unit, claim.patient_id, *ever_linked)
    return choose(
        claim,
        by_our_id=by_our_id,
        by_session=await identities.verification_by_vendor_session(unit, claim.vendor_session_ids),
        ever_linked=ever_linked,
        newest_of_only_subject=newest,
    )


async def _bind(
    unit: Unit, context: Context, webhook: Webhook, claim: Claim, chosen: Verification
) -> None:
    """Lock, look again, and bind; an identity that another holds stops both."""
    holder = await identities.holder(unit, claim.proofed_identity_id)
    for subject_id in sorted({chosen.subject_id} | ({holder.subject_id} if holder else set())):
        await subjects.lock(unit, subject_id)
    verification = await identities.verification(unit, chosen.verification_id) or chosen
    holder = await identities.holder(unit, claim.proofed_identity_id)
    if holder is not None and _conflicts(holder, verification):
        await _stop_both(unit, verification, holder)
        await _keep_unbound(unit, context, webhook, claim, Reason.IDENTITY_CONFLICT)
        return
    verified_at = claim.verified_at or unit.now
    if holder is None:
        await identities.bind(unit, verification, claim.proofed_identity_id, verified_at)
    elif verification.state is VerificationState.VERIFIED:
        return
    else:
        await identities.activate(unit, verification, holder.identity_id, verified_at)
    await _tell_verified(unit, claim, verification)


def _conflicts(holder: Holder, verification: Verification) -> bool:
    """Whether the identity was bound to somebody else, or was stopped for that reason before.

    Proving again does not revive an identity that was presented for two: an operator must look.
    """
    pair = (verification.subject_id, verification.patient_id)
    if (holder.subject_id, holder.patient_id) != pair:
        return True
    return holder.state == "stopped" and verification.state is not VerificationState.VERIFIED


async def _tell_verified(unit: Unit, claim: Claim, verification: Verification) -> None:
    await identities.set_state(unit, verification.verification_id, VerificationState.VERIFIED)
    details = await identities.details(unit, verification.verification_id)
    event = IdentityVerifiedEvent(
        sequence=UNSEQUENCED,
        subject_id=verification.subject_id,
        command_id=details.command_id,
        patient_id=verification.patient_id,
        link_id=LinkId(verification.verification_id),
        verified_at=claim.verified_at or unit.now,
    )
    await outbox.emit(unit, event, ends=True)


async def _stop_both(unit: Unit, verification: Verification, holder: Holder) -> None:
    """One identity presented for two people: neither may use it."""
    reason = Reason.IDENTITY_CONFLICT
    if holder.state != "stopped":
        await identities.stop(unit, holder.identity_id)
        revoked = IdentityRevoked(
            sequence=UNSEQUENCED,
            subject_id=holder.subject_id,
            patient_id=holder.patient_id,
            reason=reason,
        )
        await outbox.emit(unit, revoked)
    await _fail(unit, verification)


async def _fail(unit: Unit, verification: Verification) -> None:
    reason = Reason.IDENTITY_CONFLICT
    await identities.set_state(unit, verification.verification_id, VerificationState.FAILED)
    details = await identities.details(unit, verification.verification_id)
    failed = IdentityVerificationFailed(
        sequence=UNSEQUENCED,
        subject_id=verification.subject_id,
        command_id=details.command_id,
        patient_id=verification.patient_id,
        reason=reason,
        message=REMEDIES[reason],
        link_id=LinkId(verification.verification_id),
    )
    await outbox.emit(unit, failed, ends=True)


async def _keep_unbound(
    unit: Unit, context: Context, webhook: Webhook, claim: Claim | None, reason: Reason
) -> None:
    """Nothing is lost: the webhook stays sealed, and operators are told."""
    message_id = webhook.meta.message_id
    where = place("unbound_identity", webhook.meta.type, message_id)
    await identities.keep_unbound(
        unit,
        (inbox.digest(message_id), message_id),
        None if claim is None else claim.patient_id,
        reason,
        context.sealer.seal(webhook.body, where),
    )
    event = IdentityVerificationUnbound(sequence=UNSEQUENCED, subject_id=OPERATORS, reason=reason)
    await outbox.emit_without_subject(unit, event)
    metrics.UNBOUND_IDENTITIES.inc()
    log.error("identity.unbound", reason=reason.value)
