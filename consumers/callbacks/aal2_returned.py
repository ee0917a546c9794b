"""``Aal2Returned``: a browser came back with a session id. It is kept, and not usable yet.

The id comes from a URL that anyone can type. It is bound to the challenge that this browser opened;
presented for two subjects, it is stopped for both.
"""

from uuid import uuid4

import structlog

from consumers.context import Context
from schemas.callbacks import Aal2Returned
from schemas.events import Aal2ChallengeFailed, Aal2SessionReceived
from schemas.ids import LinkId, SessionId
from schemas.reasons import REMEDIES, Reason
from service.ias.aal2 import SessionState
from service.store import outbox, sessions, subjects
from service.store.outbox import UNSEQUENCED
from service.store.sessions import Challenge, Returned
from service.store.unit import Unit

log = structlog.get_logger()


async def handle(unit: Unit, context: Context, returned: Aal2Returned) -> None:
    """Receive the session for its challenge, once, or tell why not."""
    del context
    known = await subjects.lock(unit, returned.subject_id)
    challenge = await sessions.challenge(unit, returned.challenge_id) if known else None
    if challenge is None or challenge.subject_id != returned.subject_id:
        log.warning("aal2_returned.unknown_challenge")
        return
    if challenge.state != "pending":
        log.info("aal2_returned.challenge_is_over", state=challenge.state)
        return
    if challenge.expires_at <= min(returned.returned_at, unit.now):
        await _fail(unit, challenge, Reason.LINK_EXPIRED)
        return
    holder = await sessions.by_secret(unit, returned.aal2_session_id)
    if holder is not None:
        log.error("aal2_returned.session_presented_twice")
        await sessions.set_state(unit, holder.session_id, SessionState.REFUSED)
        await _fail(unit, challenge, Reason.IDENTITY_CONFLICT)
        return
    await _receive(unit, challenge, returned)


async def _receive(unit: Unit, challenge: Challenge, returned: Aal2Returned) -> None:
    await sessions.set_challenge_state(unit, challenge.challenge_id, "returned")
    brought = Returned(
        returned.aal2_session_id, returned.code_hash, min(returned.returned_at, unit.now)
    )
    await sessions.receive(unit, SessionId(uuid4()), challenge, brought)
    event = Aal2SessionReceived(
        sequence=UNSEQUENCED,
        subject_id=challenge.subject_id,
        command_id=challenge.command_id,
        patient_id=challenge.patient_id,
        link_id=LinkId(challenge.challenge_id),
    )
    await outbox.emit(unit, event, ends=True)


async def _fail(unit: Unit, challenge: Challenge, reason: Reason) -> None:
    await sessions.set_challenge_state(unit, challenge.challenge_id, "failed")
    event = Aal2ChallengeFailed(
        sequence=UNSEQUENCED,
        subject_id=challenge.subject_id,
        command_id=challenge.command_id,
        patient_id=challenge.patient_id,
        reason=reason,
        message=REMEDIES[reason],
        link_id=LinkId(challenge.challenge_id),
    )
    await outbox.emit(unit, event, ends=True)
