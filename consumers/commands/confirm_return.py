"""``ConfirmReturn``: the application vouches that its logged-in user is this subject.

Without it a cookie would only say "same browser": A's link opened by V would put V's session into A's
hands. The code is looked up together with the subject, so another subject's code is simply unknown.
"""

from consumers.commands.answers import reject
from consumers.context import Context
from schemas.commands import ConfirmReturn
from service.crypto.tokens import code_hash
from service.ias.aal2 import UNKNOWN_CODE
from service.ias.aal2_steps import Confirm
from service.ias.telling import head
from service.store import sessions
from service.store.decisions import move_session
from service.store.unit import Unit


async def handle(unit: Unit, context: Context, command: ConfirmReturn) -> None:
    """Make the session usable, once."""
    session = await sessions.by_code(unit, command.subject_id, code_hash(command.code))
    if session is None:
        await reject(unit, command, UNKNOWN_CODE)
        return
    about = head(command.subject_id, session.patient_id, command.command_id)
    await move_session(unit, session, Confirm(context.rules.code_lifetime), about)
