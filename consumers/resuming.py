"""Tries stopped types again, and handles what was kept, in order, once that works.

A probe handles the oldest record of a few subjects. Each that succeeds is done for good; if most do,
the rest follows in order, and what fails among the rest is refused as it always would have been. What
its subject's erasure overtook is counted and dropped. Any number of replicas: one at a time works on a
type.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Final, NamedTuple

import structlog

from consumers import saying
from consumers.acting import Actor, Message, say_refused
from consumers.context import Context
from consumers.hanging import Attempts, HandlerHungError
from consumers.holding import open_held
from consumers.late_keys import may_verify_later, telling
from consumers.reading import (
    Callback,
    CommandMessage,
    Reader,
    RejectedError,
    kind_of,
    read_head,
)
from consumers.stopping import Stopper
from schemas.callbacks import Aal2Returned, LinkOpened
from schemas.events import ConsumerResumed
from schemas.ids import SubjectId
from schemas.reasons import Reason
from schemas.topics import Topic
from service.bus.received import Received
from service.crypto.keys import UnknownKeyError
from service.ias.telling import OPERATORS, UNSEQUENCED
from service.store import erased, held, outbox, subjects
from service.store.held import Held, Kind
from service.store.pool import TRANSIENT, Database
from service.store.unit import Unit
from service.telemetry import metrics

PAUSE_SECONDS: Final = 5.0
_WORK_SECONDS: Final = 15.0
_LOOK_AT: Final = 200
_PROBES: Final = 8
_GOOD_SHARE: Final = 0.5

log = structlog.get_logger()


class Waiting(NamedTuple):
    """A kept record, and what it says; ``None`` when it does not open."""

    kept: Held
    record: Received | None


class Resumer:
    """Looks at the stopped types of all replicas."""

    def __init__(self, database: Database, reader: Reader, context: Context) -> None:
        self._database = database
        self._context = context
        self._actor = Actor(database, reader, context)
        self._attempts = Attempts()
        self._shown: set[Kind] = set()

    async def run(self) -> None:
        """Try every few seconds, until cancelled."""
        while True:
            busy = False
            try:
                busy = await self.round()
            except TRANSIENT as error:
                log.warning("resuming.database_away", exc_info=error)
            if not busy:
                await asyncio.sleep(PAUSE_SECONDS)

    async def round(self) -> bool:
        """Try every stopped type once; whether one of them was being caught up with."""
        async with self._database.transaction() as unit:
            kinds = await held.kinds(unit)
            metrics.HELD_RECORDS.set(await held.count(unit) if kinds else 0)
        for kind in self._shown | set(kinds):
            metrics.CONSUMER_STOPPED.labels(*kind).set(kind in kinds)
        self._shown = set(kinds)
        return any([await self._try_or_log(kind) for kind in kinds])

    async def _try_or_log(self, kind: Kind) -> bool:
        structlog.contextvars.clear_contextvars()  # of the record that was tried last
        try:
            return await self._try(kind)
        except HandlerHungError:
            log.error("resuming.handler_hangs", type=kind.message_type)  # noqa: TRY400 - no text to show
            return False

    async def _try(self, kind: Kind) -> bool:
        """Whether there is more of this kind to do at once."""
        async with self._database.transaction() as alone:
            if not await held.try_alone(alone, kind):
                return False
            waiting = [
                Waiting(one, self._open(one)) for one in await held.oldest(alone, kind, _LOOK_AT)
            ]
            if not await self._probe(waiting):
                log.warning("resuming.still_failing", type=kind.message_type)
                return False
            is_left = await self._catch_up(kind, waiting)
        return not await self._resume(kind) and not is_left

    def _open(self, one: Held) -> Received | None:
        try:
            return open_held(self._context.opener, one)
        except UnknownKeyError as error:
            log.exception("resuming.record_does_not_open", exc_info=error)
            return None

    async def _probe(self, waiting: Iterable[Waiting]) -> bool:
        """Whether the oldest records of a few subjects can be handled, or there are none."""
        heads: dict[bytes, Waiting] = {}
        for one in waiting:
            about = b"" if one.record is None else one.record.key or b""
            heads.setdefault(about, one)
        tried = list(heads.values())[:_PROBES]
        told = telling([(await self._handle(one), one.record) for one in tried])
        return told.count(None) >= _GOOD_SHARE * len(told)

    async def _catch_up(self, kind: Kind, waiting: Iterable[Waiting]) -> bool:
        """Handle in order until the time is over, or too much goes wrong again.

        Whether some were left because their key may be under way: no reason to hurry.
        """
        stopper, enough = Stopper(), time.monotonic() + _WORK_SECONDS
        is_left = False
        for one in waiting:
            if time.monotonic() > enough:
                break
            error, record = await self._handle(one), one.record
            if error is None and record is not None:
                stopper.went_well(kind, record)
            if error is None:
                continue
            if may_verify_later(error, record):
                is_left = True
                continue
            if record is None or stopper.went_wrong(kind, record, error):
                log.warning("resuming.failing_again", type=kind.message_type)
                break
            await self._refuse(one.kept, record, error)
        return is_left

    async def _handle(self, one: Waiting) -> RejectedError | None:
        """Handle a kept record in a transaction of its own; why it cannot be, if so.

        Raises:
            HandlerHungError: it may go better later. After some attempts it is not tried for a while.
        """
        kept, record = one
        if record is None:
            return RejectedError(Reason.NOT_AUTHENTIC, "the record does not open")
        if self._attempts.are_spent(record.position):
            return RejectedError(Reason.HANDLER_FAILED, "the handler does not end")
        try:
            await self._effect(kept, record)
        except RejectedError as error:
            return error
        except TRANSIENT:
            raise
        except HandlerHungError:
            metrics.HANDLER_HANGS.labels(kept.topic, kept.message_type).inc()
            self._attempts.note(record.position)
            raise
        except Exception as error:
            log.exception("resuming.handler_failed", exc_info=error)
            return RejectedError(Reason.HANDLER_FAILED, "the handler failed")
        return None

    async def _effect(self, kept: Held, record: Received) -> None:
        began = time.monotonic()
        saying.bind(record)
        message: Message = await self._actor.read(record)
        saying.bind_command(message)
        async with self._database.transaction(record.traceparent) as unit:
            if not await held.take(unit, kept.position):
                return  # the probe did it, or an erasure
            overtaken = await _is_overtaken(unit, kept, _subject_of(message))
            if not overtaken:
                await self._actor.act(unit, message)
        if overtaken:
            _drop_late(kept)
        else:
            saying.done(kind_of(record), "handled", time.monotonic() - began)

    async def _refuse(self, kept: Held, record: Received, error: RejectedError) -> None:
        async with self._database.transaction(record.traceparent) as unit:
            if not await held.take(unit, kept.position):
                return
            head = read_head(record.value) if record.topic is Topic.COMMANDS else None
            overtaken = head is not None and await _is_overtaken(unit, kept, head.subject_id)
            fresh = not overtaken and await self._actor.refuse(unit, record, error, None)
        if overtaken:
            _drop_late(kept)
        if fresh:
            say_refused(record, error)

    async def _resume(self, kind: Kind) -> bool:
        """Let the kind flow again if all is done; whether it does."""
        async with self._database.transaction() as unit:
            if not await held.resume(unit, kind):
                return False
            event = ConsumerResumed(
                sequence=UNSEQUENCED,
                subject_id=OPERATORS,
                topic=kind.topic,
                message_type=kind.message_type,
            )
            await outbox.emit_without_subject(unit, event)
        metrics.CONSUMER_STOPPED.labels(*kind).set(0)
        log.info("consumer.type_resumed", type=kind.message_type)
        return True


async def _is_overtaken(unit: Unit, kept: Held, subject_id: SubjectId | None) -> bool:
    """Whether the record's subject was erased while it was kept; looked at under the subject's lock."""
    if subject_id is None:
        return False
    await subjects.lock(unit, subject_id)
    return await erased.is_since(unit, subject_id, kept.held_at)


def _subject_of(message: Message) -> SubjectId | None:
    """Who sent a command or opened a link; the handlers of webhooks look for themselves."""
    if isinstance(message, CommandMessage):
        return message.command.subject_id
    if isinstance(message, Callback) and isinstance(message.content, LinkOpened | Aal2Returned):
        return message.content.subject_id
    return None


def _drop_late(kept: Held) -> None:
    """Count a record that its subject's erasure overtook."""
    metrics.LATE_FOR_ERASED.labels(kept.message_type).inc()
