"""The ingress process. It starts, and is ready, whatever the state of Kafka and Postgres."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import structlog

from consumers.processes.lifecycle import Running, serve, tasks
from schemas.ids import OpenId
from service.bus.publisher import Publisher
from service.crypto.sealing import Sealer
from service.ingress.app import public_app
from service.ingress.durability import InKafka
from service.ingress.records import Recorder
from service.settings.roles import IngressSettings
from service.store import hosted_pages
from service.store.hosted_pages import HostedPage
from service.store.pool import TRANSIENT, Database, open_database
from service.store.unit import Vault

PUBLISH_SECONDS: Final = 2.0
_RECONNECT_SECONDS: Final = 1.0

log = structlog.get_logger()


class Pages:
    """Looks up hosted pages while there is a database, and finds nothing while there is none."""

    def __init__(self) -> None:
        self._database: Database | None = None

    async def find(self, open_id: OpenId) -> HostedPage | None:
        """See ``FindPage``."""
        if self._database is None:
            return None
        try:
            async with self._database.connection() as connection:
                return await hosted_pages.page(connection, open_id)
        except TRANSIENT as error:
            log.warning("ingress.database_away", exc_info=error)
            return None

    async def run(self, settings: IngressSettings) -> None:
        """Connect as soon as Postgres can be reached, until cancelled."""
        while True:
            try:
                async with open_database(
                    settings.database.url, settings.database.pool_size, Vault(None)
                ) as database:
                    self._database = database
                    await asyncio.Event().wait()
            except (*TRANSIENT, asyncpg.PostgresError) as error:
                log.warning("ingress.database_not_connected", exc_info=error)
                await asyncio.sleep(_RECONNECT_SECONDS)
            finally:
                self._database = None


@asynccontextmanager
async def ingress(settings: IngressSettings) -> AsyncIterator[Running]:
    """Serve webhooks and browsers."""
    publisher = Publisher(settings.kafka, deadline=PUBLISH_SECONDS)
    pages = Pages()
    app = public_app(
        webhook_keys=settings.webhooks.keys.current,
        link_keys=settings.web.link_keys,
        recorder=Recorder(Sealer(settings.sealing.public_key), settings.sealing.mac_keys),
        durable=InKafka(publisher),
        find_page=pages.find,
    )
    async with (
        tasks(producer=publisher.run(), database=pages.run(settings)) as started,
        serve(app, "0.0.0.0", settings.process.http_port) as runner,  # noqa: S104 - a pod's own port
    ):

        async def drain() -> None:
            """Requests under way are answered; new ones are not taken."""
            await runner.cleanup()

        yield Running(name="ingress", tasks=started, readiness=dict, drain=drain)
