"""What log lines say of the message in hand: bound when its turn comes, and one line when it is done.

``message`` is its ``ce_id``, ``command`` the id that the caller gave, ``flow`` the W3C trace that it belongs
to: the three lead from a line to the records, the events and the trace. Whose message it is, no line says.
"""

import re
from typing import Final

import structlog

from consumers.reading import Callback, CommandMessage, Webhook, count, kind_of
from schemas.cloudevents import trace_id
from service.bus.received import Received
from service.store.held import Kind

_ID: Final = re.compile(rb"[\w.:-]{1,64}")

log = structlog.get_logger()


def bind(record: Received, **more: int) -> None:
    """From here on every line is about this record."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(
        topic=record.topic.value, partition=record.partition, offset=record.offset, **more
    )
    flow, named = trace_id(record.traceparent), _ID.fullmatch(record.header("ce_id") or b"")
    if named:
        structlog.contextvars.bind_contextvars(message=named[0].decode())
    if flow:
        structlog.contextvars.bind_contextvars(flow=flow)


def bind_command(message: Webhook | Callback | CommandMessage | None) -> None:
    """The message was read: if it is a command, its lines name it."""
    if isinstance(message, CommandMessage):
        command_id = message.command.command_id
        structlog.contextvars.bind_contextvars(command=str(command_id))


def done(kind: Kind, result: str, seconds: float) -> None:
    """Count the message that is bound, and say what became of it."""
    count(kind, result)
    log.info("message.handled", type=kind.message_type, result=result, seconds=round(seconds, 4))


def done_in_batch(
    record: Received,
    message: Webhook | Callback | CommandMessage,
    result: str,
    batch: tuple[int, float],
) -> None:
    """The same for one of a batch; its seconds are those of the whole batch."""
    size, seconds = batch
    bind(record, batch=size)
    bind_command(message)
    done(kind_of(record), result, seconds)
