"""Tries stopped types again, and handles what was kept, in order, once that works.

A probe handles the oldest record of a few subjects. Each that succeeds is done for good; if most do,
the rest follows in order, and what fails among the rest is refused as it always would have been. Any
number of replicas: one at a time works on a type.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Final

import structlog

from consumers.acting import Actor, Message, say_refused
from consumers.context import Context
from consumers.reading import Reader, RejectedError, count, kind_of
from consumers.stopping import OPERATORS, Stopper, open_held
from schemas.events import ConsumerResumed
from schemas.reasons import Reason
from service.bus.subscription import Received
from service.crypto.keys import UnknownKeyError
from service.store import held, outbox
from service.store.held import Held, Kind
from service.store.outbox import UNSEQUENCED
from service.store.pool import TRANSIENT, Database
from service.telemetry import metrics

PAUSE_SECONDS: Final = 5.0
_WORK_SECONDS: Final = 15.0
_LOOK_AT: Final = 200
_PROBES: Final = 8
_GOOD_SHARE: Final = 0.5

log = structlog.get_logger()


class Resumer:
    """Looks at the stopped types of all replicas."""

    def __init__(self, database: Database, reader: Reader, context: Context) -> None:
        self._database = database
        self._context = context
        self._actor = Actor(database, reader, context)
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
        return any([await self._try(kind) for kind in kinds])

    async def _try(self, kind: Kind) -> bool:
        """Whether there is more of this kind to do at once."""
        async with self._database.transaction() as alone:
            if not await held.try_alone(alone, kind):
                return False
            waiting = [
                (one.position, self._open(kind, one))
                for one in await held.oldest(alone, kind, _LOOK_AT)
            ]
            if not await self._probe(waiting):
                log.warning("resuming.still_failing", type=kind.message_type)
                return False
            await self._catch_up(kind, waiting)
        return not await self._resume(kind)

    def _open(self, kind: Kind, one: Held) -> Received | None:
        try:
            return open_held(self._context.opener, kind.topic, one.sealed)
        except UnknownKeyError as error:
            log.exception("resuming.record_does_not_open", exc_info=error)
            return None

    async def _probe(self, waiting: Iterable[tuple[int, Received | None]]) -> bool:
        """Whether the oldest records of a few subjects can be handled, or there are none."""
        heads: dict[bytes, tuple[int, Received | None]] = {}
        for position, record in waiting:
            about = b"" if record is None else record.key or b""
            heads.setdefault(about, (position, record))
        tried = list(heads.values())[:_PROBES]
        results = [await self._handle(position, record) for position, record in tried]
        good = sum(result is None for result in results)
        return good >= _GOOD_SHARE * len(tried)

    async def _catch_up(self, kind: Kind, waiting: Iterable[tuple[int, Received | None]]) -> None:
        """Handle in order until the time is over, or too much goes wrong again."""
        stopper, enough = Stopper(), time.monotonic() + _WORK_SECONDS
        for position, record in waiting:
            if time.monotonic() > enough:
                return
            error = await self._handle(position, record)
            if error is None and record is not None:
                stopper.went_well(kind, record)
            if error is None:
                continue
            if record is None or stopper.went_wrong(kind, record, error):
                log.warning("resuming.failing_again", type=kind.message_type)
                return
            await self._refuse(position, record, error)

    async def _handle(self, position: int, record: Received | None) -> RejectedError | None:
        """Handle a kept record in a transaction of its own; why it cannot be, if so."""
        if record is None:
            return RejectedError(Reason.NOT_AUTHENTIC, "the record does not open")
        try:
            message: Message = await self._actor.read(record)
            async with self._database.transaction(record.traceparent) as unit:
                if not await held.take(unit, position):
                    return None  # the probe did it
                await self._actor.act(unit, message)
        except RejectedError as error:
            return error
        except TRANSIENT:
            raise
        except Exception as error:
            log.exception("resuming.handler_failed", exc_info=error)
            return RejectedError(Reason.HANDLER_FAILED, "the handler failed")
        count(kind_of(record), "handled")
        return None

    async def _refuse(self, position: int, record: Received, error: RejectedError) -> None:
        async with self._database.transaction(record.traceparent) as unit:
            taken = await held.take(unit, position)
            fresh = taken and await self._actor.refuse(unit, record, error, None)
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
