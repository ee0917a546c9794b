"""The outbox relay: what a transaction said reaches the topics, at least once, in order per subject.

A replica locks some shards of keys and sends their rows: many subjects at once, but of one subject one
row at a time, each after the acknowledgement of the one before, because a row that was overtaken
while it is repeated would be out of order. A row that fails holds back its subject and nobody else.
Rows are removed after the acknowledgement. A crash in between repeats rows: readers have ``ce_id`` and
``sequence``. NOTIFY is only a hint; the table is looked at every half second anyway.
"""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NamedTuple

import structlog

from schemas.cloudevents import Attributes
from schemas.topics import Topic
from service.bus.publisher import Publisher, PublishError
from service.crypto.keys import UnknownKeyError
from service.store import outbox_rows
from service.store.outbox import Draft
from service.store.outbox_rows import Waiting
from service.store.pool import TRANSIENT, Database
from service.store.unit import Unit
from service.telemetry import metrics

SOURCE: Final = "/metriport-ias"
_SHARDS: Final = 16  # of 64: a second replica finds some to do
_ROWS: Final = 100  # of one shard
_BYTES: Final = 8 * 1024 * 1024  # of one shard
_AT_ONCE: Final = 256  # subjects that are sent for at the same time
_SENDING_SECONDS: Final = 10.0
_ROUND_SECONDS: Final = 25.0  # below the database's limit for an idle transaction
_IDLE_SECONDS: Final = 0.5
_FAULT_SECONDS: Final = 1.0
_HELD_SECONDS: Final = 2.0
_MEASURE_SECONDS: Final = 5.0

log = structlog.get_logger()


class Round(NamedTuple):
    """What one round did: rows sent and removed, and rows that were tried in vain."""

    sent: int
    failed: int


class Relay:
    """One replica's relay."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self._held: dict[str, float] = {}
        self._measured = float("-inf")

    async def run(self, wake: asyncio.Event) -> None:
        """Relay until cancelled; ``wake`` is set when rows were written."""
        while True:
            try:
                async with asyncio.timeout(_ROUND_SECONDS):
                    await self._measure()
                    done = await self.round()
            except TRANSIENT as error:
                metrics.RELAY_FAILURES.labels("database").inc()
                log.warning("relay.lost_the_database", exc_info=error)
                await asyncio.sleep(_FAULT_SECONDS)
                continue
            if not done.sent:
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), _IDLE_SECONDS)
                wake.clear()

    async def round(self) -> Round:
        """Send what waits in some shards.

        A subject whose row failed is passed over for two seconds, here, so that it does not hide
        those that wait behind it; another replica may try it meanwhile, again in order.
        """
        self._release()
        async with self._database.transaction() as unit:
            shards = await outbox_rows.claim_shards(unit, _SHARDS)
            if not shards:
                return Round(0, 0)
            rows = await outbox_rows.waiting(
                unit, shards, rows=_ROWS, size=_BYTES, without=self._held
            )
            sending = _Sending(self._publisher, unit)
            await sending.send(rows)
            if sending.sent:
                await outbox_rows.remove(unit, sending.sent)
        until = time.monotonic() + _HELD_SECONDS
        self._held |= dict.fromkeys(sending.failed, until)
        return Round(len(sending.sent), len(sending.failed))

    def _release(self) -> None:
        now = time.monotonic()
        self._held = {key: until for key, until in self._held.items() if until > now}

    async def _measure(self) -> None:
        """Say how much waits, every few seconds, in a transaction of its own."""
        if time.monotonic() < self._measured + _MEASURE_SECONDS:
            return
        async with self._database.transaction() as unit:
            backlog = await outbox_rows.measure(unit)
        metrics.OUTBOX_ROWS.set(backlog.rows)
        metrics.OUTBOX_AGE.set(backlog.age)
        self._measured = time.monotonic()


class _Sending:
    """The rows of one round on their way."""

    def __init__(self, publisher: Publisher, unit: Unit) -> None:
        self.sent: list[int] = []
        self.failed: set[str] = set()
        self._publisher = publisher
        self._unit = unit
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._enough = time.monotonic() + _SENDING_SECONDS

    async def send(self, rows: Iterable[Waiting]) -> None:
        """Send every subject's rows; one that fails ends its subject's turn only."""
        subjects: dict[str, list[Waiting]] = {}
        for row in rows:
            subjects.setdefault(row.key, []).append(row)
        async with asyncio.TaskGroup() as group:
            for key, own in subjects.items():
                group.create_task(self._one_after_another(key, own))

    async def _one_after_another(self, key: str, rows: list[Waiting]) -> None:
        async with self._room:
            for row in rows:
                if time.monotonic() > self._enough:
                    return  # what is sent is removed before the round's own deadline
                why = await self._try(row)
                if why is not None:
                    metrics.RELAY_FAILURES.labels(why).inc()
                    self.failed.add(key)
                    return
                self.sent.append(row.position)

    async def _try(self, row: Waiting) -> str | None:
        """Publish one row; what kept it from being published, if anything did."""
        try:
            await self._publish(outbox_rows.opened(self._unit, row))
        except PublishError as error:
            log.warning("relay.not_published", position=row.position, error=str(error))
            return "publish"
        except UnknownKeyError as error:
            log.exception("relay.row_does_not_open", position=row.position, exc_info=error)
            return "unopened"
        except Exception as error:  # a topic that only newer code knows; a defect
            log.exception("relay.row_failed", position=row.position, exc_info=error)
            return "defect"
        metrics.RELAYED.labels(row.topic, row.type).inc()
        return None

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
