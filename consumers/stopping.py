"""Stops a type of messages on a topic that goes wrong for many at once; ``holding`` keeps its records.

The rule is in ``tally``; here its verdict becomes a row that every replica heeds, an event for
operators, a metric and a log line. Other types flow on, and so does this one once ``resuming`` finds
that it works again.
"""

import time

import structlog

from consumers.reading import RejectedError
from consumers.tally import CALLERS, OURS, Tally
from schemas.events import ConsumerStopped
from service.bus.received import Received
from service.ias.telling import OPERATORS, UNSEQUENCED
from service.store import held, outbox
from service.store.held import Kind
from service.store.unit import Unit
from service.telemetry import metrics

log = structlog.get_logger()


class Stopper:
    """What one process has seen go wrong lately."""

    def __init__(self) -> None:
        self._tally: Tally[tuple[Kind, str]] = Tally()

    def went_well(self, kind: Kind, record: Received) -> None:
        """Note a record that was handled."""
        now = time.monotonic()
        self._tally.note((kind, "subject"), record.key or b"", now, bad=False)
        self._tally.note((kind, "sender"), record.header("ce_source") or b"", now, bad=False)

    def went_wrong(self, kind: Kind, record: Received, error: RejectedError) -> bool:
        """Note a record that was refused; whether its kind must stop."""
        now = time.monotonic()
        if error.reason in OURS:
            return self._tally.note((kind, "subject"), record.key or b"", now, bad=True)
        if error.reason in CALLERS:
            sender = record.header("ce_source") or b""
            return self._tally.note((kind, "sender"), sender, now, bad=True)
        return False


async def stop(unit: Unit, kind: Kind, error: RejectedError) -> None:
    """Stop a kind for all replicas, and tell operators."""
    if await held.stop(unit, kind, error.reason):
        event = ConsumerStopped(
            sequence=UNSEQUENCED,
            subject_id=OPERATORS,
            topic=kind.topic,
            message_type=kind.message_type,
            reason=error.reason,
        )
        await outbox.emit_without_subject(unit, event)
        metrics.CONSUMER_STOPPED.labels(*kind).set(1)
        log.error("consumer.type_stopped", type=kind.message_type, reason=error.reason.value)
