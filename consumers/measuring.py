"""Says how much is open and how old it is: one statement every ten seconds, whoever scrapes how often."""

import asyncio
import time
from typing import Final

import structlog

from service.store import measures
from service.store.pool import TRANSIENT, Database
from service.telemetry import metrics

_PAUSE_SECONDS: Final = 10.0

log = structlog.get_logger()


class Measurer:
    """One replica's measurer; every replica says the same."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Measure until cancelled; while the database is away the gauges stand still and age."""
        while True:
            try:
                await self.round()
            except TRANSIENT as error:
                log.warning("measuring.database_away", exc_info=error)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def round(self) -> None:
        """Measure once."""
        async with self._database.transaction() as unit:
            found = await measures.holdings(unit)
        for (thing, state), one in found.open.items():
            metrics.OPEN_THINGS.labels(thing, state).set(one.number)
            metrics.OPEN_AGE.labels(thing, state).set(one.age)
        metrics.INBOX_ROWS.set(found.inbox.number)
        metrics.INBOX_AGE.set(found.inbox.age)
        metrics.OPEN_MEASURED.set(time.time())
