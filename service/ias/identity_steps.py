"""What a verification and an identity do next: (standing, message) → (state, events, effects)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from schemas.base import Event
from schemas.events import (
    IdentityRevoked,
    IdentityVerificationExpired,
    IdentityVerificationFailed,
    IdentityVerified,
)
from schemas.ids import LinkId
from schemas.reasons import REMEDIES, Reason
from service.ias.identity import Holder, IdentityState, Verification, VerificationState, conflicts
from service.ias.identity_table import IDENTITY, VERIFICATION, IdentityCue, VerificationCue
from service.ias.machine import Decision
from service.ias.telling import Head

_REASONS: Final = {
    VerificationCue.CONFLICT: Reason.IDENTITY_CONFLICT,
    VerificationCue.REVOKED: Reason.REVOKED,
}


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A webhook that belongs to the verification; ``holder`` has its identity already, if any."""

    holder: Holder | None
    verified_at: datetime


Plain = Literal[
    VerificationCue.EXPIRED,
    VerificationCue.SUPERSEDED,
    VerificationCue.REVOKED,
    VerificationCue.ERASED,
]
"""Messages without data are their cue."""


def on_verification(
    verification: Verification, message: Proof | Plain, head: Head
) -> Decision[VerificationState]:
    """What the verification does; ``head`` names its command."""
    cue = _cue(verification, message) if isinstance(message, Proof) else message
    step = VERIFICATION.step(verification.state, cue)
    link_id = LinkId(verification.verification_id)
    events: list[Event] = []
    if IdentityVerified in step.tells and isinstance(message, Proof):
        events.append(IdentityVerified(**head, link_id=link_id, verified_at=message.verified_at))
    if IdentityVerificationExpired in step.tells:
        events.append(IdentityVerificationExpired(**head, link_id=link_id))
    if IdentityVerificationFailed in step.tells:
        reason = _REASONS[cue]
        failed = IdentityVerificationFailed(
            **head, reason=reason, message=REMEDIES[reason], link_id=link_id
        )
        events.append(failed)
    return Decision(state=step.to, events=tuple(events), calls=step.calls)


def _cue(verification: Verification, proof: Proof) -> VerificationCue:
    if proof.holder is None:
        return VerificationCue.PROVED
    if conflicts(proof.holder, verification):
        return VerificationCue.CONFLICT
    return VerificationCue.PROVED_KNOWN


def on_identity(
    state: IdentityState, cue: IdentityCue, head: Head, reason: str
) -> Decision[IdentityState]:
    """What an identity does; ``reason`` is told when it is taken away."""
    step = IDENTITY.step(state, cue)
    told = IdentityRevoked in step.tells
    events = (IdentityRevoked(**head, reason=reason),) if told else ()
    return Decision(state=step.to, events=events, calls=step.calls)
