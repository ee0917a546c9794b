"""``RenewDataLink``: data links die in minutes, so ask again for what was asked before."""

from uuid import uuid4

from consumers.commands.answers import refuse, reject
from consumers.commands.start_consolidated_query import queue
from consumers.context import Context
from schemas.commands import RenewDataLink
from schemas.events import ConsolidatedDataFailed
from schemas.ids import RequestId
from schemas.reasons import Reason
from service.ias.consolidated import ConsolidatedState
from service.ias.refusal import Refusal
from service.store import consolidated, entitlements
from service.store.unit import Unit


async def handle(unit: Unit, context: Context, command: RenewDataLink) -> None:
    """Queue the same query once more, under a new request id, if the subject is still entitled."""
    del context
    earlier = await consolidated.lock(unit, command.request_id)
    if earlier is None or earlier.subject_id != command.subject_id:
        unknown = Refusal(Reason.INVALID_FIELD, "no such request of this subject", "requestId")
        await reject(unit, command, unknown)
        return
    refused = await entitlements.refuse_data(unit, command.subject_id, earlier.patient_id)
    if refused is not None:
        await refuse(unit, ConsolidatedDataFailed, command, earlier.patient_id, refused)
        return
    await queue(
        unit,
        earlier._replace(
            request_id=RequestId(uuid4()),
            command_id=command.command_id,
            state=ConsolidatedState.DUE,
            renewals=0,
        ),
    )
