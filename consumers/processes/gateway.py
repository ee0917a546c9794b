"""The gateway process: every call to Metriport, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from consumers.processes.lifecycle import DRAIN_SECONDS, Running, tasks
from service.gateway.client import open_client
from service.gateway.dispatcher import Dispatcher
from service.gateway.healer.healer import Healer
from service.gateway.measuring import Measurer, begin_at_zero
from service.gateway.operations.common import Surroundings
from service.gateway.pacing import Pace
from service.gateway.watch.watcher import Watcher
from service.settings.roles import GatewaySettings
from service.store import calls, compatibility, environment
from service.store.listen import listen
from service.store.pool import open_database
from service.store.unit import Vault


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
        open_database(settings.database.url, settings.database.pool_size, vault) as database,
        open_client(settings.metriport) as client,
    ):
        async with database.connection() as connection:
            await compatibility.check(connection)
        async with database.transaction() as unit:
            await environment.claim(unit, settings.metriport.api_url)
        pace = Pace(limits=settings.pacing)
        dispatcher = Dispatcher(
            database,
            client,
            around,
            timeout=settings.metriport.timeout,
            pace=pace,
            failover=settings.failover,
        )
        await dispatcher.provide_slots()
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
                started[0].cancel()
                await asyncio.wait([started[0]])
                await dispatcher.drain(DRAIN_SECONDS)

            yield Running(name="gateway", tasks=started, readiness=dict, drain=drain)
