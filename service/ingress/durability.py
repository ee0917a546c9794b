"""Where a record must be before anybody is told that it arrived."""

from typing import Protocol

from service.bus.publisher import Publisher
from service.ingress.records import OutRecord


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
