"""A Kafka record as a sealed text, and the relay that brings spooled records to Kafka."""

import asyncio
from typing import Final
from uuid import UUID

import msgspec
import structlog

from schemas.cloudevents import Attributes
from schemas.topics import Topic
from service.bus.publisher import Publisher, PublishError
from service.crypto.keys import UnknownKeyError
from service.crypto.sealing import Opener, Sealer, place
from service.store import spool
from service.store.pool import TRANSIENT, Database
from service.store.spool import Spooled
from service.store.unit import Unit
from service.telemetry import metrics

_BATCH: Final = 20
_IDLE_SECONDS: Final = 1.0
_ROUND_SECONDS: Final = 25.0

log = structlog.get_logger()


class SpooledRecord(msgspec.Struct, frozen=True, array_like=True):
    """Everything that is needed to publish a record later."""

    topic: Topic
    key: str
    value: bytes
    attributes: Attributes


def seal_record(sealer: Sealer, record_id: UUID, record: SpooledRecord) -> bytes:
    """Seal a record for the spool."""
    return sealer.seal(msgspec.msgpack.encode(record), _place(record_id))


def open_record(opener: Opener, record_id: UUID, sealed: bytes) -> SpooledRecord:
    """Open a spooled record.

    Raises:
        UnknownKeyError: not sealed for one of our keys, or for this row.
        msgspec.DecodeError: not a record.
    """
    return msgspec.msgpack.decode(opener.open(sealed, _place(record_id)), type=SpooledRecord)


class SpoolRelay:
    """Publishes spooled records, at least once; any number of replicas."""

    def __init__(self, database: Database, publisher: Publisher, opener: Opener) -> None:
        self._database = database
        self._publisher = publisher
        self._opener = opener

    async def run(self) -> None:
        """Relay until cancelled."""
        while True:
            sent = 0
            try:
                async with asyncio.timeout(_ROUND_SECONDS):
                    sent = await self.round()
            except TRANSIENT as error:
                log.warning("spool.database_away", exc_info=error)
            if not sent:
                await asyncio.sleep(_IDLE_SECONDS)

    async def round(self) -> int:
        """Publish the oldest records, all at once; how many were published.

        What fails stays for the next round: readers dedupe, and a webhook's order is promised to nobody.
        """
        async with self._database.transaction() as unit:
            count, age = await spool.waiting(unit)
            metrics.SPOOL_ROWS.set(count)
            metrics.SPOOL_AGE.set(age)
            rows = await spool.claim(unit, _BATCH)
            opened = {row.position: await self._opened(unit, row) for row in rows}
            sending = [self._publish(at, record) for at, record in opened.items() if record]
            sent = [at for at in await asyncio.gather(*sending) if at is not None]
            await spool.remove(unit, sent)
        return len(sent)

    async def _opened(self, unit: Unit, row: Spooled) -> SpooledRecord | None:
        """The record; one that does not open is kept aside, never dropped."""
        try:
            return open_record(self._opener, row.record_id, row.sealed)
        except (UnknownKeyError, msgspec.DecodeError) as error:
            log.exception("spool.row_does_not_open", exc_info=error)
            await spool.set_stuck(unit, row.position)
            return None

    async def _publish(self, position: int, record: SpooledRecord) -> int | None:
        """The row's position once its record is published, or ``None``."""
        try:
            await self._publisher.publish(record.topic, record.key, record.value, record.attributes)
        except PublishError as error:
            log.warning("spool.kafka_away", error=str(error))
            return None
        return position


def _place(record_id: UUID) -> bytes:
    return place("spool", "record", str(record_id))
