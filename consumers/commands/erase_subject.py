"""``EraseSubject``: destroy what we hold of a subject, unless a legal hold stands."""

import msgspec

from consumers.commands.answers import reject
from consumers.context import Context
from consumers.holding import let_go
from schemas.commands import EraseSubject
from service.ias import erasure as rules
from service.ias.telling import head
from service.store import erasure
from service.store.unit import Unit
from service.telemetry import metrics


async def handle(unit: Unit, context: Context, command: EraseSubject) -> None:
    """Place or lift the hold that the command names, then erase or say why not."""
    held = await erasure.is_held(unit, command.subject_id)
    ruling = rules.rule(held=held, asked=command.legal_hold)
    if ruling.held is not held:
        await erasure.hold(unit, command.subject_id, held=ruling.held)
    if ruling.refused is not None:
        await erasure.refuse(unit, command.subject_id)
        await reject(unit, command, ruling.refused)
        return
    about = head(command.subject_id, None, command.command_id)
    receipt = rules.receipt(about, unit.now, context.rules.backup_retention)
    never_begun = await let_go(unit, context.opener, command.subject_id)
    receipt = msgspec.structs.replace(receipt, metadata=command.metadata)
    await erasure.erase(unit, receipt, never_begun)
    metrics.SUBJECTS_ERASED.inc()
