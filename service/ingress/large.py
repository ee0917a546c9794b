"""Records that are too large for a topic: the body goes to Postgres, sealed, and is referred to.

Decided by what Kafka would have to carry, that is after packing: a document list of 32 MiB packs to a
few MiB and needs no detour. Where Postgres does not take the body, the record goes whole: the topics
allow for it, and nothing may be lost for the sake of a smaller record.
"""

import asyncio
from typing import Final
from uuid import uuid4

import structlog

from schemas.cloudevents import DATAREF, with_extension
from service.crypto.sealing import Sealer, place
from service.ingress.durability import SPOOL_SECONDS, Connect, Durable
from service.ingress.records import OutRecord
from service.store import large_bodies
from service.store.pool import TRANSIENT

REFER_ABOVE: Final = 8 * 1024 * 1024

log = structlog.get_logger()


class LargeAside:
    """Keeps large bodies aside, and every record, smaller now, in the next store."""

    def __init__(self, connect: Connect, sealer: Sealer, next_store: Durable) -> None:
        self._connect = connect
        self._sealer = sealer
        self._next = next_store

    async def keep(self, record: OutRecord) -> None:
        """See ``Durable.keep``."""
        if len(record.value) > REFER_ABOVE:
            record = await self._referring(record)
        await self._next.keep(record)

    async def _referring(self, record: OutRecord) -> OutRecord:
        body_id = uuid4()
        where = place("large_body", record.topic, str(body_id))
        sealed = await asyncio.to_thread(self._sealer.seal, record.value, where)
        try:
            async with asyncio.timeout(SPOOL_SECONDS), self._connect() as connection:
                await large_bodies.insert(connection, body_id, sealed)
        except TRANSIENT as error:
            log.warning("large_body.goes_whole", exc_info=error)
            return record
        reference = large_bodies.reference(body_id)
        attributes = with_extension(record.attributes, DATAREF, reference)
        return record._replace(value=b"", attributes=attributes)
