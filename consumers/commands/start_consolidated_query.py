"""``StartConsolidatedQuery``: check entitlement (I9) and queue the call."""

from uuid import uuid4

from consumers.commands.answers import refuse, reject
from consumers.context import Context
from schemas.commands import StartConsolidatedQuery
from schemas.events import ConsolidatedDataFailed
from schemas.ids import RequestId
from service.ias.consolidated import ConsolidatedState, refuse_range
from service.store import calls, consolidated, entitlements
from service.store.calls import Operation
from service.store.consolidated import Consolidated
from service.store.unit import Unit


async def handle(unit: Unit, context: Context, command: StartConsolidatedQuery) -> None:
    """Queue the query; entitlement is checked again before the call and at delivery."""
    del context
    empty = refuse_range(command.date_from, command.date_to)
    if empty is not None:
        await reject(unit, command, empty)
        return
    refused = await entitlements.refuse_data(unit, command.subject_id, command.patient_id)
    if refused is not None:
        await refuse(unit, ConsolidatedDataFailed, command, command.patient_id, refused)
        return
    query = Consolidated(
        RequestId(uuid4()),
        command.subject_id,
        command.patient_id,
        command.command_id,
        command.conversion_type,
        command.resources,
        command.date_from,
        command.date_to,
        ConsolidatedState.DUE,
    )
    await queue(unit, query)


async def queue(unit: Unit, query: Consolidated) -> None:
    """Store the query and schedule its call."""
    await consolidated.create(unit, query)
    await calls.schedule(
        unit, Operation.START_CONSOLIDATED_QUERY, query.subject_id, query.request_id
    )
