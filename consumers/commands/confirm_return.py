"""``ConfirmReturn``: the application vouches that its logged-in user is this subject.

Without it a cookie would only say "same browser": A's link opened by V would put V's session into A's
hands. The code is looked up together with the subject, so another subject's code is simply unknown.
"""

from consumers.commands.answers import reject
from consumers.context import Context
from schemas.commands import ConfirmReturn
from schemas.events import ReturnConfirmed
from schemas.ids import LinkId
from service.crypto.tokens import code_hash
from service.ias import aal2
from service.ias.aal2 import SessionState
from service.store import outbox, sessions
from service.store.outbox import UNSEQUENCED
from service.store.unit import Unit


async def handle(unit: Unit, context: Context, command: ConfirmReturn) -> None:
    """Make the session usable, once."""
    del context
    session = await sessions.by_code(unit, command.subject_id, code_hash(command.code))
    refused = aal2.refuse_confirmation(session, unit.now)
    if refused is not None or session is None:
        if refused is not None:
            await reject(unit, command, refused)
        return
    await sessions.set_state(unit, session.session_id, SessionState.CONFIRMED)
    event = ReturnConfirmed(
        sequence=UNSEQUENCED,
        subject_id=command.subject_id,
        command_id=command.command_id,
        patient_id=session.patient_id,
        link_id=LinkId(session.challenge_id),
    )
    await outbox.emit(unit, event, ends=True)
