"""Says how much is open and how old it is: one statement every ten seconds, whoever scrapes how often."""

import asyncio
import time
from typing import Final

import structlog

from consumers.housekeeping import WORK
from consumers.reading import KNOWN_TYPES_OF, OTHER
from schemas.events import EVENTS
from schemas.reasons import Reason
from schemas.topics import Topic
from service.store import measures
from service.store.pool import TRANSIENT, Database
from service.telemetry import metrics

_PAUSE_SECONDS: Final = 10.0
_DONE: Final = ("handled", "repeated", "held")
"""What becomes of a message that is not refused; what is refused is counted as a dead letter, too."""

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


def begin_at_zero() -> None:
    """Make the series whose first event an alert must notice.

    Prometheus computes an increase from what it has seen before: a counter that appears with its first
    event never increases. What there can be stands in closed lists.
    """
    for reason in Reason:
        metrics.DEAD_LETTERS.labels(reason.value)
    for event in EVENTS:
        metrics.RELAYED.labels(Topic.EVENTS.value, event)
    for topic, kinds in KNOWN_TYPES_OF.items():
        for kind in (*kinds, OTHER):
            metrics.HANDLER_HANGS.labels(topic.value, kind)
            for result in _DONE:
                metrics.MESSAGES.labels(topic.value, kind, result)
    for piece in WORK:
        metrics.HOUSEKEEPING_FAILURES.labels(piece)
