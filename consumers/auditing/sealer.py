"""The sealer: one among all replicas, it numbers and chains entries within seconds.

Being the one is a lock of the transaction, so that a replica that is stopped, cut off or slow can
never write beside its successor. A round reads the end of the chain under that lock, appends what
waits, and tells operators how far the chain goes.
"""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import structlog

from schemas.events import AuditHeadPublished
from service.crypto.signing import Signer
from service.ias import audit
from service.ias.audit import GENESIS, Head, Position
from service.ias.telling import OPERATORS, UNSEQUENCED
from service.store import audit_chain, outbox
from service.store.pool import TRANSIENT, Database
from service.store.unit import Unit
from service.telemetry import metrics

STALLED_SECONDS: Final = 60.0
_BATCH: Final = 1000
_IDLE_SECONDS: Final = 1.0
_PROVIDE_EVERY: Final = timedelta(hours=1)
_MONTHS_AHEAD: Final = 3

log = structlog.get_logger()


class AuditSealer:
    """Seals the audit of one database; any number of replicas."""

    def __init__(self, database: Database, signer: Signer, head_every: timedelta) -> None:
        self._database = database
        self._signer = signer
        self._head_every = head_every
        self._provided: datetime | None = None

    async def run(self) -> None:
        """Seal until cancelled."""
        while True:
            sealed = 0
            try:
                await self.provide()
                sealed = await self.round()
                await self._measure()
            except TRANSIENT as error:
                log.warning("audit.database_away", exc_info=error)
            if sealed < _BATCH:
                await asyncio.sleep(_IDLE_SECONDS)

    async def round(self) -> int:
        """Chain what waits, close months that are over, publish a head; how many were chained."""
        async with self._database.transaction() as unit:
            if not await audit_chain.lock(unit):
                return 0
            last = await audit_chain.last(unit)
            await self._close_months(unit, last)
            sealed, last = await self._seal(unit, last)
            await self._publish(unit, last)
            return sealed

    async def provide(self) -> None:
        """Partitions for the months to come; where that fails, the default one takes the rows.

        In a transaction of its own: a new partition is locked against everybody until it commits.
        """
        async with self._database.transaction() as unit:
            if self._provided is not None and unit.now - self._provided < _PROVIDE_EVERY:
                return
            if not await audit_chain.lock(unit):
                return
            for ahead in range(_MONTHS_AHEAD + 1):
                month = audit.months_after(audit.month_of(unit.now), ahead)
                if not await audit_chain.provide(unit, month):
                    log.warning("audit.no_partition", month=month.isoformat())
            self._provided = unit.now

    async def _seal(self, unit: Unit, last: Head | None) -> tuple[int, Head | None]:
        waiting = await audit_chain.waiting(unit, _BATCH)
        if not waiting:
            return 0, last
        closed = await audit_chain.last_closed(unit)
        sealed_at = audit.seal_time(
            unit.now, last and last.sealed_at, None if closed is None else closed[0]
        )
        after = GENESIS if last is None else Position(last.number, last.hash)
        links = audit.chain(after, [entry for _, entry in waiting], sealed_at)
        await audit_chain.append(unit, links, [position for position, _ in waiting])
        newest = links[-1]
        return len(links), Head(newest.number, newest.hash, newest.sealed_at)

    async def _publish(self, unit: Unit, last: Head | None) -> None:
        """At most one head every ``head_every``; the last one of a busy time follows when it is due."""
        told = await audit_chain.last_head(unit)
        if last is None or (told is not None and not self._is_due(unit, last, told)):
            return
        signature = self._signer.sign(audit.head_bytes(last))
        await audit_chain.add_head(unit, last, self._signer.key_id, signature)
        event = AuditHeadPublished(
            sequence=UNSEQUENCED,
            subject_id=OPERATORS,
            number=last.number,
            hash=last.hash.hex(),
            sealed_at=last.sealed_at,
            key_id=self._signer.key_id,
            signature=signature.hex(),
        )
        await outbox.emit_without_subject(unit, event)

    def _is_due(self, unit: Unit, last: Head, told: tuple[int, datetime]) -> bool:
        number, at = told
        return last.number > number and unit.now - at >= self._head_every

    async def _close_months(self, unit: Unit, last: Head | None) -> None:
        """A month is over when no link can fall into it any more: write what it came to."""
        this_month = audit.month_of(unit.now)
        while last is not None:
            closed = await audit_chain.last_closed(unit)
            oldest = await audit_chain.oldest_after(unit, 0 if closed is None else closed[1])
            if oldest is None or audit.month_of(oldest) >= this_month:
                return
            await self._close(unit, audit.month_of(oldest))

    async def _close(self, unit: Unit, month: date) -> None:
        found = await audit_chain.checkpoint(
            unit, month, _midnight(month), _midnight(audit.months_after(month, 1))
        )
        if found is None:
            return
        signature = self._signer.sign(audit.checkpoint_bytes(found))
        await audit_chain.close(unit, found, self._signer.key_id, signature)
        log.info("audit.month_closed", month=month.isoformat(), last_number=found.last_number)

    async def _measure(self) -> None:
        async with self._database.transaction() as unit:
            backlog = await audit_chain.backlog(unit)
            last = await audit_chain.last(unit)
        metrics.AUDIT_UNCHAINED.set(backlog.entries)
        metrics.AUDIT_UNCHAINED_AGE.set(backlog.age)
        metrics.AUDIT_CHAINED.set(0 if last is None else last.number)
        if backlog.age > STALLED_SECONDS:
            log.error("audit.sealing_stalled", waiting=backlog.entries, oldest_seconds=backlog.age)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
