"""Stops every replica and tells operators; lets all go on again. One row in the database says it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import structlog

from schemas.events import DispatchResumed, DispatchStopped
from schemas.reasons import Reason
from service.ias.telling import OPERATORS, UNSEQUENCED
from service.store import dispatch_stop, outbox
from service.store.dispatch_stop import Why
from service.store.unit import Unit
from service.telemetry import metrics

_REASONS: Final[Mapping[Why, Reason]] = {
    Why.KEY_REFUSED: Reason.VENDOR_REFUSED,
    Why.PAUSED: Reason.DISPATCH_PAUSED,
    Why.DATABASE_CHANGED: Reason.DATABASE_CHANGED,
}

log = structlog.get_logger()


async def stop(unit: Unit, why: Why, first_probe: timedelta | None = None) -> bool:
    """No replica calls any more; whether that is news. Operators are told once for each reason."""
    if not await dispatch_stop.stop(unit, why, first_probe):
        return False
    event = DispatchStopped(sequence=UNSEQUENCED, subject_id=OPERATORS, reason=_REASONS[why])
    await outbox.emit_without_subject(unit, event)
    show(why)
    return True


async def resume(unit: Unit, why: Why, *, loss_proven: bool = False) -> bool:
    """All replicas go on, if this is why they stopped; whether this is what let them."""
    if not await dispatch_stop.resume(unit, why, loss_proven=loss_proven):
        return False
    event = DispatchResumed(sequence=UNSEQUENCED, subject_id=OPERATORS)
    await outbox.emit_without_subject(unit, event)
    return True


def show(why: Why | None) -> None:
    """Let the metrics say whether calls are stopped, and why."""
    for one in Why:
        metrics.DISPATCH_STOPPED.labels(one.value).set(one is why)
    metrics.CREDENTIAL_REFUSED.set(why is Why.KEY_REFUSED)
