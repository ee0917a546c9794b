"""What log lines say of the message in hand: bound when its turn comes, and one line when it is done.

``message`` is its ``ce_id``, ``command`` the id that the caller gave, ``flow`` the W3C trace that it belongs
to: the three lead from a line to the records, the events and the trace. Whose message it is, no line says.
"""

import logging
import re
from collections.abc import Sequence
from typing import Final

import structlog
from structlog.typing import FilteringBoundLogger

from consumers.reading import Callback, CommandMessage, Webhook, count, kind_of
from schemas.cloudevents import trace_id
from service.bus.received import Received
from service.store.held import Kind

_ID: Final = re.compile(rb"[\w.:-]{1,64}")

Message = Webhook | Callback | CommandMessage

log = structlog.get_logger()


def bind(record: Received, message: Message | None = None, **more: int) -> None:
    """From here on every line is about this record."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**_named(record, message, **more))


def bind_command(message: Message) -> None:
    """The message was read: if it is a command, its lines name it."""
    if isinstance(message, CommandMessage):
        structlog.contextvars.bind_contextvars(command=str(message.command.command_id))


def done(kind: Kind, result: str, seconds: float) -> None:
    """Count the message that is bound, and say what became of it."""
    count(kind, result)
    _say(log, kind, result, seconds)


def done_together(batch: Sequence[tuple[Received, Message, str]], seconds: float) -> None:
    """The same for every message of a batch, with its result; the seconds are those of the whole batch."""
    structlog.contextvars.clear_contextvars()
    is_said = log.is_enabled_for(logging.INFO)  # naming a message costs more than counting it
    for record, message, result in batch:
        kind = kind_of(record)
        count(kind, result)
        if is_said:
            _say(log.bind(**_named(record, message, batch=len(batch))), kind, result, seconds)


def _say(log: FilteringBoundLogger, kind: Kind, result: str, seconds: float) -> None:
    log.info("message.handled", type=kind.message_type, result=result, seconds=round(seconds, 4))


def _named(record: Received, message: Message | None, **more: int) -> dict[str, str | int]:
    named: dict[str, str | int] = {
        "topic": record.topic.value,
        "partition": record.partition,
        "offset": record.offset,
        **more,
    }
    flow, name = trace_id(record.traceparent), _ID.fullmatch(record.header("ce_id") or b"")
    if name:
        named["message"] = name[0].decode()
    if flow:
        named["flow"] = flow
    if isinstance(message, CommandMessage):
        named["command"] = str(message.command.command_id)
    return named
