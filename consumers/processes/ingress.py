"""The ingress process. It starts, and is ready, whatever the state of Kafka and Postgres.

But it gives both a moment first: a replica that is ready before it can store anything would answer the
first webhooks of a rolling deploy late, or with 503.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from consumers.processes.lifecycle import Running, serve, tasks
from schemas.ids import OpenId
from service.bus.publisher import Publisher
from service.crypto.sealing import Sealer
from service.ingress import heartbeat
from service.ingress.app import public_app
from service.ingress.breaker import Breaker
from service.ingress.durability import KAFKA_SECONDS, InKafka, InSpool, KafkaElseSpool
from service.ingress.large import LargeAside
from service.ingress.records import Recorder
from service.ingress.webhook import begin_at_zero
from service.settings.roles import IngressSettings
from service.store import hosted_pages
from service.store.hosted_pages import HostedPage
from service.store.late import LateDatabase
from service.store.pool import TRANSIENT
from service.telemetry.shapes import Shapes

_FIRST_SECONDS: Final = 2.0

log = structlog.get_logger()


class Pages:
    """Looks up hosted pages; finds nothing while there is no database."""

    def __init__(self, database: LateDatabase) -> None:
        self._database = database

    async def find(self, open_id: OpenId) -> HostedPage | None:
        """See ``FindPage``."""
        try:
            async with self._database.connection() as connection:
                return await hosted_pages.page(connection, open_id)
        except TRANSIENT as error:
            log.warning("ingress.database_away", exc_info=error)
            return None


@asynccontextmanager
async def ingress(settings: IngressSettings) -> AsyncIterator[Running]:
    """Serve webhooks and browsers."""
    begin_at_zero()
    publisher = Publisher(settings.kafka, deadline=KAFKA_SECONDS)
    database = LateDatabase(settings.database.url, settings.database.pool_size)
    sealer = Sealer(settings.sealing.public_key)
    breaker = Breaker(time.monotonic)
    durable = KafkaElseSpool(InKafka(publisher), InSpool(database.connection, sealer), breaker)
    app = public_app(
        webhook_keys=settings.webhooks.keys.current,
        link_keys=settings.web.link_keys,
        recorder=Recorder(sealer, settings.sealing.mac_keys),
        durable=LargeAside(database.connection, sealer, durable),
        find_page=Pages(database).find,
        shapes=Shapes(settings.observing.folder, "ingress"),
    )

    def is_well() -> bool:
        return publisher.is_connected and not breaker.is_open

    async with (
        tasks(
            producer=publisher.run(),
            database=database.run(),
            heartbeat=heartbeat.beat(database.connection, is_well),
        ) as started,
        _moment_for(publisher, database),
        serve(app, "0.0.0.0", settings.process.http_port) as runner,  # noqa: S104 - a pod's own port
    ):

        async def drain() -> None:
            """Requests under way are answered; new ones are not taken."""
            await runner.cleanup()

        yield Running(name="ingress", tasks=started, readiness=dict, drain=drain)


@asynccontextmanager
async def _moment_for(publisher: Publisher, database: LateDatabase) -> AsyncIterator[None]:
    """What follows begins when both are connected, or after a moment."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_FIRST_SECONDS):
            await publisher.connected()
            await database.connected()
    yield
