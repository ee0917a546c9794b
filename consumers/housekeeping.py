"""Keeps tables from growing: partitions ahead and behind, and rows whose time is over.

Any number of replicas may do it at once. Work is cut into short transactions, so that nobody waits for
it; what fails is counted, logged and tried again with the next round, and stops nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Final, NamedTuple

import structlog

from service.settings.retention import Retention
from service.store import partitions, retention, spool
from service.store.pool import TRANSIENT, Database
from service.store.unit import Unit
from service.telemetry import metrics

_PAUSE_SECONDS: Final = 60.0
_BATCHES: Final = 20  # of one piece of work in a round: the others get their turn
_QUEUE_AGE: Final = timedelta(days=1)
WORK: Final = ("partitions", "inbox", "large_body", "hosted_page", "vendor_call", "spool")
"""Everything that a round does, by the names under which failures are counted."""

log = structlog.get_logger()


class Piece(NamedTuple):
    """One piece of work on rows; ``do`` deals with up to ``batch`` of them and tells how many."""

    name: str
    age: timedelta
    batch: int
    do: Callable[[Unit, timedelta, int], Awaitable[int]]


def pieces(ages: Retention) -> tuple[Piece, ...]:
    """What is removed or moved row by row.

    Hosted pages stay as long as the inbox: the vendor's session ids in them are what an identity may
    be bound by when its webhook is sent again. Bodies are large, so few go at once.
    """
    return (
        Piece("inbox", ages.inbox, 5_000, retention.forget_messages),
        Piece("large_body", ages.large_bodies, 20, retention.forget_bodies),
        Piece("hosted_page", ages.inbox, 5_000, retention.forget_pages),
        Piece("vendor_call", ages.calls, 1_000, retention.move_calls),
    )


class Housekeeper:
    """One replica's housekeeping."""

    def __init__(self, database: Database, ages: Retention) -> None:
        self._database = database
        self._ages = ages
        self._pieces = pieces(ages)

    async def run(self) -> None:
        """Do everything once a minute, until cancelled."""
        while True:
            await self.round()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def round(self) -> None:
        """Do everything that is due, once."""
        await self._guarded("partitions", self._partitions)
        for piece in self._pieces:
            await self._guarded(piece.name, partial(self._batches, piece))
        await self._guarded("spool", self._measure_stuck)

    async def _guarded(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except TRANSIENT as error:
            metrics.HOUSEKEEPING_FAILURES.labels(name).inc()
            log.warning("housekeeping.database_away", piece=name, exc_info=error)
        except Exception as error:
            metrics.HOUSEKEEPING_FAILURES.labels(name).inc()
            log.exception("housekeeping.failed", piece=name, exc_info=error)

    async def _partitions(self) -> None:
        wanted = dict.fromkeys(partitions.QUEUES, _QUEUE_AGE)
        wanted[partitions.HISTORY] = self._ages.history
        async with self._database.transaction() as unit:
            if not await partitions.try_alone(unit):
                return
            missing = await partitions.provide(unit)
        metrics.PARTITIONS_MISSING.set(missing)
        for parent, age in wanted.items():
            async with self._database.transaction() as unit:
                if not await partitions.try_alone(unit):
                    return
                dropped = await partitions.drop(unit, parent, age)
            if dropped:
                metrics.HOUSEKEPT.labels(f"{parent}_partition").inc(dropped)
                log.info("housekeeping.partitions_dropped", table=parent, count=dropped)

    async def _batches(self, piece: Piece) -> None:
        for _ in range(_BATCHES):
            async with self._database.transaction() as unit:
                done = await piece.do(unit, piece.age, piece.batch)
            if done:
                metrics.HOUSEKEPT.labels(piece.name).inc(done)
            if done < piece.batch:
                return

    async def _measure_stuck(self) -> None:
        """Rows of the spool that do not open are kept for ever, and operators are told."""
        async with self._database.transaction() as unit:
            metrics.SPOOL_STUCK.set(await spool.stuck(unit))
