"""Where a record must be before anybody is told that it arrived.

Kafka first, acknowledged by all in-sync replicas; else a sealed row in Postgres; else an honest no. The
marks are absolute (DESIGN of the answer: body by 1.0 s, Kafka by 2.0 s, spool by 3.0 s, answer by 3.5 s,
because Metriport's docs ask for an answer within 4 s): each store gets one second.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol
from uuid import UUID, uuid4

import structlog

from service.bus.grouping import Groups, NotWrittenError
from service.bus.publisher import Publisher, PublishError
from service.bus.spooling import SpooledRecord, seal_record
from service.crypto.sealing import Sealer
from service.ingress.breaker import Breaker
from service.ingress.records import OutRecord
from service.store import spool
from service.store.pool import Connection
from service.telemetry import metrics

KAFKA_SECONDS: Final = 1.0
SPOOL_SECONDS: Final = 1.0
SPOOL_WRITERS: Final = 4
"""Groups of rows that are written at the same time, each on a connection of its own."""

Connect = Callable[[], AbstractAsyncContextManager[Connection]]

log = structlog.get_logger()


class Durable(Protocol):
    """Makes records durable."""

    async def keep(self, record: OutRecord) -> None:
        """Return only when the record is durable.

        Raises:
            PublishError: it may not be.
        """


class InKafka:
    """Durable means acknowledged by all in-sync replicas."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def keep(self, record: OutRecord) -> None:
        """See ``Durable.keep``."""
        await self._publisher.publish(*record)


class InSpool:
    """Durable means a committed row in Postgres, sealed, for the relay to publish later.

    Rows are written in groups: one commit for each webhook would make the spool slower than the Kafka
    that it stands in for, just when that is away.
    """

    def __init__(self, connect: Connect, sealer: Sealer) -> None:
        self._connect = connect
        self._sealer = sealer
        self._groups = Groups(self._write, seconds=SPOOL_SECONDS, at_once=SPOOL_WRITERS)

    async def keep(self, record: OutRecord) -> None:
        """See ``Durable.keep``. A timeout is ambiguous: the row may be there, and readers dedupe."""
        record_id = uuid4()
        sealed = seal_record(self._sealer, record_id, SpooledRecord(*record))
        try:
            await self._groups.put((record_id, sealed), len(sealed))
        except NotWrittenError as error:
            raise PublishError(str(error)) from None
        metrics.SPOOLED.labels(record.topic.value).inc()

    async def _write(self, rows: Sequence[tuple[UUID, bytes]], until: float) -> None:
        try:
            async with asyncio.timeout_at(until), self._connect() as connection:
                await spool.insert(connection, rows)
        except Exception as error:
            log.warning("spool.not_written", rows=len(rows), exc_info=error)
            raise


class KafkaElseSpool:
    """Kafka while it answers, the spool while it does not."""

    def __init__(self, kafka: Durable, spool_: Durable, breaker: Breaker) -> None:
        self._kafka = kafka
        self._spool = spool_
        self._breaker = breaker

    async def keep(self, record: OutRecord) -> None:
        """See ``Durable.keep``."""
        if self._breaker.allows():
            try:
                await self._kafka.keep(record)
            except PublishError:
                self._breaker.failed()
            else:
                self._breaker.succeeded()
                return
            finally:
                metrics.BREAKER_OPEN.set(self._breaker.is_open)
        await self._spool.keep(record)
