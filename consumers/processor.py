"""One record, one transaction: dedupe, decide, write, outbox.

Transient faults (Postgres away, deadlock, serialization) are waited out without committing the offset.
What cannot be read or is not authentic is put aside, sealed, in the transaction that lets the offset
advance: never dropped, never in the way of its neighbours.
"""

import asyncio
from typing import Final
from uuid import uuid4

import structlog

from consumers.context import Context
from consumers.reading import (
    Callback,
    CommandHead,
    CommandMessage,
    Reader,
    RejectedError,
    Webhook,
    count,
    read_head,
)
from consumers.routing import handle_callback, handle_command, handle_webhook
from schemas.cloudevents import DATAREF
from schemas.dead_letters import DeadLetter
from schemas.events import CommandRejected
from schemas.ids import CommandId, SubjectId
from schemas.problems import InvalidMessageError, decode
from schemas.reasons import Reason
from schemas.topics import Topic
from service.bus.subscription import Received
from service.crypto.keys import UnknownKeyError
from service.crypto.sealing import place
from service.store import inbox, large_bodies, outbox, subjects
from service.store.outbox import UNSEQUENCED
from service.store.pool import TRANSIENT, Database
from service.store.unit import Unit
from service.telemetry import metrics

UNREADABLE_SUBJECT: Final = SubjectId("unreadable")
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0

log = structlog.get_logger()


class Processor:
    """Handles records for the subscription."""

    def __init__(self, database: Database, reader: Reader, context: Context) -> None:
        self._database = database
        self._reader = reader
        self._context = context

    async def __call__(self, record: Received) -> None:
        """Handle one record to its end; returns only when its effect is committed."""
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            topic=record.topic.value, partition=record.partition, offset=record.offset
        )
        pause = _FIRST_PAUSE
        while True:
            try:
                with metrics.HANDLER.labels(record.topic.value).time():
                    await self._attempt(record)
            except TRANSIENT as error:
                log.warning("consumer.waits_for_database", exc_info=error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                return

    async def _attempt(self, record: Received) -> None:
        try:
            message = self._reader.read(await self._whole(record))
        except RejectedError as error:
            await self._reject(record, error)
            return
        try:
            async with self._database.transaction(record.traceparent) as unit:
                fresh = await self._handle(unit, message)
        except RejectedError as error:
            await self._reject(record, error, message)
        except TRANSIENT:
            raise
        except Exception as error:
            log.exception("consumer.handler_failed", exc_info=error)
            failure = RejectedError(Reason.HANDLER_FAILED, "the handler failed")
            await self._reject(record, failure)
        else:
            count(record, _type_of(message), "handled" if fresh else "repeated")

    async def _whole(self, record: Received) -> Received:
        """The record with its body, where that was kept aside for being too large."""
        dataref = dict(record.headers).get(f"ce_{DATAREF}")
        if dataref is None:
            return record
        body_id = large_bodies.referenced(dataref.decode(errors="replace"))
        sealed = None
        if body_id is not None:
            async with self._database.connection() as connection:
                sealed = await large_bodies.read(connection, body_id)
        if sealed is None:
            raise RejectedError(Reason.UNREADABLE, "the dataref names no body")
        where = place("large_body", record.topic, str(body_id))
        try:
            return record._replace(value=self._context.opener.open(sealed, where))
        except UnknownKeyError:
            raise RejectedError(Reason.NOT_AUTHENTIC, "the body does not open") from None

    async def _handle(self, unit: Unit, message: Webhook | Callback | CommandMessage) -> bool:
        """Whether the message was new."""
        match message:
            case Webhook(meta, _):
                if not await inbox.remember(unit, "metriport", meta.message_id):
                    return False
                await handle_webhook(unit, self._context, message)
            case Callback(callback_id, content):
                if not await inbox.remember(unit, "callback", callback_id):
                    return False
                await handle_callback(unit, self._context, content)
            case CommandMessage():
                return await handle_command(unit, self._context, message)
        return True

    async def _reject(self, record: Received, error: RejectedError, message: object = None) -> None:
        """Put the record aside and, for a command, tell its sender; once.

        A webhook that was understood and refused is remembered, so that a re-delivery is not put
        aside again; one that met a defect is not, so that a re-delivery can still take effect.
        """
        async with self._database.transaction(record.traceparent) as unit:
            source, key = "rejected", record.position
            if isinstance(message, Webhook):
                source, key = "metriport", message.meta.message_id
            if not await inbox.remember(unit, source, key):
                return
            broken_command = record.topic is Topic.COMMANDS
            head = read_head(record.value) if broken_command else None
            if _is_nameless(head) or error.reason is Reason.HANDLER_FAILED:
                await self._put_aside(unit, record, error)
            if broken_command:
                await _tell_sender(unit, record, error)
        metrics.DEAD_LETTERS.labels(error.reason.value).inc()
        count(record, "", error.reason.value)
        log.warning("consumer.rejected", reason=error.reason.value, field=error.field)

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


async def _tell_sender(unit: Unit, record: Received, error: RejectedError) -> None:
    """Answer a command that was not valid; without a subject, name the record instead."""
    head = read_head(record.value)
    event = CommandRejected(
        sequence=UNSEQUENCED,
        subject_id=UNREADABLE_SUBJECT if head is None else head.subject_id,
        command_id=None if head is None else _command_id(bytes(head.command_id)),
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


def _is_nameless(head: CommandHead | None) -> bool:
    """Whether its sender could not recognise the message by what an answer would name."""
    return head is None or _command_id(bytes(head.command_id)) is None


def _command_id(raw: bytes) -> CommandId | None:
    try:
        return decode(raw, CommandId)
    except InvalidMessageError:
        return None


def _type_of(message: Webhook | Callback | CommandMessage) -> str:
    match message:
        case CommandMessage(command_type, _):
            return command_type
        case Callback(_, content):
            return f"ias.callback.{type(content).__name__}"
        case Webhook():
            return "webhook"
