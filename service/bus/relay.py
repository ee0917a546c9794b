"""The outbox relay: what a transaction said reaches the topics, at least once, in order per subject.

A replica locks one shard of keys, sends its rows one after another and stops at the first failure; rows
are removed after the acknowledgement. A crash in between repeats rows: readers have ``ce_id`` and
``sequence``. NOTIFY is only a hint; the table is looked at every half second anyway.
"""

import asyncio
import time
from contextlib import suppress
from typing import Final

import structlog

from schemas.cloudevents import Attributes
from schemas.topics import Topic
from service.bus.publisher import Publisher, PublishError
from service.crypto.keys import UnknownKeyError
from service.store import outbox
from service.store.outbox import Draft
from service.store.pool import TRANSIENT, Database
from service.store.unit import Unit
from service.telemetry import metrics

SOURCE: Final = "/metriport-ias"
_BATCH: Final = 100
_SENDING_SECONDS: Final = 15.0
_IDLE_SECONDS: Final = 0.5
_FAULT_SECONDS: Final = 1.0

log = structlog.get_logger()


class Relay:
    """One replica's relay."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher

    async def run(self, wake: asyncio.Event) -> None:
        """Relay until cancelled; ``wake`` is set when rows were written."""
        while True:
            try:
                async with asyncio.timeout(30):
                    sent = await self.round()
            except (*TRANSIENT, PublishError, UnknownKeyError) as error:
                metrics.RELAY_FAILURES.inc()
                log.warning("relay.stopped_at_failure", exc_info=error)
                await asyncio.sleep(_FAULT_SECONDS)
                continue
            if not sent:
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), _IDLE_SECONDS)
                wake.clear()

    async def round(self) -> int:
        """Send what waits in one shard; how many rows were sent.

        Raises:
            PublishError: the broker did not take a row; those before it are removed.
        """
        failed: PublishError | None = None
        async with self._database.transaction() as unit:
            shard = await outbox.claim_shard(unit)
            metrics.OUTBOX_AGE.set(await outbox.oldest_age(unit))
            if shard is None:
                return 0
            sent, failed = await self._send_in_order(unit, shard)
            await outbox.remove(unit, sent)
        if failed is not None:
            raise failed
        return len(sent)

    async def _send_in_order(self, unit: Unit, shard: int) -> tuple[list[int], PublishError | None]:
        sent: list[int] = []
        enough = time.monotonic() + _SENDING_SECONDS
        for row in await outbox.waiting(unit, shard, _BATCH):
            if time.monotonic() > enough:
                break  # what is sent is removed before the round's own deadline
            try:
                await self._publish(row.draft)
            except PublishError as error:
                return sent, error
            metrics.RELAYED.labels(row.draft.topic).inc()
            sent.append(row.position)
        return sent, None

    async def _publish(self, draft: Draft) -> None:
        attributes = Attributes(
            id=str(draft.event_id),
            type=draft.type,
            source=SOURCE,
            time=draft.occurred_at,
            subject=draft.key or None,
            traceparent=draft.traceparent,
        )
        await self._publisher.publish(Topic(draft.topic), draft.key, draft.body, attributes)
