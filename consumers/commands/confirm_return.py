"""``ConfirmReturn``: the application vouches that its logged-in user is this subject.

Without it a cookie would only say "same browser": A's link opened by V would put V's session into A's
hands. The code is looked up together with the subject, so another subject's code is simply unknown.

The return that the code is of comes on another topic and may be handled later than the command. While a
challenge of the subject is open, an unknown code therefore waits for it, for ``EARLY_CONFIRMATION_WAIT``.
"""

from consumers.commands.answers import reject
from consumers.context import Context
from schemas.commands import ConfirmReturn
from schemas.ids import CommandId
from service.crypto.tokens import code_hash
from service.ias import network_query_steps as rules
from service.ias.aal2 import UNKNOWN_CODE, Session
from service.ias.aal2_steps import Confirm
from service.ias.machine import Effect
from service.ias.network_query_table import QueryCue
from service.ias.telling import head
from service.store import calls, early_confirmations, queries, sessions
from service.store.calls import Operation
from service.store.decisions import carry_out, move_session, query_standing
from service.store.unit import Unit


async def handle(unit: Unit, context: Context, command: ConfirmReturn) -> None:
    """Make the session usable, once; queries that wait for it go on."""
    code = code_hash(command.code)
    session = await sessions.by_code(unit, command.subject_id, code)
    if session is not None:
        await confirm(unit, context, session, command.command_id)
    elif not await _waits(unit, command, code):
        await reject(unit, command, UNKNOWN_CODE)


async def _waits(unit: Unit, command: ConfirmReturn, code: bytes) -> bool:
    if not await early_confirmations.is_awaited(unit, command.subject_id):
        return False
    return await early_confirmations.keep(unit, command.subject_id, command.command_id, code)


async def confirm(unit: Unit, context: Context, session: Session, command_id: CommandId) -> None:
    """Make this session usable for the command, if it may be; queries that wait for it go on."""
    about = head(session.subject_id, session.patient_id, command_id)
    if await move_session(unit, session, Confirm(context.rules.code_lifetime), about):
        await _go_on(unit, session, reuse=context.rules.session_reuse)


async def _go_on(unit: Unit, fresh: Session, *, reuse: bool) -> None:
    """Queries whose session Metriport refused carry the fresh one: all of them, or the oldest."""
    for query in await queries.waiting_for_session(unit, fresh, None if reuse else 1):
        decision = rules.on(await query_standing(unit, query), QueryCue.SESSION_RENEWED)
        await carry_out(unit, query, decision)
        if Effect.ASK_AGAIN in decision.calls:
            await queries.renew_session(unit, query.query_id, fresh.session_id)
            await calls.make_due_again(unit, Operation.START_NETWORK_QUERY, query.query_id)
