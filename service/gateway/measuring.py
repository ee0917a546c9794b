"""Says what waits for Metriport and what the limits leave: two statements every five seconds.

The limits are settings of the gateway, so it is the gateway that says how much of them is left.
"""

import time
from typing import Final, get_args

from schemas.sources import SourceStatus
from service.gateway.call_classes import PROBE
from service.gateway.outcome import Outcome
from service.gateway.pacing import Pace
from service.gateway.rounds import in_rounds
from service.store import measures, quota
from service.store.calls import Operation
from service.store.measures import Measured
from service.store.pool import Database
from service.telemetry import metrics

_PAUSE_SECONDS: Final = 5.0
_FOUND: Final = (
    *(f"source_{status.value}" for status in SourceStatus),
    "proof",
    "delivery_failed",
    "delivery_missed",
)


class Measurer:
    """One replica's measurer; every replica says the same."""

    def __init__(self, database: Database, pace: Pace) -> None:
        self._database = database
        self._pools = pace.pools()
        self._of_day = pace.of_day(person_waits=True)

    async def run(self) -> None:
        """Measure until cancelled; while the database is away the gauges stand still."""
        await in_rounds(self.round, _PAUSE_SECONDS, name="measure", enabled=True)

    async def round(self) -> None:
        """Measure once."""
        async with self._database.transaction() as unit:
            traffic = await measures.traffic(unit, self._pools)
            made = await quota.made(unit)
        for operation in Operation:
            waiting = traffic.waiting.get(operation, Measured())
            metrics.CALLS_WAITING.labels(operation).set(waiting.number)
            metrics.CALLS_WAITING_AGE.labels(operation).set(waiting.age)
            metrics.CALLS_IN_FLIGHT.labels(operation).set(traffic.in_flight.get(operation, 0))
        for pool, slots in self._pools.items():
            metrics.SLOTS.labels(pool).set(slots)
            metrics.SLOTS_FREE.labels(pool).set(traffic.slots_free.get(pool, 0))
        metrics.CALLS_OF_DAY.set(made)
        metrics.QUOTA_OF_DAY.set(self._of_day)
        metrics.QUOTA_LEFT.set(max(0, self._of_day - made))
        metrics.TRAFFIC_MEASURED.set(time.time())


def begin_at_zero() -> None:
    """Make a series for whatever can come of a call or a look: one that appears late never *increases*."""
    for operation in (*Operation, PROBE):
        for outcome in get_args(Outcome):
            metrics.VENDOR_CALLS.labels(operation, outcome.__name__.lower())
    for what in _FOUND:
        metrics.FOUND_BY_POLL.labels(what)
