"""The gateway process: every call to Metriport, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from consumers.processes.lifecycle import DRAIN_SECONDS, Running, tasks
from service.ending import end
from service.gateway.client import Look, open_client
from service.gateway.dispatcher import Dispatcher
from service.gateway.healer.healer import Healer
from service.gateway.measuring import Measurer, begin_at_zero
from service.gateway.operations.common import Surroundings
from service.gateway.outcome import VendorResponse
from service.gateway.pacing import Pace
from service.gateway.watch.watcher import Watcher
from service.settings.roles import GatewaySettings
from service.store import calls, environment
from service.store.listen import listen
from service.store.starting import open_when_there, until_there
from service.store.unit import Vault
from service.telemetry.shapes import Shapes


def shapes_of(settings: GatewaySettings) -> Look:
    """Keeps the shapes of answers, where that is switched on."""
    shapes = Shapes(settings.observing.folder, "gateway")

    def look(operation: str, answer: VendorResponse) -> None:
        shapes.answer(operation, answer.status, answer.headers.get("content-type"), answer.body)

    return look


@asynccontextmanager
async def gateway(settings: GatewaySettings) -> AsyncIterator[Running]:
    """Dispatch calls that are due."""
    begin_at_zero()
    vault = Vault(settings.at_rest.keys)
    around = Surroundings(
        facility_id=settings.metriport.facility_id,
        public_url=settings.web.public_url,
        link_keys=settings.web.link_keys,
        rules=settings.rules,
        watching=settings.watching,
    )
    async with (
        open_when_there(settings.database.url, settings.database.pool_size, vault) as database,
        open_client(settings.metriport, shapes_of(settings)) as client,
    ):
        pace = Pace(limits=settings.pacing)
        dispatcher = Dispatcher(
            database,
            client,
            around,
            timeout=settings.metriport.timeout,
            pace=pace,
            failover=settings.failover,
        )

        async def prepare() -> None:
            """Refuse a database of another environment; then have slots to pace by."""
            async with database.transaction() as unit:
                await environment.claim(unit, settings.metriport.api_url)
            await dispatcher.provide_slots()

        await until_there(prepare)
        wake = asyncio.Event()
        async with tasks(
            dispatcher=dispatcher.run(wake),
            listen=listen(database, calls.CHANNEL, wake),
            watcher=Watcher(database, settings.watching).run(),
            healer=Healer(
                database,
                client,
                settings.healing,
                settings.metriport.timeout,
                pace,
            ).run(),
            measuring=Measurer(database, pace).run(),
        ) as started:

            async def drain() -> None:
                """Claim nothing more; let calls under way finish and be recorded."""
                await end(started[:1])
                await dispatcher.drain(DRAIN_SECONDS)

            yield Running(name="gateway", tasks=started, readiness=dict, drain=drain)
