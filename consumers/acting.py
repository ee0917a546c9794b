"""One message inside a transaction: read it, act on it once, or refuse it for good.

What cannot be read or is not authentic is put aside, sealed: never dropped, never in the way of its
neighbours.
"""

from typing import Final
from uuid import uuid4

import structlog

from consumers.context import Context
from consumers.hanging import bounded
from consumers.reading import (
    Callback,
    CommandHead,
    CommandMessage,
    Reader,
    RejectedError,
    Webhook,
    count,
    kind_of,
    read_command_id,
    read_head,
)
from consumers.routing import handle_callback, handle_command, handle_webhook
from schemas.cloudevents import DATAREF
from schemas.dead_letters import DeadLetter
from schemas.events import CommandRejected
from schemas.ids import SubjectId
from schemas.reasons import Reason
from schemas.topics import Topic
from service.bus.received import Received
from service.crypto.keys import UnknownKeyError
from service.crypto.sealing import place
from service.ias.telling import UNSEQUENCED
from service.store import inbox, large_bodies, outbox, subjects
from service.store.pool import Database
from service.store.unit import Unit
from service.telemetry import metrics

UNREADABLE_SUBJECT: Final = SubjectId("unreadable")
METRIPORT: Final = "metriport"
CALLBACK: Final = "callback"
Message = Webhook | Callback | CommandMessage

log = structlog.get_logger()


class Actor:
    """Reads and acts with the keys and surroundings of this process."""

    def __init__(self, database: Database, reader: Reader, context: Context) -> None:
        self._database = database
        self._reader = reader
        self._context = context

    def is_whole(self, record: Received) -> bool:
        """Whether the record holds its own body."""
        return record.header(f"ce_{DATAREF}") is None

    def read_whole(self, record: Received) -> Message:
        """The message of a record that holds its own body.

        Raises:
            RejectedError: not a CloudEvent, not authentic, not readable, or not known.
        """
        return self._reader.read(record)

    async def read(self, record: Received) -> Message:
        """The message, also where its body was kept aside for being too large.

        Raises:
            RejectedError: as above, or the body is not there or does not open.
        """
        dataref = record.header(f"ce_{DATAREF}")
        if dataref is None:
            return self.read_whole(record)
        body_id = large_bodies.referenced(dataref.decode(errors="replace"))
        sealed = None
        if body_id is not None:
            async with self._database.connection() as connection:
                sealed = await large_bodies.read(connection, body_id)
        if sealed is None:
            raise RejectedError(Reason.UNREADABLE, "the dataref names no body")
        where = place("large_body", record.topic, str(body_id))
        try:
            whole = record._replace(value=self._context.opener.open(sealed, where))
        except UnknownKeyError:
            raise RejectedError(Reason.NOT_AUTHENTIC, "the body does not open") from None
        return self.read_whole(whole)

    async def act(self, unit: Unit, message: Message) -> bool:
        """Handle the message if it is new; whether it was.

        Raises:
            HandlerHungError: its handler does not end.
        """
        async with bounded(unit):
            if isinstance(message, CommandMessage):
                return await handle_command(unit, self._context, message)
            if not await inbox.remember(unit, *inbox_name(message)):
                return False
            if isinstance(message, Webhook):
                await handle_webhook(unit, self._context, message)
            else:
                await handle_callback(unit, self._context, message.content)
            return True

    async def refuse(
        self, unit: Unit, record: Received, error: RejectedError, message: Message | None
    ) -> bool:
        """Put the record aside and, for a command, tell its sender; once. Whether it was new.

        A webhook that was understood and refused is remembered, so that a re-delivery is not put
        aside again; one that met a defect is not, so that a re-delivery can still take effect.
        """
        source, key = "rejected", record.position
        if isinstance(message, Webhook) and error.reason is not Reason.HANDLER_FAILED:
            source, key = inbox_name(message)
        if not await inbox.remember(unit, source, key):
            return False
        broken_command = record.topic is Topic.COMMANDS
        head = read_head(record.value) if broken_command else None
        is_nameless = read_command_id(head) is None  # no answer could say what it is to
        if is_nameless or error.reason is Reason.HANDLER_FAILED:
            await self._put_aside(unit, record, error)
        if broken_command:
            await _tell_sender(unit, record, error, head)
        return True

    async def _put_aside(self, unit: Unit, record: Received, error: RejectedError) -> None:
        event_id = uuid4()
        where = place(Topic.DEAD_LETTERS, record.topic.value, str(event_id))
        letter = DeadLetter(
            reason=error.reason,
            sealed=self._context.sealer.seal(record.value, where),
            received_at=unit.now,
            topic=record.topic.value,
            partition=record.partition,
            offset=record.offset,
        )
        await outbox.put_aside(unit, letter, event_id)


def inbox_name(message: Webhook | Callback) -> tuple[str, str]:
    """Source and id under which the inbox knows the message."""
    if isinstance(message, Webhook):
        return METRIPORT, message.meta.message_id
    return CALLBACK, message.id


def say_refused(record: Received, error: RejectedError) -> None:
    """Count and log a record that was refused."""
    metrics.DEAD_LETTERS.labels(error.reason.value).inc()
    count(kind_of(record), error.reason.value)
    log.warning("consumer.rejected", reason=error.reason.value, field=error.field)


async def _tell_sender(
    unit: Unit, record: Received, error: RejectedError, head: CommandHead | None
) -> None:
    """Answer a command that was not valid; without a subject, name the record instead."""
    event = CommandRejected(
        sequence=UNSEQUENCED,
        subject_id=UNREADABLE_SUBJECT if head is None else head.subject_id,
        command_id=read_command_id(head),
        reason=error.reason,
        message=error.message,
        field=error.field,
        topic=record.topic.value,
        partition=record.partition,
        offset=record.offset,
    )
    if head is None:
        await outbox.emit_without_subject(unit, event)
        return
    await subjects.lock_or_create(unit, head.subject_id)
    await outbox.emit(unit, event)
