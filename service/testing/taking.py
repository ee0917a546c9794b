"""A command is taken once: a repeat is answered with the same final event, a reused id refused."""

import msgspec

from schemas.base import Command
from schemas.problems import InvalidMessageError, decode
from schemas.reasons import REMEDIES, Reason
from service.ias.refusal import Refusal
from service.testing.commands import HANDLERS
from service.testing.outbox import Asked
from service.testing.world import World


def take(world: World, command: Command) -> None:
    """Read the command as the service would from its record, and act on it if it is new."""
    try:
        command = decode(msgspec.json.encode(command), type(command))
    except InvalidMessageError as error:
        refused = Refusal(Reason.INVALID_FIELD, error.message, error.field)
        world.reject(command, refused, ends=False)
        return
    key = (command.subject_id, command.command_id)
    known = world.outbox.asked.get(key)
    if known is None:
        world.outbox.asked[key] = Asked(command)
        _act(world, command)
    elif known.is_erased or known.command == command:
        world.outbox.repeat(known.final)
    else:
        reason = Reason.COMMAND_ID_REUSED
        world.reject(command, Refusal(reason, REMEDIES[reason], "commandId"), ends=False)


def _act(world: World, command: Command) -> None:
    handler = HANDLERS.get(type(command))
    if handler is None:
        reason = Reason.NOT_SUPPORTED
        world.reject(command, Refusal(reason, REMEDIES[reason]))
    else:
        handler(world, command)
