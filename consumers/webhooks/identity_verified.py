"""``ias.identity.verified``: bind the proofed identity, or keep it sealed and raise the alarm."""

import structlog

from consumers.context import Context
from consumers.reading import RejectedError, Webhook
from consumers.webhooks.parking import drop_late
from schemas.events import IdentityVerificationUnbound
from schemas.metriport.webhooks import IdentityVerified
from schemas.problems import InvalidMessageError, decode_part
from schemas.reasons import Reason
from service.crypto.sealing import place
from service.ias.identity import Bind, Claim, Holder, Unbound, Verification, choose, read_claim
from service.ias.identity_steps import Proof, on_identity, on_verification
from service.ias.identity_table import IdentityCue
from service.ias.machine import Effect
from service.ias.telling import OPERATORS, head
from service.store import erased, identities, inbox, outbox, patients, subjects
from service.store.decisions import tell
from service.store.unit import Unit
from service.telemetry import metrics

log = structlog.get_logger()


async def handle(unit: Unit, context: Context, webhook: Webhook) -> None:
    """Bind only what fits exactly one verification."""
    claim = _claim(webhook)
    if claim is None:
        await _keep_unbound(unit, context, webhook, None, Reason.UNREADABLE)
        return
    match await _choose(unit, claim):
        case Unbound(reason):
            await _let_go(unit, context, webhook, claim, reason)
        case Bind(verification):
            await _bind(unit, context, webhook, claim, verification)


async def match_again(unit: Unit, context: Context, webhook: Webhook) -> bool:
    """Bind what was kept as unbound, now that more is known; whether it is bound."""
    claim = _claim(webhook)
    if claim is None:
        return False
    match await _choose(unit, claim):
        case Unbound():
            return False
        case Bind(verification):
            return await _bind(unit, context, webhook, claim, verification)


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


async def _choose_again(unit: Unit, claim: Claim, chosen: Verification) -> Verification | Reason:
    """The same choice with its subject locked, or why it does not stand any more."""
    match await _choose(unit, claim):
        case Unbound(reason):
            return reason
        case Bind(again) if again.verification_id == chosen.verification_id:
            return again
        case Bind():
            return Reason.IDENTITY_CONFLICT


async def _let_go(
    unit: Unit, context: Context, webhook: Webhook, claim: Claim, reason: Reason
) -> None:
    """What fits nobody is kept, sealed; but for what came too late for an erased subject."""
    if await _is_late(unit, claim):
        drop_late(webhook)
    else:
        await _keep_unbound(unit, context, webhook, claim, reason)


async def _is_late(unit: Unit, claim: Claim) -> bool:
    """Whether a claim that fits nobody is an erased subject's: by our id, else by page or patient."""
    sessions = claim.vendor_session_ids if claim.verification_id is None else ()
    if await erased.owns_verification(unit, claim.verification_id, sessions):
        return True
    return await erased.only_erased(unit, [claim.patient_id])


async def _bind(
    unit: Unit, context: Context, webhook: Webhook, claim: Claim, chosen: Verification
) -> bool:
    """Lock, look again, and do what the rules say; an identity that another holds stops both.

    Whether the identity is bound now.
    """
    holder = await identities.holder(unit, claim.proofed_identity_id)
    for subject_id in sorted({chosen.subject_id} | ({holder.subject_id} if holder else set())):
        await subjects.lock(unit, subject_id)
    verification = await _choose_again(unit, claim, chosen)
    if isinstance(verification, Reason):  # revoked or erased while we waited for the lock
        await _let_go(unit, context, webhook, claim, verification)
        return False
    holder = await identities.holder(unit, claim.proofed_identity_id)
    details = await identities.details(unit, verification.verification_id)
    proof = Proof(holder=holder, verified_at=claim.verified_at or unit.now)
    about = head(verification.subject_id, verification.patient_id, details.command_id)
    decision = on_verification(verification, proof, about)
    if Effect.BIND_IDENTITY in decision.calls:
        proofed, verified_at = claim.proofed_identity_id, proof.verified_at
        await identities.bind(unit, verification, proofed, verified_at)
    if holder is not None and Effect.ACTIVATE_IDENTITY in decision.calls:
        await identities.activate(unit, verification, holder.identity_id, proof.verified_at)
    if holder is not None and Effect.STOP_HOLDER in decision.calls:
        await _stop(unit, holder)
    if decision.state is not verification.state:
        await identities.set_state(unit, verification.verification_id, decision.state)
    await tell(unit, decision.events)
    if Effect.KEEP_UNBOUND in decision.calls:
        await _keep_unbound(unit, context, webhook, claim, Reason.IDENTITY_CONFLICT)
        return False
    return True


async def _stop(unit: Unit, holder: Holder) -> None:
    """One identity presented for two people: neither may use it.

    What either proved otherwise, through a verification of their own, stands: it was presented for nobody
    else, it must not matter which webhook comes first, and a fresh proof afterwards has to be possible.
    Who may be behind it is for the operators whom the alarm calls; RevokeIdentity takes the rest away.
    """
    about = head(holder.subject_id, holder.patient_id)
    conflict = IdentityCue.CONFLICT
    decision = on_identity(holder.state, conflict, about, Reason.IDENTITY_CONFLICT)
    if decision.state is not holder.state:
        await identities.stop(unit, holder.identity_id)
    await tell(unit, decision.events)


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
        () if claim is None else claim.vendor_session_ids,
    )
    event = IdentityVerificationUnbound(**head(OPERATORS), reason=reason)
    await outbox.emit_without_subject(unit, event)
    metrics.UNBOUND_IDENTITIES.inc()
    log.error("identity.unbound", reason=reason.value)
