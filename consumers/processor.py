"""Records become effects: a batch in one transaction for speed, one by one when the batch fails.

Within a batch the messages about one patient or subject keep their order, and so do all of a
partition when they are done one by one. Transient faults (Postgres away, deadlock, serialization) are
waited out without committing the offset. A commit that was cut off may have happened: nothing is
concluded, the records are handled again, and the inbox knows. A handler that does not end is no
transient fault (``hanging``).
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Final, NamedTuple

import structlog
from asyncpg import DeadlockDetectedError

from consumers import saying
from consumers.acting import Actor, Message, inbox_name, say_refused
from consumers.context import Context
from consumers.hanging import Attempts, HandlerHungError
from consumers.holding import hold
from consumers.late_keys import may_verify_later
from consumers.reading import CommandMessage, Reader, RejectedError, Webhook, count, kind_of
from consumers.stopping import Stopper, stop
from schemas.reasons import Reason
from service.bus.received import Received
from service.store import ahead, held, inbox
from service.store.held import Kind
from service.store.pool import TRANSIENT, Database
from service.store.unit import Unit
from service.telemetry import metrics, traces
from service.telemetry.traces import Span

LARGEST_BATCH: Final = 200
_LARGEST_BYTES: Final = 4 * 1024 * 1024
_BATCH_SECONDS: Final = 15.0
_RECORD_SECONDS: Final = 30.0  # more than a handler may take: no lock is held for longer
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0

log = structlog.get_logger()


class _Readable(NamedTuple):
    """A record and what it says."""

    record: Received
    kind: Kind
    message: Message


class Processor:
    """Handles records for the subscription."""

    def __init__(self, database: Database, reader: Reader, context: Context) -> None:
        self._database = database
        self._context = context
        self._actor = Actor(database, reader, context)
        self._stopper = Stopper()
        self._attempts = Attempts()
        self._singly = 0
        """So many of the next records are done one by one, because their batch failed."""

    async def __call__(self, record: Received) -> None:
        """Handle one record to its end; returns only when its effect is committed."""
        pause = _FIRST_PAUSE
        while not await self._try_one(record):
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def handle(self, records: Sequence[Received]) -> int:
        """Handle the first of these records; how many are done, 0 when to come again a bit later."""
        batch = [] if self._singly else self._cut(records)
        if len(batch) > 1:
            return await self._try_together(batch)
        done = int(await self._try_one(records[0]))
        self._singly = max(0, self._singly - done)
        return done

    def _cut(self, records: Sequence[Received]) -> list[_Readable]:
        """The first records of one topic that can be read, as many as one transaction should take."""
        batch: list[_Readable] = []
        size = 0
        for record in records[:LARGEST_BATCH]:
            size += len(record.value)
            if record.topic is not records[0].topic or size > _LARGEST_BYTES:
                break
            if not self._actor.is_whole(record):
                break
            try:
                message = self._actor.read_whole(record)
                batch.append(_Readable(record, kind_of(record), message))
            except RejectedError:
                break  # it is refused when its turn comes, alone
        return batch

    async def _try_together(self, batch: Sequence[_Readable]) -> int:
        saying.bind(batch[0].record, batch=len(batch))
        timer, began = metrics.HANDLER.labels(batch[0].record.topic.value).time, time.monotonic()
        try:
            with timer():
                async with (
                    asyncio.timeout(_BATCH_SECONDS),
                    self._database.transaction() as unit,
                ):
                    results = await self._together(unit, batch)
        except (TimeoutError, DeadlockDetectedError) as error:
            log.warning("consumer.batch_gave_up", exc_info=error)
            self._singly = len(batch)
        except TRANSIENT as error:
            log.warning("consumer.waits_for_database", exc_info=error)
        except Exception as error:
            log.warning("consumer.batch_failed", exc_info=error)
            self._singly = len(batch)
        else:
            told = [(one.record, one.message, result) for one, result in results]
            saying.done_together(told, time.monotonic() - began)
            for one, result in results:
                if result != "held":
                    self._stopper.went_well(one.kind, one.record)
            return len(batch)
        return 0

    async def _together(
        self, unit: Unit, batch: Sequence[_Readable]
    ) -> list[tuple[_Readable, str]]:
        """What became of each record."""
        stopped = await held.stopped(unit)
        results: list[tuple[_Readable, str]] = []
        flowing: list[_Readable] = []
        for one in batch:
            if one.kind in stopped:
                await hold(unit, self._context.sealer, one.record)
                results.append((one, "held"))
            else:
                flowing.append(one)
        messages = [one.message for one in flowing]
        others = [one for one in messages if not isinstance(one, CommandMessage)]
        await inbox.remember_all(unit, map(inbox_name, others))
        await _read_ahead(unit, flowing)
        for independent in rounds(flowing):
            await _read_ahead(unit, independent)
            for one in independent:
                saying.bind(one.record, one.message, batch=len(batch))
                with _span(one.record, one.kind, batch=len(batch)) as span:
                    unit.traceparent = span.traceparent
                    fresh = await self._actor.act(unit, one.message)
                results.append((one, "handled" if fresh else "repeated"))
        return results

    async def _try_one(self, record: Received) -> bool:
        """Handle one record; whether it is done."""
        saying.bind(record)
        try:
            kind = kind_of(record)
            with metrics.HANDLER.labels(record.topic.value).time(), _span(record, kind):
                async with asyncio.timeout(_RECORD_SECONDS):
                    await self._one(record)
        except TRANSIENT as error:
            log.warning("consumer.waits_for_database", exc_info=error)
            return False
        except HandlerHungError:
            return False
        return True

    async def _one(self, record: Received) -> None:
        kind, message, began = kind_of(record), None, time.monotonic()
        try:
            message = await self._actor.read(record)
            saying.bind_command(message)
            result = await self._effect(record, message)
        except RejectedError as error:
            await self._refuse(record, error, message)
        except TRANSIENT:
            raise
        except HandlerHungError:
            metrics.HANDLER_HANGS.labels(*kind).inc()
            log.error("consumer.handler_hangs", type=kind.message_type)  # noqa: TRY400 - no text to show
            self._attempts.note(record.position)
            if not self._attempts.are_spent(record.position):
                raise
            failure = RejectedError(Reason.HANDLER_FAILED, "the handler does not end")
            await self._refuse(record, failure, message)
        except Exception as error:
            log.exception("consumer.handler_failed", exc_info=error)
            failure = RejectedError(Reason.HANDLER_FAILED, "the handler failed")
            await self._refuse(record, failure, message)
        else:
            saying.done(kind, result, time.monotonic() - began)
            if result != "held":
                self._stopper.went_well(kind, record)

    async def _effect(self, record: Received, message: Message) -> str:
        """What became of the record, committed."""
        async with self._database.transaction(record.traceparent) as unit:
            if kind_of(record) in await held.stopped(unit):
                await hold(unit, self._context.sealer, record)
                return "held"
            fresh = await self._actor.act(unit, message)
            return "handled" if fresh else "repeated"

    async def _refuse(
        self, record: Received, error: RejectedError, message: Message | None
    ) -> None:
        """Put the record aside, or keep it if its kind is stopped, or must be now."""
        kind = kind_of(record)
        too_bad = self._stopper.went_wrong(kind, record, error) or may_verify_later(error, record)
        async with self._database.transaction(record.traceparent) as unit:
            stopped = kind in await held.stopped(unit)
            if too_bad and not stopped:
                await stop(unit, kind, error)
            if too_bad or stopped:
                await hold(unit, self._context.sealer, record)
                fresh = False
            else:
                fresh = await self._actor.refuse(unit, record, error, message)
        if fresh:
            say_refused(record, error)
        elif too_bad or stopped:
            count(kind, "held")


def _span(record: Received, kind: Kind, **more: int) -> AbstractContextManager[Span]:
    named: dict[str, str | int] = {"topic": kind.topic, "type": kind.message_type, **more}
    return traces.span("handle message", traces.Kind.CONSUMER, record.traceparent, **named)


def rounds(batch: Iterable[_Readable]) -> Iterator[list[_Readable]]:
    """The batch as rounds in which no two messages are about the same patient or subject.

    So the rows of a round can be read together, before any of it is handled, and messages about one
    keep their order.
    """
    waiting: dict[bytes, list[_Readable]] = {}
    for one in batch:
        waiting.setdefault(_about(one), []).append(one)
    while waiting:
        yield [queue.pop(0) for queue in waiting.values()]
        waiting = {about: queue for about, queue in waiting.items() if queue}


def _about(one: _Readable) -> bytes:
    if isinstance(one.message, CommandMessage):
        return one.message.command.subject_id.encode()
    return one.record.key or b""


async def _read_ahead(unit: Unit, batch: Sequence[_Readable]) -> None:
    messages = [one.message for one in batch]
    commands = [one for one in messages if isinstance(one, CommandMessage)]
    requests = [one.meta.request_id for one in messages if isinstance(one, Webhook)]
    await ahead.lock(
        unit, [one.command.subject_id for one in commands], [one for one in requests if one]
    )
