"""Which handler for which message: tables that can be read and listed."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from consumers.callbacks import aal2_returned, link_opened
from consumers.commands import (
    cancel_record_request,
    confirm_return,
    erase_subject,
    register_patient,
    renew_data_link,
    request_records,
    revoke_identity,
    start_aal2_challenge,
    start_consolidated_query,
    start_identity_verification,
    start_network_query,
)
from consumers.commands.answers import reject
from consumers.context import Context
from consumers.reading import CommandMessage, Webhook
from consumers.webhooks import consolidated_data, identity_verified, network_query
from schemas import callbacks, commands
from schemas.base import Message
from schemas.metriport.webhooks import CONSOLIDATED_DATA, IDENTITY_VERIFIED, NETWORK_QUERY_TYPES
from schemas.reasons import REMEDIES, Reason
from service.ias.refusal import Refusal
from service.store import commands as store
from service.store import erasure, outbox, subjects
from service.store.commands import Arrival
from service.store.unit import Unit

CommandHandler = Callable[[Unit, Context, Any], Awaitable[None]]

COMMAND_HANDLERS: Final[Mapping[type[Message], CommandHandler]] = {
    commands.RegisterPatient: register_patient.handle,
    commands.LinkPatient: register_patient.handle_link,
    commands.StartIdentityVerification: start_identity_verification.handle,
    commands.StartAal2Challenge: start_aal2_challenge.handle,
    commands.ConfirmReturn: confirm_return.handle,
    commands.StartNetworkQuery: start_network_query.handle,
    commands.StartConsolidatedQuery: start_consolidated_query.handle,
    commands.RenewDataLink: renew_data_link.handle,
    commands.RequestRecords: request_records.handle,
    commands.CancelRecordRequest: cancel_record_request.handle,
    commands.RevokeIdentity: revoke_identity.handle,
    commands.EraseSubject: erase_subject.handle,
}
CALLBACK_HANDLERS: Final[Mapping[type[Message], CommandHandler]] = {
    callbacks.LinkOpened: link_opened.handle,
    callbacks.Aal2Returned: aal2_returned.handle,
}
WEBHOOK_HANDLERS: Final[Mapping[str, Callable[[Unit, Context, Webhook], Awaitable[None]]]] = {
    IDENTITY_VERIFIED: identity_verified.handle,
    CONSOLIDATED_DATA: consolidated_data.handle,
    **dict.fromkeys(NETWORK_QUERY_TYPES, network_query.handle),
}


async def handle_webhook(unit: Unit, context: Context, webhook: Webhook) -> None:
    """Webhooks that we do not act on are for the other readers of the topic."""
    handler = WEBHOOK_HANDLERS.get(webhook.meta.type)
    if handler is not None:
        await handler(unit, context, webhook)


async def handle_callback(unit: Unit, context: Context, callback: Message) -> None:
    """Every callback type has a handler."""
    await CALLBACK_HANDLERS[type(callback)](unit, context, callback)


async def handle_command(unit: Unit, context: Context, message: CommandMessage) -> bool:
    """Act on a new command, answer a repeat, refuse a reused id; whether it was new.

    A command that an erasure ended is answered with its receipt, also when it is delivered again to a
    subject that has started afresh.
    """
    command = message.command
    known = await subjects.lock(unit, command.subject_id)
    if await erasure.repeat_receipt(unit, command.subject_id, command.command_id):
        return False
    if not known:
        await subjects.lock_or_create(unit, command.subject_id)
    match await store.accept(unit, message.type, command):
        case Arrival.REPEAT:
            await outbox.repeat_final(unit, command.subject_id, command.command_id)
            return False
        case Arrival.REUSED_ID:
            reason = Reason.COMMAND_ID_REUSED
            await reject(unit, command, Refusal(reason, REMEDIES[reason], "commandId"), ends=False)
            return False
        case Arrival.NEW:
            handler = COMMAND_HANDLERS.get(type(command))
            if handler is None:
                reason = Reason.NOT_SUPPORTED
                await reject(unit, command, Refusal(reason, REMEDIES[reason]))
            else:
                await handler(unit, context, command)
    return True
