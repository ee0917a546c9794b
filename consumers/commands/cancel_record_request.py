"""``CancelRecordRequest``: stop a record request at whatever step it is."""

from consumers.commands.answers import reject
from consumers.context import Context
from consumers.records.advancing import advance, answer_again
from schemas.commands import CancelRecordRequest
from schemas.reasons import Reason
from service.ias.refusal import Refusal
from service.store import record_requests
from service.store.unit import Unit


async def handle(unit: Unit, context: Context, command: CancelRecordRequest) -> None:
    """End the request, then answer this command with the same end; an end stays what it was."""
    request = await record_requests.lock(unit, command.subject_id, command.request_id)
    if request is None:
        unknown = Refusal(Reason.INVALID_FIELD, "no such request of this subject", "requestId")
        await reject(unit, command, unknown)
        return
    if request.result is None:
        request = await advance(unit, context, request, cancelled=True)
    await answer_again(unit, context, request, command.command_id)
