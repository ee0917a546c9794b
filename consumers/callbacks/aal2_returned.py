"""``Aal2Returned``: a browser came back with a session id. It is kept, and not usable before it is confirmed.

The id comes from a URL that anyone can type. It is bound to the challenge that this browser opened;
presented for two subjects, it is stopped for both.
"""

from uuid import uuid4

import structlog

from consumers.commands import confirm_return
from consumers.context import Context
from schemas.callbacks import Aal2Returned
from schemas.ids import LinkId, SessionId
from service.ias.aal2 import ChallengeState
from service.ias.aal2_steps import ChallengeStanding, Return, on_challenge
from service.ias.aal2_table import SessionCue
from service.ias.machine import Effect
from service.ias.telling import head
from service.store import early_confirmations, sessions, subjects
from service.store.decisions import move_session, tell
from service.store.sessions import Challenge, Returned
from service.store.unit import Unit

log = structlog.get_logger()


async def handle(unit: Unit, context: Context, returned: Aal2Returned) -> None:
    """Receive the session for its challenge, once, or tell why not."""
    known = await subjects.lock(unit, returned.subject_id)
    challenge = await sessions.challenge(unit, returned.challenge_id) if known else None
    if challenge is None or challenge.subject_id != returned.subject_id:
        log.warning("aal2_returned.unknown_challenge")
        return
    holder = await sessions.by_secret(unit, returned.aal2_session_id)
    came = Return(returned_at=returned.returned_at, is_known=holder is not None)
    decision = on_challenge(_standing(challenge), came, unit.now)
    if decision.state == challenge.state:
        log.info("aal2_returned.challenge_is_over", state=challenge.state)
        return
    await sessions.set_challenge_state(unit, challenge.challenge_id, decision.state)
    if Effect.RECEIVE_SESSION in decision.calls:
        await _receive(unit, challenge, returned)
    if Effect.REFUSE_SESSION in decision.calls:
        log.error("aal2_returned.session_presented_twice")
        await move_session(unit, holder, SessionCue.REFUSED)
    await tell(unit, decision.events)
    if Effect.RECEIVE_SESSION in decision.calls:
        await _confirm_early(unit, context, returned)


async def _confirm_early(unit: Unit, context: Context, returned: Aal2Returned) -> None:
    """The application's confirmation was faster."""
    whose, code = returned.subject_id, returned.code_hash
    command_id = await early_confirmations.take(unit, whose, code)
    session = None if command_id is None else await sessions.by_code(unit, whose, code)
    if command_id is not None and session is not None:
        await confirm_return.confirm(unit, context, session, command_id)


def _standing(challenge: Challenge) -> ChallengeStanding:
    return ChallengeStanding(
        state=ChallengeState(challenge.state),
        link_id=LinkId(challenge.challenge_id),
        expires_at=challenge.expires_at,
        head=head(challenge.subject_id, challenge.patient_id, challenge.command_id),
    )


async def _receive(unit: Unit, challenge: Challenge, returned: Aal2Returned) -> None:
    brought = Returned(
        returned.aal2_session_id, returned.code_hash, min(returned.returned_at, unit.now)
    )
    await sessions.receive(unit, SessionId(uuid4()), challenge, brought)
